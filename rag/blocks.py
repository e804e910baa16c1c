"""Page text → blocks: what each stretch is, by its layout, without changing a character.

Plain text has lost its mark-up, so headings, lists, steps, comments, references and
boilerplate are inferred from how people write them; Markdown marks are read where they
stand. Every visible character belongs to exactly one block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rag.datatypes import Block, BlockKind, Span

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|\Z)")
_INVISIBLE = "\ufeff\u200b\u2060"
_BULLET = re.compile(r"[ \t]*[•*‣◦▪·–+-][ \t]+(?=\S)")
_NUMBER = re.compile(r"[ \t]*(\d{1,3})[.)][ \t]+(?=\S)")
_MARKDOWN_HEADING = re.compile(r"(#{1,6})[ \t]+\S")
_UNDERLINE = re.compile(r"(?:={3,}|-{3,}|_{3,}|\*{3,})\s*")
_COMMENT_BY = re.compile(r"comment by .{1,80}", re.I | re.S)
# Words that may also head a section of the page itself count only with a number or a reader.
_COMMENTS_HEADING = re.compile(
    r"(?:(?:\d+|one|two|three|no|all|recent|user|readers?['’]?|your|visitors?['’]?) )*comments?"
    r"(?: ?\(\d+\)| (?:on|to|from|for) .*|:)?"
    r"|(?:\d+|one|two|three) (?:responses?|replies|reviews?|thoughts?)(?: (?:on|to) .*|:)?"
    r"|(?:customer|patient|user|reader|client)s?['’]? (?:reviews?|responses|testimonials?|stories)"
    r"|testimonials?"
    r"|what (?:our )?(?:patients|clients|readers|people|customers) (?:say|are saying).*",
    re.I,
)
_BYLINE = re.compile(
    r"(?:(?:medically |clinically )?reviewed|written|posted|updated) (?:by|on)\b"
    r"|by [A-Z]|published ",
    re.I,
)
_REFERENCE = re.compile(
    r"\bdoi\b|\bet al\b|\bvol\. ?\d|\bpp\. ?\d|\bAccessed \d|\bPublished online\b|\bISSN\b", re.I
)
_REFERENCES_HEADING = re.compile(
    r"(?:references?|sources?|bibliography|citations?|works cited)\s*:?", re.I
)
_PHONE = re.compile(r"(?<![\w.])\+?\(?\d(?:[\s().-]?\d){8,13}(?![\w-])")
_FORM = re.compile(r"\bfill (?:out|in) your\b|\bcontact form\b", re.I)
_CALL_TO_ACTION = re.compile(
    r"^(?:please )?(?:call|contact|phone|e-?mail|visit|reach out|get in touch|join\s+our"
    r"|fill (?:out|in) your"
    r"|(?:book|schedule) (?:a|an|your))\b"
    r"|\bplease\s+(?:call|contact|reach out|visit|get in touch|e-?mail)\b",
    re.I,
)
_BOILERPLATE = re.compile(
    r"\bnewsletter\b|\bsign up to receive\b|\brss feed\b|^leave a (?:comment|reply)\b|^share this\b"
    r"|\bcookies?\b.*\b(?:accept|policy)\b|\ball rights reserved\b|©"
    r"|^photo(?: credit)?:|\nphoto(?: credit)?:"
    r"|^related:|^read more\b|\bdownload the\b|^get the\b.*[!]|^more news\b|^be in the know\b"
    r"|^from events\b|^contact us\W*$|^skip to\b|^menu$|^search$|^home$"
    r"|^back to top\b|^start the admissions",
    re.I,
)
_END = re.compile(
    r"(?<![.!?…])(?P<stop>[.!?…]++)[”’\"')\]»]*+(?=(?P<spaced>\s))|[。！？]++[”’」』）]*+"
)
_VISIBLE = re.compile(r"\S")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Drs?|Mrs?|Ms|Mx|Prof|St|Sr|Jr|vs|etc|e\.g|i\.e|cf|approx|Nos?|Figs?|Inc|Ltd|Co|Corp"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|a\.m|p\.m|U\.S|U\.K)|\b[A-Z]|^\d{1,3})\.$"
)
_MOST_BOILERPLATE = 240
_MOST_HEADING = 120
# Where layout alone tells a heading, all are of one level, below the title.
_PLAIN_LEVEL = 2


@dataclass(frozen=True, slots=True)
class _Paragraph:
    """Lines that stand together, and how many blank lines stand before them."""

    span: Span
    text: str
    blank_before: int
    heading: int = 0
    """The number of "#" that mark it as a heading."""


def read_blocks(text: str, *, title: str = "", markdown: bool = False) -> tuple[Block, ...]:
    """The blocks of a page, in order.

    Args:
        text: the page exactly as read.
        markdown: "#" marks a heading; in plain text a reader may have begun a line with it.
        title: the page's title where the owner has given it; else the first heading is it.
    """
    paragraphs = tuple(_paragraphs(text, markdown=markdown))
    usual_gap = min((p.blank_before for p in paragraphs[1:]), default=1)
    kinds = [_kind(p, paragraphs, at) for at, p in enumerate(paragraphs)]
    blocks = [
        Block(kind, p.span, _level(kind, p), after_gap=p.blank_before > max(usual_gap, 1))
        for kind, p in zip(kinds, paragraphs, strict=True)
    ]
    blocks = _join_comments(text, blocks, markdown=markdown)
    blocks = _mark_references(text, blocks)
    blocks = _mark_titles(text, blocks, title)
    return tuple(_with_lead_ins(text, blocks))


def is_contact(text: str) -> bool:
    """Whether a sentence tells how to reach somebody."""
    return bool(_PHONE.search(text) or _CALL_TO_ACTION.search(text))


def has_phone(text: str) -> bool:
    """Whether a telephone number stands in a sentence."""
    return bool(_PHONE.search(text))


def is_form(text: str) -> bool:
    """Whether a sentence tells to fill out a form."""
    return bool(_FORM.search(text))


def sentence_ends(text: str) -> tuple[int, ...]:
    """Offsets at which a sentence of ``text`` ends and another one follows.

    A full stop ends a sentence when white space and then anything but a small letter
    follow, unless it belongs to an abbreviation or an initial; the marks of scripts that
    leave no space (。！？) always do.
    """
    ends: list[int] = []
    for match in _END.finditer(text):
        after = _VISIBLE.search(text, match.end())
        if after is None or (match["spaced"] is not None and after[0].islower()):
            continue
        if match[0] == "." and _ABBREVIATION.search(text[max(match.start() - 12, 0) : match.end()]):
            continue
        ends.append(match.end())
    return tuple(ends)


def visible(text: str, span: Span) -> Span:
    """``span`` without white space and invisible marks at either end; may be empty."""
    start, end = span.start, span.end
    while start < end and (text[start].isspace() or text[start] in _INVISIBLE):
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] in _INVISIBLE):
        end -= 1
    return Span(start, end)


def list_mark(words: str) -> int:
    """How many characters the bullet or the number of a list item takes."""
    match = _BULLET.match(words) or _NUMBER.match(words)
    return match.end() if match else 0


def same_words(one: str, other: str) -> bool:
    """Whether two texts differ in white space, case and closing marks at most."""
    return _plain(one) == _plain(other)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold().strip(" .:#*_")


def _paragraphs(text: str, *, markdown: bool) -> Iterator[_Paragraph]:
    """Lines grouped by blank lines; a list mark or a Markdown heading starts a new group."""
    start = end = -1
    blank = gap = level = 0
    for match in _LINE.finditer(text):
        line = visible(text, Span(match.start(), match.end()))
        if line.start == line.end:
            blank += 1
            continue
        words = text[match.start() : line.end]
        marks = _MARKDOWN_HEADING.match(words) if markdown else None
        marked = marks or _BULLET.match(words) or _NUMBER.match(words)
        if start >= 0 and (blank or marked or level):
            yield _Paragraph(Span(start, end), text[start:end], gap, level)
            start = -1
        if start < 0:
            start, gap, level = line.start, blank, len(marks[1]) if marks else 0
        end, blank = line.end, 0
    if start >= 0:
        yield _Paragraph(Span(start, end), text[start:end], gap, level)


def _kind(paragraph: _Paragraph, paragraphs: tuple[_Paragraph, ...], at: int) -> BlockKind:
    text = paragraph.text
    short = len(text) <= _MOST_BOILERPLATE
    if paragraph.heading:
        return BlockKind.HEADING
    if _UNDERLINE.fullmatch(text) or (short and _BOILERPLATE.search(text)):
        return BlockKind.BOILERPLATE
    if _BULLET.match(text):
        return BlockKind.LIST_ITEM
    if _NUMBER.match(text):
        return _numbered_kind(text, paragraphs, at)
    if short and is_contact(text) and not sentence_ends(text):
        return BlockKind.CONTACT
    return BlockKind.HEADING if _reads_as_heading(text) else BlockKind.PARAGRAPH


def _numbered_kind(text: str, paragraphs: tuple[_Paragraph, ...], at: int) -> BlockKind:
    """A numbered line is a step beside another one, else a heading if it reads as one."""
    beside = paragraphs[max(at - 1, 0) : at] + paragraphs[at + 1 : at + 2]
    if any(_NUMBER.match(p.text) for p in beside):
        return BlockKind.STEP
    bare = _NUMBER.sub("", text, count=1)
    return BlockKind.HEADING if _reads_as_heading(bare) else BlockKind.STEP


def _reads_as_heading(text: str) -> bool:
    if "\n" in text or len(text) > _MOST_HEADING or text[-1] in ".!;,:…":
        return False
    if not (text[0].isupper() or text[0].isdigit()) or not any(map(str.isalpha, text)):
        return False
    if _BYLINE.match(text) or _PHONE.search(text) or sentence_ends(text):
        return False
    words = re.findall(r"[^\W\d_][\w’'-]*", text)
    long = [word for word in words if len(word) > 3]
    titled = sum(word[0].isupper() for word in long) > len(long) / 2
    return len(words) <= 16 and (text.endswith("?") or titled or len(words) <= 8)


def _level(kind: BlockKind, paragraph: _Paragraph) -> int:
    if kind is not BlockKind.HEADING:
        return 0
    return paragraph.heading or _PLAIN_LEVEL


def _join_comments(text: str, blocks: list[Block], *, markdown: bool) -> list[Block]:
    """One block for each reader's comment: its words and the line that says who wrote it."""
    joined: list[Block] = []
    under = 0  # the level of the heading that comments stand under
    for block in blocks:
        words = text[block.span.start : block.span.end]
        if not under and _COMMENTS_HEADING.fullmatch(words.strip("# \t")):
            under = block.level or _PLAIN_LEVEL
            joined.append(replace(block, kind=BlockKind.HEADING, level=under))
        elif _COMMENT_BY.fullmatch(words):
            first = _comment_start(joined)
            start = joined[first].span.start if first < len(joined) else block.span.start
            del joined[first:]
            joined.append(Block(BlockKind.COMMENT, Span(start, block.span.end)))
        else:
            # In plain text a short line under "Comments" is a comment: nothing ends them there.
            if markdown and block.kind is BlockKind.HEADING and block.level <= under:
                under = 0
            comment = under and block.kind is not BlockKind.BOILERPLATE
            joined.append(replace(block, kind=BlockKind.COMMENT) if comment else block)
    return joined


def _comment_start(blocks: list[Block]) -> int:
    """Where the comment that is signed next begins: at its number, or after the one before."""
    at = len(blocks)
    while at > 0:
        kind = blocks[at - 1].kind
        if kind is BlockKind.STEP:
            return at - 1
        if kind is BlockKind.COMMENT:
            return at
        if kind in {BlockKind.HEADING, BlockKind.TITLE, BlockKind.BOILERPLATE}:
            break
        at -= 1
    # Unnumbered, and the first: only what stands right above is surely its words.
    return max(len(blocks) - 1, 0)


def _mark_references(text: str, blocks: list[Block]) -> list[Block]:
    """Lists of which at least half cite literature, and what stands under "References"."""
    marked: list[Block] = []
    under_heading = False
    for run in _runs(blocks):
        words = [text[b.span.start : b.span.end] for b in run]
        if run[0].kind is BlockKind.HEADING:
            under_heading = bool(_REFERENCES_HEADING.fullmatch(words[0].strip("# \t")))
        listed = run[0].kind in {BlockKind.LIST_ITEM, BlockKind.STEP}
        cited = sum(bool(_REFERENCE.search(w)) for w in words) * 2 >= len(words)
        body = run[0].kind not in {BlockKind.HEADING, BlockKind.COMMENT, BlockKind.BOILERPLATE}
        cites = (listed and cited) or (under_heading and body)
        marked += [replace(b, kind=BlockKind.REFERENCE) for b in run] if cites else run
    return marked


def _runs(blocks: list[Block]) -> Iterator[list[Block]]:
    """List items and steps in whole lists, everything else alone."""
    run: list[Block] = []
    for block in blocks:
        listed = block.kind in {BlockKind.LIST_ITEM, BlockKind.STEP}
        if run and not (listed and run[-1].kind is block.kind):
            yield run
            run = []
        run.append(block)
    if run:
        yield run


def _mark_titles(text: str, blocks: list[Block], title: str) -> list[Block]:
    """The title wherever it stands before the first paragraph; else the first heading."""
    body = next((i for i, b in enumerate(blocks) if b.kind is BlockKind.PARAGRAPH), len(blocks))
    # A subtitle may read as a paragraph, and so may a title that ends with a full stop.
    head = max(body + 1, 1)
    found = [
        i for i, b in enumerate(blocks[:head]) if _is_title(text[b.span.start : b.span.end], title)
    ]
    if not found:
        found = [i for i, b in enumerate(blocks[:body]) if b.kind is BlockKind.HEADING][:1]
    return [
        replace(b, kind=BlockKind.TITLE, level=1) if i in found else b for i, b in enumerate(blocks)
    ]


def _is_title(words: str, title: str) -> bool:
    return bool(title) and same_words(re.split(r"\s+[|–-]\s+", words)[0], title)


def _with_lead_ins(text: str, blocks: list[Block]) -> Iterator[Block]:
    before: Block | None = None
    for run in _runs(blocks):
        listed = run[0].kind in {BlockKind.LIST_ITEM, BlockKind.STEP}
        lead_in = _lead_in(text, before) if listed else None
        yield from (replace(block, lead_in=lead_in) for block in run)
        before = run[-1]


def _lead_in(text: str, before: Block | None) -> Span | None:
    """The sentence that introduces a list: the last of the paragraph before, ending in ":"."""
    if before is None or before.kind is not BlockKind.PARAGRAPH:
        return None
    words = text[before.span.start : before.span.end]
    if not words.endswith(":"):
        return None
    start = before.span.start + max(sentence_ends(words), default=0)
    return visible(text, Span(start, before.span.end))
