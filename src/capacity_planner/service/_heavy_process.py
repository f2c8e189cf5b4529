"""A process for simulations as the service sees it: started when it is needed, replaced when it is gone."""

from __future__ import annotations

import logging
import math
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from multiprocessing import Pipe
from time import monotonic
from typing import TYPE_CHECKING

from capacity_planner.errors import UnavailableError
from capacity_planner.pipeline.deadline import Deadline
from capacity_planner.service._heavy_worker import Answer, Question, Ready, Share, Stop

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from capacity_planner.service._heavy_task import Task

_log = logging.getLogger(__name__)

REMEDY = "simulate fewer jobs (duration, traffic_pattern, replications)"
_CODE = """\
import sys
sys.path[:] = {path!r}
from capacity_planner.service._heavy_worker import main
main({file}, {threads})
"""
_STARTING = timedelta(minutes=2)
_LOOK, _PATIENCE = 0.05, 2.0


class StoppedError(Exception):
    """The task was cancelled, and has stopped."""


class Worker:
    """One process, for one task at a time; only one thread may use it.

    Args:
        threads: how many replications run at once in it.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._ready, self._number = False, 0

    @property
    def pid(self) -> int | None:
        """The process that there is."""
        return self._process.pid if self._process else None

    def run(self, task: Task) -> bytes:
        """The task's simulation, pickled.

        Raises:
            StoppedError: it was cancelled.
            PlannerError: as the simulation raised it, ``FORECAST_FAILED`` also where it does not stop in time.
            UnavailableError: its process died, or cannot be started.
        """
        kept, heard = self._process, False
        connection = self._ask(task)
        deadline, last = Deadline(task.limit if self._ready else _STARTING, REMEDY), math.inf
        while True:
            if task.asked_to_stop.is_set() and last == math.inf:
                self._send(connection, Stop(self._number))
                last = monotonic() + _PATIENCE
            elif deadline.remaining == 0.0:
                last = min(last, monotonic() + _PATIENCE)
            if monotonic() > last:
                self._end_late(task, deadline)
            if connection.poll(_LOOK):
                message = self._receive(connection)
                if message is None:
                    if heard or self._process is not kept:
                        raise self._lost()
                    self.close()  # it had died before it was asked
                    connection, deadline = self._ask(task), Deadline(_STARTING, REMEDY)
                    continue
                heard = True
                if isinstance(message, Answer):
                    return _payload(message)
                if isinstance(message, Share):
                    task.advance(message.done)
                else:
                    deadline, self._ready = Deadline(task.limit, REMEDY), True

    def close(self) -> None:
        """End the process: it stops by itself where nobody speaks to it any more."""
        process, self._process = self._process, None
        if self._connection:
            self._connection.close()
        if process:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE)
            process.kill()
            process.wait()

    def kill(self) -> None:
        """End the process at once."""
        if self._process:
            self._process.kill()

    def _ask(self, task: Task) -> Connection:
        """Send the task, to a new process where the old one is gone."""
        self._number += 1
        question = Question(self._number, task.question, task.limit)
        if self._connection and self._process and self._process.poll() is None:
            with suppress(OSError):
                self._connection.send(question)
                return self._connection
        connection = self._start()
        self._send(connection, question)
        return connection

    def _start(self) -> Connection:
        """A new interpreter that knows where modules are; ``multiprocessing`` would run the main module there anew."""
        self.close()
        here, there = Pipe()
        file = there.fileno()
        code = _CODE.format(path=sys.path, file=file, threads=self._threads)
        try:
            process = subprocess.Popen([sys.executable, "-c", code], pass_fds=[file], stdin=subprocess.DEVNULL)  # noqa: S603 - our own
        except OSError as error:
            here.close()
            raise UnavailableError(f"No process can be started for the simulation: {error.strerror}.") from error
        finally:
            there.close()
        self._process, self._connection, self._ready = process, here, False
        return here

    def _send(self, connection: Connection, message: Question | Stop) -> None:
        try:
            connection.send(message)
        except OSError:
            raise self._lost() from None

    @staticmethod
    def _receive(connection: Connection) -> Ready | Share | Answer | None:
        """What the process says; ``None`` where it says nothing any more."""
        try:
            message: Ready | Share | Answer = connection.recv()
        except (EOFError, OSError):
            return None
        return message

    def _lost(self) -> UnavailableError:
        """Why there is no process any more."""
        code = None
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(_PATIENCE) if self._process else None
        how = _ending(code)
        _log.error("the process of a simulation %s", how)
        return UnavailableError(
            f"The process of the simulation {how}, perhaps because memory ran out. Simulate fewer jobs or intervals, "
            "or try again.",
            retry_after=5.0,
        )

    def _end_late(self, task: Task, deadline: Deadline) -> None:
        """What neither stops nor ends in time is killed."""
        self.kill()
        self.close()
        if task.asked_to_stop.is_set():
            raise StoppedError
        deadline.check()


def _payload(answer: Answer) -> bytes:
    if answer.traceback:
        _log.error("a simulation failed in an unforeseen way\n%s", answer.traceback)
    if answer.error:
        raise answer.error
    if not answer.payload:
        raise StoppedError
    return answer.payload


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was killed by signal {-code}"
    return "ended" if code is None else f"ended with code {code}"
