"""A follow-up and the questions before it → a question that stands alone, as the reader sees it.

A clinic named anew takes the place of the one before, a new thing that of its like (by the
embedder), and words that lean on the question before (``rag.leaning``) are joined to it.
What is complete in itself is left as it was typed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from rag.datatypes import Document
from rag.embed import FloatArray
from rag.leaning import ABOUT, ASKING, FUNCTION, THEM, WORD, asks_more, content
from rag.scope import read_scope

Embed = Callable[[Sequence[str]], FloatArray]
"""Texts → float32[len(texts), d] unit rows."""
Quoted = Callable[[str], Sequence[str]]
"""A question that stands alone → the quotes it was answered with, in order."""
Unnamed = Callable[[str], str]
"""A question → the same without the clinics and places that it names."""
Leans = Callable[[str, str], bool]
"""Words, and the question before → whether they say too little without it."""

_LINK = r"[\s,.:;–-]*"
_OPENING = re.compile(
    rf"^(?:(?:and|but|so|ok(?:ay)?|also|then|well|hm+|right|alright|yeah|yes|no+|nah|sorry|sry|oh"
    rf"|ah|wait|oops|actually|hang on|my mistake|i see|thanks|thx|ta|please|now"
    rf"|(?:what|wat|how) ?about|what of|what if|if|same (?:for|in|at|with|question for)"
    rf"|i (?:mean|meant)|or"
    rf"|(?:i|she|he|we|they|it)(?:['’]?m| am|['’]?s| is|['’]?re| are)(?: (?:asking|talking) about)?"
    rf"(?= (?:with|in|at|on|the)\b)|(?:it|that)['’]?s)\b{_LINK})+",
    re.I,
)
_CORRECTION = re.compile(
    rf"^(?:(?:no+|nah|sorry|sry|oh|ah|wait|oops|actually|hang on|my mistake)\b{_LINK})+"
    r"|\bi (?:mean|meant)\b|^not .+(?:,|\bbut\b) ?.+",
    re.I,
)
_NOT_THAT = re.compile(r"\bnot (?:the )?(?P<old>[\w' -]+?)(?:,|\bbut\b|$)(?P<new>.*)$", re.I)
_MEANT = re.compile(r"^(?P<new>.+?),? (?:that'?s what )?i (?:mean|meant)\W*$", re.I)
_WHEN = re.compile(r"\b(?:before|after|during)\b", re.I)
_NTH = {
    "first": 0, "1st": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3,
    "fifth": 4, "5th": 4, "last": -1, "one": 0, "two": 1, "three": 2, "four": 3,
    "1": 0, "2": 1, "3": 2, "4": 3,
}  # fmt: skip
_POINTED = re.compile(
    r"(?<![\w-])(?:the |that |your )?(?:(?P<nth>first|1st|second|2nd|third|3rd|fourth|4th|fifth|5th"
    r"|(?<=the )last|(?<=that )last)(?: (?:one|point|thing|quote|answer|bit|part|item|step"
    r"|reason|of (?:those|these|them))"
    r"|(?=\W*$))"
    r"|(?:number|no\.?|point|quote|step|#) ?(?P<number>one|two|three|four|[1-4]))\b",
    re.I,
)
_VERBS = frozenset(
    """help helps treat treats cause causes damage damages harm harms raise raises work works last
    lasts need happen happens happening start starts give given affect affects increase lower stop
    prevent relieve make makes made feel sits sit ring call phone check checks come
    comes used using taking taken getting ketamine ket k drug treatment therapy medicine kat
    infusion long-term short-term""".split()  # noqa: SIM905 - as above
)
_MOST_NEW = 5
# Words that say more than this point at nothing that was quoted.
_SAID = 2
_MOST_SHOWN = 25
# The least cosine between a new thing and the words whose place it takes.
_PARALLEL = 0.3


def standalone(
    words: str,
    history: Sequence[str],
    documents: Iterable[Document],
    *,
    embed: Embed,
    quoted: Quoted,
    unnamed: Unnamed,
    leans: Leans,
) -> str:
    """The question that ``words`` ask after ``history``; ``words`` themselves where they need none.

    Args:
        words: what was typed last.
        history: what was typed before, oldest first.
        documents: the pages, for the names of clinics.
        embed: finds what a new thing is parallel to.
        quoted: asked only where words point at one of several quotes.
        unnamed: asked for the question before where another clinic is named now.
        leans: asked where no rule has put the two together.
    """
    pages = tuple(documents)
    before = ""
    for typed in (*history, words):
        before = _resolved(typed, before, pages, embed, quoted, unnamed, leans) if before else typed
    return before


def _resolved(
    words: str,
    before: str,
    pages: Sequence[Document],
    embed: Embed,
    quoted: Quoted,
    unnamed: Unnamed,
    leans: Leans,
) -> str:
    if quote := _pointed(words, before, quoted):
        return f"“{quote}” – {words}"
    named = read_scope(words, pages)
    if named.documents is not None:
        # Another clinic takes the place of the one before.
        before = unnamed(before)
        only_names = named.question == " ".join(words.split())
        if only_names or not content(_OPENING.sub("", named.question)):
            where = _OPENING.sub("", words).strip(" ?!.,") or words
            return f"{before.rstrip(' ?!.,')}, {where}?"
    changed = "" if asks_more(words) else _changed(words, before, embed)
    if changed:
        return changed
    return _joined(before, words) if leans(words, before) else words


def _joined(before: str, words: str) -> str:
    """Both questions; of a chain, the first and the last."""
    head = before.split(" – ", maxsplit=1)[0] if before.count(" – ") > 1 else before
    return f"{head} – {words}"


def _pointed(words: str, before: str, quoted: Quoted) -> str:
    """The first words of the quote, or of the item of a quoted list, that words point at."""
    found = _POINTED.search(words)
    if not found or len(content(_POINTED.sub("", words))) > _SAID:
        return ""
    quotes = quoted(before)
    at = _NTH[(found["nth"] or found["number"]).casefold()]
    lines = [line.strip(" •*-\t") for line in "".join(quotes[:1]).split("\n") if line.strip()]
    things = lines[1:] if len(lines) > _SAID else quotes
    if not -len(things) <= at < len(things):
        return ""
    shown = things[at].split()
    return " ".join(shown[:_MOST_SHOWN]) + ("…" if len(shown) > _MOST_SHOWN else "")


def _changed(words: str, before: str, embed: Embed) -> str:
    """The question before with the new thing in the place of its like; "" where there is none."""
    correcting = bool(_CORRECTION.search(words))
    if not correcting and not ABOUT.search(words):
        return ""
    new = _OPENING.sub("", words).strip(" ?!.,")
    if meant := _MEANT.match(new):
        new = meant["new"].strip(" ?!.,")
    if excluded := _NOT_THAT.search(words):
        old, new = excluded["old"].strip(), _OPENING.sub("", excluded["new"]).strip(" ?!.,") or new
        if old.casefold() in before.casefold() and new:
            return _replaced(before, old, new)
    if (when := _WHEN.match(new)) and (then := _WHEN.search(before)):
        return _replaced(before, then[0], when[0])
    if len(content(new)) not in range(1, _MOST_NEW) or ASKING.match(new) or THEM.search(new):
        return ""
    place = _parallel(new, before, embed, 0.0 if correcting else _PARALLEL)
    if place:
        return _replaced(before, place, re.sub(r"^(?:the|your|my|a|an) ", "", new, flags=re.I))
    return _joined(before, words) if correcting else ""


def _replaced(text: str, old: str, new: str) -> str:
    return re.sub(rf"\b{re.escape(old)}\b", lambda _: new, text, count=1, flags=re.I)


def _parallel(new: str, before: str, embed: Embed, least: float) -> str:
    """The run of words in the earlier question that is most like the new thing."""
    runs = _runs(before.split(" – ", maxsplit=1)[0])
    if not runs:
        return ""
    rows = embed([new, *runs])
    likeness = rows[1:] @ rows[0]
    best = int(np.argmax(likeness))
    return runs[best] if float(likeness[best]) >= least else ""


def _runs(words: str) -> list[str]:
    """The longest runs of content words that stand together, verbs and the drug's names apart."""
    runs: list[tuple[int, int]] = []
    for found in WORD.finditer(words):
        if found[0].casefold() in FUNCTION | _VERBS:
            continue
        if runs and words[runs[-1][1] : found.start()] == " ":
            runs[-1] = (runs[-1][0], found.end())
        else:
            runs.append((found.start(), found.end()))
    return [words[start:end] for start, end in runs]
