from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from rag.compose import CONTACT, NEAREST, NOT_IN_SOURCES
from rag.web import texts
from rag.web.catalogue import read_texts

if TYPE_CHECKING:
    from tests.web.conftest import FakeAssistant, Watched

pytestmark = [
    pytest.mark.browser,
]

TEXTS = read_texts("en")
Opened = Callable[[int, int], "Watched"]
SESSION = "A ketamine-assisted healing session typically lasts two hours."


@pytest.fixture
def wide(open_chat: Opened) -> Page:
    return open_chat(1280, 800).page


@pytest.fixture
def phone(open_chat: Opened) -> Page:
    return open_chat(390, 844).page


def ask(page: Page, question: str) -> None:
    """Type, press Enter, and wait for the answer to be there."""
    before = page.locator("#chat .answer").count()
    box = page.get_by_placeholder(TEXTS.box_placeholder)
    box.fill(question)
    box.press("Enter")
    expect(page.locator("#chat .answer")).to_have_count(before + 1)


def overflow(page: Page) -> int:
    width: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return width


def test_the_first_screen_says_what_this_is_and_is_not(wide: Page) -> None:
    expect(wide).to_have_title(TEXTS.tab_title)
    expect(wide.get_by_role("heading", level=1)).to_have_text(TEXTS.heading)
    expect(wide.locator("#intro")).to_contain_text("six public pages")
    expect(wide.locator("#intro")).to_contain_text("All Points North")
    expect(wide.locator("#intro")).to_contain_text("Not medical advice")
    expect(wide.locator("#emergency a")).to_have_count(2)
    expect(wide.locator("#examples button")).to_have_count(len(TEXTS.examples))
    expect(wide.locator("footer")).to_have_count(0)


def test_a_question_is_answered_in_quotes_with_publishers(wide: Page) -> None:
    ask(wide, "How long does a session last?")
    answer = wide.locator("#chat .answer")
    expect(answer.locator(".words")).to_have_count(2)
    assert answer.locator(".words").nth(1).text_content() == SESSION
    expect(answer.locator(".who").nth(1)).to_contain_text("APN London")
    expect(wide.get_by_placeholder(TEXTS.box_placeholder)).to_have_value("")
    expect(wide.locator("#intro p").first).to_be_hidden()


def test_a_list_keeps_its_line_breaks_and_indents(wide: Page) -> None:
    ask(wide, "What are the side effects?")
    words = wide.locator("#chat .words").first.text_content() or ""
    assert "including:\n\n  • Dizziness\n  • Nausea\n" in words


def marks_are(page: Page, quote: str) -> bool:
    """Whether the marked text of the panel is the quote, character for character.

    Blocks are elements of their own, so the white space between them is in none.
    """
    at = 0
    for part in page.locator("#source mark").all_text_contents():
        found = quote.index(part, at)
        if quote[at:found].strip():
            return False
        at = found + len(part)
    return not quote[at:].strip()


@pytest.mark.parametrize("question", ["Is ketamine addictive?", "What side effects?", "hostile"])
def test_what_is_marked_is_every_quote_exactly(
    wide: Page, served: FakeAssistant, question: str
) -> None:
    ask(wide, question)
    asked = served.ask(question)
    quotes = [quote.text for quote in asked.quotes]
    assert wide.locator("#chat .words").all_text_contents() == quotes
    for more in wide.locator("#chat .more summary").all():
        more.click()
    for at, quote in enumerate(quotes):
        wide.locator("a.cite").nth(at).click()
        place = TEXTS.script.quote_of.format(number=at + 1, count=len(quotes))
        expect(wide.locator("#source .place")).to_have_text(place)
        expect(wide.locator("#source mark").first).to_be_in_viewport()
        assert marks_are(wide, quote)
        expect(wide.locator("#source h2")).to_have_text(asked.quotes[at].document.source.title)
    expect(wide.locator("#source :is(script, img, svg, b, i)")).to_have_count(0)


def test_previous_and_next_go_through_the_quotes_of_the_answer(wide: Page) -> None:
    ask(wide, "Is ketamine addictive?")
    wide.locator("a.cite").first.click()
    place, mark = wide.locator("#source .place"), wide.locator("#source mark")
    expect(mark.first).to_be_focused()
    wide.keyboard.press("ArrowRight")
    expect(place).to_have_text("Quote 2 of 3")
    expect(mark).to_have_text("In addition, some research has found the drug may be addictive.")
    following = wide.get_by_role("button", name=TEXTS.script.next)
    following.press("Enter")
    expect(mark.first).to_contain_text("NOT GOOD!!!!")
    expect(following).to_be_focused()
    following.press("Enter")
    expect(place).to_have_text("Quote 1 of 3")
    wide.keyboard.press("ArrowLeft")
    expect(place).to_have_text("Quote 3 of 3")
    wide.keyboard.press("Escape")
    expect(wide.locator("a.cite").nth(2)).to_be_focused()


def clipboard(page: Page) -> str:
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def test_a_quote_is_copied_with_who_says_it_and_nothing_made_up(
    wide: Page, served: FakeAssistant
) -> None:
    ask(wide, "Is ketamine addictive?")
    wide.get_by_role("button", name="Copy quote 3 with its source").press("Enter")
    expect(wide.locator(".speaker").first).to_have_text(TEXTS.script.copied)
    quote = served.ask("Is ketamine addictive?").quotes[2]
    source = f"A reader’s comment on the page of: Amen Clinics, {quote.document.source.title}"
    assert clipboard(wide) == f"“{quote.text}” — {source}"
    ask(wide, "hostile")
    words = served.ask("hostile").quotes[0]
    wide.locator("#chat .answer").last.locator("a.cite").first.click()
    wide.get_by_role("button", name=TEXTS.script.copy_quote).click()
    expect(wide.locator(".speaker").first).to_have_text(TEXTS.script.copied)
    assert clipboard(wide) == f"“{words.text}” — <img src=x onerror=alert(1)>, <b>Title</b>"
    assert "\u00a0" in clipboard(wide)


def test_a_question_can_be_changed_and_asked_again(wide: Page) -> None:
    ask(wide, "How long does a session last?")
    wide.get_by_role("button", name=TEXTS.change_question).click()
    box = wide.get_by_placeholder(TEXTS.box_placeholder)
    expect(box).to_have_value("How long does a session last?")
    expect(box).to_be_focused()
    box.press_sequentially(" And is ketamine addictive?")
    box.press("Enter")
    expect(wide.locator("#chat .asked").last).to_have_text(
        "How long does a session last? And is ketamine addictive?"
    )


@pytest.mark.parametrize("question", ["How long is a session? 50% & more + ü", "<img src=x>${1}"])
def test_a_shared_link_asks_its_question_once_and_no_server_sees_it(
    wide: Page, address: str, question: str
) -> None:
    ask(wide, question)
    wide.get_by_role("button", name=TEXTS.copy_link).click()
    expect(wide.locator(".speaker").first).to_have_text(TEXTS.script.link_copied)
    link = clipboard(wide)
    assert link.startswith(f"{address}/#ask=")
    seen: list[str] = []
    wide.on("request", lambda request: seen.append(request.url))
    wide.goto("about:blank")
    wide.goto(link)
    expect(wide.locator("#chat .asked")).to_have_text(question)
    expect(wide.locator("#chat .answer")).to_have_count(1)
    assert wide.url == f"{address}/"
    assert not any("ask=" in url for url in seen)
    wide.reload()
    expect(wide.locator("#examples button").first).to_be_visible()
    expect(wide.locator("#chat .answer")).to_have_count(0)


def test_an_answer_is_announced_once(wide: Page) -> None:
    wide.evaluate(
        "window.said = []; const place = document.querySelector('.speaker');"
        "new MutationObserver(() => window.said.push(place.textContent))"
        ".observe(place, {childList: true})"
    )
    for question, words in (
        ("How long does a session last?", "two quotes, from All Points North and APN London"),
        ("Is ketamine addictive?", "The pages do not agree: three quotes, from A page that names"),
        ("What does it cost?", NOT_IN_SOURCES),
        ("I want to kill myself", TEXTS.heard_help),
        ("Should I stop my tablets?", "Only your own clinician"),
        ("hello", "Hello."),
    ):
        ask(wide, question)
        expect(wide.locator(".speaker").first).to_contain_text(words)
    assert len(wide.evaluate("window.said")) == 6
    # The conversation itself, a live log by nature, does not read it all out as well.
    expect(wide.locator("#chat [role=log]")).to_have_attribute("aria-live", "off")
    assert wide.locator("#chat [aria-live=polite], #chat [aria-live=assertive]").count() == 0


def test_feedback_is_sent_once_and_can_be_changed(wide: Page, served: FakeAssistant) -> None:
    served.votes.clear()
    ask(wide, "How long does a session last?")
    ask(wide, "and in London?")
    second = wide.locator("#chat .feedback").nth(1)
    second.get_by_role("button", name=TEXTS.helpful, exact=True).click()
    expect(second.locator(".thanks")).to_have_text(TEXTS.script.thanks)
    assert served.votes == [("and in London?", "answer", True, "")]
    assert served.asked[-1] == ("and in London?", ("How long does a session last?",))
    second.get_by_role("button", name=TEXTS.not_helpful).click()
    reason = second.get_by_label(TEXTS.script.reason_label)
    expect(reason).to_be_focused()
    reason.fill("too short " + "x" * 600)
    second.get_by_role("button", name=TEXTS.script.send).click()
    expect(second.locator(".thanks")).to_be_visible()
    question, _, helpful, said = served.votes[-1]
    assert (question, helpful, len(said)) == ("and in London?", False, 500)
    pressed = second.locator("[aria-pressed=true]")
    expect(pressed).to_have_text([TEXTS.not_helpful])
    # What was chosen is still seen after the next answer.
    ask(wide, "Is ketamine addictive?")
    expect(pressed).to_have_text([TEXTS.not_helpful])
    assert len(served.votes) == 2


def test_no_reason_is_needed_for_not_helpful(wide: Page, served: FakeAssistant) -> None:
    served.votes.clear()
    ask(wide, "How long does a session last?")
    wide.get_by_role("button", name=TEXTS.not_helpful).click()
    with wide.expect_response("**/api/feedback"):
        ask(wide, "Is ketamine addictive?")
    assert served.votes == [("How long does a session last?", "answer", False, "")]


@pytest.mark.parametrize("question", ["I want to kill myself", "near danger", "hello", " "])
def test_nobody_is_asked_how_help_was(wide: Page, question: str) -> None:
    ask(wide, question)
    expect(wide.locator("#chat .feedback")).to_have_count(0)


def test_danger_is_the_loudest_thing_on_the_page(phone: Page) -> None:
    ask(phone, "How long does a session last?")
    loud = phone.locator("#ask").evaluate("node => getComputedStyle(node).backgroundColor")
    ask(phone, "I want to kill myself")
    expect(phone.locator("#ask")).not_to_have_css("background-color", loud)
    expect(phone.locator("#chat .place")).to_have_text(["US: ", "UK: "])
    last = phone.locator("#chat .answer").last
    expect(last.locator(".after")).to_have_count(0)
    notice = last.locator(".notice").bounding_box()
    assert notice is not None
    assert notice["y"] < 200


def test_a_citation_opens_its_page_at_the_quote(wide: Page) -> None:
    ask(wide, "How long does a session last?")
    wide.locator("a.cite", has_text="[2]").click()
    mark = wide.locator("#source mark")
    expect(mark).to_have_text(SESSION)
    assert mark.text_content() == SESSION
    expect(mark).to_be_in_viewport()
    expect(mark).to_be_focused()
    expect(wide.locator("#source h2")).to_have_text(
        "What Is Ketamine-Assisted Healing and Therapy?"
    )
    # Beside the conversation, which stays readable and usable.
    panel, box = wide.locator("#source").bounding_box(), wide.locator("#box").bounding_box()
    assert panel is not None
    assert box is not None
    assert box["x"] + box["width"] <= panel["x"]
    ask(wide, "Is ketamine addictive?")
    expect(wide.locator("#source mark")).to_have_text(SESSION)


def test_another_citation_replaces_the_open_page_and_back_closes_it(wide: Page) -> None:
    ask(wide, "How long does a session last?")
    wide.locator("a.cite", has_text="[2]").click()
    expect(wide.locator("#source mark")).to_have_text(SESSION)
    wide.locator("a.cite", has_text="[1]").click()
    expect(wide.locator("#source mark")).to_contain_text("three hours")
    wide.go_back()
    expect(wide.locator("#source")).to_be_hidden()
    expect(wide.locator("#chat .answer")).to_have_count(1)


def test_a_list_quote_is_marked_in_every_item(wide: Page) -> None:
    ask(wide, "What are the side effects?")
    quote = wide.locator("#chat .words").first.text_content() or ""
    wide.locator("a.cite").first.click()
    marks = wide.locator("#source mark")
    expect(marks).to_have_count(9)
    assert " ".join(marks.all_text_contents()).split() == quote.split()
    expect(marks.first).to_be_in_viewport()


def test_keyboard_alone_opens_a_source_and_comes_back(wide: Page) -> None:
    ask(wide, "How long does a session last?")
    wide.get_by_placeholder(TEXTS.box_placeholder).press("Shift+Tab")
    second = wide.locator("a.cite", has_text="[2]")
    for _ in range(16):
        if second.evaluate("node => node === document.activeElement"):
            break
        wide.keyboard.press("Shift+Tab")
    expect(second).to_be_focused()
    scrolled = wide.evaluate("window.scrollY")
    wide.keyboard.press("Enter")
    expect(wide.locator("#source mark")).to_be_focused()
    wide.keyboard.press("Escape")
    expect(wide.locator("#source")).to_be_hidden()
    expect(second).to_be_focused()
    assert wide.evaluate("window.scrollY") == scrolled


def test_on_a_phone_the_source_is_a_sheet_over_everything(phone: Page) -> None:
    assert overflow(phone) <= 0
    ask(phone, "What are the side effects?")
    ask(phone, "How long does a session last?")
    assert overflow(phone) <= 0
    second = phone.locator("a.cite", has_text="[2]").last
    second.click()
    expect(phone.locator("#source mark")).to_have_text(SESSION)
    expect(phone.locator("#source mark")).to_be_in_viewport()
    assert phone.locator("#source").bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
    assert overflow(phone) <= 0
    expect(phone.locator("#source .emergency a")).to_have_count(2)
    phone.get_by_role("button", name=TEXTS.script.back).click()
    expect(phone.locator("#source")).to_be_hidden()
    expect(second).to_be_focused()
    expect(second).to_be_in_viewport()


def test_on_a_phone_box_and_emergency_line_stay_in_sight(phone: Page) -> None:
    for question in ("What are the side effects?", "Is ketamine addictive?"):
        expect(phone.get_by_placeholder(TEXTS.box_placeholder)).to_be_in_viewport()
        expect(phone.locator("#emergency")).to_be_in_viewport()
        ask(phone, question)
    # Read from the question down: the newest question is at the top.
    expect(phone.locator("#chat .user-row").last).to_be_in_viewport()


def test_an_example_asks_itself(phone: Page) -> None:
    phone.get_by_role("button", name=TEXTS.examples[0]).click()
    expect(phone.locator("#chat .user-row")).to_have_text(TEXTS.examples[0])
    expect(phone.locator("#chat .answer .words").nth(1)).to_have_text(SESSION)
    # The button is gone; focus is where reading goes on.
    expect(phone.locator("#chat .answer")).to_be_focused()


def test_a_suggestion_asks_itself(wide: Page) -> None:
    ask(wide, "How long does a session last?")
    wide.get_by_role("button", name="Is ketamine addictive?").click()
    expect(wide.locator("#chat .answer")).to_have_count(2)
    expect(wide.locator("#chat .user-row").last).to_have_text("Is ketamine addictive?")
    expect(wide.locator("#chat .badge")).to_have_text(TEXTS.comment)


def test_start_again_brings_the_first_screen_back(wide: Page) -> None:
    ask(wide, "How long does a session last?")
    wide.get_by_role("button", name=TEXTS.start_again).click()
    expect(wide.locator("#chat .answer")).to_have_count(0)
    expect(wide.locator("#intro p").first).to_be_visible()
    expect(wide.locator("#examples button").first).to_be_visible()


@pytest.mark.parametrize(
    "words",
    [
        "<img src=x onerror=alert(1)>",
        "<svg><a href='javascript:alert(1)'>session</a></svg>",
        "<script>alert(1)</script> ${alert(1)} $$x$$ **b**",
    ],
)
def test_what_a_visitor_writes_is_text(wide: Page, words: str) -> None:
    ask(wide, words)
    row = wide.locator("#chat .user-row")
    expect(row).to_have_text(words)
    expect(row.locator("img, svg, script, a")).to_have_count(0)
    ask(wide, "And again?")
    expect(wide.locator("#chat .user-row").first).to_have_text(words)


def test_an_empty_or_endless_question_gets_a_message_and_no_error(wide: Page) -> None:
    wide.get_by_role("button", name=TEXTS.ask, exact=True).click()
    expect(wide.locator("#chat .answer")).to_have_text("Please write a question.")
    ask(wide, "x" * 3000)
    expect(wide.locator("#chat .answer").last).to_contain_text("longer than 2000 characters")
    expect(wide.get_by_placeholder(TEXTS.box_placeholder)).to_have_value("x" * 3000)
    ask(wide, "How long does a session last?")
    expect(wide.locator("#chat .answer").last.locator(".words")).to_have_count(2)


def test_silence_is_plain_and_the_nearest_stands_apart(wide: Page) -> None:
    ask(wide, "How much does it cost?")
    answer = wide.locator("#chat .answer")
    expect(answer).to_contain_text(NOT_IN_SOURCES)
    expect(answer.locator(".apart .label")).to_have_text([NEAREST, CONTACT])
    expect(answer.locator(".apart a.phone")).to_have_attribute("href", "tel:02039847699")


def test_help_in_danger_can_be_called_at_once(phone: Page) -> None:
    ask(phone, "I want to kill myself")
    phones = phone.locator("#chat .notice a.phone")
    expect(phones).to_have_text(["911", "988", "1-800-222-1222", "999", "111", "116 123"])
    expect(phones.first).to_have_attribute("href", "tel:911")
    expect(phones.first).not_to_have_attribute("target", re.compile(".*"))
    expect(phones.first).to_be_in_viewport()
    box = phones.first.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 44


def test_a_changed_page_is_said_in_the_panel(open_chat: Opened) -> None:
    watched = open_chat(1280, 800)
    ask(watched.page, "How long does a session last?")
    link = watched.page.locator("a.cite").first
    link.evaluate("node => node.setAttribute('href', node.getAttribute('href') + '0')")
    link.click()
    expect(watched.page.locator("#source .page")).to_have_text(texts.API_CHANGED)
    # Chromium itself notes every refused request; the refusal is what was wanted here.
    assert len(watched.troubles) == 1
    assert "409" in watched.troubles.pop()


def test_a_link_to_a_source_also_opens_it_on_a_fresh_page(wide: Page) -> None:
    ask(wide, "How long does a session last?")
    link = wide.locator("a.cite", has_text="[2]").get_attribute("href") or ""
    address = wide.url + link
    wide.goto("about:blank")
    wide.goto(address)
    expect(wide.locator("#source mark")).to_have_text(SESSION)
    wide.keyboard.press("Escape")
    expect(wide.locator("#source")).to_be_hidden()
    assert "#" not in wide.url


def test_dark_and_light_follow_the_system(wide: Page) -> None:
    grounds = []
    for scheme in ("dark", "light"):
        wide.emulate_media(color_scheme=scheme)
        grounds.append(wide.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(17, 24, 26)", "rgb(246, 245, 240)"]
