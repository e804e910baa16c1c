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

from rag.compose import CONTACT, NEAREST, NOT_IN_SOURCES
from rag.datatypes import Answer, AnswerKind, Document, Quote, QuoteError, Role
from rag.ground import check_quote
from rag.web.catalogue import Texts

# So many quotes are read at a glance; more stand folded below.
_UNFOLDED: Final = 2
# What stands between two help lines in a notice of the triage table.
_BETWEEN_HELP_LINES: Final = " · "
_REGION: Final = re.compile(r"[A-Z]{2,}: ")
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


def answer_html(answer: Answer, texts: Texts, *, feedback: bool = False) -> str:
    """An answer as one bubble: the notice first, then quotes that still match their pages.

    Args:
        answer: what was answered.
        texts: our own words around it.
        feedback: whether it is asked if the answer helped.
    """
    quotes = tuple(quote for quote in answer.quotes if _holds(quote))
    parts = [
        *_heard(answer, _in_role(quotes, Role.ANSWER), texts),
        *_understood(answer, texts),
        *_notice(answer),
        *_opening(answer, quotes, texts),
        *_answering(answer, _in_role(quotes, Role.ANSWER), texts),
        *_apart(NEAREST, _in_role(quotes, Role.NEAREST), texts),
        *_apart(CONTACT, _in_role(quotes, Role.CONTACT), texts),
        *_left_out(answer, quotes, texts),
        *_after(answer, texts, feedback=feedback),
        *_ask_next(answer, texts),
    ]
    # Focusable by script: where a visitor goes whose button has just gone away.
    kind = escape(answer.kind.value)
    return f'<div class="answer kind-{kind}" role="group" tabindex="-1">{"".join(parts)}</div>'


def question_html(question: str) -> str:
    """A visitor's question, exactly as typed."""
    return f'<span class="asked">{escape(question)}</span>'


def message_html(message: str) -> str:
    """A plain message of ours as a bubble."""
    inside = f"<p>{escape(message)}</p>"
    return f'<div class="answer message" role="group" tabindex="-1">{inside}</div>'


def intro_html(documents: Iterable[Document], texts: Texts, *, kept: str) -> str:
    """The first screen: what this is, whose pages, what it is not, what is ``kept``."""
    pages = tuple(documents)
    what = texts.what.format(count=page_count(pages, texts), publishers=_publishers(pages, texts))
    return (
        '<div class="intro">'
        f'<h1 tabindex="-1">{escape(texts.heading)}</h1>'
        f'<p class="lede">{escape(what)}</p>'
        f"<p>{escape(texts.how)}</p>"
        f'<p class="not">{escape(texts.limits)} {escape(kept)} '
        f"{_page_link('privacy', texts.privacy_link, texts)}</p>"
        "</div>"
    )


def bar_html(texts: Texts) -> str:
    """The line at the top of the page: what this is, and the pages about it."""
    return (
        f'<div class="bar"><span class="brand">{escape(texts.brand)}</span>'
        f"{_page_link('sources', texts.sources_link, texts)}"
        f"{_page_link('privacy', texts.privacy_link, texts)}</div>"
    )


def emergency_html(region: str, texts: Texts) -> str:
    """The line that is always in sight, its numbers ready to be called."""
    line = texts.emergency_uk_first if region == "UK" else texts.emergency_us_first
    return f'<p class="emergency">{with_phones(line)}</p>'


def working_html(texts: Texts) -> str:
    """The line that says, after a moment, that an answer is on its way."""
    return f'<p class="working">{escape(texts.working)}</p>'


def examples_heading_html(texts: Texts) -> str:
    """The heading over the example questions."""
    return f'<h2 class="label">{escape(texts.examples_heading)}</h2>'


def page_count(pages: Sequence[Document], texts: Texts) -> str:
    """How many pages there are, in words; not escaped."""
    number = _number(len(pages), texts)
    return texts.one_page if len(pages) == 1 else texts.pages.format(number=number)


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


def _heard(answer: Answer, quotes: Sequence[Quote], texts: Texts) -> Iterator[str]:
    """What is said aloud first: that there is help, and how many quotes by whom."""
    said: list[str] = []
    if answer.kind is AnswerKind.CRISIS or _near_danger(answer):
        said.append(texts.heard_help)
    if quotes:
        several = texts.heard_differ if answer.sources_differ else texts.heard_more
        line = texts.heard_one if len(quotes) == 1 else several
        names = list(dict.fromkeys(quote.attribution for quote in quotes))
        number = _number(len(quotes), texts)
        said.append(line.format(number=number, publishers=_listed(names, texts)))
    if said:
        yield f'<p class="heard unseen">{escape(" ".join(said))}</p>'


def _near_danger(answer: Answer) -> bool:
    """Whether telephone numbers stand above an answer, because its words may speak of danger."""
    ordinary = answer.kind in {AnswerKind.ANSWER, AnswerKind.NOT_IN_SOURCES}
    return ordinary and answer.notice is not None


def _understood(answer: Answer, texts: Texts) -> Iterator[str]:
    if answer.standalone_question and answer.standalone_question != answer.question:
        question = escape(answer.standalone_question)
        yield f'<p class="understood">{escape(texts.understood)}<bdi>{question}</bdi></p>'


def _notice(answer: Answer) -> Iterator[str]:
    lines = [line for line in (answer.notice or "").splitlines() if line.strip()]
    if lines:
        words = "".join(f"<p>{_notice_line(line)}</p>" for line in lines)
        yield f'<div class="notice">{words}</div>'


def _notice_line(line: str) -> str:
    """A line of a notice; help lines that share one are set under each other."""
    shared = line.split(_BETWEEN_HELP_LINES)
    if len(shared) == 1:
        return with_phones(line)
    region = _REGION.match(line)
    place = f'<span class="place">{escape(region[0])}</span>' if region else ""
    shared[0] = shared[0][region.end() :] if region else shared[0]
    return place + "".join(f'<span class="help">{with_phones(part)}</span>' for part in shared)


def _opening(answer: Answer, quotes: Sequence[Quote], texts: Texts) -> Iterator[str]:
    """The words before the quotes that answer, or that nothing answers."""
    if not _in_role(quotes, Role.ANSWER):
        nearest_only = answer.quotes and not _in_role(answer.quotes, Role.ANSWER)
        if answer.kind is AnswerKind.NOT_IN_SOURCES or nearest_only:
            yield f'<p class="silent">{escape(answer.silence or NOT_IN_SOURCES)}</p>'
            if not quotes:
                yield f"<p>{escape(texts.silent_alone)}</p>"
        return
    if answer.sources_differ:
        yield f'<p class="differ">{escape(texts.differ)}</p>'
    opening = {
        AnswerKind.CRISIS: texts.pages_say_besides,
        AnswerKind.MEDICAL_ADVICE: texts.pages_say_generally,
    }.get(answer.kind, texts.pages_say)
    yield f'<p class="label">{escape(opening)}</p>'


def _answering(answer: Answer, quotes: Sequence[Quote], texts: Texts) -> Iterator[str]:
    """The quotes that answer; after the first few the rest are folded, never a side."""
    first = len(quotes) if answer.sources_differ else _UNFOLDED
    # The same words on several pages stand together.
    while first < len(quotes) and quotes[first].text == quotes[first - 1].text:
        first += 1
    yield from _quotes(quotes[:first], texts)
    rest = quotes[first:]
    if rest:
        more = escape(texts.more.format(number=_number(len(rest), texts)))
        inside = "".join(_quotes(rest, texts))
        yield f'<details class="more"><summary>{more}</summary>{inside}</details>'


def _apart(label: str, quotes: Sequence[Quote], texts: Texts) -> Iterator[str]:
    """Quotes that do not answer, under words that say what they are for."""
    if quotes:
        inside = "".join(_quotes(quotes, texts))
        yield f'<div class="apart"><p class="label">{escape(label)}</p>{inside}</div>'


def _quotes(quotes: Sequence[Quote], texts: Texts) -> Iterator[str]:
    """Each quote once; the same words on several pages stand over several names."""
    for words, same in groupby(quotes, key=lambda quote: (quote.text, quote.comment)):
        group = tuple(same)
        text = with_phones(words[0]) if group[0].role is Role.CONTACT else escape(words[0])
        kind = "quote comment" if words[1] else "quote"
        label = f'<p class="badge">{escape(texts.comment)}</p>' if words[1] else ""
        names = "".join(_attribution(quote, texts) for quote in group)
        yield (
            f'<div class="{kind}">{label}<blockquote>“<span class="words">{text}</span>”'
            f"</blockquote>{names}</div>"
        )


def _attribution(quote: Quote, texts: Texts) -> str:
    """Who says it, as the link that opens the source; and the button that copies it."""
    source = quote.document.source
    region = source.region if source.region not in source.publisher else ""
    place = f'<span class="region">{escape(region)}</span>' if region else ""
    which = texts.copy_which.format(number=quote.number)
    # The page's title is what the script copies as the source.
    return (
        f'<p class="who"><a class="cite" href="{escape(source_link(quote))}" '
        f'title="{escape(source.title)}"><span class="unseen">{escape(texts.open_source)}</span>'
        f'<span class="number">[{quote.number}]</span> <bdi>{escape(quote.attribution)}</bdi></a>'
        f'{place}<button type="button" class="copy quiet">{escape(texts.copy)}'
        f'<span class="unseen">{escape(which)}</span></button></p>'
    )


def _left_out(answer: Answer, quotes: Sequence[Quote], texts: Texts) -> Iterator[str]:
    if len(quotes) < len(answer.quotes):
        words = texts.left_out if quotes else texts.all_left_out
        yield f'<p class="left-out">{escape(words)}</p>'


def _after(answer: Answer, texts: Texts, *, feedback: bool) -> Iterator[str]:
    """What can be done with an answer; nothing stands in the way of help."""
    if answer.kind in {AnswerKind.CRISIS, AnswerKind.GREETING}:
        return
    tools = _button("edit", texts.change_question) + _button("share", texts.copy_link)
    asked = ""
    if feedback and not _near_danger(answer):
        votes = _button("helpful", texts.helpful) + _button("not-helpful", texts.not_helpful)
        asked = f'<div class="feedback"><span>{escape(texts.helped)}</span>{votes}</div>'
    yield f'<div class="after">{asked}<div class="tools">{tools}</div></div>'


def _button(name: str, words: str) -> str:
    return f'<button type="button" class="{name} quiet">{escape(words)}</button>'


def _page_link(address: str, words: str, texts: Texts) -> str:
    return f'<a href="{escape(address)}" title="{escape(texts.opens_apart)}">{escape(words)}</a>'


def _ask_next(answer: Answer, texts: Texts) -> Iterator[str]:
    """The words over the suggestions, which the conversation shows as buttons below."""
    if answer.suggestions:
        yield f'<p class="ask-next">{escape(texts.ask_next)}</p>'


def with_phones(text: str) -> str:
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


def _number(count: int, texts: Texts) -> str:
    return texts.numbers[count] if count < len(texts.numbers) else str(count)


def _publishers(pages: Sequence[Document], texts: Texts) -> str:
    names = list(dict.fromkeys(p.source.publisher for p in pages if p.source.publisher))
    unnamed = sum(not page.source.publisher for page in pages)
    if unnamed == 1:
        names.append(texts.unnamed_one)
    elif unnamed:
        names.append(texts.unnamed_more.format(number=_number(unnamed, texts)))
    return _listed(names, texts)


def _listed(names: Sequence[str], texts: Texts) -> str:
    return texts.and_last.join(filter(None, (", ".join(names[:-1]), *names[-1:])))
