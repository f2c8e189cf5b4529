"""Whether the service can answer, told to anybody who asks, and looked into no more often than is worth it."""

from __future__ import annotations

import logging
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from capacity_planner.errors import UnavailableError

if TYPE_CHECKING:
    from capacity_planner.service.desk import Desk

_LOG = logging.getLogger("capacity_planner.http")
KEPT = 1.0
_STORE = "The store does not answer."


class Readiness:
    """What the desk says of itself, for a second; who asks without a token is not told where the store is.

    Args:
        desk: what is asked.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk, self._lock = desk, Lock()
        self._found, self._until = list[str](), 0.0

    def reasons(self) -> list[str]:
        """Why the service cannot answer; empty where it can."""
        with self._lock:
            if monotonic() >= self._until:
                self._found = self._asked()
                self._until = monotonic() + KEPT
            return self._found

    def _asked(self) -> list[str]:
        try:
            return self._desk.ready()
        except UnavailableError as error:
            _LOG.warning("not ready: %s", error.message)
            return [_STORE]
