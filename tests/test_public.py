"""The public sets: readers on tiny samples, the split rule, measures worked out by hand."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval import public, public_measures, public_report, public_sets
from eval.abstaining import auroc
from eval.public_measures import (
    AUROC,
    DENSE,
    MRR,
    NDCG,
    OURS,
    PAIRS,
    REFUSED,
    RIGHT,
    SPARSE,
    WRONGLY_REFUSED,
    Answered,
)
from eval.public_sets import Asked, Passage, Reading, Searching, Wanted
from eval.values import Place
from rag.calibration import read_calibration
from rag.embed import Embedder

Row = dict[str, Any]


def named(wanted: str, *, test_part: bool) -> str:
    """``wanted``, numbered so that it falls into the test part or not."""
    names = (f"{wanted} {number}" for number in range(1000))
    return next(name for name in names if public_sets.in_test_part(name) is test_part)


HELD_OUT = named("Lamps", test_part=True)
TRAINING = named("Lamps", test_part=False)


def write(path: Path, rows: Iterable[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def squad_row(number: int, title: str, *, impossible: bool) -> Row:
    answers = [] if impossible else [[4, "lamp"], [4, "lamp is blue"]]
    return {
        "id": f"q{number}",
        "title": title,
        "para": f"{title}/0",
        "question": f"Which is blue, number {number}?",
        "context": "The lamp is blue. The kettle is red.",
        "is_impossible": impossible,
        "answers": answers,
    }


def medquad_row(number: int, focus: str, qtype: str, answer: str) -> Row:
    question = f"What {qtype}?"
    return {"id": f"m{number}", "focus": focus, "qtype": qtype, "question": question} | {
        "answer": answer
    }


def test_the_test_part_is_a_first_byte_of_sha256_below_51() -> None:
    names = [f"group {number}" for number in range(2000)]
    for name in names:
        first = int(hashlib.sha256(name.encode()).hexdigest()[:2], 16)
        assert public_sets.in_test_part(name) is (first < 51)
    share = sum(map(public_sets.in_test_part, names)) / len(names)
    assert share == pytest.approx(51 / 256, abs=0.03)


def test_a_sample_is_the_same_every_time_and_keeps_the_order() -> None:
    items = [f"row {number}" for number in range(100)]
    kept = public_sets.sample(items, str, 10)
    assert kept == public_sets.sample(items, str, 10)
    assert sorted(kept, key=items.index) == list(kept)
    assert set(kept) < set(public_sets.sample(items, str, 20))
    assert public_sets.sample(items, str, 1000) == tuple(items)


def test_squad_gives_answer_spans_and_only_its_test_part(tmp_path: Path) -> None:
    rows = [
        squad_row(1, HELD_OUT, impossible=False),
        squad_row(2, HELD_OUT, impossible=True),
        squad_row(3, TRAINING, impossible=False),
    ]
    write(tmp_path / "squad2.jsonl.gz", rows)
    given = public_sets.read_squad2(tmp_path, 100)
    name = f"{HELD_OUT}/0"
    assert (given.rows, given.used) == (2, 2)
    assert [passage.id for passage in given.passages] == [name]
    assert [one.answerable for one in given.asked] == [True, False]
    assert given.asked[0].gold == (Place(name, 4, 8), Place(name, 4, 16))
    assert given.asked[1].gold == ()
    assert public_sets.read_squad2(tmp_path, 1).used == 1


def test_clapnq_gives_the_places_of_selected_sentences(tmp_path: Path) -> None:
    row = {"title": HELD_OUT, "question": "Which?", "sentences": ["One .", "Two here .", "Three ."]}
    chosen = {"id": "a", "answerable": True, "selected_sentences": [[1], [1, 2]]}
    silent = {"id": "b", "answerable": False, "selected_sentences": []}
    write(tmp_path / "dev.jsonl.gz", [row | chosen, row | silent])
    given = public_sets.read_clapnq(tmp_path, 100)
    text = given.passages[0].text
    assert [text[p.start : p.end] for p in given.asked[0].gold] == ["Two here .", "Three ."]
    assert (given.asked[1].answerable, given.asked[1].gold) == (False, ())


def test_selqa_gives_the_places_of_labelled_sentences(tmp_path: Path) -> None:
    row = {"article": HELD_OUT, "sentences": ["One.", "Two.", "Three."], "labels": [0, 0, 1]}
    write(tmp_path / "dev.jsonl.gz", [row | {"question": "Which?"}])
    write(tmp_path / "test_part.jsonl.gz", [row | {"question": "Again?"}])
    given = public_sets.read_selqa(tmp_path, 100)
    assert len(given.passages) == 1
    assert given.used == 2
    for one in given.asked:
        assert [given.passages[0].text[p.start : p.end] for p in one.gold] == ["Three."]


def test_medquad_pairs_an_answer_with_another_type_about_the_same(tmp_path: Path) -> None:
    other = named("Kettles", test_part=True)
    rows = [
        medquad_row(1, HELD_OUT, "symptoms", "It flickers."),
        medquad_row(2, HELD_OUT, "symptoms", "It hums."),
        medquad_row(3, HELD_OUT, "treatment", "A new bulb."),
        medquad_row(4, HELD_OUT, "outlook", "It hums."),
        medquad_row(5, other, "symptoms", "It whistles."),
        medquad_row(6, TRAINING, "symptoms", "Never seen."),
        medquad_row(7, TRAINING, "treatment", "Never seen either."),
    ]
    write(tmp_path / "medquad.jsonl.gz", rows)
    given = public_sets.read_medquad(tmp_path, 100)
    texts = {passage.id: passage.text for passage in given.passages}
    read = {(one.pair, one.answerable): texts[one.passage] for one in given.asked}
    assert given.used == 4
    assert read["m1", True] == "It flickers."
    # "It hums." answers about symptoms as well, so it is no near miss to them.
    assert read["m1", False] == read["m2", False] == "A new bulb."
    assert read["m3", False] in {"It flickers.", "It hums."}
    assert not any("Never" in text or "whistles" in text for text in texts.values())


def test_scifact_holds_every_cited_abstract_and_others(tmp_path: Path) -> None:
    used, unused = named("c", test_part=True), named("c", test_part=False)
    abstract = {"title": "A title.", "sentences": ["One.", "Two."]}
    write(tmp_path / "corpus.jsonl.gz", [abstract | {"_id": str(at)} for at in range(20)])
    write(
        tmp_path / "queries_train.jsonl.gz",
        [{"_id": used, "text": "A claim."}, {"_id": unused, "text": "Another."}],
    )
    (tmp_path / "qrels").mkdir()
    lines = ["query-id\tcorpus-id\tscore", f"{used}\t7\t1", f"{used}\t9\t1", f"{used}\t3\t0"]
    (tmp_path / "qrels" / "train.tsv").write_text("\n".join(lines), encoding="utf-8")
    given = public_sets.read_scifact(tmp_path, 100, abstracts=5)
    assert given.asked == (Wanted(used, "A claim.", frozenset({"7", "9"})),)
    assert len(given.passages) == 5
    assert {"7", "9"} <= {passage.id for passage in given.passages}
    assert given.passages[0].text == "A title.\n\nOne. Two."


def test_a_sentence_is_right_that_shares_half_of_the_shorter() -> None:
    gold = (Place("p", 10, 20),)
    assert public_measures.right(Place("p", 0, 15), gold)
    assert not public_measures.right(Place("p", 0, 14), gold)
    assert public_measures.right(Place("p", 0, 100), gold)
    assert public_measures.right(Place("p", 12, 14), gold)
    assert not public_measures.right(Place("q", 10, 20), gold)


def test_the_reciprocal_rank_is_that_of_the_first_right_sentence() -> None:
    places = [Place("p", 0, 10), Place("p", 10, 20), Place("p", 20, 30)]
    assert public_measures.reciprocal_rank(places, [Place("p", 12, 14), Place("p", 22, 24)]) == 0.5
    assert public_measures.reciprocal_rank(places, [Place("q", 0, 10)]) == 0.0


def test_ndcg_counts_what_was_not_found_in_the_best_order() -> None:
    best = 1 + 1 / math.log2(3)
    assert public_measures.ndcg_at_10(["a", "b", "c"], frozenset({"a", "b"})) == pytest.approx(1.0)
    assert public_measures.ndcg_at_10(["c", "a"], frozenset({"a", "b"})) == pytest.approx(
        1 / math.log2(3) / best
    )
    assert public_measures.ndcg_at_10([], frozenset({"a"})) == 0.0
    eleventh = [str(at) for at in range(10)] + ["a"]
    assert public_measures.ndcg_at_10(eleventh, frozenset({"a"})) == 0.0


def test_separation_is_undefined_for_one_kind_alone() -> None:
    scores = np.array([0.9, 0.4, 0.4, 0.1])
    assert public_measures.separation(np.array([True, True, False, False]), scores) == 0.875
    assert public_measures.separation(np.array([True, False, True, False]), scores) == auroc(
        [0.9, 0.4], [0.4, 0.1]
    )
    assert math.isnan(public_measures.separation(np.array([True] * 4), scores))
    assert math.isnan(public_measures.separation(np.array([False] * 4), scores))


def test_figures_of_questions_to_passages() -> None:
    first, second = Place("p", 0, 10), Place("p", 10, 20)
    asked = [
        Asked("g", "a?", "p", answerable=True, gold=(second,), pair="1"),
        Asked("g", "a?", "q", answerable=False, pair="1"),
        Asked("h", "b?", "p", answerable=True, gold=(first,), pair="2"),
        Asked("h", "b?", "q", answerable=False, pair="2"),
    ]
    answered = [
        Answered(0.6, (first, second)),
        Answered(0.2),
        Answered(0.3, (first, second)),
        Answered(0.3),
    ]
    got = public_measures.reading_figures(asked, answered, point=0.3)
    assert {name: found.value for name, found in got.items()} == {
        AUROC: 0.875,
        PAIRS: 0.75,
        REFUSED: 0.5,
        WRONGLY_REFUSED: 0.0,
        RIGHT: 0.5,
        MRR: 0.75,
    }
    assert (got[RIGHT].low, got[RIGHT].high, got[RIGHT].count) == (0.0, 1.0, 2)
    assert REFUSED not in public_measures.reading_figures(asked, answered)


PASSAGES = (
    Passage("a", "The blue lamp warms up slowly. It needs nine minutes before it is bright."),
    Passage("b", "The kettle boils quickly. A litre of water takes two minutes to boil."),
)


@pytest.fixture
def library(tmp_path: Path, embedder: Embedder) -> Callable[..., public.Library]:
    def opened(passages: tuple[Passage, ...] = PASSAGES) -> public.Library:
        folder = tmp_path / "library"
        calibration = read_calibration()
        return public.open_library(passages, folder, embedder=embedder, calibration=calibration)

    return opened


def quiet(_done: int, _of: int) -> None: ...


def test_every_system_reads_only_the_passage_it_is_asked(
    library: Callable[..., public.Library],
) -> None:
    asked = Asked("g", "How many minutes does the lamp need?", "a", answerable=True)
    for found in public.answer(library(), asked).values():
        assert {place.document for place in found.places} == {"a"}
        assert len(found.places) == 2
        start, end = found.places[0].start, found.places[0].end
        assert "minutes" in PASSAGES[0].text[start:end]


def test_words_that_stand_nowhere_score_nothing_and_keep_the_order(
    library: Callable[..., public.Library],
) -> None:
    asked = Asked("g", "zebras", "b", answerable=False)
    found = public.answer(library(), asked)[SPARSE]
    assert found.score == 0.0
    assert [place.start for place in found.places] == sorted(p.start for p in found.places)


def test_a_passage_without_a_sentence_is_silent(library: Callable[..., public.Library]) -> None:
    opened = library((*PASSAGES, Passage("c", "Frequency Unknown")))
    found = public.answer(opened, Asked("g", "How frequent?", "c", answerable=True))
    assert all(got == Answered(0.0) for got in found.values())


def test_a_set_of_passages_is_measured(library: Callable[..., public.Library]) -> None:
    question = "How many minutes does the lamp need before it is bright?"
    asked = (
        Asked("g", question, "a", answerable=True, gold=(Place("a", 31, 74),)),
        Asked("g", question, "b", answerable=False),
    )
    report = public.measure(Reading("squad2", 9, 2, PASSAGES, asked), library(), quiet)
    assert {system: got.value for system, got in report.figures[AUROC].items()} == {
        OURS: 1.0,
        SPARSE: 1.0,
        DENSE: 1.0,
    }
    assert set(report.figures[REFUSED]) == {OURS}
    assert report.unquotable == 0


def test_a_search_is_measured_and_reported(library: Callable[..., public.Library]) -> None:
    wanted = (Wanted("1", "the kettle boils water", frozenset({"b"})),)
    report = public.measure(Searching("scifact", 3, 1, PASSAGES, wanted), library(), quiet)
    assert {system: got.value for system, got in report.figures[NDCG].items()} == {
        OURS: 1.0,
        SPARSE: 1.0,
        DENSE: 1.0,
    }
    text = public_report.markdown([report], {"seed": "1"})
    assert "| scifact | nDCG@10 | 1 | 1.00 (1.00–1.00) |" in text
    assert "BEIR" in text
    assert "| scifact | 3 | 1 | 2 | 0 |" in text
    written = json.loads(public_report.as_json([report], {"seed": "1"}))
    assert written["sets"]["scifact"]["figures"][NDCG][OURS]["value"] == 1.0
    assert "/" not in json.dumps(written["receipt"])


def test_sets_are_read_indexed_and_measured_in_turn(tmp_path: Path, embedder: Embedder) -> None:
    rows = [squad_row(at, HELD_OUT, impossible=at % 2 == 0) for at in range(6)]
    write(tmp_path / "squad2" / "squad2.jsonl.gz", rows)
    heard: list[tuple[str, int, int]] = []
    (report,) = public.evaluate(
        tmp_path,
        ["squad2"],
        limit=4,
        embedder=embedder,
        told=lambda *what: heard.append(what),
    )
    assert (report.rows, report.used, report.passages) == (6, 4, 1)
    assert heard[-1] == ("squad2: asking", 4, 4)
    receipt = public.receipt_of(tmp_path, ["squad2"], embedder)
    assert "data: squad2/squad2.jsonl.gz" in receipt
    assert str(tmp_path) not in json.dumps(receipt)
