"""A follow-up and the questions before it → a question that stands alone, as the reader sees it.

Rules over the words: a clinic named anew takes the place of the one before, a new thing that
of its like (by the embedder), and words that point back, or say too little, are joined to
the question before. What is complete in itself is never altered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from rag.datatypes import Document
from rag.embed import FloatArray
from rag.scope import read_scope

Embed = Callable[[Sequence[str]], FloatArray]
"""Texts → float32[len(texts), d] unit rows."""
Quoted = Callable[[str], Sequence[str]]
"""A question that stands alone → the quotes it was answered with, in order."""
Familiar = Callable[[str], float]
"""Words → the cosine of the known question that is most like them."""

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
_ABOUT = re.compile(
    rf"^(?:(?:and|but|so|ok(?:ay)?|also|then|well|right|yeah|yes|oh|ah)\b{_LINK})*"
    r"(?:(?:what|wat|how) ?about|what of|same (?:for|with|question for)|and|or)\b",
    re.I,
)
_CORRECTION = re.compile(
    rf"^(?:(?:no+|nah|sorry|sry|oh|ah|wait|oops|actually|hang on|my mistake)\b{_LINK})+"
    r"|\bi (?:mean|meant)\b|^not .+(?:,|\bbut\b) ?.+",
    re.I,
)
_NOT_THAT = re.compile(r"\bnot (?:the )?(?P<old>[\w' -]+?)\s*(?:,|\bbut\b|$)\s*(?P<new>.*)$", re.I)
_MEANT = re.compile(r"^(?P<new>.+?),? (?:that'?s what )?i (?:mean|meant)\W*$", re.I)
_WHEN = re.compile(r"\b(?:before|after|during)\b", re.I)
_MORE = re.compile(
    r"^(?:(?:but|and|so|ok(?:ay)?|oh|hm+|really|well|wait|huh)\b[\s,.:;?!–-]*)*"
    r"(?:why(?: not| is that| that| so| though| exactly)?|y"
    r"|how(?: come| so| exactly| does that work| is that| that)?"
    r"|really|seriously|(?:are )?(?:you|u) (?:really |quite )?sure(?: about (?:that|it))?"
    r"|why['’]?s that|proof|because of what|by whom|according to"
    r"|what['’]?s the reason(?: for (?:it|that))?"
    r"|is that (?:true|right|so|certain|for sure)"
    r"|says who|who (?:says|said)(?: so| that| it)?|according to who(?:m)?"
    r"|(?:can you |could you |please )?(?:tell me (?:some )?more"
    r"|more(?: details?| info(?:rmation)?)?"
    r"|explain|elaborate|go on|say more|expand)(?: about)?(?: on)?(?: that| it| this)?"
    r"(?: a bit)?(?: more)?"
    r"|in what way|meaning|what do(?:es)? (?:you|that|it) mean|since when|for example|such as"
    r"|like what|when|where|who|how (?:long|often|many|much|many times|soon|fast)|for how long"
    r"|what else|anything else|any more|any others?|and then(?: what)?|then what|which ones?)"
    r"(?: then| though| please| pls| exactly)?(?:[\s?!.]*$|(?<=\w)\s*(?:[,;:–]|[?!.]+ ))",
    re.I,
)
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
# Words that point back at several things, and those that point at what was just said.
_THEM = re.compile(r"\b(?:they|them|their|theirs|they['’]re)\b", re.I)
_THOSE = re.compile(
    r"\b(?:those|these|both|either|neither)\b(?! (?:who|that|with|of|the|an?|my|your)\b)", re.I
)
_THAT = re.compile(
    r"(?:^|\b(?:is|was|does|did|do|would|will|can|could|about|after|before|for|of|on|in|at|like|by"
    r"|with|from|than|why|how|and|but|so|to|during|all|into|doing|such|one)\s+)(?:that|this|such)"
    r"(?=\W*$|\s+(?!stuff\b|drug\b|treatment\b|therapy\b|thing\b|medicine\b|medication\b))",
    re.I,
)
_TAG = re.compile(r",?\s*\bis (?:that|this|it) (?:right|true|so|correct|really so)\W*$", re.I)
_IT = re.compile(r"\b(?:it|its|it['’]s)\b", re.I)
_SOMEBODY = re.compile(r"\b(?:he|she|him|her|his|hers)\b", re.I)
# What "it" stands for where one of these was asked about, and not the drug itself.
_THING = re.compile(
    r"\b(?:spray|esketamine|spravato|lozenges?|tablets?|injections?|special k|antidepressants?"
    r"|ssris?|benzos?|benzodiazepines?|opioids?|opiates?|naltrexone|placebo|spect|scans?|psychotherapy|review"
    r"|study|guide|webinar|information session|k[ -]?holes?|something called \w+)\b",
    re.I,
)
_CLAUSE = re.compile(
    r"\b(?:is|are|was|were|am|do|does|did|can|could|will|would|should|has|have|had|may|might|must"
    r"|isn['’]?t|aren['’]?t|don['’]?t|doesn['’]?t|won['’]?t|can['’]?t)\b",
    re.I,
)
_ASKING = re.compile(
    r"^(?:how|why|when|where|who|which|what|wat|is|are|do|does|did|can|could|will|would|should|has"
    r"|have|if|whether)\b",
    re.I,
)
_DEFINING = re.compile(r"^(?:and )?(?:what|who)(?:['’]?s| is| are| was) \S+\W*$", re.I)
_PARTIAL = re.compile(
    r"^(?:(?:and|but|so|ok(?:ay)?|or)\b\W*)*(?:(?:at|in|from|for|after|before|on|with|by|to|since|until)"
    r"\b.{0,3})?(?:what|wat|which|how|any|some|who|whose|where|when|or|for|after|before|even|only"
    r"|just|like|such|more|less)\b",
    re.I,
)
_FUNCTION = frozenset(
    """a about after all also am an and any anything are as at be been before being but by can
    could did do does doing else for from get got had has have how i i'm i'd if im in
    instead into is isn't it its just like long lot many me mean meant more much my no not
    of off often on one ones or other our out over same say says she he so some still take
    than that the their them then there these they this those to too up us use very was we
    went go goes going were what when where which who why will with would you your yes ok
    okay please really actually clinic page site place there's what's it's wait through
    better mention mentions view opinion think thinks said say list living live based people
    person whats that's clinics""".split()  # noqa: SIM905 - read as a list of words
)
_VERBS = frozenset(
    """help helps treat treats cause causes damage damages harm harms raise raises work works last
    lasts need happen happens happening start starts give given affect affects increase lower stop
    prevent relieve make makes made feel sits sit ring call phone check checks come
    comes used using taking taken getting ketamine ket k drug treatment therapy medicine kat
    infusion long-term short-term""".split()  # noqa: SIM905 - as above
)
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_MOST_NEW = 5
# Words that say this much may be pointed at; with fewer a question leans.
_SAID = 2
_FEW = 4
# From this familiarity on even very few words are a question of their own.
_KNOWN = 0.85
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
    familiar: Familiar,
) -> str:
    """The question that ``words`` ask after ``history``; ``words`` themselves where they need none.

    Args:
        words: what was typed last.
        history: what was typed before, oldest first.
        documents: the pages, for the names of clinics.
        embed: finds what a new thing is parallel to.
        quoted: asked only where words point at one of several quotes.
        familiar: asked only where very little is said.
    """
    pages = tuple(documents)
    before = ""
    for typed in (*history, words):
        before = _resolved(typed, before, pages, embed, quoted, familiar) if before else typed
    return before


def _resolved(
    words: str,
    before: str,
    pages: Sequence[Document],
    embed: Embed,
    quoted: Quoted,
    familiar: Familiar,
) -> str:
    if quote := _pointed(words, before, quoted):
        return f"“{quote}” – {words}"
    named = read_scope(words, pages)
    if named.documents is not None:
        # Another clinic takes the place of the one before.
        before = read_scope(before, pages).question
        only_names = named.question == " ".join(words.split())
        if only_names or not _content(_OPENING.sub("", named.question)):
            where = _OPENING.sub("", words).strip(" ?!.,") or words
            return f"{before.rstrip(' ?!.,')}, {where}?"
    changed = "" if _MORE.search(words) else _changed(words, before, embed)
    if changed:
        return changed
    return _joined(before, words) if _leans(words, before, familiar) else words


def _leans(words: str, before: str, familiar: Familiar) -> bool:
    """Whether words say too little without the question before."""
    plain = _TAG.sub("", words)
    if _MORE.search(words) or not _content(plain) or _is_part(plain):
        return True
    return _points_back(plain, before) or (_is_brief(plain) and familiar(words) < _KNOWN)


def _points_back(plain: str, before: str) -> bool:
    """Whether "that", "those", "they" or "it" stand for something in the question before.

    What points back may point at the words' own beginning, so it counts only where little
    was said before it.
    """
    content = _content(plain)
    pointing = _THAT.search(plain) or _THOSE.search(plain)
    if pointing and len(_content(plain[: pointing.start()])) < _SAID:
        return True
    if len(content) > _SAID:
        return False
    them = _THEM.search(plain)
    if them and not _names_several(plain[: them.start()]):
        return len(content) < _SAID or _names_several(before)
    return bool(_IT.search(plain) and _THING.search(before) and not _THING.search(plain))


def _is_fragment(plain: str) -> bool:
    few = len(_WORD.findall(plain)) <= _FEW and len(_content(plain)) <= _SAID
    return few and not _CLAUSE.search(plain)


def _is_part(plain: str) -> bool:
    """Whether words are plainly a part of a question: "for how long", "any particular ones"."""
    return _is_fragment(plain) and bool(_PARTIAL.search(plain))


def _is_brief(plain: str) -> bool:
    """Whether words are so few that they may be but a part of a question."""
    content, count = _content(plain), len(_WORD.findall(plain))
    if _IT.search(plain) and _CLAUSE.search(plain):
        return False
    if _is_fragment(plain):
        return bool(count <= _SAID or _ABOUT.search(plain))
    asking = _ASKING.match(plain) and not _DEFINING.match(plain)
    return count <= _SAID or bool(len(content) == 1 and asking)


def _names_several(words: str) -> bool:
    """Whether words hold something that "they" may mean: a plural, or people."""
    return any(
        re.fullmatch(r"people|children|kids|women|men|.{3,}[^su'’]s", word, re.I)
        for word in _WORD.findall(words)
    )


def _content(words: str) -> list[str]:
    """The words that say what is asked about."""
    return [word for word in _WORD.findall(words) if word.casefold() not in _FUNCTION]


def _joined(before: str, words: str) -> str:
    """Both questions; of a chain, the first and the last."""
    head = before.split(" – ", maxsplit=1)[0] if before.count(" – ") > 1 else before
    return f"{head} – {words}"


def _pointed(words: str, before: str, quoted: Quoted) -> str:
    """The first words of the quote, or of the item of a quoted list, that words point at."""
    found = _POINTED.search(words)
    if not found or len(_content(_POINTED.sub("", words))) > _SAID:
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
    if not correcting and not _ABOUT.search(words):
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
    if len(_content(new)) not in range(1, _MOST_NEW) or _ASKING.match(new) or _THEM.search(new):
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
    for found in _WORD.finditer(words):
        if found[0].casefold() in _FUNCTION | _VERBS:
            continue
        if runs and words[runs[-1][1] : found.start()] == " ":
            runs[-1] = (runs[-1][0], found.end())
        else:
            runs.append((found.start(), found.end()))
    return [words[start:end] for start, end in runs]
