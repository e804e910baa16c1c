from __future__ import annotations

import pytest

from rag.assistant import Assistant
from rag.datatypes import Document, SentenceKind
from rag.retrieve import retrieve
from rag.scope import read_scope

US = "apn-us-is-ketamine-therapy-safe.txt"
LONDON = "apn-london-what-is-ketamine-assisted-healing.txt"
ATMA = "atma-what-is-ketamine-used-for.txt"
UNNAMED = "unnamed-is-ketamine-therapy-addictive.txt"
AMEN = "amen-clinics-is-ketamine-safe-for-depression.txt"


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("How long does a session last at the London clinic?", {LONDON}),
        ("what do apn london do first", {LONDON}),
        ("the APN clinic in London", {LONDON}),
        ("all points north london phone", {LONDON}),
        ("anything in the UK?", {LONDON}),
        ("lodon clinic session", {LONDON}),
        ("Is it offered in the US?", {US}),
        ("plus by apn stages", {US}),
        ("What does APN say?", {US, LONDON}),
        ("APN London vs Plus by APN", {US, LONDON}),
        ("London or the US, which is longer?", {US, LONDON}),
        ("Amen Clinics or ATMA?", {AMEN, ATMA}),
        ("TELL US HOW LONG A SESSION LASTS IN LONDON", {LONDON}),
        ("TELL US HOW LONG IT TAKES", None),
        ("How long does a session last in the uk?", {LONDON}),
        ("is it the same in the us", {US}),
        ("Is it offered in the U.S.A.?", {US}),
        ("sessions in \uff2c\uff4f\uff4e\uff44\uff4f\uff4e", {LONDON}),
        ("the Londons clinic", {LONDON}),
        ("How long is a session outside London?", {US, ATMA, AMEN, UNNAMED}),
        ("at the US clinic, not the London one", {US}),
        ("What did the British Journal of Psychiatry find?", None),
        ("What did the New England Journal of Medicine find?", None),
        ("is there a clinic in Londonderry", None),
        ("can it help us as a family", None),
        ("How long does a session last?", None),
        ("what did the American Journal of Psychiatry find", None),
    ],
)
def test_a_question_that_names_a_clinic_is_answered_only_from_it(
    real_pages: dict[str, Document], question: str, named: set[str] | None
) -> None:
    found = read_scope(question, real_pages.values()).documents
    assert (None if found is None else set(found)) == named


def test_the_name_is_not_searched_for_inside_the_pages_that_bear_it(
    real_pages: dict[str, Document],
) -> None:
    scope = read_scope("How long is a session in London?", real_pages.values())
    assert scope.question == "How long is a session ?"
    assert read_scope("London?", real_pages.values()).question == "London?"


def test_comments_are_found_only_when_asked_for(assistant: Assistant) -> None:
    for question, comment in (
        ("Did the kettle burst into flames?", False),
        ("Do the comments say the kettle burst into flames?", True),
    ):
        scope = read_scope(question, assistant.documents.values())
        vector = assistant.embedder.embed([scope.question])[0]
        hits = retrieve(assistant.index, vector, scope=scope, count=20)
        kinds = {s.kind is SentenceKind.COMMENT for hit in hits for s in hit.chunk.sentences}
        assert kinds == {comment}


def test_hits_are_fused_from_both_ranks(assistant: Assistant) -> None:
    scope = read_scope("blue lamp", assistant.documents.values())
    vector = assistant.embedder.embed([scope.question])[0]
    hits = retrieve(assistant.index, vector, scope=scope, count=20)
    for hit in hits:
        ranks = [rank for rank in (hit.dense_rank, hit.sparse_rank) if rank is not None]
        assert hit.score == pytest.approx(sum(1 / (60 + rank) for rank in ranks))
    assert [hit.score for hit in hits] == sorted((h.score for h in hits), reverse=True)
