"""Heavy work: simulations run in processes of their own, so many at once, and the service stays quick."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime
from threading import Condition, Thread
from time import monotonic
from typing import TYPE_CHECKING

from capacity_planner.errors import NotFoundError, TooLargeError, UnavailableError
from capacity_planner.pipeline.deadline import Deadline
from capacity_planner.pipeline.scenario import checked_scenario, jobs_asked
from capacity_planner.pipeline.validation import checked_config
from capacity_planner.pipeline.workload import experiment
from capacity_planner.service._heavy_process import REMEDY, StoppedError, Worker
from capacity_planner.service._heavy_task import Task, TaskState, kept

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from threading import Event

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.questions import SimulationRequest
    from capacity_planner.domain.server import ServerSettings
    from capacity_planner.domain.simulation import Simulation
    from capacity_planner.service.telemetry import Telemetry

__all__ = ["Heavy", "Task", "TaskState"]

_LOOK, _RETRY_AFTER = 0.05, 5.0


def _now() -> datetime:
    return datetime.now(UTC)


class Heavy:
    """Runs simulations in other processes; safe to share between threads.

    Processes are started when they are needed, and then kept; one that dies fails its simulation alone. They end with
    this one, however it ends.

    Args:
        settings: ``max_heavy``, ``max_waiting``, ``max_jobs`` and ``max_time`` count here.
        telemetry: what is counted.
        clock: the time.
    """

    def __init__(
        self, settings: ServerSettings, telemetry: Telemetry | None = None, *, clock: Callable[[], datetime] = _now
    ) -> None:
        self._settings, self._telemetry, self._clock = settings, telemetry, clock
        self._changed = Condition()
        self._queue: deque[Task] = deque()
        self._tasks: dict[str, Task] = {}
        self._workers: list[Worker] = []
        self._slots: list[Thread] = []
        self._idle, self._running, self._closed = 0, set[Task](), False

    def start(self, request: SimulationRequest, config: PlannerConfig, timeout: timedelta | None = None) -> Task:
        """Have a simulation run as soon as there is room.

        Args:
            request: what to simulate.
            config: with which settings.
            timeout: how long it may run, at most ``max_time``.

        Raises:
            PlannerError: what cannot be simulated, as `Simulator.simulate` says it before any work.
            TooLargeError: more jobs than ``max_jobs``.
            UnavailableError: too many wait already.
        """
        checked = checked_config(config)
        scenario = checked_scenario(request.scenario)
        self._check_size(jobs_asked(scenario, experiment(scenario, checked)))
        task = Task(replace(request, scenario=scenario), checked, self._limit(timeout), self._clock)
        with self._changed:
            self._admit(task)
            if self._idle < len(self._queue) and len(self._slots) < self._settings.max_heavy:
                self._open_slot()
            self._changed.notify()
        task.watch(lambda: self._dropped(task))
        self._tell()
        return task

    def get(self, task_id: str) -> Task:
        """A task that waits, runs, or ended within the hour.

        Raises:
            NotFoundError: there is none.
        """
        with self._changed:
            self._tasks = kept(self._tasks, self._clock())
            found = self._tasks.get(task_id)
        if found is None:
            raise NotFoundError(f"There is no simulation {task_id!r}. It is kept for an hour after its end.")
        return found

    def simulate(
        self,
        request: SimulationRequest,
        config: PlannerConfig,
        *,
        timeout: timedelta | None = None,
        cancelled: Event | None = None,
    ) -> Simulation:
        """Have a simulation run, and wait for it.

        Args:
            request: what to simulate.
            config: with which settings.
            timeout: how long to wait, also for its turn; at most ``max_time``.
            cancelled: the simulation stops once it is set.

        Raises:
            PlannerError: as the simulation raises it; ``FORECAST_FAILED`` when the time is up.
            ServiceError: as `start`; and it was cancelled, or its process died.
        """
        limit = self._limit(timeout)
        deadline = Deadline(limit, REMEDY)
        task = self.start(request, config, limit)
        try:
            while not task.wait(min(deadline.remaining, _LOOK)):
                deadline.check()
                if cancelled is not None and cancelled.is_set():
                    task.cancel()
        except BaseException:
            task.cancel()
            raise
        return task.outcome()

    def close(self, grace: float = 0.0) -> None:
        """Take nothing on any more, let what runs go on for so long [s], and end the processes."""
        reason = UnavailableError("The service is shutting down.", retry_after=_RETRY_AFTER)
        with self._changed:
            self._closed = True
            waiting, running = tuple(self._queue), tuple(self._running)
            self._changed.notify_all()
        for task in waiting:
            task.cancel(reason)
        end = monotonic() + grace
        for task in running:
            task.wait(max(end - monotonic(), 0.0))
            task.cancel(reason)
        for slot in self._slots:
            slot.join()

    @property
    def pids(self) -> list[int]:
        """The processes that there are."""
        return [worker.pid for worker in self._workers if worker.pid is not None]

    def _limit(self, timeout: timedelta | None) -> timedelta:
        most = self._settings.max_time
        return most if timeout is None else min(timeout, most)

    def _check_size(self, jobs: float) -> None:
        most = self._settings.max_jobs
        if jobs > most:
            raise TooLargeError(
                f"The scenario asks for {jobs:,.0f} jobs over all its replications, and at most {most:,} are simulated "
                "here. Simulate a shorter time, fewer replications or a part of the traffic."
            )

    def _admit(self, task: Task) -> None:
        if self._closed:
            raise UnavailableError("The service is shutting down.", retry_after=_RETRY_AFTER)
        most = self._settings.max_heavy + self._settings.max_waiting
        if len(self._running) + len(self._queue) >= most:
            raise UnavailableError(
                f"{len(self._running)} simulations run and {len(self._queue)} wait, which is all that is taken on at "
                "once. Try again later.",
                retry_after=_RETRY_AFTER,
            )
        self._queue.append(task)
        self._tasks[task.id] = task
        self._tasks = kept(self._tasks, self._clock())

    def _open_slot(self) -> None:
        worker = Worker(max(_processors() // self._settings.max_heavy, 1))
        slot = Thread(target=self._serve, args=(worker,), name="heavy", daemon=True)
        self._workers.append(worker)
        self._slots.append(slot)
        slot.start()

    def _serve(self, worker: Worker) -> None:
        """One task after the other, until the end."""
        while (task := self._next()) is not None:
            self._tell()
            if task.begin():
                self._run(task, worker)
            with self._changed:
                self._running.discard(task)
                self._tasks = kept(self._tasks, self._clock())
            self._tell()
        worker.close()

    def _next(self) -> Task | None:
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._queue or self._closed)
            self._idle -= 1
            if not self._queue:
                return None
            task = self._queue.popleft()
            self._running.add(task)
            return task

    def _run(self, task: Task, worker: Worker) -> None:
        began = monotonic()
        try:
            payload = worker.run(task)
        except StoppedError:
            task.stop()
        except Exception as error:  # noqa: BLE001 - whatever it was, it is the task's error, and the next one runs
            task.fail(error)
        else:
            task.finish(payload)
            if self._telemetry:
                self._telemetry.simulated(monotonic() - began)

    def _dropped(self, task: Task) -> None:
        """A task that was cancelled before its turn makes room."""
        if task.state is TaskState.CANCELLED:
            with self._changed:
                if task in self._queue:
                    self._queue.remove(task)
            self._tell()

    def _tell(self) -> None:
        if self._telemetry:
            self._telemetry.heavy(len(self._running), len(self._queue))


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
