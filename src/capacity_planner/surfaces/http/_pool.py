"""Threads for the calls that take time, so that the event loop only ever reads and writes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from capacity_planner.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

T = TypeVar("T")

AT_ONCE, MOST_WAITING = 16, 256
QUICK, SLOW = 4, 2
_SLOW_WAITING = 16


class Pool:
    """So many threads, and so many calls that wait for one; more are refused, since they would only wait longer.

    Args:
        at_once: threads.
        most_waiting: calls that wait.
    """

    def __init__(self, at_once: int = AT_ONCE, most_waiting: int = MOST_WAITING) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="capacity-planner-http")
        self._most, self._open, self._lock = at_once + most_waiting, 0, Lock()

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Have some work done.

        Raises:
            UnavailableError: too many wait already.
        """
        with self._lock:
            if self._open >= self._most:
                raise UnavailableError(f"{self._open} requests wait for their turn already. Try again later.")
            self._open += 1
        try:
            future = self._threads.submit(work)
        except RuntimeError:
            self._close_one()
            raise UnavailableError("The service is shutting down.") from None
        future.add_done_callback(self._close_one)
        return future

    def close(self) -> None:
        """Take no more work; what has begun goes on."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _close_one(self, _: object = None) -> None:
        with self._lock:
            self._open -= 1


@dataclass(frozen=True, slots=True)
class Pools:
    """Threads by how long a call takes, so that those which take long keep no others waiting.

    Attributes:
        usual: for most calls.
        quick: for those that somebody depends on while all else is busy: probes, the configuration, applying.
        slow: for those that bring as much to calculate as they like.
    """

    usual: Pool = field(default_factory=Pool)
    quick: Pool = field(default_factory=lambda: Pool(QUICK, MOST_WAITING))
    slow: Pool = field(default_factory=lambda: Pool(SLOW, _SLOW_WAITING))

    def close(self) -> None:
        """Take no more work; what has begun goes on."""
        for pool in (self.usual, self.quick, self.slow):
            pool.close()
