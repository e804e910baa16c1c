"""The measures against values worked out by hand, and against slower ways to get them."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval import abstaining, grounding, ranking, reading
from eval.statistics import mcnemar, mean_figure, paired_difference, resample
from eval.values import Kind, Place, Question, Said


def question(*points: tuple[Place, ...], must: tuple[str, ...] = ()) -> Question:
    return Question("q", "t", "dev", Kind.FACTOID, "plain", (), "w", points, must, (), None)


def said(*quotes: Place, text: str = "", retrieved: tuple[Place, ...] = ()) -> Said:
    return Said("w", "answer", 0.5, quotes, True, retrieved, text)


def place(start: int, end: int, document: str = "a") -> Place:
    return Place(document, start, end)


def test_a_point_is_covered_by_six_tenths_of_one_of_its_quotes() -> None:
    asked = question((place(0, 100), place(0, 10, "b")), (place(200, 300),))
    assert grounding.coverage(asked, said(place(40, 100))) == 0.5
    assert grounding.coverage(asked, said(place(41, 100))) == 0.0
    assert grounding.coverage(asked, said(place(0, 6, "b"), place(200, 300))) == 1.0
    assert grounding.coverage(asked, said()) == 0.0


def test_quoting_a_whole_section_covers_and_is_imprecise_in_characters() -> None:
    asked = question((place(100, 200),))
    whole = said(place(0, 1000))
    assert grounding.coverage(asked, whole) == 1.0
    assert grounding.quote_precision(asked, whole) == 1.0
    assert grounding.character_precision(asked, whole) == pytest.approx(0.1)


def test_an_abstention_has_no_precision_and_no_right_first_quote() -> None:
    asked = question((place(0, 10),))
    assert grounding.quote_precision(asked, said()) is None
    assert grounding.character_precision(asked, said()) is None
    assert grounding.first_right(asked, said()) == 0.0


def test_only_the_first_quote_counts_as_first() -> None:
    asked = question((place(0, 10),))
    assert grounding.first_right(asked, said(place(50, 60), place(0, 10))) == 0.0
    assert grounding.quote_precision(asked, said(place(50, 60), place(0, 10))) == 0.5


def test_facts_are_looked_for_in_what_is_shown() -> None:
    asked = question((place(0, 10),), must=("Two hours",))
    assert grounding.facts_kept(asked, said(place(0, 10), text="lasts two hours.")) == 1.0
    assert grounding.facts_kept(asked, said(place(0, 10), text="lasts three hours.")) == 0.0
    assert grounding.facts_kept(asked, said(text="two hours")) is None


def test_ranking_measures_on_a_hand_made_list() -> None:
    asked = question((place(0, 10),), (place(20, 30),))
    ranked = (place(50, 60), place(0, 12), place(61, 70), place(18, 31))
    found = said(retrieved=ranked)
    assert ranking.recall_at(asked, found, 2) == 0.5
    assert ranking.recall_at(asked, found, 4) == 1.0
    assert ranking.reciprocal_rank(asked, found) == 0.5
    gain = 1 / math.log2(3) + 1 / math.log2(5)
    assert ranking.ndcg_at_10(asked, found) == pytest.approx(gain / (1 + 1 / math.log2(3)))


probabilities = st.lists(st.floats(0, 1, width=16), min_size=1, max_size=12)


@given(probabilities, probabilities)
def test_auroc_is_the_share_of_pairs_in_the_right_order(up: list[float], down: list[float]) -> None:
    pairs = list(product(up, down))
    expected = sum((a > b) + 0.5 * (a == b) for a, b in pairs) / len(pairs)
    assert abstaining.auroc(up, down) == pytest.approx(expected)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=15))
def test_risk_coverage_is_what_answering_above_each_threshold_gives(
    rows: list[tuple[int, bool]],
) -> None:
    scores, right = [float(s) for s, _ in rows], [float(r) for _, r in rows]
    expected = []
    for threshold in sorted(set(scores), reverse=True):
        kept = [r for s, r in zip(scores, right, strict=True) if s >= threshold]
        expected.append((len(kept) / len(rows), 1 - sum(kept) / len(kept)))
    found = abstaining.risk_coverage(scores, right)
    assert np.allclose(found, expected)
    assert 0 <= abstaining.aurc(scores, right) <= 1


def test_calibration_error_by_hand() -> None:
    assert abstaining.calibration_error([0.05, 0.95], [0.0, 1.0]) == pytest.approx(0.05)
    assert abstaining.calibration_error([0.9, 0.9], [0.0, 0.0]) == pytest.approx(0.9)


def test_selective_accuracy_takes_the_surest() -> None:
    assert abstaining.selective_accuracy([0.9, 0.8, 0.1], [1, 1, 0], 0.67) == 1.0
    assert abstaining.selective_accuracy([0.9, 0.8, 0.1], [1, 1, 0], 1.0) == pytest.approx(2 / 3)


def test_bootstrap_draws_whole_topics() -> None:
    topics = ["a", "a", "a", "b", "c"]
    for picks in resample(topics, resamples=50):
        counts = [int((picks == row).sum()) for row in range(5)]
        assert counts[0] == counts[1] == counts[2]
        assert counts[0] + counts[3] + counts[4] == 3


def test_interval_of_independent_questions_is_near_the_normal_one() -> None:
    values = [float(at % 2) for at in range(400)]
    found = mean_figure(values, [str(at) for at in range(400)])
    assert found.value == 0.5
    assert found.low == pytest.approx(0.5 - 1.96 * 0.025, abs=0.01)
    assert found.high == pytest.approx(0.5 + 1.96 * 0.025, abs=0.01)


def test_questions_on_one_topic_widen_the_interval() -> None:
    values = [float(at // 40 % 2) for at in range(400)]
    alone = mean_figure(values, [str(at) for at in range(400)])
    together = mean_figure(values, [str(at // 40) for at in range(400)])
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_paired_difference_and_mcnemar() -> None:
    before, now = [0.0] * 12 + [1.0] * 8, [1.0] * 10 + [0.0] * 2 + [1.0] * 8
    difference = paired_difference(now, before, [str(at) for at in range(20)])
    assert difference.value == 0.5
    assert difference.low > 0
    assert mcnemar(now, before) == pytest.approx(2 * 0.5**10)
    assert mcnemar(now, now) == 1.0


@pytest.mark.parametrize(
    ("word", "count"),
    [("ketamine", 3), ("session", 2), ("a", 1), ("table", 2), ("clinic", 2), ("use", 1), ("be", 1)],
)
def test_syllables_of_words_anyone_can_count(word: str, count: int) -> None:
    assert reading.syllables(word) == count


def test_reading_grade_is_kincaids_formula() -> None:
    text = "The lamp is blue. It is a lamp."
    assert reading.grade(text) == pytest.approx(0.39 * 8 / 2 + 11.8 * 8 / 8 - 15.59)
    assert reading.grade("…") is None
