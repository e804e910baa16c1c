"""Whether words lean on the question before them: a linear classifier over how they are put.

What a question is about says little of that; the small words around it ("that", "and", "for
how long"), how many there are, how well known they are alone and how like the question
before say much. Fitted by ``eval.fit_leaning`` on conversations.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from rag.datatypes import ModelError

WEIGHTS = Path(__file__).with_name("leaning.json")
_LINK = r"[\s,.:;–-]*"
ABOUT = re.compile(
    rf"^(?:(?:and|but|so|ok(?:ay)?|also|then|well|right|yeah|yes|oh|ah)\b{_LINK})*"
    r"(?:(?:what|wat|how) ?about|what of|same (?:for|with|question for)|and|or)\b",
    re.I,
)
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
# Words that point back at several things, and those that point at what was just said.
THEM = re.compile(r"\b(?:they|them|their|theirs|they['’]re)\b", re.I)
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
ASKING = re.compile(
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
FUNCTION = frozenset(
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
WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_SMALL = FUNCTION | frozenset(
    """her hers him his whom whose too either both another else again here first last next second
    during though although whether because without within never until since between
    """.split()  # noqa: SIM905 - as above
)
_DRUG = re.compile(
    r"\b(?:ketamine|ket|esketamine|spravato|kat|treatment|therapy|session|infusion|clinic)s?\b",
    re.I,
)
# Words that say this much may be pointed at; with fewer a question leans.
_SAID = 2
_FEW = 4
# From these cosines on words are a known gap, or a question of the bank.
_KNOWN_GAP, _THE_SAME = 0.75, 0.97


@dataclass(frozen=True, slots=True)
class Likeness:
    """Cosines of words with the bank's question most like them, and with the question before.

    ``gap`` is whether that question of the bank is a known gap. Where there is no bank to
    tell, words are taken to be known as well as most are.
    """

    before: float
    alone: float = 0.8
    gap: bool = False


@dataclass(frozen=True, slots=True)
class Leaning:
    """What each mark of how words are put says for leaning, and the bias.

    Words lean from the probability ``point`` on.
    """

    weights: Mapping[str, float] = field(repr=False)
    bias: float
    point: float

    def leans(self, words: str, before: str, likeness: Likeness) -> bool:
        """Whether words say too little without the question before.

        What the bank asks in these very words (as what is suggested does), or knows as a
        gap, stands alone unless it points back: the question before must not hide that the
        pages are silent.
        """
        least, said = (_KNOWN_GAP, 1) if likeness.gap else (_THE_SAME, _SAID)
        known = likeness.alone >= least and len(content(words)) >= said
        if known and not _points_back(words, before):
            return False
        return self.of_marks(marks_of(words, before, likeness)) >= self.point

    def of_marks(self, marks: Mapping[str, float]) -> float:
        """The probability that words with these marks lean on the question before (0 to 1)."""
        odds = self.bias + sum(self.weights.get(name, 0.0) * mark for name, mark in marks.items())
        return 1.0 / (1.0 + math.exp(-odds))


def read_leaning(path: Path = WEIGHTS) -> Leaning:
    """The classifier that is shipped.

    Raises:
        ModelError: the file is not one that ``eval.fit_leaning`` wrote.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        weights = {str(name): float(weight) for name, weight in values["weights"].items()}
        return Leaning(weights, float(values["bias"]), float(values["point"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{path.name} cannot be used: {error!r}. Run `python -m eval.fit_leaning --write`."
        ) from error


def marks_of(words: str, before: str, likeness: Likeness) -> dict[str, float]:
    """What the classifier sees of words: small words, pairs of them, and a few numbers."""
    plain = _TAG.sub("", words)
    said = content(plain)
    tokens = [word.casefold().replace("’", "'") for word in WORD.findall(words)]
    small = [word if word in _SMALL else "#" for word in tokens]
    marks = dict.fromkeys((f"w {word}" for word in small if word != "#"), 1.0)
    marks |= dict.fromkeys((f"b {one} {two}" for one, two in pairwise(["^", *small, "$"])), 1.0)
    return marks | {
        "words": math.log1p(len(tokens)),
        "content": math.log1p(len(said)),
        "share": len(said) / max(1, len(tokens)),
        "alone": likeness.alone,
        "like": likeness.before,
        "drug": float(_DRUG.search(plain) is not None),
        "more": float(asks_more(words)),
        "part": float(_is_part(plain)),
        "points": float(_points_back(plain, before)),
        "brief": float(_is_brief(plain)),
        "empty": float(not said),
        "asks": float("?" in words),
    }


def asks_more(words: str) -> bool:
    """Whether words only ask on: "why?", "tell me more", "for how long"."""
    return _MORE.search(words) is not None


def _points_back(plain: str, before: str) -> bool:
    """Whether "that", "those", "they" or "it" stand for something in the question before.

    What points back may point at the words' own beginning, so it counts only where little
    was said before it.
    """
    said = content(plain)
    pointing = _THAT.search(plain) or _THOSE.search(plain)
    if pointing and len(content(plain[: pointing.start()])) < _SAID:
        return True
    if len(said) > _SAID:
        return False
    them = THEM.search(plain)
    if them and not _names_several(plain[: them.start()]):
        return len(said) < _SAID or _names_several(before)
    return bool(_IT.search(plain) and _THING.search(before) and not _THING.search(plain))


def _is_fragment(plain: str) -> bool:
    few = len(WORD.findall(plain)) <= _FEW and len(content(plain)) <= _SAID
    return few and not _CLAUSE.search(plain)


def _is_part(plain: str) -> bool:
    """Whether words are plainly a part of a question: "for how long", "any particular ones"."""
    return _is_fragment(plain) and bool(_PARTIAL.search(plain))


def _is_brief(plain: str) -> bool:
    """Whether words are so few that they may be but a part of a question."""
    said, count = content(plain), len(WORD.findall(plain))
    if _IT.search(plain) and _CLAUSE.search(plain):
        return False
    if _is_fragment(plain):
        return bool(count <= _SAID or ABOUT.search(plain))
    asking = ASKING.match(plain) and not _DEFINING.match(plain)
    return count <= _SAID or bool(len(said) == 1 and asking)


def _names_several(words: str) -> bool:
    """Whether words hold something that "they" may mean: a plural, or people."""
    return any(
        re.fullmatch(r"people|children|kids|women|men|.{3,}[^su'’]s", word, re.I)
        for word in WORD.findall(words)
    )


def content(words: str) -> list[str]:
    """The words that say what is asked about."""
    return [word for word in WORD.findall(words) if word.casefold() not in FUNCTION]
