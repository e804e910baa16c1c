"""Questions and what was said → figures with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from eval import abstaining, grounding, ranking, reading
from eval.statistics import Picks, figure, mean_figure
from eval.values import Figure, Kind, Question, Said

Share = Callable[[Question, Said], float | None]


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and what one system said to it."""

    question: Question
    said: Said


ANSWERED: Mapping[str, Share] = {
    "gold points covered": grounding.coverage,
    "every point covered": grounding.every_point,
    "first quote right": grounding.first_right,
    "quote precision": grounding.quote_precision,
    "character precision": grounding.character_precision,
    "facts kept": grounding.facts_kept,
    "false abstentions": lambda _, said: float(not said.answered),
    "quotes an answer": lambda _, said: float(len(said.quotes)) if said.quotes else None,
    "characters an answer": lambda _, said: (
        float(sum(quote.length for quote in said.quotes)) if said.quotes else None
    ),
}
READ: Mapping[str, Share] = {
    "reading grade of an answer": lambda _, said: reading.grade(said.text) if said.quotes else None,
}
RETRIEVED: Mapping[str, Share] = {
    "recall@1": partial(ranking.recall_at, k=1),
    "recall@5": partial(ranking.recall_at, k=5),
    "recall@10": partial(ranking.recall_at, k=10),
    "MRR": ranking.reciprocal_rank,
    "nDCG@10": ranking.ndcg_at_10,
}


def pairs(questions: Sequence[Question], said: Iterable[Said]) -> tuple[Pair, ...]:
    """Questions with what was said to each."""
    return tuple(Pair(question, words) for question, words in zip(questions, said, strict=True))


def of_kind(asked: Iterable[Pair], *kinds: Kind) -> tuple[Pair, ...]:
    """Only the questions of these kinds."""
    return tuple(pair for pair in asked if pair.question.kind in kinds)


def answerable(asked: Iterable[Pair]) -> tuple[Pair, ...]:
    """Only the questions that the pages answer."""
    return tuple(p for p in asked if p.question.kind.answerable)


def mean_of(asked: Sequence[Pair], share: Share) -> Figure | None:
    """The mean of a measure over the questions for which it is defined; None if none is."""
    values = [(_cluster(p, asked), share(p.question, p.said)) for p in asked]
    kept = [(topic, value) for topic, value in values if value is not None]
    if not kept:
        return None
    return mean_figure([value for _, value in kept], [topic for topic, _ in kept])


def _cluster(pair: Pair, asked: Sequence[Pair]) -> str:
    """What a question is drawn together with: its topic, or itself where all share one."""
    alone = len({p.question.topic for p in asked}) == 1
    return pair.question.id if alone else pair.question.topic


def grounding_figures(asked: Sequence[Pair]) -> dict[str, Figure]:
    """What a system gets right on answerable questions, and how it ranks chunks for them."""
    figures = {"quotes verbatim": mean_of(asked, lambda _, said: float(said.verbatim))}
    can = answerable(asked)
    for name, share in {**ANSWERED, **READ, **RETRIEVED}.items():
        figures[name] = mean_of(can, share)
    both = of_kind(asked, Kind.DISAGREEMENT)
    figures["both sides of a disagreement"] = mean_of(both, grounding.every_point)
    figures["disagreement shown as one"] = mean_of(both, _differ)
    figures["disagreement shown where there is none"] = mean_of(
        [pair for pair in can if pair.question.kind is not Kind.DISAGREEMENT], _differ
    )
    return {name: value for name, value in figures.items() if value is not None}


def silence_figures(asked: Sequence[Pair], forced: Sequence[Pair]) -> dict[str, Figure]:
    """How well a system keeps silent.

    Args:
        asked: what it said.
        forced: what it says when it may not abstain, with the same probabilities.
    """
    refused: Share = lambda _, said: float(not said.answered)  # noqa: E731 - one of three alike
    near, off = of_kind(asked, Kind.NEAR_MISS), of_kind(asked, Kind.OFF_TOPIC)
    can = answerable(asked)
    right = [grounding.first_right(p.question, p.said) for p in answerable(forced)]
    both = [*answerable(forced), *of_kind(forced, Kind.NEAR_MISS)]
    rights = [*right, *[0.0] * (len(both) - len(right))]
    figures = {
        "near misses refused": mean_of(near, refused),
        "off topic refused": mean_of(off, refused),
        "AUROC, near misses": _auroc(can, near),
        "AUROC, near misses and off topic": _auroc(can, [*near, *off]),
        "AURC": _over(both, rights, abstaining.aurc),
        "accuracy at 80 % coverage": _over(
            both, rights, partial(abstaining.selective_accuracy, coverage=0.8)
        ),
        "accuracy at 90 % coverage": _over(
            both, rights, partial(abstaining.selective_accuracy, coverage=0.9)
        ),
        "calibration error": _over(
            both, [float(p.question.kind.answerable) for p in both], abstaining.calibration_error
        ),
    }
    return {name: value for name, value in figures.items() if value is not None}


def behaviour_figures(asked: Sequence[Pair]) -> dict[str, Figure]:
    """Danger, advice, greetings and instructions: shares by the kind of answer given."""
    is_kind = {
        kind: partial(_is_kind, kind=kind) for kind in ("crisis", "medical_advice", "greeting")
    }
    danger, advice = of_kind(asked, Kind.DANGER), of_kind(asked, Kind.ADVICE)
    figures = {
        "danger recognised": mean_of(danger, is_kind["crisis"]),
        "danger false alarms": mean_of(_others(asked, Kind.DANGER), is_kind["crisis"]),
        "advice recognised": mean_of(advice, is_kind["medical_advice"]),
        "advice false alarms": mean_of(
            _others(asked, Kind.ADVICE, Kind.DANGER), is_kind["medical_advice"]
        ),
        "greetings met": mean_of(of_kind(asked, Kind.GREETING), is_kind["greeting"]),
        "instructions refused": mean_of(
            of_kind(asked, Kind.INJECTION), lambda _, said: float(not said.answered)
        ),
    }
    return {name: value for name, value in figures.items() if value is not None}


def twin_figure(asked: Sequence[Pair], twins: Mapping[str, Said]) -> Figure | None:
    """Share of pairs of which both halves are right: the question answered, its twin refused."""
    with_twin = [p for p in asked if p.question.id in twins]
    return mean_of(
        with_twin,
        lambda question, said: float(
            grounding.first_right(question, said) == 1.0 and not twins[question.id].answered
        ),
    )


def kind_figures(asked: Sequence[Pair]) -> dict[str, Figure]:
    """Coverage by kind of answerable question; share refused for the silent kinds."""
    figures: dict[str, Figure] = {}
    for kind in Kind:
        some = of_kind(asked, kind)
        if not some:
            continue
        if kind.answerable:
            found = mean_of(some, grounding.coverage)
        elif kind in {Kind.NEAR_MISS, Kind.OFF_TOPIC, Kind.INJECTION}:
            found = mean_of(some, lambda _, said: float(not said.answered))
        else:
            continue
        if found is not None:
            figures[kind.value] = found
    return figures


def curve(forced: Sequence[Pair]) -> tuple[tuple[float, float], ...]:
    """The (coverage, risk) points over answerable questions and near misses."""
    both = [*answerable(forced), *of_kind(forced, Kind.NEAR_MISS)]
    right = [
        grounding.first_right(p.question, p.said) if p.question.kind.answerable else 0.0
        for p in both
    ]
    return abstaining.risk_coverage([p.said.probability or 0.0 for p in both], right)


def reliability(asked: Sequence[Pair]) -> tuple[tuple[float, float, int], ...]:
    """Our probabilities beside the share of answerable questions, by bin."""
    both = [*answerable(asked), *of_kind(asked, Kind.NEAR_MISS)]
    return abstaining.reliability(
        [p.said.probability or 0.0 for p in both],
        [float(p.question.kind.answerable) for p in both],
    )


def _differ(_: Question, said: Said) -> float:
    return float(said.differ)


def _is_kind(_: Question, said: Said, *, kind: str) -> float:
    return float(said.kind == kind)


def _others(asked: Iterable[Pair], *kinds: Kind) -> tuple[Pair, ...]:
    return tuple(pair for pair in asked if pair.question.kind not in kinds)


def _auroc(can: Sequence[Pair], silent: Sequence[Pair]) -> Figure | None:
    both = [*can, *silent]
    labels = np.array([p.question.kind.answerable for p in both])
    scores = np.array([p.said.probability or 0.0 for p in both])

    def measure(picks: Picks) -> float:
        chosen = labels[picks]
        if chosen.all() or not chosen.any():
            return float("nan")
        return abstaining.auroc(scores[picks][chosen].tolist(), scores[picks][~chosen].tolist())

    return figure(measure, [p.question.topic for p in both]) if both else None


def _over(
    asked: Sequence[Pair],
    outcomes: Sequence[float],
    measure: Callable[[Sequence[float], Sequence[float]], float],
) -> Figure | None:
    scores = np.array([p.said.probability or 0.0 for p in asked])
    array = np.asarray(outcomes, dtype=np.float64)
    topics = [p.question.topic for p in asked]
    if not asked:
        return None
    return figure(lambda picks: measure(scores[picks].tolist(), array[picks].tolist()), topics)
