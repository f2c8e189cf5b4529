"""What many threads write at the same time, in one transaction: the disk is waited for once."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import TYPE_CHECKING, Generic, TypeVar

from capacity_planner.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

_MOST = 2_000


@dataclass(slots=True)
class _Part(Generic[T]):
    """What one thread writes: done, or in error, when it is ``ready``; neither where the thread is to write itself."""

    items: Sequence[T]
    ready: Event = field(default_factory=Event)
    done: bool = False
    error: Exception | None = None


class Gather(Generic[T]):
    """Calls of several threads as one; each returns when its part is written, and raises what its part is guilty of.

    The first to come writes at once, alone. Whoever comes meanwhile waits, and then one of them writes for all: nobody
    waits for company.

    Args:
        write: writes all, or none and raises.
    """

    def __init__(self, write: Callable[[Sequence[T]], None]) -> None:
        self._write = write
        self._lock = Lock()
        self._waiting: deque[_Part[T]] = deque()
        self._led = False

    def __call__(self, items: Sequence[T]) -> None:
        """Write what is given, and perhaps what others gave meanwhile."""
        mine = _Part(items)
        with self._lock:
            self._waiting.append(mine)
            leads, self._led = not self._led, True
        if not leads:
            mine.ready.wait()
        if not mine.done:
            self._lead()
        if mine.error is not None:
            raise mine.error

    def _lead(self) -> None:
        """Write for the first that wait, oneself among them, and let the next lead."""
        group = self._take()
        try:
            self._attempt(group)
        finally:
            with self._lock:
                following = self._waiting[0] if self._waiting else None
                self._led = following is not None
            for part in group:
                if not part.done:
                    part.done, part.error = True, UnavailableError("The write was broken off.")
                part.ready.set()
            if following is not None:
                following.ready.set()

    def _take(self) -> list[_Part[T]]:
        group: list[_Part[T]] = []
        with self._lock:
            size = 0
            while self._waiting and (not group or size + len(self._waiting[0].items) <= _MOST):
                group.append(self._waiting.popleft())
                size += len(group[-1].items)
        return group

    def _attempt(self, group: list[_Part[T]]) -> None:
        error: Exception | None = None
        try:
            self._write([item for part in group for item in part.items])
        except UnavailableError as reason:
            error = reason
        except Exception as reason:  # noqa: BLE001 - raised by the thread that it concerns
            if len(group) > 1:  # the others must not suffer for what one of them gave
                for part in group:
                    self._attempt([part])
                return
            error = reason
        for part in group:
            part.done, part.error = True, error
