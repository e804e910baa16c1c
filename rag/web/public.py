"""The visitors' page in Gradio: one conversation, one box, one function behind it.

No ``gr.HTML`` (it evaluates its template as JavaScript) and no event with ``js=`` (it
needs ``unsafe-eval``). Events are private: they serve the page and are no API.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeAlias, TypedDict

import gradio as gr
from fastapi import FastAPI

from rag.datatypes import Answer, AnswerKind, InputError, RagError
from rag.web import render
from rag.web.catalogue import ScriptTexts, Texts
from rag.web.current import CurrentAssistant
from rag.web.feedback import Keepers

logger = logging.getLogger(__name__)

# Earlier questions come from the visitor's browser: no more of them than a follow-up needs.
_EARLIER_QUESTIONS: Final = 6
# What the page's script is made of, beside itself.
_PARTS: Final = ("dom", "feedback", "source")

# The conversation, what the browser keeps of it, and what is left in the question box.
Shown: TypeAlias = tuple[list["ChatMessage"], list[list[str]], str]


class Text(TypedDict):
    """The only content a message here has."""

    type: str
    text: str


class Option(TypedDict):
    """A question offered under an answer."""

    value: str


class ChatMessage(TypedDict):
    """A message as the conversation takes it.

    ``content`` is a list, because Gradio changes the white space of a bare string.
    """

    role: str
    content: list[Text]
    options: list[Option]


@dataclass(frozen=True, slots=True)
class Turn:
    """A question as typed, "" where it was not taken, and the answer as HTML."""

    question: str
    answer: str
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """What the page is made with: its words, whose numbers stand first, what is stored."""

    texts: Texts
    region: str
    keepers: Keepers

    @property
    def kept(self) -> str:
        """What is stored of a visitor's questions, in words."""
        texts = self.texts
        kept = texts.kept_unanswered.format(days=self.keepers.days)
        return kept if self.keepers.unanswered else texts.kept_nothing


def build_page(current: CurrentAssistant, offer: Offer) -> gr.Blocks:
    """The page, ready to be mounted."""
    texts = offer.texts
    page = gr.Blocks(title=texts.tab_title, analytics_enabled=False)
    with page:
        _html(render.bar_html(texts), "bar")
        pages = current.get().documents.values()
        intro = _html(render.intro_html(pages, texts, kept=offer.kept), "intro")
        with gr.Column(elem_id="examples"):
            _html(render.examples_heading_html(texts), "examples-heading")
            examples = [gr.Button(example, elem_classes="example") for example in texts.examples]
        conversation = _conversation(texts)
        with gr.Column(elem_id="composer"):
            _html(render.working_html(texts), "working")
            with gr.Row(elem_id="asking"):
                box = gr.Textbox(
                    label=texts.box_label,
                    placeholder=texts.box_placeholder,
                    lines=1,
                    max_lines=5,
                    elem_id="box",
                    container=False,
                    scale=1,
                )
                ask = gr.Button(texts.ask, variant="primary", elem_id="ask", scale=0)
            with gr.Row(elem_id="foot"):
                _html(render.emergency_html(offer.region, texts), "emergency")
                again = gr.Button(texts.start_again, elem_id="again", scale=0)
        _connect(current, offer, page, intro, examples, conversation, (box, ask, again))
    return page


def mount(app: FastAPI, page: gr.Blocks, texts: Texts) -> None:
    """Serve the page at "/", without Gradio's footer, history, uploads and errors."""
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size="1kb",
        ssr_mode=False,
        mcp_server=False,
        enable_monitoring=False,
        theme=gr.themes.Base(font=("system-ui", "sans-serif"), font_mono=("monospace",)),
        head=_head(texts.script),
        # FastAPI's own list of every address, and pages that load scripts from another host.
        app_kwargs={"openapi_url": None, "docs_url": None, "redoc_url": None},
    )


def answered(
    current: CurrentAssistant, question: str, turns: Sequence[Turn], offer: Offer
) -> tuple[Turn, ...]:
    """The conversation with one more turn.

    Of the earlier turns, which come from the visitor's browser and go back only to it,
    nothing but the questions reaches the assistant.
    """
    earlier = [turn.question for turn in turns if turn.question][-_EARLIER_QUESTIONS:]
    try:
        answer = current.get().ask(question, earlier)
    except InputError as error:
        return (*turns, Turn("", render.message_html(str(error))))
    except RagError:
        logger.exception("A question could not be answered.")
        return (*turns, Turn("", render.message_html(offer.texts.trouble)))
    _keep(answer, offer)
    html = render.answer_html(answer, offer.texts, feedback=bool(offer.keepers.feedback))
    return (*turns, Turn(question, html, answer.suggestions))


def _keep(answer: Answer, offer: Offer) -> None:
    """Store a question that the pages could not answer, unless its words may speak of danger."""
    silent = answer.kind is AnswerKind.NOT_IN_SOURCES and answer.notice is None
    if offer.keepers.unanswered is None or not silent:
        return
    try:
        offer.keepers.unanswered(answer)
    except RagError:
        # The visitor has their answer; what went wrong is the owner's to mend.
        logger.exception("A question could not be kept.")


def _html(value: str, name: str) -> gr.Markdown:
    """Constant HTML as one block: in it, Markdown changes nothing."""
    return gr.Markdown(
        value, sanitize_html=True, latex_delimiters=[], elem_id=name, container=False
    )


def _conversation(texts: Texts) -> gr.Chatbot:
    return gr.Chatbot(
        label=texts.conversation_label,
        show_label=False,
        container=False,
        elem_id="chat",
        height="auto",
        autoscroll=False,
        render_markdown=False,
        sanitize_html=True,
        latex_delimiters=[],
        buttons=[],
        allow_tags=False,
        feedback_options=None,
        group_consecutive_messages=False,
        allow_file_downloads=False,
        layout="bubble",
    )


def _connect(
    current: CurrentAssistant,
    offer: Offer,
    page: gr.Blocks,
    intro: gr.Markdown,
    examples: Sequence[gr.Button],
    conversation: gr.Chatbot,
    composer: tuple[gr.Textbox, gr.Button, gr.Button],
) -> None:
    box, ask, again = composer
    # What was said so far, kept by the browser and by nobody else. Not read back from the
    # conversation itself: as an input, a Chatbot builds whatever component a message names.
    said = gr.JSON([], visible=False)

    def answer(question: str | None, said: object) -> Shown:
        turns = answered(current, question or "", _read_turns(said), offer)
        return _shown(turns, question or "")

    def answer_option(said: object, chosen: gr.SelectData) -> Shown:
        return answer(str(chosen.value), said)

    def start_again() -> Shown:
        return _shown((), "")

    def whose_pages() -> str:
        pages = current.get().documents.values()
        return render.intro_html(pages, offer.texts, kept=offer.kept)

    event: dict[str, Any] = {
        "outputs": [conversation, said, box],
        "api_visibility": "private",
        "show_progress": "minimal",
    }
    gr.on([box.submit, ask.click], answer, inputs=[box, said], **event)
    for example in examples:
        example.click(answer, inputs=[example, said], **event)
    conversation.option_select(answer_option, inputs=[said], **event)
    again.click(start_again, **event)
    # Pages may have come or gone since the server started.
    page.load(whose_pages, outputs=intro, api_visibility="private", show_progress="hidden")


def _read_turns(said: object) -> tuple[Turn, ...]:
    """What the browser says was said so far; anything of another shape is left out."""
    pairs = said if isinstance(said, list) else []
    return tuple(
        Turn(*pair)
        for pair in pairs
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(p, str) for p in pair)
    )


def _shown(turns: Sequence[Turn], question: str) -> Shown:
    """Turns as the conversation, as what the browser keeps, and what is left in the box."""
    messages: list[ChatMessage] = []
    for turn in turns:
        if turn.question:
            messages.append(_message("user", render.question_html(turn.question)))
        messages.append(_message("assistant", turn.answer, turn.suggestions))
    # Words that were not taken stay in the box, where they can be mended.
    taken = not turns or bool(turns[-1].question)
    return messages, [[turn.question, turn.answer] for turn in turns], "" if taken else question


def _message(role: str, html: str, suggestions: Sequence[str] = ()) -> ChatMessage:
    return {
        "role": role,
        "content": [{"type": "text", "text": html}],
        "options": [{"value": suggestion} for suggestion in suggestions],
    }


def _head(texts: ScriptTexts) -> str:
    data = json.dumps(asdict(texts)).replace("<", "\\u003c")
    # Asked for at once, not one after the other.
    early = "".join(f'<link rel="modulepreload" href="ui/{name}.js">' for name in _PARTS)
    return (
        '<link rel="stylesheet" href="ui/app.css">'
        f'<script type="application/json" id="words">{data}</script>'
        f'{early}<script type="module" src="ui/app.js"></script>'
    )
