"""A simulation on its way: where it stands, and who waits for it."""

from __future__ import annotations

import pickle
import secrets
from datetime import timedelta
from enum import StrEnum
from threading import Condition, Event
from typing import TYPE_CHECKING

from capacity_planner.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.questions import SimulationRequest
    from capacity_planner.domain.simulation import Simulation


_KEPT_FOR, _MOST_KEPT, _MOST_BYTES = timedelta(hours=1), 200, 256 * 2**20


class TaskState(StrEnum):
    """Where a task stands; the last three are its end."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self not in {TaskState.WAITING, TaskState.RUNNING}


class Task:
    """One simulation; safe to share between threads.

    Args:
        request: what to simulate.
        config: with which settings.
        limit: how long it may run.
        clock: the time.

    Attributes:
        id: by which it is found again; nobody can guess it.
        question: what to simulate and with which settings, pickled, since it may be large and wait for long.
        limit: how long it may run.
        state: where it stands.
        progress: share that is done.
        error: why there is no result.
        created: when it was asked for.
        started: when it began to run.
        ended: when it was over.
        size: bytes of its result.
        asked_to_stop: set once it was cancelled.
    """

    def __init__(
        self, request: SimulationRequest, config: PlannerConfig, limit: timedelta, clock: Callable[[], datetime]
    ) -> None:
        self.question, self.limit = pickle.dumps((request, config), pickle.HIGHEST_PROTOCOL), limit
        self.id = f"job-{secrets.token_hex(12)}"
        self.state, self.progress, self.error = TaskState.WAITING, 0.0, None
        self.created, self.started, self.ended = clock(), None, None
        self.asked_to_stop = Event()
        self._clock, self._changed, self._payload = clock, Condition(), b""
        self._watchers: set[Callable[[], object]] = set()

    state: TaskState
    error: Exception | None
    started: datetime | None
    ended: datetime | None

    @property
    def size(self) -> int:
        """Bytes of its result."""
        return len(self._payload)

    @property
    def result(self) -> Simulation | None:
        """What came out; unpacked anew every time, since it may be large and is seldom asked for."""
        simulation: Simulation | None = pickle.loads(self._payload) if self._payload else None  # noqa: S301 - our own
        return simulation

    def outcome(self) -> Simulation:
        """What came out of a task that has ended.

        Raises:
            PlannerError: as the simulation raised it.
            ServiceError: it was cancelled, or its process died.
        """
        found = self.result
        if found is None:
            raise self.error or ConflictError(f"The simulation {self.id} was cancelled.")
        return found

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end, and say whether it came."""
        with self._changed:
            return self._changed.wait_for(lambda: self.state.ended, seconds)

    def watch(self, watcher: Callable[[], object]) -> Callable[[], None]:
        """Have a function called after every change, which should be quick; the answer stops that."""
        with self._changed:
            self._watchers.add(watcher)
        return lambda: self._watchers.discard(watcher)

    def cancel(self, reason: Exception | None = None) -> None:
        """Stop it, at once where it only waits; one that has ended stays as it is.

        Args:
            reason: what those who wait are told; ``None`` says that it was cancelled.
        """
        with self._changed:
            if self.state.ended:
                return
            self.error = reason
            self.asked_to_stop.set()
            if self.state is TaskState.WAITING:
                self._end(TaskState.CANCELLED)
        self._tell()

    def begin(self) -> bool:
        """Run it now, unless it was cancelled meanwhile."""
        with self._changed:
            if self.state is not TaskState.WAITING:
                return False
            self.state, self.started = TaskState.RUNNING, self._clock()
        self._tell()
        return True

    def advance(self, share: float) -> None:
        """So much is done."""
        self.progress = max(self.progress, min(share, 1.0))
        self._tell()

    def finish(self, payload: bytes) -> None:
        """It is done.

        Args:
            payload: the `Simulation`, pickled.
        """
        with self._changed:
            self._payload, self.progress = payload, 1.0
            self._end(TaskState.DONE)
        self._tell()

    def fail(self, error: Exception) -> None:
        """It has failed."""
        with self._changed:
            self.error = error
            self._end(TaskState.FAILED)
        self._tell()

    def stop(self) -> None:
        """It has stopped, as it was asked to."""
        with self._changed:
            self._end(TaskState.CANCELLED)
        self._tell()

    def _end(self, state: TaskState) -> None:
        self.state, self.ended, self.question = state, self._clock(), b""
        self._changed.notify_all()

    def _tell(self) -> None:
        for watcher in tuple(self._watchers):
            watcher()


def kept(tasks: Mapping[str, Task], now: datetime) -> dict[str, Task]:
    """All tasks that go on, and of those that have ended the newest, as long as they may be kept.

    Args:
        tasks: by id.
        now: the time.
    """
    found = {name: task for name, task in tasks.items() if task.ended is None}
    size, count = 0, 0
    for task in sorted(set(tasks.values()) - set(found.values()), key=lambda task: task.ended or now, reverse=True):
        size, count = size + task.size, count + 1
        newest = count == 1 or (count <= _MOST_KEPT and size <= _MOST_BYTES)
        if newest and task.ended and now - task.ended <= _KEPT_FOR:
            found[task.id] = task
    return found
