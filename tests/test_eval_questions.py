"""The fixed questions are what eval/README.md says they are."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from eval.questions import read_pages, read_questions
from eval.values import Kind
from rag.corpus import read_corpus
from rag.embed import SentenceTransformerEmbedder
from rag.settings import ROOT
from rag.sparse import terms

_ALIKE = 0.9
# Cries for help and greetings resemble each other whoever writes them.
_FEW_WORDS = {Kind.DANGER, Kind.GREETING, Kind.FOLLOW_UP}


@pytest.mark.parametrize("checker", ["check_questions.py", "check_statements.py"])
def test_the_checkers_find_nothing(checker: str) -> None:
    done = subprocess.run(
        [sys.executable, f"eval/{checker}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def packaged() -> SentenceTransformerEmbedder:
    """The model as it is published: what was learnt here would judge itself."""
    return SentenceTransformerEmbedder()


@pytest.mark.weights
def test_no_test_question_is_a_paraphrase_of_a_dev_question(
    packaged: SentenceTransformerEmbedder,
) -> None:
    pages = read_pages(ROOT / "corpus")
    dev, test = (
        [q for q in read_questions(pages, split) if q.kind not in _FEW_WORDS]
        for split in ("dev", "test")
    )
    embed = packaged.embed
    similarity = embed([q.words for q in test]) @ embed([q.words for q in dev]).T
    at, other = np.unravel_index(int(similarity.argmax()), similarity.shape)
    assert similarity.max() < _ALIKE, (test[at].id, dev[other].id)


def _share_words(one: set[str], other: set[str]) -> bool:
    return 3 * len(one & other) >= len(one | other)


@pytest.mark.weights
def test_no_question_of_the_bank_is_one_that_is_asked_here(
    packaged: SentenceTransformerEmbedder,
) -> None:
    pages = read_pages(ROOT / "corpus")
    fixed = [q for split in ("dev", "test") for q in read_questions(pages, split)]
    asked = [q.words for q in fixed] + [q.twin.question for q in fixed if q.twin]
    bank = read_corpus(ROOT / "corpus", most_bytes=5_000_000).bank
    # Questions as alike as that share words; embedding the whole bank would take minutes.
    said = [set(terms(question)) for question in asked]
    known = [
        question
        for entry in bank
        for question, words in zip(
            entry.questions, map(set, map(terms, entry.questions)), strict=True
        )
        if any(_share_words(words, other) for other in said)
    ]
    similarity = packaged.embed(known) @ packaged.embed(asked).T
    at, other = np.unravel_index(int(similarity.argmax()), similarity.shape)
    assert similarity.max() < _ALIKE, (known[at], asked[other])
