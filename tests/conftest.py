"""Three tiny pages, and an embedder that needs no weights."""

from __future__ import annotations

import hashlib
import shutil
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings as property_settings

from rag.assistant import Assistant, open_assistant
from rag.corpus import Corpus, read_corpus
from rag.datatypes import Document
from rag.embed import FloatArray
from rag.settings import ROOT, Settings
from rag.sparse import terms

# How long an example takes says nothing here: two tests run at once.
property_settings.register_profile("untimed", deadline=None)
property_settings.load_profile("untimed")

PAGES = {
    "lamp.txt": (
        "How to Use the Blue Lamp\n\n"
        "The blue lamp warms up slowly. It needs nine minutes before it is bright.\n\n"
        "Cleaning the Lamp\n\n"
        "Before you clean the lamp, have these things ready:\n\n"
        "  • A soft cloth\n  • Warm water\n  • Mild soap\n\n"
        "Call 0300 123 4567 to order a new lamp.\n"
    ),
    "lamp-north.txt": (
        "The Lamp in the North\n\n"
        "The blue lamp warms up slowly. It needs twelve minutes before it is bright.\n\n"
        "Setting It Up\n\nHere is what happens when you set up the lamp:\n\n"
        "  1. You unpack the lamp. Mind the glass.\n"
        "  2. You plug the lamp in. A green light comes on.\n"
        "  3. You press the switch for three seconds.\n"
    ),
    "kettle.md": (
        "# The Kettle\n\n## Boiling\n\nThe kettle boils a litre of water in two minutes.\n\n"
        "## Comments\n\nMy kettle burst into flames after a week!\n\n"
        "Comment by Robin — May 1, 2024 @ 9:00 AM\n"
    ),
}
SOURCES = """
[[source]]
path = "lamp.txt"
title = "How to Use the Blue Lamp"
publisher = "Southern Lamps"
region = "South"
names = ["Southern Lamps", "South"]

[[source]]
path = "lamp-north.txt"
title = "The Lamp in the North"
publisher = "Northern Lamps"
region = "North"
names = ["Northern Lamps", "North"]
"""


class HashingEmbedder:
    """Each stemmed word has a fixed random direction; a text is the sum of its words."""

    dimensions = 64
    window = 10_000

    def __init__(self) -> None:
        self.embedded: list[str] = []
        self.digest = hashlib.sha256(b"hashing embedder").hexdigest()

    def count(self, text: str) -> int:
        return len(text.split()) + 2

    def embed(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> FloatArray:
        self.embedded += texts
        rows = np.stack([self._row(text) for text in texts]) if texts else np.zeros((0, 64))
        if progress:
            progress(len(texts))
        return np.asarray(rows, dtype=np.float32)

    def _row(self, text: str) -> FloatArray:
        row = np.full(self.dimensions, 1e-6)
        for term in terms(text):
            generator = np.random.default_rng(zlib.crc32(term.encode()))
            row += generator.standard_normal(self.dimensions)
        return np.asarray(row / np.linalg.norm(row), dtype=np.float32)


@pytest.fixture
def embedder() -> HashingEmbedder:
    return HashingEmbedder()


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    folder = tmp_path / "pages"
    folder.mkdir()
    for name, text in PAGES.items():
        (folder / name).write_bytes(text.encode())
    (folder / "sources.toml").write_text(SOURCES, encoding="utf-8")
    return folder


@pytest.fixture
def corpus(pages: Path) -> Corpus:
    return read_corpus(pages, most_bytes=1_000_000)


@pytest.fixture
def settings(pages: Path, tmp_path: Path) -> Settings:
    return Settings(corpus=pages, index=tmp_path / "index")


@pytest.fixture
def assistant(settings: Settings, embedder: HashingEmbedder) -> Assistant:
    """The real line over the tiny pages; its threshold suits the hashing embedder."""
    opened = open_assistant(settings, embedder=embedder)
    scale = replace(
        opened.calibration,
        sentence_offset=0.0,
        plain_weight=20.0,
        plain_intercept=-7.0,
        operating_point=0.5,
        nearest_point=0.2,
    )
    return replace(opened, calibration=scale)


@pytest.fixture(scope="session")
def real_assistant(tmp_path_factory: pytest.TempPathFactory) -> Assistant:
    """The shipped pages, bank and weights; the index of the checkout, if it is current."""
    index = tmp_path_factory.mktemp("real") / "index"
    # A copy: what is not current is built anew, and never where a visitor's server reads.
    shutil.copytree(ROOT / "index", index)
    return open_assistant(Settings(corpus=ROOT / "corpus", index=index))


@pytest.fixture(scope="session")
def real_pages() -> dict[str, Document]:
    """The shipped pages."""
    corpus = read_corpus(ROOT / "corpus", most_bytes=1_000_000)
    return {document.id: document for document in corpus.documents}
