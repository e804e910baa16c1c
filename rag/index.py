"""Builds, updates and opens ``index/`` as one checked whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

import numpy as np

from rag import bundle, store
from rag.bundle import Counts, Manifest, Recipe
from rag.corpus import Corpus
from rag.datatypes import (
    Asked,
    BankEntry,
    Chunk,
    CorpusError,
    Document,
    IndexCorruptError,
    ModelError,
    Sentence,
    StoredIndexError,
)
from rag.dense import DenseIndex
from rag.embed import Embedder, FloatArray
from rag.scope import read_scope
from rag.sparse import SparseIndex
from rag.split import ENCODING, Tokenizer, embedded_text, read_chunks
from rag.words import Words, read_words

Progress = Callable[[int, int], None]
"""Told how many texts are embedded so far, of how many."""

_DOCUMENTS, _CHUNKS = "documents.jsonl", "chunks.jsonl"
_BANK, _ASKED = "bank.jsonl", "asked.jsonl"
_CHUNK_VECTORS, _SENTENCE_VECTORS = "chunks.faiss", "sentences.faiss"
_QUESTION_VECTORS, _POSTINGS, _WORDS = "questions.faiss", "postings", "words.json"
_READERS = (
    "bank.py",
    "blocks.py",
    "corpus.py",
    "index.py",
    "scope.py",
    "sparse.py",
    "split.py",
    "words.py",
)


@dataclass(frozen=True, slots=True)
class Index:
    """An opened index.

    Sentence vectors stand in the order of the chunks' sentences, question vectors in that
    of the bank's questions, which is that of ``asked``.
    """

    manifest: Manifest
    documents: Mapping[str, Document]
    chunks: tuple[Chunk, ...]
    bank: tuple[BankEntry, ...] = field(repr=False)
    first_sentences: tuple[int, ...] = field(repr=False)
    asked: tuple[Asked, ...] = field(repr=False)
    chunk_vectors: DenseIndex = field(repr=False)
    sentence_vectors: DenseIndex = field(repr=False)
    question_vectors: DenseIndex = field(repr=False)
    postings: SparseIndex = field(repr=False)
    words: Words = field(repr=False)

    @property
    def digest(self) -> str:
        """sha256 that names everything in this index."""
        return self.manifest.digest


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did: what the index holds, and how many vectors had to be made."""

    counts: Counts
    chunks_embedded: int = 0
    sentences_embedded: int = 0
    questions_embedded: int = 0
    fresh: bool = False


def recipe(corpus: Corpus, *, embedder: str, chunk_tokens: int) -> Recipe:
    """The recipe of the index that a corpus calls for."""
    code = b"".join((Path(__file__).parent / name).read_bytes() for name in _READERS)
    return Recipe(
        bundle.SCHEMA,
        corpus.digest,
        embedder,
        ENCODING,
        chunk_tokens,
        corpus.most_bytes,
        hashlib.sha256(code).hexdigest(),
    )


def is_current(index: Path, wanted: Recipe) -> bool:
    """Whether the index that is there was built to this very recipe, and is whole in size."""
    try:
        manifest = bundle.read_manifest(index)
        for name in manifest.files:
            bundle.check_file(index, manifest, name, every_byte=False)
    except StoredIndexError:
        return False
    return manifest.recipe == wanted


def build_index(
    corpus: Corpus,
    folder: Path,
    *,
    embedder: Embedder,
    tokenizer: Tokenizer,
    chunk_tokens: int,
    rebuild: bool = False,
    progress: Progress | None = None,
) -> BuildReport:
    """Bring ``folder`` up to date with a corpus; only new texts are embedded.

    Raises:
        CorpusError: not one page can be answered from.
        ModelError: a chunk is longer than the embedder reads.
        StoredIndexError: the folder cannot be written.
    """
    if not corpus.documents:
        reasons = "".join(f"\n  {problem}" for problem in corpus.problems)
        raise CorpusError(f"There is no page to answer from.{reasons or ' The folder is empty.'}")
    wanted = recipe(corpus, embedder=embedder.digest, chunk_tokens=chunk_tokens)
    # Looked at before the lock too: an index that is up to date may lie on a read-only disk.
    if not rebuild and is_current(folder, wanted):
        return _nothing_done(folder)
    with bundle.only_builder(folder):
        if not rebuild and is_current(folder, wanted):
            return _nothing_done(folder)
        known = {} if rebuild else _known_vectors(folder, embedder.digest)
        chunks = corpus_chunks(corpus, tokenizer, chunk_tokens)
        _check_window(chunks, embedder)
        return _write(corpus, chunks, folder, wanted, known, embedder, progress)


def _nothing_done(folder: Path) -> BuildReport:
    return BuildReport(bundle.read_manifest(folder).counts, fresh=True)


def open_index(folder: Path, *, every_byte: bool = False) -> Index:
    """Open the index that is there, checking its manifest and its small files.

    Args:
        folder: where the index is kept.
        every_byte: also check the sha256 of the large files.

    Raises:
        IndexMissingError: nothing has been built.
        IndexCorruptError: something is not what was written.
    """
    for attempt in range(5):
        manifest = bundle.read_manifest(folder)
        try:
            return _open(folder, manifest, every_byte=every_byte)
        except IndexCorruptError:
            # A build may have replaced the bundle after its manifest was read.
            if attempt == 4 or bundle.read_manifest(folder) == manifest:
                raise
    raise AssertionError("unreachable")


def _open(folder: Path, manifest: Manifest, *, every_byte: bool) -> Index:
    for name in manifest.files:
        bundle.check_file(folder, manifest, name, every_byte=every_byte)
    home = folder / manifest.folder
    documents = store.read_documents(home / _DOCUMENTS)
    chunks = store.read_chunks(home / _CHUNKS, documents)
    bank = store.read_bank(home / _BANK)
    counts = accumulate((len(chunk.sentences) for chunk in chunks), initial=0)
    return Index(
        manifest,
        {document.id: document for document in documents},
        chunks,
        bank,
        tuple(counts)[:-1],
        store.read_asked(home / _ASKED),
        DenseIndex.open(home / _CHUNK_VECTORS),
        DenseIndex.open(home / _SENTENCE_VECTORS),
        DenseIndex.open(home / _QUESTION_VECTORS),
        SparseIndex.open(home / _POSTINGS, len(chunks)),
        store.read_words(home / _WORDS),
    )


def chunk_text(chunk: Chunk) -> str:
    """What is embedded and indexed for a chunk: its text under its headings, without the title.

    The title stands over every chunk of a page; with it they grow alike and are told
    apart less well (first sentence right 0.55 without, 0.40 with it, on dev questions).
    """
    return embedded_text(chunk.headings[1:], chunk.text)


def sentence_text(chunk: Chunk, sentence: Sentence) -> str:
    """What is embedded for a sentence: its text under its headings, without the title."""
    return embedded_text(chunk.headings[1:], chunk.document.slice(sentence.span))


def question_texts(bank: Iterable[BankEntry], documents: Iterable[Document]) -> tuple[str, ...]:
    """What is embedded for the bank's questions: their words without clinics' names.

    A visitor's question is looked up without them too, see ``Scope``.
    """
    pages = tuple(documents)
    return tuple(
        read_scope(question, pages).question for entry in bank for question in entry.questions
    )


def asked_of(bank: Iterable[BankEntry], documents: Iterable[Document]) -> tuple[Asked, ...]:
    """Each question of the bank in order, with the pages that it names."""
    pages = tuple(documents)
    return tuple(
        Asked(number, read_scope(question, pages).documents)
        for number, entry in enumerate(bank)
        for question in entry.questions
    )


def corpus_chunks(corpus: Corpus, tokenizer: Tokenizer, chunk_tokens: int) -> tuple[Chunk, ...]:
    """The chunks of every page, numbered through.

    Raises:
        CorpusError: the pages hold nothing to answer from.
    """
    chunks: list[Chunk] = []
    for document in corpus.documents:
        chunks += read_chunks(
            document, tokenizer=tokenizer, budget=chunk_tokens, first_id=len(chunks)
        )
    if not chunks:
        raise CorpusError("The pages hold nothing to answer from: only titles and boilerplate.")
    return tuple(chunks)


def _check_window(chunks: Sequence[Chunk], embedder: Embedder) -> None:
    """Counts of tiktoken are not the embedder's: what it would not read must not be indexed."""
    for chunk in chunks:
        pieces = embedder.count(chunk_text(chunk))
        if pieces > embedder.window:
            raise ModelError(
                f"A chunk of {chunk.document.id} (characters {chunk.span.start} to "
                f"{chunk.span.end}) is {pieces} word pieces long; the embedder reads "
                f"{embedder.window}. Lower RAG_CHUNK_TOKENS."
            )


def _write(
    corpus: Corpus,
    chunks: tuple[Chunk, ...],
    folder: Path,
    wanted: Recipe,
    known: Mapping[bytes, FloatArray],
    embedder: Embedder,
    progress: Progress | None,
) -> BuildReport:
    texts = _Texts.of(chunks, corpus.bank, corpus.documents)
    new = [sum(_key(text) not in known for text in some) for some in texts.kinds]
    vectors = _vectors(texts.all, known, embedder, progress)
    chunk_rows, sentence_rows, question_rows = np.split(vectors, texts.ends)
    with bundle.scratch_folder(folder) as scratch:
        store.write_documents(scratch / _DOCUMENTS, corpus.documents)
        store.write_chunks(scratch / _CHUNKS, chunks, corpus.documents)
        store.write_bank(scratch / _BANK, corpus.bank)
        store.write_asked(scratch / _ASKED, asked_of(corpus.bank, corpus.documents))
        DenseIndex.build(chunk_rows).save(scratch / _CHUNK_VECTORS)
        DenseIndex.build(sentence_rows).save(scratch / _SENTENCE_VECTORS)
        DenseIndex.build(question_rows).save(scratch / _QUESTION_VECTORS)
        SparseIndex.build(texts.kinds[0]).save(scratch / _POSTINGS)
        store.write_words(scratch / _WORDS, read_words(corpus.documents, corpus.bank))
        counts = Counts(len(corpus.documents), *(len(some) for some in texts.kinds))
        manifest = Manifest(wanted, counts, bundle.seal_files(scratch), bundle.new_folder_name())
        bundle.publish(folder, scratch, manifest)
    return BuildReport(counts, new[0], new[1], new[2])


def corpus_texts(corpus: Corpus, chunks: Sequence[Chunk]) -> tuple[str, ...]:
    """Everything of a corpus that an index embeds."""
    return tuple(dict.fromkeys(_Texts.of(chunks, corpus.bank, corpus.documents).all))


@dataclass(frozen=True, slots=True)
class _Texts:
    """What is embedded for an index: the texts of its chunks, sentences and bank questions."""

    kinds: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]

    @classmethod
    def of(
        cls, chunks: Sequence[Chunk], bank: Sequence[BankEntry], documents: Iterable[Document]
    ) -> _Texts:
        return cls(
            (
                tuple(chunk_text(chunk) for chunk in chunks),
                tuple(sentence_text(chunk, s) for chunk in chunks for s in chunk.sentences),
                question_texts(bank, documents),
            )
        )

    @property
    def all(self) -> list[str]:
        return [text for some in self.kinds for text in some]

    @property
    def ends(self) -> tuple[int, int]:
        chunks, sentences, _ = self.kinds
        return len(chunks), len(chunks) + len(sentences)


def _vectors(
    texts: Sequence[str],
    known: Mapping[bytes, FloatArray],
    embedder: Embedder,
    progress: Progress | None,
) -> FloatArray:
    """float32[len(texts), d]: known vectors where there are, new ones for the other texts."""
    keys = [_key(text) for text in texts]
    new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    done = 0

    def embedded(count: int) -> None:
        nonlocal done
        done += count
        if progress:
            progress(done, len(new))

    made = dict(zip(new, embedder.embed(list(new.values()), progress=embedded), strict=True))
    return np.stack([known[key] if key in known else made[key] for key in keys])


def _known_vectors(folder: Path, embedder: str) -> dict[bytes, FloatArray]:
    """The vectors of the index of before by their texts' digests, if the embedder is the same."""
    try:
        before = open_index(folder, every_byte=True)
    except StoredIndexError:
        return {}
    if before.manifest.recipe.embedder != embedder:
        return {}
    texts = _Texts.of(before.chunks, before.bank, before.documents.values())
    stores = (before.chunk_vectors, before.sentence_vectors, before.question_vectors)
    rows = np.concatenate([vectors.vectors(range(len(vectors))) for vectors in stores])
    return {_key(text): row for text, row in zip(texts.all, rows, strict=True)}


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8")).digest()
