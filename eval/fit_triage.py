"""Fit the classifier of ``rag/classify.py`` on ``triage_examples.jsonl``, follow-ups and the bank.

``python -m eval.fit_triage`` prints what it would catch of the phrasings in
``triage_dev.jsonl``, and the thresholds with the false alarms that they allow there;
``--write`` writes the weights. The phrasings in ``triage_test.jsonl`` are not read.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression

from eval.dialogues import DIALOGUES
from eval.triage import PHRASINGS
from rag.classify import Classifier, ngrams, write_classifier
from rag.corpus import read_corpus
from rag.embed import SentenceTransformerEmbedder
from rag.settings import read_settings
from rag.triage import Embed, plain_words

EXAMPLES = Path(__file__).with_name("triage_examples.jsonl")
# N-grams of fewer examples than these say nothing.
_LEAST = 3
# Of the bank, which comes after the examples, one in so many is embedded.
_EVERY = 4
_PENALTY = 20.0
_SHARES = (0.005, 0.01, 0.02, 0.05, 0.1)


def examples() -> list[tuple[str, str]]:
    """Plain words with their kind, as somebody wrote them."""
    rows = [json.loads(line) for line in EXAMPLES.read_text(encoding="utf-8").split("\n") if line]
    return [(plain_words(row["words"]), row["kind"]) for row in rows]


def followed() -> list[tuple[str, str]]:
    """What dev dialogues end with, which are questions: "why not?", "says who?"."""
    rows = [json.loads(line) for line in DIALOGUES.read_text(encoding="utf-8").split("\n") if line]
    return [(plain_words(row["question"]), "question") for row in rows if row["split"] == "dev"]


def asked(corpus: Path) -> list[tuple[str, str]]:
    """The questions of the bank, which are questions."""
    bank = read_corpus(corpus, most_bytes=5_000_000).bank
    found = [(q, "other" if e.off_topic else "question") for e in bank for q in e.questions]
    return [(plain_words(words), kind) for words, kind in found]


def fit(
    written: Sequence[tuple[str, str]], bank: Sequence[tuple[str, str]], embed: Embed
) -> Classifier:
    """The classifier of these examples, and of a bank's questions."""
    rows = [*written, *bank]
    counted = [ngrams(words) for words, _ in rows]
    often = [Counter(gram for found in counted for gram in found[block]) for block in (0, 1)]
    grams = [sorted(g for g, times in block.items() if times >= _LEAST) for block in often]
    idf = [
        np.array([math.log((1 + len(rows)) / (1 + block[gram])) + 1 for gram in kept])
        for block, kept in zip(often, grams, strict=True)
    ]
    blocks = [_matrix([found[at] for found in counted], grams[at], idf[at]) for at in (0, 1)]
    model = LogisticRegression(C=_PENALTY, max_iter=2000, class_weight="balanced")
    model.fit(hstack(blocks).tocsr(), [kind for _, kind in rows])
    names = [*grams[0], *grams[1]]
    return Classifier(
        tuple(model.classes_.tolist()),
        {gram: row for row, gram in enumerate(names)},
        np.concatenate(idf).astype(np.float32),
        model.coef_.T.astype(np.float32),
        model.intercept_.astype(np.float32),
        _dense([*written, *bank[::_EVERY]], embed),
    )


def _dense(rows: Sequence[tuple[str, str]], embed: Embed) -> NDArray[np.float32]:
    """float32[d + 1, kinds]: the regression over vectors."""
    vectors = np.stack(list(embed([words for words, _ in rows])))
    model = LogisticRegression(C=_PENALTY / 2, max_iter=2000, class_weight="balanced")
    model.fit(vectors, [kind for _, kind in rows])
    return np.vstack([model.coef_.T, model.intercept_]).astype(np.float32)


def _matrix(
    counted: Sequence[Counter[str]],
    grams: Sequence[str],
    idf: NDArray[np.float64],
) -> csr_matrix:
    """Rows of unit length: (1 + log times) × idf."""
    column = {gram: at for at, gram in enumerate(grams)}
    values: list[float] = []
    places: list[int] = []
    ends = [0]
    for found in counted:
        known = [(column[gram], times) for gram, times in found.items() if gram in column]
        row = np.array([idf[at] * (1 + math.log(times)) for at, times in known])
        values += (row / (np.linalg.norm(row) or 1.0)).tolist()
        places += [at for at, _ in known]
        ends.append(len(values))
    return csr_matrix((values, places, ends), shape=(len(counted), len(grams)))


def show(classifier: Classifier, embed: Embed) -> None:
    """Print, kind by kind, thresholds and what they catch of the dev phrasings."""
    rows = [json.loads(line) for line in PHRASINGS.read_text(encoding="utf-8").split("\n") if line]
    plain = [plain_words(row["words"]) for row in rows]
    by_vector = {
        "n-grams alone": [classifier.probabilities(words) for words in plain],
        "with the vector": [
            classifier.probabilities(*one) for one in zip(plain, embed(plain), strict=True)
        ],
    }
    for (name, found), kind in product(by_vector.items(), ("danger", "advice")):
        likely = np.array([probabilities[kind] for probabilities in found])
        wanted = np.array([row["kind"] == kind for row in rows])
        for share in _SHARES:
            point = float(np.quantile(likely[~wanted], 1 - share))
            caught = float((likely[wanted] > point).mean())
            print(
                f"{name}, {kind}: {share:.1%} false alarms above {point:.2f}, {caught:.1%} caught"
            )


def main() -> None:
    """Fit, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write rag/triage_weights.npz")
    arguments = parser.parse_args()
    written, bank = examples() + followed(), asked(read_settings().corpus)
    embed = SentenceTransformerEmbedder().embed
    classifier = fit(written, bank, embed)
    print(
        f"{len(written):,} examples, {len(bank):,} bank questions, {len(classifier.rows):,} n-grams"
    )
    show(classifier, embed)
    if arguments.write:
        write_classifier(classifier)


if __name__ == "__main__":
    main()
