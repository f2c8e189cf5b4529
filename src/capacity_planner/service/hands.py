"""Threads that do the loop's work: so many at once, and one that hangs in somebody's network holds up nobody else."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_HANGS_AFTER = 20.0
_MOST = 200


@dataclass(slots=True)
class _Task:
    work: Callable[[], object]
    future: Future[None]


class Hands:
    """A pool whose threads never keep the process from its end.

    Args:
        at_once: how many work, not counting those that hang.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._lock = Lock()
        self._begun: dict[int, float] = {}
        self._threads = self._names = 0

    def submit(self, work: Callable[[], object]) -> Future[None]:
        """Have some work done."""
        task = _Task(work, Future())
        self._tasks.put(task)
        self.relieve()
        return task.future

    def relieve(self) -> int:
        """See to it that enough threads are free of what hangs; how many hang."""
        with self._lock:
            hanging = sum(monotonic() - begun > _HANGS_AFTER for begun in self._begun.values())
            while self._threads < min(self._at_once + hanging, _MOST):
                self._threads += 1
                self._names += 1
                name = f"capacity-planner-hand-{self._names}"
                Thread(target=self._serve, args=(self._names,), name=name, daemon=True).start()
        return hanging

    def close(self) -> None:
        """Let the threads end once they are free."""
        for _ in range(self._threads):
            self._tasks.put(None)

    def _serve(self, number: int) -> None:
        while (task := self._tasks.get()) is not None:
            self._begun[number] = monotonic()
            try:
                task.work()
            except BaseException as error:  # noqa: BLE001 - whoever waits for it is told
                task.future.set_exception(error)
            else:
                task.future.set_result(None)
            if self._is_surplus(number):
                return
        with self._lock:
            self._threads -= 1

    def _is_surplus(self, number: int) -> bool:
        """Whether the thread, which is free again, had been replaced while it hung."""
        with self._lock:
            del self._begun[number]
            surplus = self._threads > self._at_once + len(self._begun)
            self._threads -= surplus
        return surplus
