"""Where words name a person: cues ("my name is", "Mr", "Regards,"), and first names.

No model: rules and a small list (``scrub.toml``). They would rather take one word too many for
a name than leave one standing, but not the words that questions here are made of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from rag.datatypes import Span

# A bracket before a word: what was put in the place of something is no name.
_WORD: Final = re.compile(r"(?<![\[\w])[^\W\d_]+(?:[-'’](?!s\b)[^\W\d_]+)*")
_DRAWN: Final = re.compile(r"(?:n't|'(?:m|ve|d|ll|re|t|s|em|all))$")
# Letter by letter: "K-O-W-A-L".
_SPELT: Final = re.compile(r"\b(?:[A-Z][ .-]+){3,}[A-Z]\b")
_MOST_WORDS: Final = 4
# In a title nearly every word has a capital, which then tells nothing.
_TITLE: Final = 0.7
# So many words inside sentences tell whether a text is one.
_TELLING: Final = 4
_INSIDE: Final = re.compile(r"[^\W_][,;]? $")


class Cue(StrEnum):
    """How much a cue needs of the word after it."""

    SURE = "sure"  # any word at all that is no function word
    WRITTEN = "written"  # a capital, a first name, or a word that nobody uses here
    LIKELY = "likely"  # a capital on a word of no other use, or a first name


@dataclass(frozen=True, slots=True)
class PersonNames:
    """What is known of names, and of words that are none.

    ``ordinary`` are words that stand in questions anyway; a capital makes none of them a name.
    ``public`` are people whom everybody may ask about, in small letters.
    """

    first: frozenset[str] = field(repr=False)
    ambiguous: frozenset[str] = field(repr=False)
    particles: frozenset[str] = field(repr=False)
    stop: frozenset[str] = field(repr=False)
    subjects: frozenset[str] = field(repr=False)
    saints: frozenset[str] = field(repr=False)
    ordinary: frozenset[str] = field(repr=False)
    public: re.Pattern[str] = field(repr=False)
    cues: tuple[tuple[Cue, re.Pattern[str]], ...] = field(repr=False)

    def spans(self, words: str) -> tuple[Span, ...]:
        """Where persons are named, in order, none in another."""
        tokens = [_Word(found[0], Span(*found.span())) for found in _WORD.finditer(words)]
        reader = _Reader(self, words, tokens, capitals=_capitals_tell(words, tokens))
        famous = [Span(*found.span()) for found in self.public.finditer(words)]
        spans = [span for span in reader.runs() if not any(span.overlaps(one) for one in famous)]
        return tuple(_joined(spans))


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    span: Span

    @property
    def plain(self) -> str:
        # "I'm", "there'll": the word, without what it is drawn together with.
        return _DRAWN.sub("", self.text.replace("’", "'").lower())


@dataclass(frozen=True, slots=True)
class _Reader:
    """One text being read; ``capitals`` says whether a capital letter tells anything in it."""

    names: PersonNames
    words: str
    tokens: Sequence[_Word]
    capitals: bool

    def runs(self) -> Iterator[Span]:
        at_start = {token.span.start: at for at, token in enumerate(self.tokens)}
        for cue, pattern in self.names.cues:
            for found in pattern.finditer(self.words):
                at = at_start.get(found.end())
                if at is not None and self._begins(at, cue):
                    yield self._run(at)
        for at in range(len(self.tokens)):
            if self._listed(at) or self._is_full_name(at):
                yield self._run(at)
        for found in _SPELT.finditer(self.words):
            yield Span(*found.span())

    def _capital(self, at: int) -> bool:
        return self.capitals and self.tokens[at].text[0].isupper()

    def _listed(self, at: int) -> bool:
        """Whether a word is a first name wherever it stands."""
        plain = self.tokens[at].plain
        if plain not in self.names.first or (at and self._follows(at) and self._is_saint(at - 1)):
            return False
        return self._capital(at) or plain not in self.names.ordinary

    def _is_saint(self, at: int) -> bool:
        """Whether a word makes a place's name of a person's: "San Francisco"."""
        return self.tokens[at].plain in self.names.saints

    def _begins(self, at: int, cue: Cue) -> bool:
        token = self.tokens[at]
        capital = self._capital(at)
        if token.plain in self.names.stop and not (capital and token.plain in self.names.ambiguous):
            return False
        if cue is Cue.SURE or self._listed(at):
            return True
        if token.plain in self.names.subjects:
            return False
        if capital and token.plain in self.names.ambiguous:
            return True
        if cue is Cue.WRITTEN:
            # In small letters a word that nobody uses here, unless it is one bent by grammar.
            bent = token.plain.endswith(("ed", "ing", "s", "ly"))
            strange = not self._ordinary(at) and not bent and token.plain.isalpha()
            return strange or (capital and not self._subject(at))
        return capital and not self._ordinary(at) and not self._is_acronym(at)

    def _is_full_name(self, at: int) -> bool:
        """Two words with capitals that nobody uses here, or one after an initial."""
        if at + 1 >= len(self.tokens) or not self._follows(at + 1):
            return False
        initial = self._is_initial(at)
        strange = [at + 1] if initial else [at, at + 1]
        return all(
            self._capital(place)
            and not self._ordinary(place)
            and not self._is_acronym(place)
            and len(self.tokens[place].text) > 1
            for place in strange
        )

    def _is_initial(self, at: int) -> bool:
        token = self.tokens[at]
        stops = self.words[token.span.end : token.span.end + 1] == "."
        return len(token.text) == 1 and self._capital(at) and stops

    def _is_acronym(self, at: int) -> bool:
        return self.tokens[at].text.isupper() and len(self.tokens[at].text) > 1

    def _ordinary(self, at: int) -> bool:
        plain = self.tokens[at].plain
        forms = {plain, plain.rstrip("s"), plain.removesuffix("ing"), plain.removesuffix("ed")}
        forms |= set(plain.split("-")) if "-" in plain else set()
        return bool(forms & self.names.ordinary) or self._subject(at)

    def _subject(self, at: int) -> bool:
        plain = self.tokens[at].plain
        return bool({plain, plain.rstrip("s")} & (self.names.stop | self.names.subjects))

    def _follows(self, at: int) -> bool:
        """Whether a word stands right behind the one before it."""
        between = self.words[self.tokens[at - 1].span.end : self.tokens[at].span.start]
        initial = len(self.tokens[at - 1].text) == 1
        return between in {" ", "\u00a0"} or (initial and between in {". ", "."})

    def _run(self, at: int) -> Span:
        """A name from its first word on."""
        last, small = at, not self._capital(at)
        for place in range(at + 1, min(at + _MOST_WORDS + 1, len(self.tokens))):
            if not self._follows(place):
                break
            if self._goes_on(place, small=small):
                last = place
            elif self.tokens[place].plain not in self.names.particles or small:
                break
        return Span(self.tokens[at].span.start, self.tokens[last].span.end)

    def _goes_on(self, at: int, *, small: bool) -> bool:
        token = self.tokens[at]
        if token.plain in self.names.stop and token.plain not in self.names.ambiguous:
            return False
        if self._capital(at):
            return not self._subject(at) and not (self._is_acronym(at) and len(token.text) > 1)
        if token.plain in self.names.first:
            return token.plain not in self.names.ordinary
        # In small letters a strange word is the surname, unless grammar has bent it.
        bent = token.plain.endswith(("ed", "ing", "s", "ly"))
        return small and not self._ordinary(at) and not bent and len(token.text) > 2


def person_names(
    lists: Mapping[str, str],
    cues: Iterable[tuple[Cue, re.Pattern[str]]],
    *,
    known: Iterable[str],
    public: Iterable[str],
) -> PersonNames:
    """What is known of names, from the lists of ``scrub.toml``.

    Args:
        lists: words parted by white space, by the name of their list.
        cues: what a name stands behind, or before.
        known: words that questions here are made of.
        public: names that the pages themselves bear, such as a reviewer's.
    """
    words = {name: frozenset(text.split()) for name, text in lists.items()}
    people = [one.strip() for one in lists["public"].split(";")]
    for one in public:
        # "Dr. Ann Lee" is asked about as "Ann Lee" and "Dr Lee" too.
        parts = [part for part in one.split() if not part.endswith(".")]
        people += [one, " ".join(parts), parts[-1]] if parts else []
    either = "|".join(re.escape(one) for one in sorted(people, key=len, reverse=True))
    return PersonNames(
        first=words["first_names"] - words["stop"] - words["subjects"],
        ambiguous=words["ambiguous"],
        particles=words["particles"],
        stop=words["stop"],
        subjects=words["subjects"],
        saints=words["saints"],
        ordinary=frozenset(known),
        public=re.compile(rf"\b(?:{either})\b", re.I),
        cues=tuple(cues),
    )


def _capitals_tell(words: str, tokens: Sequence[_Word]) -> bool:
    """Whether a capital letter tells anything: not in a title, nor where all is in capitals."""
    inside = [
        token.text[0].isupper()
        for token in tokens
        if len(token.text) > 3
        and _INSIDE.search(words[max(token.span.start - 3, 0) : token.span.start])
    ]
    if len(inside) >= _TELLING:
        return sum(inside) < _TITLE * len(inside)
    return len(tokens) < _TELLING or not words.isupper()


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    current: Span | None = None
    for span in sorted(spans):
        if current and span.start <= current.end:
            current = Span(current.start, max(current.end, span.end))
            continue
        if current:
            yield current
        current = span
    if current:
        yield current
