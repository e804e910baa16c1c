"""Asks through the queue that Gradio's own page asks through."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from httpx2 import Client

OURS: Final = {"sec-fetch-site": "same-origin"}


def page_config(client: Client) -> dict[str, Any]:
    """What the page tells the browser about itself."""
    html = client.get("/").text
    found = re.search(r"window\.gradio_config = (\{.*?\});</script>", html, re.DOTALL)
    assert found is not None
    config: dict[str, Any] = json.loads(found[1])
    return config


def asking_function(config: dict[str, Any]) -> dict[str, Any]:
    """The event that answers what stands in the question box."""
    box = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "box")
    found: dict[str, Any] = next(d for d in config["dependencies"] if box in d["inputs"])
    return found


def join(
    client: Client,
    function: int,
    data: object,
    *,
    session: str = "s1",
    headers: Mapping[str, str] = OURS,
) -> tuple[int, str]:
    """Put one call into the queue; the status, and all that came back about it."""
    call = {"data": data, "fn_index": function, "session_hash": session, "event_data": None}
    joined = client.post("/gradio_api/queue/join", json=call, headers=headers)
    if joined.status_code != 200:
        return joined.status_code, joined.text
    told = client.get("/gradio_api/queue/data", params={"session_hash": session}, headers=headers)
    return told.status_code, told.text
