"""What goes wrong on the way: reloads, tabs, networks, a server that restarts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from rag.web.catalogue import read_texts

if TYPE_CHECKING:
    from rag.datatypes import Answer
    from tests.web.conftest import FakeAssistant, Watched

pytestmark = [pytest.mark.browser]

Opened = Callable[[int, int], "Watched"]
Serve = Callable[["FakeAssistant", int], AbstractContextManager[str]]
TEXTS = read_texts("en")
SESSION = "How long does a session last?"


def send(page: Page, question: str) -> None:
    box = page.get_by_placeholder(TEXTS.box_placeholder)
    box.fill(question)
    box.press("Enter")


def ask(page: Page, question: str) -> None:
    before = page.locator("#chat .answer").count()
    send(page, question)
    expect(page.locator("#chat .answer")).to_have_count(before + 1)


def test_a_reload_forgets_the_conversation_and_nothing_remembers_it(open_chat: Opened) -> None:
    page = open_chat(390, 844).page
    ask(page, SESSION)
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "session last" not in kept
    assert not any("session last" in str(cookie) for cookie in page.context.cookies())
    page.reload()
    expect(page.locator("#examples button").first).to_be_visible()
    expect(page.locator("#chat .answer")).to_have_count(0)
    ask(page, SESSION)


def test_two_tabs_know_nothing_of_each_other(open_chat: Opened, served: FakeAssistant) -> None:
    one, two = open_chat(1280, 800).page, open_chat(1280, 800).page
    ask(one, SESSION)
    expect(two.locator("#chat .answer")).to_have_count(0)
    ask(two, "and in London?")
    ask(one, "and in London?")
    assert served.asked[-2:] == [("and in London?", ()), ("and in London?", (SESSION,))]
    expect(two.locator("#chat .answer")).to_have_count(1)


def test_back_closes_the_source_first_and_keeps_the_conversation(open_chat: Opened) -> None:
    page = open_chat(390, 844).page
    ask(page, SESSION)
    for _ in range(2):
        page.locator("a.cite").first.click()
        expect(page.locator("#source mark")).to_be_visible()
        page.keyboard.press("ArrowRight")
        expect(page.locator("#source .place")).to_have_text("Quote 2 of 2")
        page.go_back()
        expect(page.locator("#source")).to_be_hidden()
        expect(page.locator("#chat .answer")).to_have_count(1)
    ask(page, "Is ketamine addictive?")


def test_a_question_that_is_refused_stays_in_the_box(open_chat: Opened) -> None:
    watched = open_chat(1280, 800)
    page = watched.page
    ask(page, SESSION)
    page.route("**/queue/join*", lambda route: route.fulfill(status=429, json={"detail": "no"}))
    send(page, "Is ketamine addictive?")
    expect(page.locator(".trouble")).to_have_text(TEXTS.script.busy)
    expect(page.get_by_placeholder(TEXTS.box_placeholder)).to_have_value("Is ketamine addictive?")
    expect(page.locator("#chat .words").first).to_be_visible()
    page.unroute("**/queue/join*")
    ask(page, "Is ketamine addictive?")
    expect(page.locator(".trouble")).to_be_hidden()
    assert all("429" in trouble or "no" in trouble for trouble in watched.troubles)
    watched.troubles.clear()


def test_on_a_slow_network_it_is_seen_that_an_answer_is_on_its_way(open_chat: Opened) -> None:
    page = open_chat(390, 844).page
    working = page.locator("#working")
    expect(working).to_be_hidden()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/queue/join*", hold)
    send(page, SESSION)
    expect(working).to_be_in_viewport()
    expect(working).to_have_css("opacity", "1")
    expect(working).to_have_text(TEXTS.working)
    expect(page.locator("#chat .answer")).to_have_count(0)
    held[0].continue_()
    expect(page.locator("#chat .answer")).to_have_count(1)
    expect(working).to_be_hidden()


def test_offline_a_question_waits_and_is_asked_later(
    open_chat: Opened, chromium: BrowserContext
) -> None:
    watched = open_chat(1280, 800)
    page = watched.page
    ask(page, SESSION)
    chromium.set_offline(True)
    send(page, "Is ketamine addictive?")
    expect(page.locator(".trouble")).to_have_text(TEXTS.script.offline)
    expect(page.get_by_role("alert")).to_have_text(TEXTS.script.offline)
    expect(page.locator("#chat .words").first).to_be_visible()
    page.locator("a.cite").first.click()
    expect(page.locator("#source .page")).to_have_text(TEXTS.script.unreachable)
    chromium.set_offline(False)
    expect(page.locator("#chat .answer")).to_have_count(2)
    expect(page.locator(".trouble")).to_be_hidden()
    # Chromium itself notes what could not be fetched.
    assert all("ERR_INTERNET_DISCONNECTED" in trouble for trouble in watched.troubles)
    watched.troubles.clear()


def test_a_restart_between_two_questions_loses_nothing(
    new_assistant: Callable[[], FakeAssistant], serve: Serve, chromium: BrowserContext
) -> None:
    page = chromium.new_page()
    with serve(new_assistant(), 0) as address:
        page.goto(address)
        ask(page, SESSION)
    send(page, "and in London?")
    expect(page.locator(".trouble")).to_have_text(TEXTS.script.lost)
    expect(page.get_by_placeholder(TEXTS.box_placeholder)).to_have_value("and in London?")
    expect(page.locator("#chat .answer")).to_have_count(1)
    fresh = new_assistant()
    with serve(fresh, urlsplit(address).port or 0):
        expect(page.locator("#chat .answer")).to_have_count(2, timeout=40_000)
        expect(page.locator(".trouble")).to_be_hidden()
        assert fresh.asked == [("and in London?", (SESSION,))]
        page.close()


def test_a_restart_in_mid_answer_is_said_and_keeps_the_question(
    new_assistant: Callable[[], FakeAssistant], serve: Serve, chromium: BrowserContext
) -> None:
    going = threading.Event()
    asked = threading.Event()
    slow = new_assistant()
    answer = slow.silent

    def wait(question: str) -> Answer:
        asked.set()
        going.wait(30)
        return answer(question)

    slow.silent = wait
    page = chromium.new_page()
    with serve(slow, 0) as address:
        page.goto(address)
        send(page, "What does it cost?")
        assert asked.wait(10)
    going.set()
    expect(page.locator(".trouble")).to_have_text(TEXTS.script.broken)
    with serve(new_assistant(), urlsplit(address).port or 0):
        expect(page.locator(".trouble")).to_have_text(TEXTS.script.restored, timeout=40_000)
        box = page.get_by_placeholder(TEXTS.box_placeholder)
        expect(box).to_have_value("What does it cost?")
        assert page.evaluate("sessionStorage.length") == 0
        box.press("Enter")
        expect(page.locator("#chat .answer")).to_have_count(1)
        page.close()
