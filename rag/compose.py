"""Evidence → a readable answer: whole lists and steps, no repeats, who says it.

Nothing here writes a claim: an answer is quotes and the names of those who say them,
with a few fixed words of ours around them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rag.blocks import list_mark, same_words, sentence_ends, visible
from rag.datatypes import (
    Block,
    BlockKind,
    Document,
    Quote,
    Role,
    SentenceKind,
    Span,
    Statement,
)
from rag.evidence import Scored
from rag.ground import make_quote

NOT_IN_SOURCES = "The sources do not say."
NEAREST = "The nearest thing the sources do say:"
CONTACT = "To ask a clinic yourself:"

_LISTED = frozenset({BlockKind.LIST_ITEM, BlockKind.STEP})
# A sentence that begins so says little without the one before it.
_LEANS = re.compile(
    r"(?:It|They|This|These|Those|That|He|She|Such|In addition|However|Also|Therefore|In this way"
    r"|Instead)\b"
)
# A lead-in with such a word gives its list another meaning than the items have alone.
_TURNS_ROUND = re.compile(
    r"\b(?:no|not|never|none|avoid|without|instead|false|myths?|wrong|unless|stop|less|rather)\b"
    r"|n['’]t\b",
    re.I,
)
_WORD = re.compile(r"[^\W_]+")
_LIKE = 0.6


@dataclass(frozen=True, slots=True)
class _Passage:
    """A stretch of one page that is going to be quoted."""

    document: Document
    span: Span
    comment: bool
    score: float


def compose(
    found: Sequence[Scored], *, steps: bool, most: int, keep: float, role: Role
) -> tuple[Statement, ...]:
    """The best evidence as statements, best first; the same words on two pages stand once.

    Args:
        found: evidence, best first.
        steps: whether steps are asked for, which are then quoted as a whole run.
        most: how many statements at most.
        keep: what share of the best score a further statement must have (0 to 1).
        role: what the quotes are shown for.
    """
    if not found:
        return ()
    near = [scored for scored in found if scored.score >= keep * found[0].score][: most * 3]
    passages = [_passage(scored, steps=steps) for scored in _with_counterparts(near, found)]
    return _statements(_fold(_joined(passages))[:most], role)


def _with_counterparts(near: Sequence[Scored], found: Sequence[Scored]) -> list[Scored]:
    """``near``, and what other pages say in like words about the best of it.

    Two clinics that describe the same thing in the same sentence but for a number are both
    asked for by a question that names neither.
    """
    best = near[0].evidence
    if best.sentence.kind is SentenceKind.CHOSEN:
        # The bank names what other pages say itself.
        return list(near)
    others = (
        scored
        for scored in found
        if scored.evidence.document.id != best.document.id
        and _likeness(_text(scored), _text(near[0])) >= _LIKE
    )
    return [*near, *(scored for scored in others if scored not in near)]


def _text(scored: Scored) -> str:
    return scored.evidence.document.slice(scored.evidence.sentence.span)


def _passage(scored: Scored, *, steps: bool) -> _Passage:
    evidence = scored.evidence
    document, sentence = evidence.document, evidence.sentence
    span = sentence.span
    if sentence.kind is SentenceKind.FRAGMENT:
        span = _around(document, span)
    if sentence.kind in {SentenceKind.PROSE, SentenceKind.LEAD_IN}:
        span = _whole(document, span, steps=steps, lead_in=sentence.kind is SentenceKind.LEAD_IN)
    return _Passage(document, span, sentence.kind is SentenceKind.COMMENT, scored.score)


def _whole(document: Document, span: Span, *, steps: bool, lead_in: bool) -> Span:
    """``span`` grown to what cannot stand without the rest: a list, steps, a leaning sentence."""
    run = _run(document, span, lead_in=lead_in)
    if run and (lead_in or (run[0].kind is BlockKind.STEP and steps)):
        start = run[0].lead_in.start if run[0].lead_in else run[0].span.start
        return Span(start, run[-1].span.end)
    if run and run[0].lead_in and _TURNS_ROUND.search(document.slice(run[0].lead_in)):
        # "Never do any of these:" must stand above whichever of them is quoted.
        return Span(run[0].lead_in.start, span.end)
    if _LEANS.match(document.text, span.start):
        return _with_sentence_before(document, span)
    return span


def _run(document: Document, span: Span, *, lead_in: bool) -> tuple[Block, ...]:
    """The list or the steps that ``span`` stands in, or leads into."""
    blocks = document.blocks
    at = next(
        (
            i
            for i, block in enumerate(blocks)
            if block.kind in _LISTED
            and (block.lead_in == span if lead_in else block.span.covers(span))
        ),
        None,
    )
    if at is None:
        return ()
    first, last = at, at
    while first > 0 and blocks[first - 1].kind is blocks[at].kind:
        first -= 1
    while last + 1 < len(blocks) and blocks[last + 1].kind is blocks[at].kind:
        last += 1
    return blocks[first : last + 1]


def _around(document: Document, span: Span) -> Span:
    """The whole sentence that a fragment was cut from for the embedder."""
    block = next((b for b in document.blocks if b.span.covers(span)), None)
    if block is None:
        return span
    words = document.slice(block.span)
    mark = list_mark(words) if block.kind in _LISTED else 0
    ends = [mark, *sentence_ends(words), len(words)]
    start = max(end for end in ends if block.span.start + end <= span.start)
    end = min(end for end in ends if block.span.start + end >= span.end)
    return visible(document.text, Span(block.span.start + start, block.span.start + end))


def _with_sentence_before(document: Document, span: Span) -> Span:
    """``span`` with the sentence before it, where that stands in the same block."""
    block = next((b for b in document.blocks if b.span.covers(span)), None)
    if block is None or block.span.start == span.start:
        return span
    before = document.text[block.span.start : span.start]
    mark = list_mark(before) if block.kind in _LISTED else 0
    starts = [mark, *(end for end in sentence_ends(before.rstrip()) if end > mark)]
    return visible(document.text, Span(block.span.start + starts[-1], span.end))


def _joined(passages: Iterable[_Passage]) -> list[_Passage]:
    """Passages that overlap, or follow one another in a paragraph, as one; best first."""
    joined: list[_Passage] = []
    for passage in passages:
        grown = passage
        while touching := next((p for p in joined if _touch(p, grown)), None):
            joined.remove(touching)
            grown = _union(touching, grown)
        joined.append(grown)
    return sorted(joined, key=lambda passage: -passage.score)


def _touch(one: _Passage, other: _Passage) -> bool:
    if one.document.id != other.document.id:
        return False
    if one.span.overlaps(other.span):
        return True
    first, second = sorted((one, other), key=lambda passage: passage.span)
    between = one.document.text[first.span.end : second.span.start]
    return not between.strip() and "\n" not in between and "\r" not in between


def _union(one: _Passage, other: _Passage) -> _Passage:
    span = Span(min(one.span.start, other.span.start), max(one.span.end, other.span.end))
    return _Passage(one.document, span, one.comment or other.comment, max(one.score, other.score))


def _fold(passages: Sequence[_Passage]) -> list[list[_Passage]]:
    """Passages grouped so that the same words on two pages are one statement."""
    groups: list[list[_Passage]] = []
    for passage in passages:
        group = next((g for g in groups if _says_the_same(g[0], passage)), None)
        if group is None:
            groups.append([passage])
        elif all(other.document.id != passage.document.id for other in group):
            group.append(passage)
    return groups


def _says_the_same(one: _Passage, other: _Passage) -> bool:
    """The very same words: any other one ("rarely", "not", a number) may turn a meaning round."""
    texts = [passage.document.slice(passage.span) for passage in (one, other)]
    return one.comment == other.comment and same_words(*texts)


def _likeness(one: str, other: str) -> float:
    """The share of their words that two texts have in common (Jaccard, 0 to 1)."""
    words = [{word.casefold() for word in _WORD.findall(text)} for text in (one, other)]
    return len(words[0] & words[1]) / max(len(words[0] | words[1]), 1)


def _statements(groups: Iterable[Sequence[_Passage]], role: Role) -> tuple[Statement, ...]:
    statements = []
    number = 1
    for group in groups:
        quotes = tuple(
            make_quote(p.document, p.span, number=number + at, role=role, comment=p.comment)
            for at, p in enumerate(group)
        )
        number += len(quotes)
        statements.append(Statement(quotes[0].text, quotes))
    return tuple(statements)


def contact_statements(
    contacts: Mapping[str, tuple[Document, Span]],
    *,
    among: frozenset[str] | None,
    home: str,
    first: int,
) -> tuple[Statement, ...]:
    """How to reach each clinic in its page's own words, the home publisher first."""
    chosen = [
        place for document_id, place in contacts.items() if among is None or document_id in among
    ]
    chosen.sort(key=lambda place: place[0].source.publisher != home)
    quotes = [
        make_quote(document, span, number=first + at, role=Role.CONTACT)
        for at, (document, span) in enumerate(chosen)
    ]
    return tuple(Statement(quote.text, (quote,)) for quote in quotes)


def silence_of(asked: Iterable[Document], *, elsewhere: bool) -> str:
    """That the sources do not say, or, where only others say it, that those asked do not."""
    if not elsewhere:
        return NOT_IN_SOURCES
    names = dict.fromkeys(document.source.publisher_shown for document in asked)
    return f"{' and '.join(names)} {'does' if len(names) == 1 else 'do'} not say."


def answer_text(statements: Sequence[Statement], notice: str | None, silence: str) -> str:
    """What the reader sees, as plain text with [1] markers."""
    return "\n\n".join(_parts(statements, notice, silence))


def _parts(statements: Sequence[Statement], notice: str | None, silence: str) -> Iterator[str]:
    if notice:
        yield notice
    if silence:
        yield silence
    headed: set[Role] = {Role.ANSWER}
    headings = {Role.NEAREST: NEAREST, Role.CONTACT: CONTACT}
    for statement in statements:
        role = statement.quotes[0].role
        if role not in headed:
            headed.add(role)
            yield headings[role]
        yield _shown(statement.text, statement.quotes)


def _shown(text: str, quotes: Sequence[Quote]) -> str:
    marks = "".join(f"[{quote.number}]" for quote in quotes)
    says = "; ".join(dict.fromkeys(quote.attribution for quote in quotes))
    return f"“{text}” {marks}\n— {says}"
