"""What the tests of sources that watch busy slots share: to wait for looks, however slow the machine is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.services._redis import Redis

PATIENCE = 30.0


def looked(server: Redis, command: str, times: int = 25) -> None:
    """Wait until the server was asked a command so many times more."""
    wanted, end = _asked(server, command) + times, time.monotonic() + PATIENCE
    while _asked(server, command) < wanted:
        assert time.monotonic() < end, f"{command} was not asked {times} times"
        time.sleep(0.02)


def _asked(server: Redis, command: str) -> int:
    found = server.client.info("commandstats").get(f"cmdstat_{command}", {})
    return int(found.get("calls", 0))
