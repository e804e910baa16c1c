from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.corpus import Corpus, read_corpus
from rag.datatypes import CorpusError, ModelError
from rag.embed import SentenceTransformerEmbedder, read_learnt, remember_vectors, write_learnt
from rag.index import corpus_chunks, question_texts
from rag.learn import Earlier, Learnt, Schedule, learn
from rag.settings import ROOT
from rag.split import TiktokenTokenizer

SHORT = Schedule(epochs=1, batch=32)
SOME = 8


@pytest.fixture(scope="module")
def small() -> Corpus:
    """The shipped pages with a few entries of their bank."""
    corpus = read_corpus(ROOT / "corpus", most_bytes=5_000_000)
    return Corpus(corpus.documents, (), "", 5_000_000, corpus.bank[:: len(corpus.bank) // SOME])


def taught(corpus: Corpus) -> Learnt:
    chunks = corpus_chunks(corpus, TiktokenTokenizer(), 160)
    return learn(corpus.bank, chunks, corpus.documents, schedule=SHORT)


@pytest.mark.weights
def test_what_is_learnt_is_the_same_to_the_bit_and_changes_the_model_only_by_its_file(
    small: Corpus, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        write_learnt(tmp_path / name, taught(small).weights, {})
    one, two = (tmp_path / name / "weights.safetensors" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    plain, learnt = (SentenceTransformerEmbedder(at) for at in (None, tmp_path / "one"))
    assert plain.digest != learnt.digest
    words = ["How long is a session?"]
    assert np.linalg.norm(learnt.embed(words)) == pytest.approx(1.0, abs=1e-5)
    assert np.array_equal(
        plain.embed(words), SentenceTransformerEmbedder(tmp_path / "none").embed(words)
    )


@pytest.mark.weights
def test_vectors_that_are_shipped_are_those_of_the_model_and_are_checked(tmp_path: Path) -> None:
    shipped = ROOT / "corpus" / "learnt"
    shutil.copy(shipped / "weights.safetensors", tmp_path)
    card = json.loads((shipped / "card.json").read_text(encoding="utf-8"))
    card.pop("vectors", None)
    (tmp_path / "card.json").write_text(json.dumps(card), encoding="utf-8")
    texts = ["How long is a session?", "is it addictive", "wat does it cost"]
    told = list[tuple[int, int]]()
    model = SentenceTransformerEmbedder(tmp_path)
    remember_vectors(tmp_path, texts, progress=lambda *done: told.append(done))
    assert told[-1] == (3, 3)
    again = SentenceTransformerEmbedder(tmp_path)
    assert again.digest != model.digest
    both = [*texts, "something else"]
    assert (again.embed(both) * model.embed(both)).sum(axis=1) == pytest.approx(1, abs=1e-3)
    assert np.array_equal(again.embed(["something else"]), model.embed(["something else"]))
    (tmp_path / "vectors.safetensors").write_bytes(b"others")
    with pytest.raises(ModelError, match="rag learn"):
        SentenceTransformerEmbedder(tmp_path)


@pytest.mark.weights
def test_learnt_weights_that_are_not_those_on_their_card_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "learnt"
    shipped = ROOT / "corpus" / "learnt"
    folder.mkdir()
    content = bytearray((shipped / "weights.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "weights.safetensors").write_bytes(content)
    (folder / "card.json").write_bytes((shipped / "card.json").read_bytes())
    with pytest.raises(ModelError, match="rag learn"):
        SentenceTransformerEmbedder(folder)
    (folder / "card.json").write_text("[]")
    with pytest.raises(ModelError, match="rag learn"):
        SentenceTransformerEmbedder(folder)


@pytest.mark.weights
def test_learning_goes_on_from_what_was_learnt_with_what_is_new(
    small: Corpus, tmp_path: Path
) -> None:
    chunks = corpus_chunks(small, TiktokenTokenizer(), 160)
    shipped = ROOT / "corpus" / "learnt"
    for name in ("weights.safetensors", "card.json"):
        shutil.copy(shipped / name, tmp_path)
    known = question_texts(small.bank[:-1], small.documents)
    remember_vectors(tmp_path, known, progress=lambda *_: None)
    weights, remembered = read_learnt(tmp_path)
    earlier, none = Earlier(weights, remembered.new), replace(SHORT, epochs=0)
    begun = learn(small.bank, chunks, small.documents, schedule=none, earlier=earlier)
    assert all(bool((begun.weights[name] == weights[name]).all()) for name in weights)
    with pytest.raises(CorpusError, match="nothing that was not learnt"):
        learn(small.bank[:-1], chunks, small.documents, schedule=none, earlier=earlier)


@pytest.mark.weights
def test_going_on_from_nothing_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="--further"):
        read_learnt(tmp_path)


def test_the_shipped_card_says_that_learning_helped() -> None:
    card = json.loads((ROOT / "corpus" / "learnt" / "card.json").read_text(encoding="utf-8"))
    assert card["after"] > card["before"]


def test_too_small_a_bank_is_an_error_that_says_how_to_start(corpus: Corpus) -> None:
    with pytest.raises(CorpusError, match="--draft"):
        learn((), (), corpus.documents, schedule=SHORT)
