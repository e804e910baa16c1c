"""Builds, updates and opens ``index/`` as one checked whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

import numpy as np

from rag import bundle, store
from rag.bundle import Manifest, Recipe
from rag.corpus import Corpus
from rag.datatypes import (
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
from rag.sparse import SparseIndex
from rag.split import ENCODING, Tokenizer, embedded_text, read_chunks

Progress = Callable[[int, int], None]
"""Told how many texts are embedded so far, of how many."""

_DOCUMENTS, _CHUNKS = "documents.jsonl", "chunks.jsonl"
_CHUNK_VECTORS, _SENTENCE_VECTORS = "chunks.faiss", "sentences.faiss"
_POSTINGS = "postings"
_READERS = ("blocks.py", "corpus.py", "index.py", "sparse.py", "split.py")


@dataclass(frozen=True, slots=True)
class Index:
    """An opened index. Sentence vectors stand in the order of the chunks' sentences."""

    manifest: Manifest
    documents: Mapping[str, Document]
    chunks: tuple[Chunk, ...]
    first_sentences: tuple[int, ...] = field(repr=False)
    chunk_vectors: DenseIndex = field(repr=False)
    sentence_vectors: DenseIndex = field(repr=False)
    postings: SparseIndex = field(repr=False)

    @property
    def digest(self) -> str:
        """sha256 that names everything in this index."""
        return self.manifest.digest


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did: texts whose vectors were made, and those taken from before."""

    documents: int
    chunks: int
    sentences: int
    chunks_embedded: int
    sentences_embedded: int
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
        chunks = _chunks(corpus, tokenizer, chunk_tokens)
        _check_window(chunks, embedder)
        return _write(corpus, chunks, folder, wanted, known, embedder, progress)


def _nothing_done(folder: Path) -> BuildReport:
    manifest = bundle.read_manifest(folder)
    return BuildReport(manifest.documents, manifest.chunks, manifest.sentences, 0, 0, fresh=True)


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
    counts = accumulate((len(chunk.sentences) for chunk in chunks), initial=0)
    return Index(
        manifest,
        {document.id: document for document in documents},
        chunks,
        tuple(counts)[:-1],
        DenseIndex.open(home / _CHUNK_VECTORS),
        DenseIndex.open(home / _SENTENCE_VECTORS),
        SparseIndex.open(home / _POSTINGS, len(chunks)),
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


def _chunks(corpus: Corpus, tokenizer: Tokenizer, chunk_tokens: int) -> tuple[Chunk, ...]:
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
    chunk_texts = [chunk_text(chunk) for chunk in chunks]
    sentence_texts = [sentence_text(chunk, s) for chunk in chunks for s in chunk.sentences]
    new_chunks, new_sentences = (
        sum(_key(text) not in known for text in texts) for texts in (chunk_texts, sentence_texts)
    )
    vectors = _vectors(chunk_texts + sentence_texts, known, embedder, progress)
    with bundle.scratch_folder(folder) as scratch:
        store.write_documents(scratch / _DOCUMENTS, corpus.documents)
        store.write_chunks(scratch / _CHUNKS, chunks, corpus.documents)
        DenseIndex.build(vectors[: len(chunks)]).save(scratch / _CHUNK_VECTORS)
        DenseIndex.build(vectors[len(chunks) :]).save(scratch / _SENTENCE_VECTORS)
        SparseIndex.build(chunk_texts).save(scratch / _POSTINGS)
        manifest = Manifest(
            wanted,
            len(corpus.documents),
            len(chunks),
            len(sentence_texts),
            bundle.seal_files(scratch),
            bundle.new_folder_name(),
        )
        bundle.publish(folder, scratch, manifest)
    return BuildReport(
        len(corpus.documents), len(chunks), len(sentence_texts), new_chunks, new_sentences
    )


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
    chunk_keys = [_key(chunk_text(chunk)) for chunk in before.chunks]
    sentence_keys = [
        _key(sentence_text(chunk, s)) for chunk in before.chunks for s in chunk.sentences
    ]
    chunk_rows = before.chunk_vectors.vectors(range(len(chunk_keys)))
    sentence_rows = before.sentence_vectors.vectors(range(len(sentence_keys)))
    return dict(zip(sentence_keys, sentence_rows, strict=True)) | dict(
        zip(chunk_keys, chunk_rows, strict=True)
    )


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8")).digest()
