from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rag.corpus import Corpus
from rag.datatypes import BankEntry, Place, Span
from rag.words import read_words

ANSWERED = BankEntry("t", ("When is it luminous?",), ((Place("lamp.txt", Span(0, 3)),),))
GAP = BankEntry("g", ("Is it sold in Dublin?",))


def never(_: str) -> bool:
    return False


def test_misspelt_words_are_mended_to_those_of_the_pages(corpus: Corpus) -> None:
    words = read_words(corpus.documents, (ANSWERED,))
    mended = words.mended("nine minuts befor it is brigt?", is_word=never)
    assert mended == "nine minutes before it is bright?"


def test_words_of_the_language_and_short_ones_stay(corpus: Corpus) -> None:
    words = read_words(corpus.documents, ())
    assert words.mended("brigh lmp", is_word=lambda word: word == "brigh") == "brigh lmp"


def test_strangers_are_words_that_nobody_who_was_answered_has_used(corpus: Corpus) -> None:
    words = read_words(corpus.documents, (ANSWERED, GAP))
    assert words.strangers("Is the lamp luminous?") == 0
    assert words.strangers("Is the lamp luminous in Dublin?") == 1


@given(text=st.text(max_size=60))
def test_whatever_is_mended_keeps_what_stands_between_the_words(text: str) -> None:
    words = read_words((), (ANSWERED,))
    kept = [mark for mark in text if not mark.isalpha() and mark not in "'’"]
    mended = words.mended(text, is_word=never)
    assert [mark for mark in mended if not mark.isalpha() and mark not in "'’"] == kept
