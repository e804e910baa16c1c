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
    from tests.web.conftest import Watched

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
