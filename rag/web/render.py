"""Answer → escaped HTML for the conversation; pure.

Everything that is not a literal of this module passes ``escape``. Gradio's sanitiser
stands behind it and is not relied upon. There is no white space between elements,
because the conversation shows every newline that it is given.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final
from urllib.parse import quote as url_encoded

from rag.datatypes import Answer, AnswerKind, Document, Quote, QuoteError, Role
from rag.ground import check_quote
from rag.web import texts

# So many quotes are read at a glance; more stand folded below.
_UNFOLDED: Final = 2
# Emergency and help-line numbers, and telephone numbers written out; years and doses are not.
_PHONE: Final = re.compile(
    r"(?<![\w.,-])(?:999|911|988|112|111|116[ ]?123|\+?\(?\d(?:[ ().-]{0,2}\d){8,13})(?![\w-])"
)


def escape(text: str) -> str:
    """``text`` as HTML, for element content and for quoted attributes.

    A carriage return is written as a reference: as itself a browser turns it into a
    newline, and a quote must come out as it stands on its page.
    """
    return html.escape(text, quote=True).replace("\r", "&#13;")


def answer_html(answer: Answer) -> str:
    """An answer as one bubble: the notice first, then quotes that still match their pages."""
    quotes = tuple(quote for quote in answer.quotes if _holds(quote))
    parts = [
        *_understood(answer),
        *_notice(answer),
        *_opening(answer, quotes),
        *_answering(answer, _in_role(quotes, Role.ANSWER)),
        *_apart(texts.NEAREST, _in_role(quotes, Role.NEAREST)),
        *_apart(texts.CONTACT, _in_role(quotes, Role.CONTACT)),
        *_left_out(answer, quotes),
        *_ask_next(answer),
    ]
    # Focusable by script: where a visitor goes whose button has just gone away.
    kind = escape(answer.kind.value)
    return f'<div class="answer kind-{kind}" tabindex="-1">{"".join(parts)}</div>'


def message_html(message: str) -> str:
    """A plain message of ours as a bubble."""
    return f'<div class="answer message" tabindex="-1"><p>{escape(message)}</p></div>'


def intro_html(documents: Iterable[Document]) -> str:
    """The first screen: what this is, whose pages, what it is not."""
    pages = tuple(documents)
    what = texts.WHAT.format(count=_count(len(pages)), publishers=_publishers(pages))
    return (
        '<div class="intro">'
        f'<h1 tabindex="-1">{escape(texts.HEADING)}</h1>'
        f'<p class="lede">{escape(what)}</p>'
        f"<p>{escape(texts.HOW)}</p>"
        f'<p class="not">{escape(texts.NOT)} {escape(texts.KEPT)}</p>'
        "</div>"
    )


def emergency_html(region: str) -> str:
    """The line that is always in sight, its numbers ready to be called."""
    line = texts.EMERGENCY_UK_FIRST if region == "UK" else texts.EMERGENCY_US_FIRST
    return f'<p class="emergency">{_with_phones(line)}</p>'


def examples_heading_html() -> str:
    """The heading over the example questions."""
    return f'<h2 class="label">{escape(texts.EXAMPLES_HEADING)}</h2>'


def source_link(quote: Quote) -> str:
    """The address, on this page, of a quote's place in its source; not escaped."""
    return (
        f"#source={url_encoded(quote.document.id, safe='')}"
        f"&start={quote.span.start}&end={quote.span.end}"
        f"&digest={url_encoded(quote.document.digest, safe='')}"
    )


def _holds(quote: Quote) -> bool:
    try:
        check_quote(quote)
    except QuoteError:
        return False
    return True


def _in_role(quotes: Iterable[Quote], role: Role) -> tuple[Quote, ...]:
    return tuple(quote for quote in quotes if quote.role is role)


def _understood(answer: Answer) -> Iterator[str]:
    if answer.standalone_question and answer.standalone_question != answer.question:
        question = escape(answer.standalone_question)
        yield f'<p class="understood">{escape(texts.UNDERSTOOD)}<bdi>{question}</bdi></p>'


def _notice(answer: Answer) -> Iterator[str]:
    lines = [line for line in (answer.notice or "").splitlines() if line.strip()]
    if lines:
        words = "".join(f"<p>{_notice_line(line)}</p>" for line in lines)
        yield f'<div class="notice">{words}</div>'


def _notice_line(line: str) -> str:
    """A line of a notice; help lines that share one are set under each other."""
    shared = line.split(texts.BETWEEN_HELP_LINES)
    if len(shared) == 1:
        return _with_phones(line)
    return "".join(f'<span class="help">{_with_phones(part)}</span>' for part in shared)


def _opening(answer: Answer, quotes: Sequence[Quote]) -> Iterator[str]:
    """The words before the quotes that answer, or that nothing answers."""
    if not _in_role(quotes, Role.ANSWER):
        nearest_only = answer.quotes and not _in_role(answer.quotes, Role.ANSWER)
        if answer.kind is AnswerKind.NOT_IN_SOURCES or nearest_only:
            yield f'<p class="silent">{escape(answer.silence or texts.SILENT)}</p>'
            if not quotes:
                yield f"<p>{escape(texts.SILENT_ALONE)}</p>"
        return
    if answer.sources_differ:
        yield f'<p class="differ">{escape(texts.DIFFER)}</p>'
    opening = {
        AnswerKind.CRISIS: texts.PAGES_SAY_BESIDES,
        AnswerKind.MEDICAL_ADVICE: texts.PAGES_SAY_GENERALLY,
    }.get(answer.kind, texts.PAGES_SAY)
    yield f'<p class="label">{escape(opening)}</p>'


def _answering(answer: Answer, quotes: Sequence[Quote]) -> Iterator[str]:
    """The quotes that answer; after the first few the rest are folded, never a side."""
    first = len(quotes) if answer.sources_differ else _UNFOLDED
    # The same words on several pages stand together.
    while first < len(quotes) and quotes[first].text == quotes[first - 1].text:
        first += 1
    yield from _quotes(quotes[:first])
    rest = quotes[first:]
    if rest:
        more = escape(texts.MORE.format(number=_number(len(rest))))
        inside = "".join(_quotes(rest))
        yield f'<details class="more"><summary>{more}</summary>{inside}</details>'


def _apart(label: str, quotes: Sequence[Quote]) -> Iterator[str]:
    """Quotes that do not answer, under words that say what they are for."""
    if quotes:
        inside = "".join(_quotes(quotes))
        yield f'<div class="apart"><p class="label">{escape(label)}</p>{inside}</div>'


def _quotes(quotes: Sequence[Quote]) -> Iterator[str]:
    """Each quote once; the same words on several pages stand over several names."""
    for words, same in groupby(quotes, key=lambda quote: (quote.text, quote.comment)):
        group = tuple(same)
        text = _with_phones(words[0]) if group[0].role is Role.CONTACT else escape(words[0])
        kind = "quote comment" if words[1] else "quote"
        label = f'<p class="badge">{escape(texts.COMMENT)}</p>' if words[1] else ""
        names = "".join(_attribution(quote) for quote in group)
        yield (
            f'<div class="{kind}">{label}<blockquote>“<span class="words">{text}</span>”'
            f"</blockquote>{names}</div>"
        )


def _attribution(quote: Quote) -> str:
    source = quote.document.source
    title = escape(texts.OPEN_SOURCE + source.title)
    region = source.region if source.region not in source.publisher else ""
    place = f' <span class="region">{escape(region)}</span>' if region else ""
    return (
        f'<p class="who"><a class="cite" href="{escape(source_link(quote))}" title="{title}">'
        f"[{quote.number}]</a> <bdi>{escape(quote.attribution)}</bdi>{place}</p>"
    )


def _left_out(answer: Answer, quotes: Sequence[Quote]) -> Iterator[str]:
    if len(quotes) < len(answer.quotes):
        words = texts.LEFT_OUT if quotes else texts.ALL_LEFT_OUT
        yield f'<p class="left-out">{escape(words)}</p>'


def _ask_next(answer: Answer) -> Iterator[str]:
    """The words over the suggestions, which the conversation shows as buttons below."""
    if answer.suggestions:
        yield f'<p class="ask-next">{escape(texts.ASK_NEXT)}</p>'


def _with_phones(text: str) -> str:
    """``text`` escaped, with telephone numbers as links; cut first, so no entity is cut."""
    done = 0
    parts: list[str] = []
    for match in _PHONE.finditer(text):
        digits = re.sub(r"[^\d+]", "", match[0])
        parts.append(escape(text[done : match.start()]))
        parts.append(f'<a class="phone" href="tel:{escape(digits)}">{escape(match[0])}</a>')
        done = match.end()
    parts.append(escape(text[done:]))
    return "".join(parts)


def _number(count: int) -> str:
    return texts.NUMBERS[count] if count < len(texts.NUMBERS) else str(count)


def _count(pages: int) -> str:
    return texts.ONE_PAGE if pages == 1 else texts.PAGES.format(number=_number(pages))


def _publishers(pages: Sequence[Document]) -> str:
    names = list(dict.fromkeys(p.source.publisher for p in pages if p.source.publisher))
    unnamed = sum(not page.source.publisher for page in pages)
    if unnamed == 1:
        names.append(texts.UNNAMED_ONE)
    elif unnamed:
        names.append(texts.UNNAMED_MORE.format(number=_number(unnamed)))
    return texts.AND.join(filter(None, (", ".join(names[:-1]), *names[-1:])))
