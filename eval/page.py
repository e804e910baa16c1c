"""Measure the page beside a bare Gradio chat: ``python -m eval.page``.

Bytes, requests, and the time until a question can be typed; each load in a browser that has
seen nothing yet, ours and the bare one in turn. Writes ``eval/report/page.md``.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, sync_playwright

LOADS: Final = 10
MOST_BYTES: Final = 1.25
MOST_TIME: Final = 1.05
REPORT: Final = Path(__file__).parent / "report" / "page.md"
_BARE: Final = """
import gradio
gradio.ChatInterface(lambda message, history: message).launch(server_port={port}, quiet=True)
"""
_OURS: Final = (
    "from rag.settings import read_settings; from rag.web.app import serve; serve(read_settings())"
)


@dataclass(frozen=True, slots=True)
class Load:
    """One page load: what came over the wire, what that was unpacked, and how long it took."""

    sent: int
    unpacked: int
    requests: int
    seconds: float


@contextmanager
def _served(program: str, port: int) -> Iterator[str]:
    quiet = {"GRADIO_ANALYTICS_ENABLED": "False", "RAG_PORT": str(port)}
    server = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, **quiet},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def _load(browser: Browser, address: str) -> Load:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    sent: list[int] = []
    unpacked: list[int] = []
    asked: list[str] = []

    def finished(event: dict[str, Any]) -> None:
        sent.append(int(event["encodedDataLength"]))

    def arrived(event: dict[str, Any]) -> None:
        unpacked.append(int(event["dataLength"]))

    network.on("Network.loadingFinished", finished)
    network.on("Network.dataReceived", arrived)
    network.on("Network.requestWillBeSent", lambda event: asked.append(event["request"]["url"]))
    start = time.perf_counter()
    page.goto(address, wait_until="commit")
    box = page.locator("textarea").first
    box.fill("x")
    seconds = time.perf_counter() - start
    # What still comes after that counts as weight; Gradio's streams never let it be idle.
    page.wait_for_timeout(3000)
    context.close()
    remote = [url for url in asked if url.startswith("http")]
    return Load(sum(sent), sum(unpacked), len(remote), seconds)


def _wait_for(browser: Browser, address: str) -> None:
    for _ in range(120):
        page = browser.new_page()
        try:
            page.goto(address)
            page.locator("textarea").first.wait_for()
            return
        except Exception:  # noqa: BLE001 - whatever a server says that is not there yet
            time.sleep(0.5)
        finally:
            page.close()
    raise SystemExit(f"{address} did not start.")


def measure() -> tuple[list[Load], list[Load]]:
    """The loads of our page and of the bare one, made in turn."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with (
        _served(_OURS, 7861) as ours,
        _served(_BARE.format(port=7862), 7862) as bare,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        for address in (ours, bare):
            _wait_for(browser, address)
        loads = [(_load(browser, ours), _load(browser, bare)) for _ in range(LOADS)]
        browser.close()
    return [one for one, _ in loads], [other for _, other in loads]


def _table(ours: list[Load], bare: list[Load]) -> str:
    rows: list[tuple[str, list[float], list[float]]] = [
        ("kilobytes sent", [x.sent / 1000 for x in ours], [x.sent / 1000 for x in bare]),
        (
            "kilobytes unpacked",
            [x.unpacked / 1000 for x in ours],
            [x.unpacked / 1000 for x in bare],
        ),
        ("requests", [x.requests for x in ours], [x.requests for x in bare]),
        ("seconds until usable", [x.seconds for x in ours], [x.seconds for x in bare]),
    ]
    lines = [f"| median of {LOADS} loads | this page | bare `gr.ChatInterface` | ratio | at most |"]
    lines.append("| --- | ---: | ---: | ---: | ---: |")
    for name, here, there in rows:
        a, b = statistics.median(here), statistics.median(there)
        bar = {"kilobytes sent": MOST_BYTES, "seconds until usable": MOST_TIME}.get(name, "")
        digits = 2 if "seconds" in name else 0
        lines.append(f"| {name} | {a:.{digits}f} | {b:.{digits}f} | {a / b:.2f} | {bar} |")
    return "\n".join(lines)


def main() -> int:
    """Print the table and write it to the report."""
    table = _table(*measure())
    print(table)
    REPORT.write_text(
        "# The page's weight\n\nWritten by `python -m eval.page`: both pages in the same Chromium "
        "on the same machine, in turn, each load without a cache.\n\n"
        f"{table}\n",
        encoding="utf-8",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
