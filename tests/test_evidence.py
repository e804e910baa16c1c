from __future__ import annotations

from pathlib import Path

import pytest

from rag.assistant import Assistant
from rag.datatypes import ModelError, SentenceKind
from rag.evidence import find_evidence, read_calibration
from rag.index import chunk_text, sentence_text
from rag.retrieve import read_scope, retrieve


def test_scores_are_the_weighted_mean_of_sentence_and_chunk(assistant: Assistant) -> None:
    scope = read_scope("When is the lamp bright?", assistant.documents.values())
    embed = assistant.embedder.embed
    vector = embed([scope.question])[0]
    hits = retrieve(assistant.index, vector, scope=scope, count=20)
    found = find_evidence(
        assistant.index, hits, vector, scope=scope, calibration=assistant.calibration
    )
    weight = assistant.calibration.chunk_weight
    expected = {
        (hit.chunk.document.id, sentence.span): float(
            (
                embed([sentence_text(hit.chunk, sentence)])[0] @ vector
                + weight * (embed([chunk_text(hit.chunk)])[0] @ vector)
            )
            / (1 + weight)
        )
        for hit in hits
        for sentence in hit.chunk.sentences
        if sentence.kind is not SentenceKind.CONTACT  # nobody asked how to reach anyone
    }
    scores = {(s.evidence.document.id, s.evidence.sentence.span): s.score for s in found}
    assert scores == pytest.approx(expected, abs=1e-5)
    assert [s.score for s in found] == sorted((s.score for s in found), reverse=True)


def test_probability_rises_with_the_score(assistant: Assistant) -> None:
    probabilities = [assistant.calibration.probability(score / 10) for score in range(-10, 11)]
    assert probabilities == sorted(probabilities)
    assert all(0 < p < 1 for p in probabilities)


def test_how_to_reach_somebody_is_told_by_contact_lines_alone(assistant: Assistant) -> None:
    scope = read_scope("What is the phone number?", assistant.documents.values())
    vector = assistant.embedder.embed([scope.question])[0]
    hits = retrieve(assistant.index, vector, scope=scope, count=20)
    found = find_evidence(
        assistant.index, hits, vector, scope=scope, calibration=assistant.calibration
    )
    assert {s.evidence.sentence.kind for s in found} == {SentenceKind.CONTACT}


def test_a_calibration_that_cannot_be_read_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "calibration.json").write_text('{"slope": 1}')
    with pytest.raises(ModelError, match=r"eval\.calibrate"):
        read_calibration(tmp_path / "calibration.json")
