"""``make eval``: ask everything, measure, compare with the baseline, write the report.

``python -m eval.run`` exits 1 when an invariant is broken or a measure is significantly
worse than the committed baseline. ``--write-baseline`` makes what is measured now the
baseline. Figures are of the test questions; the worst answers shown are of the dev
questions, so that test questions stay unseen by whoever mends what they show.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console
from rich.progress import track

from eval import gate, grounding, measure
from eval.conversations import read_conversations, write_conversations
from eval.dialogues import dialogue_figures, read_dialogues, unrelated_figure
from eval.measure import Pair
from eval.questions import QUESTIONS, read_pages, read_questions
from eval.report_blocks import OURS
from eval.reporting import write_latency, write_report
from eval.systems import System, Timed, ask_all, baselines, ours
from eval.triage import SEALED, read_phrasings, triage_figures
from eval.values import Figure, Kind, Question, Said, Summary, Worst
from rag.assistant import Assistant, open_assistant
from rag.embed import SentenceTransformerEmbedder
from rag.ground import text_digest
from rag.settings import read_settings

REPORT = Path(__file__).with_name("report")
ANSWERS = Path(__file__).with_name("out")
NEVER_SILENT = "ours, never silent"
NOT_BUILT = ("verdicts on statements (accuracy, macro-F1, reversed verdicts): the check command",)
_WORST = 20


def evaluate(
    assistant: Assistant, questions: Sequence[Question]
) -> tuple[Summary, tuple[Timed, ...], tuple[Pair, ...]]:
    """Everything that is measured on one split, what was timed, and what we said."""
    pages = read_pages(assistant.settings.corpus)
    never = replace(assistant, calibration=replace(assistant.calibration, operating_point=0.0))
    systems: dict[str, System] = {
        OURS: ours(assistant, pages),
        NEVER_SILENT: ours(never, pages),
        **baselines(assistant, pages, SentenceTransformerEmbedder()),
    }
    timed = {
        name: ask_all(system, questions)
        for name, system in track(systems.items(), "Asking", console=Console(stderr=True))
    }
    asked = {
        name: measure.pairs(questions, [t.said for t in answers]) for name, answers in timed.items()
    }
    twins = _ask_twins(systems[OURS], questions)
    followed = dialogue_figures(systems[OURS], read_dialogues(pages, questions[0].split))
    followed |= unrelated_figure(systems[OURS], questions)
    followed |= triage_figures(assistant.sorted_words, read_phrasings(SEALED))
    return _summary(assistant, questions, asked, twins, followed), timed[OURS], asked[OURS]


def _ask_twins(system: System, questions: Sequence[Question]) -> dict[str, Said]:
    return {q.id: system(q.twin.question, ()) for q in questions if q.twin is not None}


def _summary(
    assistant: Assistant,
    questions: Sequence[Question],
    asked: Mapping[str, tuple[Pair, ...]],
    twins: Mapping[str, Said],
    followed: dict[str, Figure],
) -> Summary:
    mine, forced = asked[OURS], asked[NEVER_SILENT]
    figures: dict[str, dict[str, Figure]] = {}
    for name, pairs in asked.items():
        in_force = forced if name == OURS else pairs
        figures[name] = measure.grounding_figures(pairs) | measure.silence_figures(pairs, in_force)
    both = measure.twin_figure(measure.answerable(mine), twins)
    figures[OURS] |= ({"question and twin both right": both} if both else {}) | (
        measure.behaviour_figures(mine) | followed
    )
    curves = {name: measure.curve(pairs) for name, pairs in asked.items() if name != OURS}
    return Summary(
        split=questions[0].split,
        questions=len(questions),
        figures=figures,
        by_kind=measure.kind_figures(mine),
        curves=curves,
        reliability=measure.reliability(mine),
        worst=(),
        not_built=NOT_BUILT,
        receipt=_receipt(assistant),
    )


def _receipt(assistant: Assistant) -> dict[str, str]:
    return {
        "index": assistant.index.digest,
        "model": assistant.embedder.digest,
        "questions": text_digest(QUESTIONS.read_text(encoding="utf-8")),
        "calibration": json.dumps(asdict(assistant.calibration)),
    }


def worst(asked: Sequence[Pair], pages: Mapping[str, str]) -> tuple[Worst, ...]:
    """The answers that went most wrong: what should be silent first, then what missed most."""
    scored = sorted(
        ((_score(pair), pair.question.id, pair) for pair in asked), key=lambda row: row[:2]
    )
    return tuple(
        Worst(
            id=pair.question.id,
            kind=pair.question.kind.value,
            question=pair.question.words,
            said=pair.said.text,
            wanted=_wanted(pair.question, pages),
            score=score,
        )
        for score, _, pair in scored[:_WORST]
        if score < 1.0
    )


def _score(pair: Pair) -> float:
    """1 is right; wrong the surer it was."""
    sure = pair.said.probability or 0.0
    if pair.question.kind in {Kind.NEAR_MISS, Kind.OFF_TOPIC}:
        return -sure if pair.said.answered else 1.0
    if pair.question.kind in {Kind.FOLLOW_UP, Kind.ADVICE} or not pair.question.points:
        return 1.0
    return grounding.coverage(pair.question, pair.said) - sure * (
        1 - grounding.first_right(pair.question, pair.said)
    )


def _wanted(question: Question, pages: Mapping[str, str]) -> tuple[str, ...]:
    if not question.points:
        return ("The sources do not say.",)
    return tuple(pages[p[0].document][p[0].start : p[0].end] for p in question.points)


def write_answers(asked: Sequence[Pair], receipt: Mapping[str, str], path: Path) -> None:
    """One JSON line a question: what was said, and the receipt it was said under."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for pair in asked:
            line = {"id": pair.question.id, **asdict(pair.said), "receipt": receipt}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def main() -> int:
    """Run the whole evaluation; 1 if it must not land."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write-baseline", action="store_true", help="accept what is said now")
    arguments = parser.parse_args()
    assistant = open_assistant(read_settings())
    pages = read_pages(assistant.settings.corpus)
    summary, timed, asked = evaluate(assistant, read_questions(pages, "test"))
    dev = read_questions(pages, "dev")
    on_dev = measure.pairs(dev, [t.said for t in ask_all(ours(assistant, pages), dev)])
    summary = replace(summary, worst=worst(on_dev, pages))
    if arguments.write_baseline:
        gate.write_baseline(asked)
    verdict = gate.judge(asked, gate.read_baseline())
    write_answers(asked, summary.receipt, ANSWERS / "answers.jsonl")
    write_report(summary, REPORT, moved=verdict.moved)
    write_conversations(assistant, read_conversations())
    write_latency([t.milliseconds for t in timed], ANSWERS)
    _print(summary, verdict)
    return 1 if verdict.failures else 0


def _print(summary: Summary, verdict: gate.Verdict) -> None:
    print(f"{summary.questions} {summary.split} questions")
    for name, found in summary.figures[OURS].items():
        print(f"  {name:36} {found.value:.3f}  ({found.low:.3f} to {found.high:.3f})")
    for line in verdict.moved or ("nothing moved against the baseline",):
        print(f"moved: {line}")
    for line in verdict.failures:
        print(f"FAILED: {line}")


if __name__ == "__main__":
    sys.exit(main())
