"""The scaler that starts and stops worker processes on this machine, from a command template."""

from __future__ import annotations

import atexit
import logging
import os
import signal
from pathlib import Path
from threading import Event, Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING

from capacity_planner.errors import ErrorCode, PlannerError, WorldError
from capacity_planner.registry import scalers
from capacity_planner.scaling import _process
from capacity_planner.scaling._bounds import Bounds
from capacity_planner.scaling._care import Keeping
from capacity_planner.scaling._command import Command
from capacity_planner.scaling._crew import Crew
from capacity_planner.scaling._options import flag, one_of, seconds, text
from capacity_planner.scaling._roster import Roster, folder_of

if TYPE_CHECKING:
    from capacity_planner.domain.scaling import Order

_LOG = logging.getLogger("capacity_planner.scaling")
_PAUSE = 0.5
_SIGNALS = ("TERM", "INT", "QUIT", "HUP", "USR1", "USR2")


@scalers.register("supervisor")
class Supervisor:
    """Starts and stops worker processes on this machine; those that die are started again.

    Workers outlive the planner unless that is asked for. What runs is written down in files, so that several planners
    on one machine do not start a worker twice; the state must not be shared between machines or containers.

    Args:
        command: what starts one worker in the foreground, such as ``rq worker {queue}``; ``{queue}`` is the queue's
            name, ``{number}`` the worker's: 1, 2, … Also a list of program and arguments.
        shell: whether ``/bin/sh`` reads the command.
        directory: where workers run; empty is where the planner runs.
        environment: further variables of workers as ``NAME=value``.
        state: the directory for what is written down, and for the workers' logs; empty is below the user's home.
        grace: time between the signal to stop and being killed.
        settle: a new worker that ends sooner than this was not started.
        stop_signal: ``TERM``, ``INT``, ``QUIT``, ``HUP``, ``USR1`` or ``USR2``.
        stop_first: ``newest`` or ``oldest``.
        stop_with_planner: whether workers stop when the planner does.
        least: fewest workers, whatever is ordered.
        most: most workers, whatever is ordered.
    """

    name: str

    def __init__(
        self,
        *,
        command: str | tuple[str, ...],
        shell: bool = False,
        directory: str = "",
        environment: tuple[str, ...] = (),
        state: str = "",
        grace: str = "60s",
        settle: str = "1s",
        stop_signal: str = "TERM",
        stop_first: str = "newest",
        stop_with_planner: bool = False,
        least: int = 0,
        most: int = 1_000,
    ) -> None:
        if not hasattr(os, "pidfd_open") or not (_process.PROC / "self" / "stat").exists():
            raise PlannerError(ErrorCode.CONFIG_INVALID, "The scaler supervisor needs Linux 5.3 or later, with /proc.")
        self._keeping = Keeping(
            Command.of(command, shell=shell, directory=directory, environment=environment),
            grace=seconds("grace", grace),
            settle=seconds("settle", settle, most=60.0),
            stop_signal=getattr(signal, f"SIG{one_of('stop_signal', stop_signal, _SIGNALS)}"),
            oldest_first=one_of("stop_first", stop_first, ("newest", "oldest")) == "oldest",
            bounds=Bounds.of(least, most),
        )
        self._state = (Path(text("state", state)).expanduser() if state else _home()).absolute()
        self._ends = flag("stop_with_planner", stop_with_planner)
        self._crews: dict[str, Crew] = {}
        self._told: dict[str, str] = {}
        self._lock, self._stop = Lock(), Event()
        self._thread: Thread | None = None

    def current(self, queue_name: str) -> int:
        """Workers that live and were not told to stop."""
        return self._crew(queue_name).count()

    def scale(self, order: Order) -> int | None:
        """Start or stop workers; those that have work to finish have the grace for it."""
        bounds = self._keeping.bounds
        return bounds.told(order, self._crew(order.queue_name).reach(bounds.kept(order.to_workers), order.id))

    def release(self, queue_name: str) -> None:
        """Keep the workers of a queue no longer; they go on."""
        with self._lock:
            self._crews.pop(queue_name, None)

    def close(self) -> None:
        """Keep workers no longer, and stop them where they are to stop with the planner."""
        atexit.unregister(self.close)
        self._stop.set()
        if self._thread:
            self._thread.join()
        if self._ends:
            self._dismiss()

    def _crew(self, queue_name: str) -> Crew:
        with self._lock:
            if queue_name not in self._crews:
                roster = Roster(self._state / folder_of(queue_name))
                self._crews[queue_name] = Crew(queue_name, roster, self._keeping)
            if self._thread is None and not self._stop.is_set():
                self._thread = Thread(target=self._keep, name="capacity-planner-supervisor", daemon=True)
                self._thread.start()
                if self._ends:
                    atexit.register(self.close)
            return self._crews[queue_name]

    def _keep(self) -> None:
        while True:
            for queue_name, crew in list(self._crews.items()):
                self._tend(queue_name, crew)
            _process.reap()
            if self._stop.wait(_PAUSE):
                return

    def _tend(self, queue_name: str, crew: Crew, *, restore: bool = True) -> int:
        try:
            left = crew.tend(restore=restore)
        except Exception as error:  # noqa: BLE001 - nothing may end the keeper but its stop
            known = isinstance(error, WorldError)
            self._tell(queue_name, str(error), None if known else error)
            return 0
        self._told.pop(queue_name, None)
        return left

    def _tell(self, queue_name: str, reason: str, error: Exception | None) -> None:
        """Log once what goes wrong twice a second."""
        if self._told.get(queue_name) != reason:
            self._told[queue_name] = reason
            facts = {"queue": queue_name, "reason": reason}
            _LOG.warning("workers cannot be looked after", extra=facts, exc_info=error)

    def _dismiss(self) -> None:
        for queue_name, crew in self._crews.items():
            try:
                crew.dismiss()
            except WorldError as error:
                _LOG.warning("workers cannot be stopped", extra={"queue": queue_name, "reason": error.message})
        pause, end = Event(), monotonic() + self._keeping.grace + 5 * _PAUSE
        while monotonic() < end and self._left():
            pause.wait(_PAUSE / 5)

    def _left(self) -> int:
        return sum([self._tend(name, crew, restore=False) for name, crew in self._crews.items()])


def _home() -> Path:
    """Where programs of a user keep their state."""
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "capacity-planner" / "supervisor"
