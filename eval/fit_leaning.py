"""Fit ``rag/leaning.json``: whether words lean on the question before them.

``python -m eval.fit_leaning`` prints, for each author of dev dialogues, what a classifier
catches that was fitted on those of the others; ``--write`` fits one on all of them. Questions
of the bank after unrelated ones are examples of what is complete. Test dialogues are not read.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from eval.dialogues import Dialogue, read_dialogues
from eval.questions import read_pages
from rag.assistant import Assistant, open_assistant
from rag.leaning import WEIGHTS, Leaning, marks_of
from rag.settings import read_settings

_COMPLETE = 2_500
_WEIGHT, _PENALTY, _SEED = 0.2, 0.7, 20_261_121
_LEAST = 0.02
# Joining what is complete does more harm than leaving what leans.
_POINT = 0.6
BANK = 0
"""Stands for the author of what the bank's questions are examples of."""


@dataclass(frozen=True, slots=True)
class Example:
    """How words are put after a question, whether they lean on it, and who wrote them."""

    marks: dict[str, float]
    leans: bool
    author: int


def examples(assistant: Assistant, dialogues: Sequence[Dialogue]) -> list[Example]:
    """The dialogues' last turns, and questions of the bank after others of it."""
    found = []
    for one in dialogues:
        words, before = one.question.words, one.question.history[-1]
        marks = marks_of(words, before, assistant.likeness(words, before))
        found.append(Example(marks, not one.is_complete, one.author))
    return found + _complete(assistant)


def _complete(assistant: Assistant) -> list[Example]:
    chance = np.random.default_rng(_SEED)
    bank = [question for entry in assistant.index.bank for question in entry.questions]
    found = []
    rows, others = chance.permutation(len(bank))[:_COMPLETE], chance.permutation(len(bank))
    for row, other in zip(rows, others, strict=False):
        words, before = bank[row], bank[other]
        # Among its own entry's questions any would be familiar.
        vector = assistant.index.question_vectors.vectors([row])[0]
        asked = assistant.index.asked
        near = assistant.index.question_vectors.search(vector, 40)
        apart = [s for at, s in near if asked[at].entry != asked[row].entry] or [near[-1][1]]
        likeness = replace(assistant.likeness(words, before), alone=apart[0])
        marks = marks_of(words, before, likeness)
        found.append(Example(marks, leans=False, author=BANK))
    return found


def fit(found: Sequence[Example]) -> Leaning:
    """Logistic regression over the marks; words lean where leaning is clearly the likelier."""
    names = DictVectorizer(sparse=True)
    rows = names.fit_transform([one.marks for one in found])
    leans = np.array([one.leans for one in found])
    weight = [_WEIGHT if one.author == BANK else 1.0 for one in found]
    model = LogisticRegression(C=_PENALTY, max_iter=3000).fit(rows, leans, weight)
    weights = {
        str(name): round(float(value), 3)
        for name, value in zip(names.get_feature_names_out(), model.coef_[0], strict=True)
        if abs(value) >= _LEAST
    }
    return Leaning(weights, round(float(model.intercept_[0]), 3), _POINT)


def show(found: Sequence[Example]) -> None:
    """Print what classifiers fitted without an author catch of that author's."""
    for author in sorted({one.author for one in found} - {BANK}):
        rest = [one for one in found if one.author != author]
        leaning = fit(rest)
        mine = [one for one in found if one.author == author]
        for point in (0.4, 0.5, 0.6, 0.7):
            caught = [leaning.of_marks(one.marks) >= point for one in mine if one.leans]
            wrong = [leaning.of_marks(one.marks) >= point for one in mine if not one.leans]
            print(
                f"author {author}, from {point}: {np.mean(caught):.2f} of {len(caught)} leaning "
                f"caught, {np.mean(wrong) if wrong else 0:.2f} of {len(wrong)} complete joined"
            )


def main() -> None:
    """Print, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write rag/leaning.json")
    arguments = parser.parse_args()
    assistant = open_assistant(read_settings())
    dialogues = read_dialogues(read_pages(assistant.settings.corpus), "dev")
    found = examples(assistant, dialogues)
    show(found)
    if arguments.write:
        leaning = fit(found)
        values = {"point": leaning.point, "bias": leaning.bias, "weights": leaning.weights}
        WEIGHTS.write_text(json.dumps(values, indent=0, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
