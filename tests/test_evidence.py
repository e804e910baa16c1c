from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from rag.assistant import Assistant, open_assistant
from rag.datatypes import SentenceKind
from rag.evidence import Reading, find_evidence
from rag.index import chunk_text, sentence_text
from rag.retrieve import match_bank, retrieve
from rag.scope import read_scope
from rag.settings import Settings
from tests.conftest import HashingEmbedder

BRIGHT = "It needs nine minutes before it is bright."
BANK: list[dict[str, object]] = [
    {
        "topic": "bright",
        "questions": ["When does it shine properly?", "wait till usable"],
        "points": [
            [{"page": "lamp.txt", "quote": BRIGHT}],
            [
                {
                    "page": "lamp-north.txt",
                    "quote": "It needs twelve minutes before it is bright.",
                }
            ],
        ],
    },
    {
        "gap": "price",
        "questions": ["What does a lamp cost?", "price of one"],
        "nearest": [{"page": "lamp.txt", "quote": "Call 0300 123 4567 to order a new lamp."}],
    },
]


def reading_of(assistant: Assistant, question: str) -> Reading:
    scope = read_scope(question, assistant.documents.values())
    vector = assistant.embedder.embed([scope.question])[0]
    return find_evidence(
        assistant.index,
        retrieve(assistant.index, vector, scope=scope, count=20),
        match_bank(
            assistant.index, vector, scope=scope, count=20, calibration=assistant.calibration
        ),
        vector,
        scope=scope,
        calibration=assistant.calibration,
    )


def differing(settings: Settings, *, differ: bool) -> Settings:
    """The pages with a bank of two one-sided entries, and one that has both sides."""
    entries = [
        {
            "topic": "south",
            "questions": ["nine minutes till bright"],
            "points": [[{"page": "lamp.txt", "quote": BRIGHT}]],
        },
        {
            "topic": "both",
            "questions": ["How many minutes till it is bright?"],
            "points": BANK[0]["points"],
            "differ": differ,
        },
    ]
    lines = "".join(json.dumps(entry) + "\n" for entry in entries)
    (settings.corpus / "questions.jsonl").write_text(lines, encoding="utf-8")
    return settings


def test_where_pages_differ_the_best_of_every_side_stands_first_and_weighs_alike(
    settings: Settings, embedder: HashingEmbedder
) -> None:
    for differ in (True, False):
        assistant = open_assistant(differing(settings, differ=differ), embedder=embedder)
        reading = reading_of(assistant, "many minutes till bright")
        assert reading.differ == differ
        first, second = reading.found[:2]
        pages = {first.evidence.document.id, second.evidence.document.id}
        assert pages == {"lamp.txt", "lamp-north.txt"}
        assert (first.score == second.score) == differ


def test_a_side_that_the_question_does_not_ask_leaves_no_difference(
    settings: Settings, embedder: HashingEmbedder
) -> None:
    assistant = open_assistant(differing(settings, differ=True), embedder=embedder)
    reading = reading_of(assistant, "How many minutes till it is bright at Southern Lamps?")
    assert not reading.differ
    assert {scored.evidence.document.id for scored in reading.found} == {"lamp.txt"}


def test_many_wordings_like_the_question_are_worth_more_than_one_that_is_liker(
    settings: Settings, embedder: HashingEmbedder
) -> None:
    shared = "lamp minutes bright room kettle water blue table paper"
    entries = [
        {
            "topic": "one",
            "questions": [f"{shared} window"],
            "points": [[{"page": "lamp.txt", "quote": BRIGHT}]],
        },
        {
            "topic": "many",
            "questions": [f"{shared} lot{number}" for number in range(24)],
            "points": [BANK[0]["points"][1]],  # type: ignore[index]
        },
    ]
    lines = "".join(json.dumps(entry) + "\n" for entry in entries)
    (settings.corpus / "questions.jsonl").write_text(lines, encoding="utf-8")
    assistant = open_assistant(settings, embedder=embedder)
    sharp = replace(assistant.calibration, pooling=0.005)
    first = {
        calibration.pooling: reading_of(
            replace(assistant, calibration=calibration),
            f"{shared} window green",
        )
        .matches[0]
        .entry.topic
        for calibration in (sharp, assistant.calibration)
    }
    assert first == {0.005: "one", assistant.calibration.pooling: "many"}


@pytest.mark.parametrize(
    "asked",
    [
        "What did it cost in minutes before it is bright?",
        "How many minutes before it is bright in Cardiff?",
    ],
)
def test_a_sum_that_is_nowhere_and_a_place_of_no_page_make_an_answer_less_likely(
    banked: Assistant, asked: str
) -> None:
    votes = banked.read(asked).votes
    assert votes.lacking == ("cost" in asked)
    assert votes.away == ("Cardiff" in asked)
    without = banked.calibration.probability(replace(votes, lacking=False, away=False))
    assert banked.read(asked).probability < without
    assert not banked.read("How many minutes before it is bright?").votes.lacking


@pytest.fixture
def banked(settings: Settings, embedder: HashingEmbedder) -> Assistant:
    lines = "".join(json.dumps(entry) + "\n" for entry in BANK)
    (settings.corpus / "questions.jsonl").write_text(lines, encoding="utf-8")
    return open_assistant(settings, embedder=embedder)


def test_without_a_bank_sentences_vote_by_the_weighted_mean_of_their_own_and_their_chunks_cosine(
    assistant: Assistant,
) -> None:
    question = "When is the lamp bright?"
    scope = read_scope(question, assistant.documents.values())
    embed = assistant.embedder.embed
    vector = embed([scope.question])[0]
    chunk_weight = assistant.calibration.chunk_weight
    similarity = {
        (chunk.document.id, sentence.span): float(
            (
                embed([sentence_text(chunk, sentence)])[0] @ vector
                + chunk_weight * (embed([chunk_text(chunk)])[0] @ vector)
            )
            / (1 + chunk_weight)
        )
        for chunk in assistant.index.chunks
        if scope.admits(chunk)
        for sentence in chunk.sentences
        # Nobody asked how to reach anyone, or for steps.
        if sentence.kind not in {SentenceKind.CONTACT, SentenceKind.LEAD_IN}
    }
    votes = np.exp(np.array(list(similarity.values())) / assistant.calibration.temperature)
    expected = dict(zip(similarity, votes / votes.sum(), strict=True))
    found = reading_of(assistant, question).found
    scores = {(s.evidence.document.id, s.evidence.sentence.span): s.score for s in found}
    assert scores == pytest.approx(expected, abs=1e-4)
    assert [s.score for s in found] == sorted((s.score for s in found), reverse=True)


def test_a_question_in_the_banks_words_gets_the_banks_quotes(banked: Assistant) -> None:
    reading = reading_of(banked, "when does it shine properly")
    best = reading.found[0].evidence
    assert best.document.slice(best.sentence.span) == BRIGHT
    assert {s.evidence.document.id for s in reading.found[:2]} == {"lamp.txt", "lamp-north.txt"}
    assert reading.nearest == reading.found


def test_a_clinic_that_is_named_is_the_only_one_a_bank_entry_answers_from(
    banked: Assistant,
) -> None:
    reading = reading_of(banked, "when does it shine properly in the North?")
    assert {scored.evidence.document.id for scored in reading.found} == {"lamp-north.txt"}


def test_a_known_gap_votes_for_silence_and_names_the_nearest_thing(banked: Assistant) -> None:
    asked, gap = reading_of(banked, "When does it shine properly?"), reading_of(banked, "lamp cost")
    assert gap.votes.share < 0.5 < asked.votes.share
    assert gap.probability < asked.probability
    document = gap.nearest[0].evidence.document
    assert document.slice(gap.nearest[0].evidence.sentence.span).startswith("Call 0300")


def test_how_to_reach_somebody_is_told_by_contact_lines_alone(assistant: Assistant) -> None:
    found = reading_of(assistant, "What is the phone number?").found
    assert {scored.evidence.sentence.kind for scored in found} == {SentenceKind.CONTACT}


def test_lead_ins_answer_only_who_asks_for_steps(assistant: Assistant) -> None:
    def kinds(question: str) -> set[SentenceKind]:
        return {s.evidence.sentence.kind for s in reading_of(assistant, question).found}

    assert SentenceKind.LEAD_IN in kinds("What happens when you set up the lamp, step by step?")
    assert SentenceKind.LEAD_IN not in kinds("Is the lamp set up?")


def test_a_known_gap_of_one_clinic_says_nothing_of_another(
    settings: Settings, embedder: HashingEmbedder
) -> None:
    gap = {"gap": "bright-north", "questions": ["When is the lamp of Northern Lamps bright?"]}
    (settings.corpus / "questions.jsonl").write_text(json.dumps(gap), encoding="utf-8")
    assistant = open_assistant(settings, embedder=embedder)
    assert reading_of(assistant, "When is the lamp bright in the South?").votes.gap == 0.0
    assert reading_of(assistant, "When is the lamp bright?").votes.gap == 0.0
    assert reading_of(assistant, "When is the lamp bright in the North?").votes.gap > 0.5


def test_off_topic_gaps_show_nothing_as_near(settings: Settings, embedder: HashingEmbedder) -> None:
    gaps = [
        {"gap": "price", "questions": ["What does a lamp cost in shops?"]},
        {"gap": "weather", "questions": ["Will it rain tomorrow?"], "off_topic": True},
    ]
    lines = "\n".join(map(json.dumps, gaps))
    (settings.corpus / "questions.jsonl").write_text(lines, encoding="utf-8")
    assistant = open_assistant(settings, embedder=embedder)
    assert reading_of(assistant, "What does a lamp cost in shops").on_topic
    assert not reading_of(assistant, "will it rain tomorrow").on_topic


def test_a_comment_in_the_bank_is_quoted_only_where_comments_are_asked_about(
    settings: Settings, embedder: HashingEmbedder
) -> None:
    burst = {"page": "kettle.md", "quote": "My kettle burst into flames after a week!"}
    boils = {"page": "kettle.md", "quote": "The kettle boils a litre of water in two minutes."}
    entries = [
        {"topic": "robin", "questions": ["What happened to Robin's kettle?"], "points": [[burst]]},
        {"topic": "boils", "questions": ["What does the kettle do?"], "points": [[boils]]},
    ]
    lines = "\n".join(map(json.dumps, entries))
    (settings.corpus / "questions.jsonl").write_text(lines, encoding="utf-8")
    assistant = open_assistant(settings, embedder=embedder)

    def comments(question: str) -> list[bool]:
        found = reading_of(assistant, question).found
        return [scored.evidence.sentence.kind is SentenceKind.COMMENT for scored in found]

    assert comments("what happened to robin's kettle")[0]
    assert not any(comments("what does the kettle do"))
