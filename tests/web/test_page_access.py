"""Whether the page can be used by everybody: by keyboard, by ear, large, without colour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import axe_playwright_python
import pytest
from playwright.sync_api import Locator, Page, expect

from rag.web.catalogue import read_texts

if TYPE_CHECKING:
    from tests.web.conftest import FakeAssistant, Watched

pytestmark = [pytest.mark.browser]

Opened = Callable[[int, int], "Watched"]
TEXTS = read_texts("en")
AXE = next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js"))
SESSION = "How long does a session last?"


def ask(page: Page, question: str) -> None:
    before = page.locator("#chat .answer").count()
    box = page.get_by_placeholder(TEXTS.box_placeholder)
    box.fill(question)
    box.press("Enter")
    expect(page.locator("#chat .answer")).to_have_count(before + 1)


def violations(page: Page) -> list[tuple[str, str, str]]:
    """What axe finds wrong, of any impact, in the page as it is now."""
    # Run through the debugger: the page itself lets no other script in.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate("axe.run()")
    assert len(found["passes"]) > 10
    return [
        (fault["id"], fault["impact"], node["html"][:120])
        for fault in found["violations"]
        for node in fault["nodes"]
    ]


@pytest.mark.parametrize(
    ("size", "scheme"),
    [((1280, 900), "light"), ((390, 844), "dark"), ((640, 450), "light")],
    ids=["wide", "phone, dark", "200 %"],
)
def test_axe_finds_nothing_in_any_state(
    open_chat: Opened, size: tuple[int, int], scheme: str
) -> None:
    page = open_chat(*size).page
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    found = {"empty": violations(page)}
    # Each look sees the answers before it as well.
    for question in (SESSION, "Is ketamine addictive?", "What does it cost?"):
        ask(page, question)
    found["answer, disagreement, silence"] = violations(page)
    for question in ("Should I stop my tablets?", " ", "I want to kill myself"):
        ask(page, question)
    page.get_by_role("button", name=TEXTS.not_helpful).first.click()
    found["advice, error, reason, danger"] = violations(page)
    page.locator("a.cite").first.click()
    expect(page.locator("#source mark").first).to_be_focused()
    found["source"] = violations(page)
    assert {state: faults for state, faults in found.items() if faults} == {}


def test_axe_finds_nothing_in_the_other_pages(open_chat: Opened) -> None:
    page = open_chat(390, 844).page
    start = page.url
    for path in ("sources", "sources/amen-clinics-is-ketamine-safe-for-depression.txt", "privacy"):
        page.goto(start + path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def focus_seen(page: Page) -> bool:
    """Whether what has the focus shows it."""
    seen: bool = page.evaluate(
        "(() => { const style = getComputedStyle(document.activeElement);"
        "return document.activeElement !== document.body && style.outlineStyle !== 'none'"
        " && parseFloat(style.outlineWidth) >= 2; })()"
    )
    return seen


def tab_to(page: Page, goal: Locator, *, key: str = "Tab") -> list[str]:
    """Press ``key`` until ``goal`` has the focus; every stop on the way must be seen."""
    stops: list[str] = []
    for _ in range(40):
        page.keyboard.press(key)
        stop: str = page.evaluate("document.activeElement.textContent.trim().slice(0, 40)")
        assert focus_seen(page), stop
        stops.append(stop)
        if goal.evaluate("node => node === document.activeElement"):
            return stops
    pytest.fail(f"never reached; went by {stops}")


def in_order(stops: Sequence[str], wanted: Sequence[str]) -> bool:
    at = iter(stops)
    return all(any(want in stop for stop in at) for want in wanted)


def test_the_whole_visit_with_the_keyboard_alone(open_chat: Opened, served: FakeAssistant) -> None:
    served.votes.clear()
    page = open_chat(1280, 800).page
    tab_to(page, page.get_by_role("button", name=SESSION))
    page.keyboard.press("Enter")
    expect(page.locator("#chat .answer")).to_be_focused()
    tab_to(page, page.locator("a.cite").first)
    page.keyboard.press("Enter")
    mark = page.locator("#source mark")
    expect(mark).to_be_focused()
    assert focus_seen(page)
    following = page.get_by_role("button", name=TEXTS.script.next)
    tab_to(page, following, key="Shift+Tab")
    page.keyboard.press("Enter")
    expect(mark).to_contain_text("two hours")
    copying = page.get_by_role("button", name=TEXTS.script.copy_quote)
    tab_to(page, copying, key="Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".speaker").first).to_have_text(TEXTS.script.copied)
    page.keyboard.press("Escape")
    expect(page.locator("a.cite").nth(1)).to_be_focused()
    helpful = page.get_by_role("button", name=TEXTS.helpful, exact=True)
    tab_to(page, helpful)
    page.keyboard.press("Space")
    expect(page.locator(".thanks")).to_be_visible()
    assert served.votes == [(SESSION, "answer", True, "")]
    box = page.get_by_placeholder(TEXTS.box_placeholder)
    stops = tab_to(page, box)
    assert in_order(stops, [TEXTS.not_helpful, TEXTS.change_question, TEXTS.copy_link, "Is keta"])
    page.keyboard.type("Is ketamine addictive?")
    stops = tab_to(page, page.get_by_role("button", name=TEXTS.start_again))
    assert in_order(stops, [TEXTS.ask, "911", "999", TEXTS.start_again])
    box.press("Enter")
    expect(page.locator("#chat .answer")).to_have_count(2)
    tab_to(page, page.get_by_role("button", name=TEXTS.start_again))
    page.keyboard.press("Enter")
    expect(page.locator("#chat .answer")).to_have_count(0)


@pytest.mark.parametrize("size", [(1280, 900), (390, 844)], ids=["wide", "phone"])
def test_whatever_is_tapped_is_at_least_24_pixels(open_chat: Opened, size: tuple[int, int]) -> None:
    page = open_chat(*size).page
    small = (
        "nodes => nodes.filter(n => n.getClientRects().length).map(n => [n.textContent.trim(),"
        "n.getBoundingClientRect().width, n.getBoundingClientRect().height])"
        ".filter(([, width, height]) => Math.min(width, height) < 24)"
    )
    targets = page.locator(
        "button:not(.unseen), summary, textarea, .bar a, a.cite, a.phone, #source a"
    )
    assert targets.evaluate_all(small) == []
    for question in ("What are the side effects?", "What does it cost?", "I want to kill myself"):
        ask(page, question)
    page.get_by_role("button", name=TEXTS.not_helpful).first.click()
    assert targets.evaluate_all(small) == []
    page.locator("a.cite").first.click()
    expect(page.locator("#source mark").first).to_be_focused()
    assert targets.evaluate_all(small) == []


def test_nothing_moves_for_those_who_want_it_still(open_chat: Opened) -> None:
    page = open_chat(1280, 800).page
    page.emulate_media(reduced_motion="reduce")
    ask(page, SESSION)
    moving = (
        "[...document.querySelectorAll('*')].filter(n => {const s = getComputedStyle(n);"
        "return s.animationName !== 'none' || parseFloat(s.transitionDuration) > 0})"
        ".map(n => n.outerHTML.slice(0, 80))"
    )
    assert page.evaluate(moving) == []


def test_without_colours_the_quote_is_still_marked_and_framed(open_chat: Opened) -> None:
    page = open_chat(1280, 800).page
    page.emulate_media(forced_colors="active")
    ask(page, SESSION)
    page.locator("a.cite").first.press("Enter")
    mark = page.locator("#source mark").first
    expect(mark).to_be_focused()
    ground = "node => getComputedStyle(node).backgroundColor"
    assert mark.evaluate(ground) != page.locator("#source").evaluate(ground)
    expect(page.locator("#chat .quote").first).not_to_have_css("border-top-style", "none")
    assert focus_seen(page)


def test_the_page_says_its_own_language_whatever_the_browser_speaks(
    open_chat: Opened, address: str
) -> None:
    first = open_chat(1280, 800).page
    assert first.context.browser is not None
    context = first.context.browser.new_context(locale="es-ES")
    page = context.new_page()
    page.goto(address)
    ask(page, SESSION)
    expect(page.locator("html")).to_have_attribute("lang", "en")
    context.close()
