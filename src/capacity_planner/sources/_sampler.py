"""How many slots are busy on average: looked at ten times a second, where no counter says it."""

from __future__ import annotations

import random
import weakref
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from capacity_planner.errors import WorldError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

_EVERY, _AFTER_FAILURE = 0.1, 2.0
_FEWEST = 20
_PATIENCE = 5.0


@dataclass(slots=True)
class _Sum:
    total: float = 0.0
    looks: int = 0


class _Sums:
    """What was seen of each queue since it was last asked for; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sums: dict[str, _Sum] = {}

    def queues(self) -> list[str]:
        with self._lock:
            return list(self._sums)

    def add(self, seen: Mapping[str, float]) -> None:
        with self._lock:
            for name, busy in seen.items():
                if name in self._sums:
                    self._sums[name].total += busy
                    self._sums[name].looks += 1

    def take(self, queue_name: str) -> _Sum:
        with self._lock:
            found, self._sums[queue_name] = self._sums.get(queue_name, _Sum()), _Sum()
            return found


class Sampler:
    """Watches queues from a thread of its own, which begins with the first queue and ends with its owner.

    Args:
        look: a bound method that says how many slots of some queues are busy now; it may raise `WorldError`.
    """

    def __init__(self, look: Callable[[Collection[str]], Mapping[str, float]]) -> None:
        self._look = weakref.WeakMethod(look)
        self._sums = _Sums()
        self._lock, self._stop = Lock(), Event()
        self._thread: Thread | None = None
        weakref.finalize(self, self._stop.set)

    def mean(self, queue_name: str) -> float | None:
        """Busy slots on average since the call before; ``None`` where too little was seen to tell."""
        with self._lock:
            if self._thread is None:
                arguments = (self._look, self._sums, self._stop)
                self._thread = Thread(target=_watch, args=arguments, name="busy-slots", daemon=True)
                self._thread.start()
        seen = self._sums.take(queue_name)
        return seen.total / seen.looks if seen.looks >= _FEWEST else None

    def close(self) -> None:
        """Watch no longer."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_PATIENCE)


def _watch(
    method: weakref.WeakMethod[Callable[[Collection[str]], Mapping[str, float]]], sums: _Sums, stop: Event
) -> None:
    pause = _EVERY
    while not stop.wait(pause * random.uniform(0.5, 1.5)):  # noqa: S311 - out of step with jobs that come evenly
        look = method()
        if look is None:
            return
        try:
            sums.add(look(sums.queues()))
            pause = _EVERY
        except WorldError:
            pause = _AFTER_FAILURE
        del look
