"""Words → how likely they are to need each kind of answer, by a linear model over n-grams.

It widens the reviewed table of ``triage``: people in danger say it in more ways than anybody
lists. Like the table it needs no embedder and no index, so it works whatever else fails; with
a text's vector it is surer. Two logistic regressions, one over n-grams of letters and words
weighted by tf–idf with sublinear tf (Salton and Buckley 1988), one over the vector of the
packaged model, multiplied with each other (a product of experts, Hinton 2002); fitted by
``python -m eval.fit_triage``.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from rag.datatypes import ModelError

WEIGHTS = Path(__file__).with_name("triage_weights.npz")
# How much the vector counts beside the n-grams; chosen on dev phrasings.
_SHARE = 0.4
# So many letters beyond English are more than a slip of the keyboard.
_BEYOND = 4
_LETTERS, _WORDS = range(2, 6), range(1, 4)
_WORD = re.compile(r"[\w']+")


@dataclass(frozen=True, slots=True)
class Classifier:
    """The kinds that are told apart, and what each n-gram says for each of them.

    ``idf`` is float32[n], ``weights`` float32[n, kinds], ``bias`` float32[kinds]; ``rows``
    gives an n-gram's row. ``dense`` is float32[d + 1, kinds], for the vector and a bias.
    """

    kinds: tuple[str, ...]
    rows: Mapping[str, int] = field(repr=False)
    idf: NDArray[np.float32] = field(repr=False)
    weights: NDArray[np.float32] = field(repr=False)
    bias: NDArray[np.float32] = field(repr=False)
    dense: NDArray[np.float32] = field(repr=False)

    def probabilities(
        self, words: str, vector: NDArray[np.float32] | None = None
    ) -> dict[str, float]:
        """The probability of each kind (0 to 1, together 1).

        Args:
            words: plain words in lower case.
            vector: float32[d], their unit vector by the packaged model, if there is one.
        """
        odds = self._by_ngrams(words)
        if vector is not None:
            by_vector = vector.astype(np.float64) @ self.dense[:-1] + self.dense[-1]
            odds = (1 - _SHARE) * _log_softmax(odds) + _SHARE * _log_softmax(by_vector)
        likely = np.exp(_log_softmax(odds))
        return dict(zip(self.kinds, likely.tolist(), strict=True))

    def can_judge(self, words: str) -> bool:
        """Whether words say enough to be judged, in any language: marks alone are like everything.

        Two words do, one that the examples hold, or letters beyond English: not every script
        parts its words.
        """
        found = _WORD.findall(words)
        beyond = sum(mark.isalpha() and not mark.isascii() for mark in words)
        return len(found) > 1 or beyond >= _BEYOND or any(f"w{word}" in self.rows for word in found)

    def _by_ngrams(self, words: str) -> NDArray[np.float64]:
        odds = self.bias.astype(np.float64)
        for found in ngrams(words):
            known = [(self.rows[gram], times) for gram, times in found.items() if gram in self.rows]
            if known:
                rows = np.array([row for row, _ in known])
                values = self.idf[rows] * np.array([1 + math.log(times) for _, times in known])
                odds += (values / np.linalg.norm(values)) @ self.weights[rows]
        return odds


def _log_softmax(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted: NDArray[np.float64] = odds - odds.max()
    return shifted - math.log(float(np.exp(shifted).sum()))


def ngrams(words: str) -> tuple[Counter[str], Counter[str]]:
    """The n-grams of letters (inside words, their ends marked by a space) and those of words.

    Each has a mark in front, so that the two are told apart.
    """
    return Counter(_of_letters(words)), Counter(_of_words(words))


def _of_letters(words: str) -> Iterator[str]:
    for word in words.split():
        padded = f" {word} "
        for length in _LETTERS:
            for start in range(max(len(padded) - length, 0) + 1):
                yield "l" + padded[start : start + length]
            if length >= len(padded):
                break


def _of_words(words: str) -> Iterator[str]:
    found = _WORD.findall(words)
    for length in _WORDS:
        for start in range(len(found) - length + 1):
            yield "w" + " ".join(found[start : start + length])


def read_classifier(path: Path = WEIGHTS) -> Classifier:
    """The classifier that is shipped.

    Raises:
        ModelError: the file is not one that ``eval.fit_triage`` wrote.
    """
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            grams = bytes(file["grams"]).decode("utf-8").split("\n")
            classifier = Classifier(
                tuple(bytes(file["kinds"]).decode("utf-8").split("\n")),
                {gram: row for row, gram in enumerate(grams)},
                file["idf"].astype(np.float32),
                file["weights"].astype(np.float32),
                file["bias"].astype(np.float32),
                file["dense"].astype(np.float32),
            )
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        raise ModelError(
            f"{path.name} cannot be used: {error!r}. Run `python -m eval.fit_triage --write`."
        ) from error
    if classifier.weights.shape != (len(classifier.rows), len(classifier.kinds)):
        raise ModelError(f"{path.name} does not hold a row of weights for each n-gram.")
    return classifier


def write_classifier(classifier: Classifier, path: Path = WEIGHTS) -> None:
    """Write what ``read_classifier`` reads, in half precision."""
    np.savez_compressed(
        path,
        grams=np.frombuffer("\n".join(classifier.rows).encode(), dtype=np.uint8),
        kinds=np.frombuffer("\n".join(classifier.kinds).encode(), dtype=np.uint8),
        idf=classifier.idf.astype(np.float16),
        weights=classifier.weights.astype(np.float16),
        bias=classifier.bias.astype(np.float16),
        dense=classifier.dense.astype(np.float16),
    )
