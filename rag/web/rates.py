"""How often one address may ask, by the ``limits`` library."""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Callable
from typing import Final

import limits
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from rag.datatypes import InputError
from rag.settings import Settings

Clock = Callable[[], float]

# Addresses that are counted at the same time; beyond, those counted longest are forgotten.
_MOST: Final = 20_000
# A household or a hosted machine has a whole /64 of IPv6 addresses to itself.
_NETWORK: Final = 64

ASK, SCRIPT, REST = "rate_ask", "rate_script", "rate_rest"
# To say that an answer helped asks for it again.
_BY_PATH: Final = {"/gradio_api/queue/join": ASK, "/api/feedback": ASK, "/api/ask": SCRIPT}


class Rates:
    """Counts what each address asks for, by kind of route."""

    def __init__(self, settings: Settings, *, clock: Clock = time.monotonic) -> None:
        """Read the limits that are set.

        Raises:
            InputError: one of them is no rate.
        """
        self._rates = {name: _read(name, getattr(settings, name)) for name in (ASK, SCRIPT, REST)}
        self._clock = clock
        self._limiter = FixedWindowRateLimiter(Windows(clock, _MOST))

    def wait(self, path: str, address: str | None) -> int:
        """Count one request; for how many seconds its sender has to wait, 0 for not at all."""
        name = _BY_PATH.get(path, REST)
        rate = self._rates[name]
        if rate is None:
            return 0
        key = (name, network(address or ""))
        if self._limiter.hit(rate, *key):
            return 0
        ends = self._limiter.get_window_stats(rate, *key).reset_time
        return max(1, math.ceil(ends - self._clock()))


class Windows(Storage):
    """Counts in memory, each for as long as its window, never more than ``most`` of them.

    The library's own memory has no bound, takes the time from the machine alone, and starts a
    thread that walks all of it after nearly every request.
    """

    STORAGE_SCHEME = None

    def __init__(self, clock: Clock, most: int) -> None:
        super().__init__()
        self._clock = clock
        self._most = most
        # By when they began: a window that begins anew goes to the end.
        self._windows: dict[str, tuple[float, int]] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        """What a storage of this kind raises; this one raises nothing."""
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count on, in the window that is open or in a new one."""
        ends, count = self._open(key) or (self._clock() + expiry, 0)
        if not count:
            self._windows.pop(key, None)
        self._windows[key] = (ends, count + amount)
        if len(self._windows) > self._most:
            del self._windows[next(iter(self._windows))]
        return count + amount

    def get(self, key: str) -> int:
        """How much was counted in the window that is open."""
        return (self._open(key) or (0, 0))[1]

    def get_expiry(self, key: str) -> float:
        """When the window that is open ends."""
        return (self._open(key) or (self._clock(), 0))[0]

    def check(self) -> bool:
        """Whether it can be used."""
        return True

    def reset(self) -> int:
        """Forget everything."""
        count = len(self._windows)
        self._windows.clear()
        return count

    def clear(self, key: str) -> None:
        """Forget one count."""
        self._windows.pop(key, None)

    def __len__(self) -> int:
        return len(self._windows)

    def _open(self, key: str) -> tuple[float, int] | None:
        window = self._windows.get(key)
        return window if window and window[0] > self._clock() else None


def network(address: str) -> str:
    """Whose address it is: itself, or its /64 for IPv6."""
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(read, ipaddress.IPv4Address):
        return str(read)
    if read.ipv4_mapped:
        return str(read.ipv4_mapped)
    return str(ipaddress.ip_network((int(read), _NETWORK), strict=False))


def _read(name: str, text: str) -> limits.RateLimitItem | None:
    try:
        return limits.parse(text) if text.strip() else None
    except ValueError as error:
        raise InputError(
            f'The setting {name} takes a rate such as 30/minute, or "", not {text!r}.'
        ) from error
