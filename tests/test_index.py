from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from rag.corpus import Corpus, read_corpus
from rag.datatypes import (
    CorpusError,
    IndexCorruptError,
    IndexMissingError,
    ModelError,
    StoredIndexError,
)
from rag.index import BuildReport, Index, build_index, chunk_text, open_index, sentence_text
from rag.settings import ROOT
from rag.split import TiktokenTokenizer
from tests.conftest import HashingEmbedder


def build(corpus: Corpus, folder: Path, embedder: HashingEmbedder) -> BuildReport:
    return build_index(
        corpus, folder, embedder=embedder, tokenizer=TiktokenTokenizer(), chunk_tokens=160
    )


def read(pages: Path) -> Corpus:
    return read_corpus(pages, most_bytes=1_000_000)


def contents(index: Index) -> list[tuple[str, str, list[str]]]:
    return [
        (c.document.id, c.text, [c.document.slice(s.span) for s in c.sentences])
        for c in index.chunks
    ]


def assert_whole(index: Index, embedder: HashingEmbedder) -> None:
    """Every vector is that of the text it stands for."""
    texts = [chunk_text(chunk) for chunk in index.chunks]
    assert np.allclose(index.chunk_vectors.vectors(range(len(texts))), embedder.embed(texts))
    sentences = [sentence_text(c, s) for c in index.chunks for s in c.sentences]
    found = index.sentence_vectors.vectors(range(len(sentences)))
    assert np.allclose(found, embedder.embed(sentences))


def test_opened_index_holds_the_pages_and_their_vectors(
    corpus: Corpus, tmp_path: Path, embedder: HashingEmbedder
) -> None:
    build(corpus, tmp_path / "index", embedder)
    index = open_index(tmp_path / "index", every_byte=True)
    assert tuple(index.documents.values()) == corpus.documents
    assert_whole(index, embedder)


def test_nothing_changed_nothing_is_done(
    pages: Path, tmp_path: Path, embedder: HashingEmbedder
) -> None:
    build(read(pages), tmp_path / "index", embedder)
    before = (tmp_path / "index" / "manifest.json").read_bytes()
    embedder.embedded.clear()
    assert build(read(pages), tmp_path / "index", embedder).fresh
    assert not embedder.embedded
    assert (tmp_path / "index" / "manifest.json").read_bytes() == before


def test_a_changed_paragraph_embeds_only_its_own_texts(
    pages: Path, tmp_path: Path, embedder: HashingEmbedder
) -> None:
    build(read(pages), tmp_path / "index", embedder)
    embedder.embedded.clear()
    page = pages / "lamp.txt"
    page.write_text(page.read_text().replace("nine minutes", "ten minutes"))
    report = build(read(pages), tmp_path / "index", embedder)
    assert (report.chunks_embedded, report.sentences_embedded) == (1, 1)
    assert sorted(embedder.embedded) == [
        "It needs ten minutes before it is bright.",
        "The blue lamp warms up slowly. It needs ten minutes before it is bright.",
    ]
    assert_whole(open_index(tmp_path / "index", every_byte=True), embedder)


def test_an_update_gives_the_very_index_that_a_build_from_nothing_gives(
    pages: Path, tmp_path: Path, embedder: HashingEmbedder
) -> None:
    build(read(pages), tmp_path / "one", embedder)
    (pages / "new.txt").write_text("New Page\n\nA new sentence stands here.\n")
    (pages / "kettle.md").unlink()
    build(read(pages), tmp_path / "one", embedder)
    build(read(pages), tmp_path / "two", embedder)
    assert open_index(tmp_path / "one").digest == open_index(tmp_path / "two").digest


def test_files_that_cannot_be_read_do_not_stop_the_others(
    pages: Path, tmp_path: Path, embedder: HashingEmbedder
) -> None:
    (pages / "bad.txt").write_bytes(b"\0\1\2")
    assert build(read(pages), tmp_path / "index", embedder).counts.documents == 3


def test_no_page_at_all_is_an_error_and_leaves_the_index_of_before(
    pages: Path, tmp_path: Path, embedder: HashingEmbedder
) -> None:
    build(read(pages), tmp_path / "index", embedder)
    for page in pages.iterdir():
        page.unlink()
    (pages / "bad.txt").write_bytes(b"\0")
    with pytest.raises(CorpusError, match=r"bad\.txt: is binary"):
        build(read(pages), tmp_path / "index", embedder)
    assert len(open_index(tmp_path / "index").documents) == 3


def test_a_chunk_over_the_embedders_window_fails_the_build(
    corpus: Corpus, tmp_path: Path, embedder: HashingEmbedder
) -> None:
    embedder.window = 8
    with pytest.raises(ModelError, match=r"the embedder reads 8\. Lower RAG_CHUNK_TOKENS"):
        build(corpus, tmp_path / "index", embedder)


def test_a_missing_index_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(IndexMissingError, match="python -m rag index"):
        open_index(tmp_path)


def test_every_damage_is_found_by_name_and_mended_by_the_next_build(
    corpus: Corpus, tmp_path: Path, embedder: HashingEmbedder
) -> None:
    folder = tmp_path / "index"
    build(corpus, folder, embedder)
    digest = open_index(folder).digest
    names = list(json.loads((folder / "manifest.json").read_text())["files"])
    for name in names:
        home = folder / json.loads((folder / "manifest.json").read_text())["folder"]
        content = bytearray((home / name).read_bytes() or b"\0")
        content[len(content) // 2] ^= 1
        (home / name).write_bytes(content)
        with pytest.raises(IndexCorruptError, match=rf"{name} .*expected (?:[0-9a-f]{{64}}|0\.)"):
            open_index(folder)
        assert not build(corpus, folder, embedder).fresh
        home = folder / open_index(folder).manifest.folder
        (home / name).unlink()
        with pytest.raises(IndexCorruptError, match=rf"{name} is missing"):
            open_index(folder)
        build(corpus, folder, embedder)
        assert open_index(folder, every_byte=True).digest == digest


@pytest.mark.parametrize(
    "manifest", ["", "{", "[]", "{}", '{"recipe": {"schema": 99}}', '{"recipe": {"schema": 1}}']
)
def test_a_manifest_that_makes_no_sense_is_an_error_with_a_remedy(
    corpus: Corpus, tmp_path: Path, embedder: HashingEmbedder, manifest: str
) -> None:
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "manifest.json").write_text(manifest)
    with pytest.raises(IndexCorruptError, match="--rebuild"):
        open_index(tmp_path / "index")
    build(corpus, tmp_path / "index", embedder)
    assert open_index(tmp_path / "index").documents


def test_an_edited_manifest_does_not_match_its_digest(
    corpus: Corpus, tmp_path: Path, embedder: HashingEmbedder
) -> None:
    build(corpus, tmp_path / "index", embedder)
    manifest = tmp_path / "index" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"tokenizer": "cl', '"tokenizer": "dl'))
    with pytest.raises(IndexCorruptError, match="has digest"):
        open_index(tmp_path / "index")


def test_another_embedder_embeds_everything_anew(
    corpus: Corpus, tmp_path: Path, embedder: HashingEmbedder
) -> None:
    build(corpus, tmp_path / "index", embedder)
    other = HashingEmbedder()
    other.digest = "0" * 64
    report = build(corpus, tmp_path / "index", other)
    assert report.chunks_embedded == report.counts.chunks


def test_raising_the_limit_on_files_takes_in_what_was_left_out(
    pages: Path, tmp_path: Path, embedder: HashingEmbedder
) -> None:
    small = read_corpus(pages, most_bytes=200)
    assert build(small, tmp_path / "index", embedder).counts.documents < 3
    assert build(read(pages), tmp_path / "index", embedder).counts.documents == 3


def test_edited_counts_in_the_manifest_are_found(
    corpus: Corpus, tmp_path: Path, embedder: HashingEmbedder
) -> None:
    build(corpus, tmp_path / "index", embedder)
    manifest = tmp_path / "index" / "manifest.json"
    manifest.write_text(re.sub(r'"chunks": \d+', '"chunks": 8500', manifest.read_text()))
    with pytest.raises(IndexCorruptError, match="has digest"):
        open_index(tmp_path / "index")


def test_a_folder_that_cannot_be_made_is_an_error(
    corpus: Corpus, tmp_path: Path, embedder: HashingEmbedder
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoredIndexError, match="--index"):
        build(corpus, tmp_path / "file" / "index", embedder)


def test_builds_at_the_same_time_leave_one_whole_index(
    pages: Path, tmp_path: Path, embedder: HashingEmbedder
) -> None:
    folder = tmp_path / "index"
    corpora = [read(pages)]
    (pages / "extra.txt").write_text("Extra\n\nOne more sentence is here.\n")
    corpora.append(read(pages))
    threads = [
        threading.Thread(target=build, args=(corpora[at % 2], folder, HashingEmbedder()))
        for at in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    index = open_index(folder, every_byte=True)
    assert_whole(index, embedder)
    assert [path.name for path in folder.iterdir() if path.is_dir()] == [index.manifest.folder]


_BUILDER = """
import os, random, signal, sys, threading
from pathlib import Path
from rag import bundle
from tests.conftest import HashingEmbedder
from tests.test_index import build, read

# Die at the call with this number of those that touch the disk.
left = int(sys.argv[3])
def dying(real):
    def call(*args, **kwargs):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **kwargs)
    return call
for name in ("open", "rename", "replace", "mkdir"):
    setattr(Path, name, dying(getattr(Path, name)))
os.fsync = dying(os.fsync)
build(read(Path(sys.argv[1])), Path(sys.argv[2]), HashingEmbedder())
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is not of this system")
def test_a_build_killed_at_any_moment_leaves_the_index_of_before_or_the_new_one(
    pages: Path, tmp_path: Path, embedder: HashingEmbedder
) -> None:
    folder = tmp_path / "index"
    build(read(pages), folder, embedder)
    before = contents(open_index(folder))
    (pages / "extra.txt").write_text("Extra\n\nOne more sentence is here.\n")
    build(read(pages), tmp_path / "other", embedder)
    after = contents(open_index(tmp_path / "other"))
    moments = random.Random(7).sample(range(70), 10)
    killed = 0
    for moment in moments:
        done = subprocess.run(
            [sys.executable, "-c", _BUILDER, str(pages), str(folder), str(moment)],
            cwd=ROOT,
            check=False,
        )
        killed += done.returncode == -signal.SIGKILL
        index = open_index(folder, every_byte=True)
        assert contents(index) in (before, after)
        assert_whole(index, embedder)
    assert killed >= 3
    build(read(pages), folder, embedder)
    assert contents(open_index(folder, every_byte=True)) == after


ENTRY = {
    "topic": "bright",
    "questions": ["When is it bright?", "bright in the North, when"],
    "points": [[{"page": "lamp.txt", "quote": "It needs nine minutes before it is bright."}]],
}
GAP = {"gap": "price", "questions": ["What does it cost?"], "off_topic": True}


def write_bank(pages: Path, *entries: Mapping[str, object]) -> None:
    lines = "\n".join(json.dumps(entry) for entry in entries)
    (pages / "questions.jsonl").write_text(lines, encoding="utf-8")


def test_opened_index_holds_the_bank_as_it_was_read(
    pages: Path, tmp_path: Path, embedder: HashingEmbedder
) -> None:
    write_bank(pages, ENTRY, GAP)
    corpus = read(pages)
    assert build(corpus, tmp_path / "index", embedder).counts.questions == 3
    index = open_index(tmp_path / "index")
    assert index.bank == corpus.bank
    assert [asked.entry for asked in index.asked] == [0, 0, 1]
    assert [asked.documents for asked in index.asked] == [None, {"lamp-north.txt"}, None]
    texts = ["When is it bright?", "bright, when", "What does it cost?"]
    assert np.allclose(index.question_vectors.vectors(range(3)), embedder.embed(texts))


def test_a_new_question_embeds_only_itself(
    pages: Path, tmp_path: Path, embedder: HashingEmbedder
) -> None:
    write_bank(pages, ENTRY)
    build(read(pages), tmp_path / "index", embedder)
    write_bank(pages, ENTRY, GAP)
    embedder.embedded.clear()
    report = build(read(pages), tmp_path / "index", embedder)
    assert (report.chunks_embedded, report.questions_embedded) == (0, 1)
    assert embedder.embedded == ["What does it cost?"]
