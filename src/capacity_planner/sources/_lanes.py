"""Keys in Redis that come and go as workers take up jobs and lay them down."""

from __future__ import annotations

import math
import re
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capacity_planner.sources._redis import RedisServer

_REMEMBERED, _SCANNING = 600.0, 0.05


class Lanes:
    """The keys that match a glob, those of the last ten minutes among them; safe to share between threads.

    A worker's list is there only while it holds a job, so most are missing at any look.

    Args:
        server: where to look.
        pattern: the glob.
    """

    def __init__(self, server: RedisServer, pattern: str) -> None:
        self._server, self._pattern = server, pattern
        self._lock = Lock()
        self._seen: dict[str, float] = {}
        self._next = -math.inf

    def scan(self) -> None:
        """Look for more."""
        began = monotonic()
        keys = self._server.keys(self._pattern)
        now = monotonic()
        with self._lock:
            self._seen |= dict.fromkeys(keys, now)
            self._seen = {key: at for key, at in self._seen.items() if now - at < _REMEMBERED}
            self._next = now + (now - began) / _SCANNING

    def known(self) -> list[str]:
        """The keys; looks for more before, but spends a twentieth of the time on it at most."""
        if monotonic() > self._next:
            self.scan()
        with self._lock:
            return sorted(self._seen)


def literal(words: str) -> str:
    """A text as a glob that matches nothing else."""
    return re.sub(r"([*?\[\]\\])", r"\\\1", words)
