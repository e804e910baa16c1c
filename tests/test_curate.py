from __future__ import annotations

import json
from pathlib import Path

from rag.bank import read_bank
from rag.corpus import Corpus
from rag.curate import drafts, repeated, without_questions
from rag.datatypes import BankEntry, Place, Span
from rag.index import corpus_chunks
from rag.split import TiktokenTokenizer


def test_every_draft_is_an_entry_and_with_them_nothing_lacks_questions(
    corpus: Corpus, pages: Path
) -> None:
    chunks = corpus_chunks(corpus, TiktokenTokenizer(), 160)
    lacking = without_questions(chunks, ())
    quoted = {chunk.document.slice(sentence.span) for chunk, sentence in lacking}
    assert "It needs nine minutes before it is bright." in quoted
    assert not any("burst into flames" in words for words in quoted)
    made = list(drafts(lacking, chunks))
    lines = "\n".join(json.dumps(entry) for entry in made)
    (pages / "questions.jsonl").write_text(lines, encoding="utf-8")
    bank = read_bank(pages, corpus.documents)
    assert not bank.problems
    assert without_questions(chunks, bank.entries) == ()
    asked = {question for entry in bank.entries for question in entry.questions}
    assert any(question.startswith("How long") for question in asked)


def test_a_question_in_two_entries_is_told_whether_or_not_they_agree() -> None:
    here, there = (((Place("a.txt", Span(at, at + 5)),),) for at in (0, 9))
    bank = (
        BankEntry("one", ("How long is it?", "length"), here),
        BankEntry("two", ("how long is it",), there),
        BankEntry("three", ("Length!",), here),
    )
    found = repeated(bank)
    assert [(r.topics, r.same_answer) for r in found] == [
        (("one", "two"), False),
        (("one", "three"), True),
    ]
