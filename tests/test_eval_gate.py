"""A copy that is broken on purpose is caught, by the name of what broke."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from eval import gate
from eval.measure import Pair, pairs
from eval.questions import read_pages, read_questions
from eval.systems import System, ask_all, ours, said_in_json
from eval.values import Place, Question, Said
from rag.assistant import Assistant, open_assistant
from rag.contract import answer_json
from rag.settings import ROOT

pytestmark = pytest.mark.weights
Rows = dict[str, dict[str, float]]


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return read_pages(ROOT / "corpus")


@pytest.fixture(scope="module")
def questions(pages: dict[str, str]) -> tuple[Question, ...]:
    return read_questions(pages, "test")


def said_by(system: System, questions: Sequence[Question]) -> tuple[Pair, ...]:
    return pairs(questions, [timed.said for timed in ask_all(system, questions)])


@pytest.fixture(scope="module")
def whole(
    real_assistant: Assistant, questions: tuple[Question, ...], pages: dict[str, str]
) -> tuple[Pair, ...]:
    return said_by(ours(real_assistant, pages), questions)


@pytest.fixture(scope="module")
def baseline(whole: tuple[Pair, ...]) -> Rows:
    return gate.rows(whole)


def changed(asked: Sequence[Pair], change: Callable[[Said], Said]) -> tuple[Pair, ...]:
    return tuple(Pair(pair.question, change(pair.said)) for pair in asked)


def with_point(assistant: Assistant, point: float) -> Assistant:
    return replace(assistant, calibration=replace(assistant.calibration, operating_point=point))


def test_what_is_whole_passes_and_moves_nothing(whole: tuple[Pair, ...], baseline: Rows) -> None:
    verdict = gate.judge(whole, baseline)
    assert verdict == gate.Verdict((), ())


def test_shifted_offsets_are_caught(
    real_assistant: Assistant, questions: tuple[Question, ...], pages: dict[str, str]
) -> None:
    def shifted(words: str, _: Sequence[str]) -> Said:
        answer = answer_json(real_assistant.ask(words))
        for quote in answer["quotes"]:  # type: ignore[attr-defined]
            quote["start"] += 1
            quote["end"] += 1
        return said_in_json(answer, pages, ())

    failures = gate.judge(said_by(shifted, questions[:20]), {}).failures
    assert any(line.startswith("a quote is not its slice of the page") for line in failures)


def test_always_answering_is_caught(
    real_assistant: Assistant,
    questions: tuple[Question, ...],
    pages: dict[str, str],
    baseline: Rows,
) -> None:
    asked = said_by(ours(with_point(real_assistant, 0.0), pages), questions)
    failures = gate.judge(asked, baseline).failures
    assert any("silent ones refused" in line for line in failures)


def test_always_abstaining_is_caught(whole: tuple[Pair, ...], baseline: Rows) -> None:
    silent = changed(whole, lambda said: replace(said, kind="not_in_sources", quotes=()))
    failures = gate.judge(silent, baseline).failures
    assert any("gold points covered" in line for line in failures)
    assert any("answerable ones answered" in line for line in failures)


def test_quoting_the_first_chunk_only_is_caught(whole: tuple[Pair, ...], baseline: Rows) -> None:
    first = changed(whole, lambda said: replace(said, quotes=said.retrieved[: bool(said.quotes)]))
    failures = gate.judge(first, baseline).failures
    assert any("character precision" in line for line in failures)


def test_london_and_us_swapped_is_caught(
    real_assistant: Assistant,
    questions: tuple[Question, ...],
    pages: dict[str, str],
    tmp_path: Path,
) -> None:
    shutil.copytree(ROOT / "corpus", tmp_path / "corpus")
    sources = tmp_path / "corpus" / "sources.toml"
    text = sources.read_text(encoding="utf-8")
    lines = [line for line in text.split("\n") if line.startswith("names = ")]
    us, london = lines[0], lines[1]
    swapped = text.replace(us, "@").replace(london, us).replace("@", london)
    sources.write_text(swapped, encoding="utf-8")
    shutil.copytree(real_assistant.settings.index, tmp_path / "index")
    settings = replace(
        real_assistant.settings, corpus=tmp_path / "corpus", index=tmp_path / "index"
    )
    assistant = open_assistant(settings, embedder=real_assistant.embedder)
    failures = gate.judge(said_by(ours(assistant, pages), questions), {}).failures
    assert any(
        line.startswith("a question about one clinic is answered from another") for line in failures
    )


def test_a_refusal_that_quotes_an_answer_is_caught(whole: tuple[Pair, ...]) -> None:
    quote = Place("atma-what-is-ketamine-used-for.txt", 0, 4)
    asked = changed(whole[:3], lambda s: replace(s, kind="not_in_sources", quotes=(quote,)))
    failures = gate.judge(asked, {}).failures
    assert any(line.startswith("a refusal holds an answer") for line in failures)
