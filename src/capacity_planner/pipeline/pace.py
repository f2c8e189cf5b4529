"""How far a simulation has come, and whether it is to go on."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

from capacity_planner import codec
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.pipeline.deadline import Deadline

if TYPE_CHECKING:
    from datetime import timedelta

Progress: TypeAlias = Callable[[float], object]

_CALLS = 100


class Stopped(Exception):  # noqa: N818 - it is no error, and nobody outside sees it
    """Another thread of the same simulation has failed."""


class Pace:
    """Counts jobs over all threads of a simulation.

    Args:
        timeout: the limit; ``None`` is none.
        progress: told the share that is done.
    """

    def __init__(self, timeout: timedelta | None, progress: Progress | None) -> None:
        self._deadline = Deadline(timeout, "simulate fewer jobs (duration, traffic_pattern, replications)")
        self._progress = _callable(progress)
        self._lock = Lock()
        self._done = self._told = 0.0
        self._stopped = False
        self.expected = 0.0

    @property
    def remaining(self) -> float | None:
        """Seconds left; ``None`` without a limit."""
        left = self._deadline.remaining
        return None if left < 0 else left

    def expect(self, jobs: float) -> None:
        """So many jobs will come."""
        self.expected = jobs

    def check(self) -> None:
        """Go on, or stop."""
        self._deadline.check()
        if self._stopped:
            raise Stopped

    def stop(self) -> None:
        """Let every thread stop at its next block."""
        self._stopped = True

    def tick(self, jobs: int) -> None:
        """So many jobs more are done."""
        self.check()
        with self._lock:
            self._done += jobs
            share = min(self._done / max(self.expected, 1.0), 1.0 - 1.0 / _CALLS)
            if self._progress is not None and share - self._told >= 1.0 / _CALLS:
                self._told = share
                self._progress(share)

    def finish(self) -> None:
        """All is done."""
        if self._progress is not None:
            self._progress(1.0)


def _callable(progress: Progress | None) -> Progress | None:
    if progress is None or callable(progress):
        return progress
    raise PlannerError(
        ErrorCode.CONFIG_INVALID,
        f"progress is {codec.shown(progress)}, which cannot be called. Give a function of the share that is done.",
        details={"field": "progress", "value": codec.shown(progress)},
    )
