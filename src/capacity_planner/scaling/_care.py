"""One worker at a time: started, told to stop, killed when its patience is over, and buried."""

from __future__ import annotations

import logging
import signal
from dataclasses import dataclass, replace
from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING

from capacity_planner.errors import WorldError
from capacity_planner.scaling import _process
from capacity_planner.scaling._command import SHELL
from capacity_planner.scaling._roster import Roster, Worker

if TYPE_CHECKING:
    from capacity_planner.scaling._bounds import Bounds
    from capacity_planner.scaling._command import Command

_LOG = logging.getLogger("capacity_planner.scaling")
_FIRST_WAIT, _LONGEST_WAIT, _STEADY = 1.0, 60.0, 60.0
_MOST_DOUBLINGS = 10  # past the longest wait; after a thousand and more a float overflows


@dataclass(frozen=True, slots=True)
class Keeping:
    """How workers are kept.

    Args:
        command: by which one is started.
        grace: seconds from being told to stop to being killed.
        settle: seconds that a new one must live to count as started.
        stop_signal: tells one to stop.
        oldest_first: which stop first.
        bounds: fewest and most that are kept.
    """

    command: Command
    grace: float
    settle: float
    stop_signal: int
    oldest_first: bool
    bounds: Bounds

    @property
    def digest(self) -> str:
        """By which the same settings are known again."""
        return sha256(repr(self).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Care:
    """What is done to one worker of a queue; the roster must be locked meanwhile.

    Args:
        queue_name: the queue.
        roster: what is written down.
        keeping: how workers are kept.
    """

    queue_name: str
    roster: Roster
    keeping: Keeping

    def found(self) -> list[Worker]:
        """All that are written down, by number."""
        return [self._adopted(worker) for worker in self.roster.workers()]

    def start(self, number: int, deaths: int = 0) -> Worker:
        """Start one.

        Raises:
            WorldError: there is no such program, or it cannot be run.
        """
        worker = Worker(number=number, since=monotonic(), deaths=deaths)
        self.roster.keep(worker)
        command = self.keeping.command
        try:
            process = _process.start(
                command.filled(self.queue_name, number),
                environment=command.variables(self.queue_name, number),
                directory=command.directory,
                log=self.roster.new_log(number),
            )
        except OSError as error:
            self.roster.keep(replace(worker, deaths=deaths + 1, died_at=monotonic()))
            raise WorldError(f"The command cannot be started: {error}.", temporary=False) from error
        self.roster.keep(worker := replace(worker, process=process))
        return worker

    def stop(self, worker: Worker) -> None:
        """Tell one to stop, once: many programs take a second signal for haste, and drop their job.

        A shell would not pass it on, so that there its commands are told, too. It is written down before, since who is
        told and not known to be is told again.
        """
        if worker.process is not None:
            whole = self.keeping.command.shell and worker.process.runs(SHELL)
            end = monotonic() + self.keeping.grace
            self.roster.keep(replace(worker, killed_at=end, orphans_told=whole))
            if whole:
                worker.process.send_all(self.keeping.stop_signal, self.roster.log(worker.number))
            else:
                worker.process.send(self.keeping.stop_signal)

    def look_at(self, worker: Worker, now: float) -> None:
        """Do what one needs that was told to stop, or that has died."""
        process = worker.process
        if process is None or (worker.killed_at is None and process.alive):
            return
        if not self.present(worker):
            self._bury(worker, now)
        elif worker.killed_at is not None and now >= worker.killed_at:
            process.send_all(signal.SIGKILL, self.roster.log(worker.number))
            _LOG.warning("a worker did not stop in time and was killed", extra=self._facts(worker))
        elif not process.alive and not worker.orphans_told:
            end = now + self.keeping.grace if worker.killed_at is None else worker.killed_at
            self.roster.keep(replace(worker, orphans_told=True, killed_at=end))
            process.send_all(self.keeping.stop_signal, self.roster.log(worker.number))
            _LOG.warning("a worker left processes behind, which were told to stop", extra=self._facts(worker))

    def present(self, worker: Worker) -> bool:
        """Whether anything of one runs."""
        process = worker.process
        return process is not None and (process.alive or bool(process.group(self.roster.log(worker.number))))

    def _adopted(self, worker: Worker) -> Worker:
        """A worker whose planner died between starting it and writing so down is found by its log."""
        if worker.process is not None or worker.died_at is not None:
            return worker
        process = _process.writer_of(self.roster.log(worker.number))
        if process is None:
            return worker
        self.roster.keep(worker := replace(worker, process=process))
        return worker

    def _bury(self, worker: Worker, now: float) -> None:
        how = ending(worker)
        if worker.killed_at is not None:
            self.roster.drop(worker)
            return
        _LOG.warning("a worker died", extra=self._facts(worker) | {"reason": f"It {how}."})
        deaths = 1 if now - worker.since > _STEADY else worker.deaths + 1
        self.roster.keep(replace(worker, process=None, deaths=deaths, died_at=now))

    def _facts(self, worker: Worker) -> dict[str, object]:
        return {"queue": self.queue_name, "worker": worker.number}


def alive(worker: Worker) -> bool:
    """Whether its first process runs."""
    return worker.process is not None and worker.process.alive


def rested(worker: Worker, now: float) -> bool:
    """Whether one that died may be started again; the more often it died, the later."""
    wait = min(_FIRST_WAIT * 2.0 ** min(worker.deaths - 1, _MOST_DOUBLINGS), _LONGEST_WAIT)
    return worker.died_at is None or not worker.died_at <= now < worker.died_at + wait


def ending(worker: Worker) -> str:
    """How it came to its end; said once."""
    return worker.process.ending() if worker.process else "is gone"
