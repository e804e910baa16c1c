"""Which words the pages and their bank use: spelling is mended towards them, strangers are told.

A question that is like an answered one in all but a word that nobody who was answered has
ever used ("how long is a session in Dublin?") most often asks for what is not there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property

from rag.datatypes import BankEntry, Document
from rag.sparse import terms

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
# A spelling that as few questions use is not what others are mended to.
_OFTEN = 3
_LEAST_LETTERS = 4
_LIKE = 0.86


@dataclass(frozen=True)
class Words:
    """Words in use.

    ``known`` are the words of pages and questions, with how often they stand there;
    ``said`` the terms (stems) of the pages and of answered questions.
    """

    known: Mapping[str, int] = field(repr=False)
    said: frozenset[str] = field(repr=False)

    @cached_property
    def _by_first(self) -> dict[str, list[str]]:
        first: dict[str, list[str]] = {}
        for word in self.known:
            first.setdefault(word[0], []).append(word)
        return first

    def mended(self, text: str, *, is_word: Callable[[str], bool]) -> str:
        """``text`` with misspelt words as the pages and the bank spell them.

        Args:
            text: somebody's words.
            is_word: whether a word that is not known here is one of the language all the same.
        """
        return _WORD.sub(lambda found: self._mended(found[0], is_word), text)

    def strangers(self, text: str) -> int:
        """How many terms of ``text`` stand neither in the pages nor in an answered question."""
        return len(set(terms(" ".join(_WORD.findall(text)))) - self.said)

    def _mended(self, word: str, is_word: Callable[[str], bool]) -> str:
        plain = _plain(word)
        if plain in self.known or len(plain) < _LEAST_LETTERS or is_word(plain):
            return word
        likeness, _, found = max(self._like(plain), default=(0.0, 0, word))
        return found if likeness >= _LIKE else word

    def _like(self, word: str) -> Iterator[tuple[float, int, str]]:
        """Known words of the same first letter and near length: likeness, how often, word."""
        matcher = SequenceMatcher(b=word, autojunk=False)
        for other in self._by_first.get(word[0], ()):
            if abs(len(other) - len(word)) <= 2:
                matcher.set_seq1(other)
                if matcher.quick_ratio() >= _LIKE:
                    yield matcher.ratio(), self.known[other], other


def read_words(documents: Iterable[Document], bank: Iterable[BankEntry]) -> Words:
    """The words of pages and bank."""
    pages = Counter(_plain(word) for page in documents for word in _WORD.findall(page.text))
    answered: Counter[str] = Counter()
    gaps: Counter[str] = Counter()
    for entry in bank:
        for question in entry.questions:
            words = {_plain(word) for word in _WORD.findall(question)}
            (gaps if entry.gap else answered).update(words)
    total = pages + answered + gaps
    known = {word: n for word, n in sorted(total.items()) if word in pages or n >= _OFTEN}
    said = frozenset(terms(" ".join([*pages, *answered])))
    return Words(known, said)


def _plain(word: str) -> str:
    return word.replace("’", "'").lower()
