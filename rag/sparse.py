"""Terms → BM25 postings → ranked row numbers, through bm25s (Lù 2024, arXiv:2407.03618)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import bm25s
import numpy as np
import Stemmer

from rag.datatypes import IndexCorruptError

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")


class SparseIndex:
    """BM25 over the terms of texts."""

    def __init__(self, scorer: bm25s.BM25, rows: int) -> None:
        self._scorer, self._rows = scorer, rows

    @classmethod
    def build(cls, texts: Sequence[str]) -> SparseIndex:
        """Index texts; row numbers are what ``search`` returns."""
        scorer = bm25s.BM25(method="lucene", backend="numpy")
        # A text without a single word still has its row.
        scorer.index([terms(text) or ["\0"] for text in texts], show_progress=False)
        return cls(scorer, len(texts))

    @classmethod
    def open(cls, folder: Path, rows: int) -> SparseIndex:
        """Open what ``save`` wrote.

        Raises:
            IndexCorruptError: the folder does not hold such postings.
        """
        try:
            return cls(bm25s.BM25.load(folder, load_corpus=False), rows)
        except (OSError, ValueError, KeyError) as error:
            raise IndexCorruptError(
                f"{folder.name} holds no postings ({error}); run `python -m rag index --rebuild`."
            ) from error

    def save(self, folder: Path) -> None:
        """Write the postings into a folder."""
        self._scorer.save(folder, show_progress=False)

    def search(
        self, question: str, count: int, *, among: Sequence[int] | None = None
    ) -> tuple[tuple[int, float], ...]:
        """The rows that share terms with the question, best first, with BM25 scores (> 0).

        Equal scores keep the order of their rows.
        """
        words = [term for term in terms(question) if term in self._scorer.vocab_dict]
        if not words:
            return ()
        scores = self._scorer.get_scores(words)
        if among is not None:
            allowed = np.zeros(self._rows, dtype=bool)
            allowed[list(among)] = True
            scores = np.where(allowed, scores, 0.0)
        best = np.argsort(-scores, kind="stable")[:count]
        return tuple((int(row), float(scores[row])) for row in best if scores[row] > 0)


def terms(text: str) -> list[str]:
    """Stemmed words of a text, without the commonest English ones (Snowball, Porter 2001)."""
    words = (word.replace("’", "'").lower() for word in _WORD.findall(text))
    kept = [word for word in words if word not in bm25s.tokenization.STOPWORDS_EN_PLUS]
    stemmed: list[str] = Stemmer.Stemmer("english").stemWords(kept)
    return stemmed
