"""The other process: simulates what it is sent, one after the other, and ends with whoever sends.

It gives way to all that is not heavy work, and is what the system takes first when memory runs out.
"""

from __future__ import annotations

import os
import pickle
import signal
import traceback
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from capacity_planner.errors import PlannerError, ServiceError, TooLargeError
from capacity_planner.pipeline.simulator import Simulator

if TYPE_CHECKING:
    from datetime import timedelta

NICER = 10
_TAKEN_FIRST = "500"
_MOST_OFTEN = 0.05


@dataclass(frozen=True, slots=True)
class Question:
    """What to simulate and with which settings, pickled; the number tells questions apart."""

    number: int
    asked: bytes
    limit: timedelta


@dataclass(frozen=True, slots=True)
class Stop:
    """Give up a question."""

    number: int


@dataclass(frozen=True, slots=True)
class Ready:
    """The process has started."""


@dataclass(frozen=True, slots=True)
class Share:
    """So much of the question is done."""

    done: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What came out: a pickled `Simulation`, or the error; of an unexpected one also where it happened."""

    payload: bytes = b""
    error: Exception | None = None
    traceback: str = ""


class _StoppedError(Exception):
    """The question was given up."""


class _Inbox:
    """What is sent, read by a thread of its own, so that a long simulation hears of its end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.questions: SimpleQueue[Question] = SimpleQueue()
        self.stopped = -1
        Thread(target=self._read, name="inbox", daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                message = self._connection.recv()
            except (EOFError, OSError):
                os._exit(0)  # whoever sends is gone, and nobody waits for an answer
            if isinstance(message, Stop):
                self.stopped = message.number
            else:
                self.questions.put(message)


def main(file: int, threads: int) -> None:
    """Simulate until the other end of the connection is closed.

    Args:
        file: the socket that questions come and answers go by.
        threads: how many replications run at once.
    """
    _settle()
    connection = Connection(file)
    inbox = _Inbox(connection)
    with suppress(OSError):  # nobody listens any more, and the inbox ends the process
        connection.send(Ready())
        while True:
            question = inbox.questions.get()
            connection.send(Share(0.0))  # from here on it is the question's fault
            connection.send(_answer(question, inbox, connection, threads))


def _settle() -> None:
    """Give way, and leave the end to the service: a signal to the whole group must not break a simulation off."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with suppress(AttributeError, OSError):
        os.nice(NICER)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_TAKEN_FIRST, encoding="ascii")


def _answer(question: Question, inbox: _Inbox, connection: Connection, threads: int) -> Answer:
    told = monotonic()

    def progress(share: float) -> None:
        nonlocal told
        if inbox.stopped == question.number:
            raise _StoppedError
        if monotonic() - told >= _MOST_OFTEN:
            told = monotonic()
            connection.send(Share(share))

    try:
        request, config = pickle.loads(question.asked)  # noqa: S301 - our own
        simulator = Simulator(config, threads=threads)
        found = simulator.simulate(request.scenario, timeout=question.limit, progress=progress)
        return Answer(payload=pickle.dumps(found, pickle.HIGHEST_PROTOCOL))
    except _StoppedError:
        return Answer()
    except MemoryError:
        return Answer(error=TooLargeError("The simulation needs more memory than there is. Simulate fewer jobs."))
    except (PlannerError, ServiceError) as error:
        return Answer(error=_sendable(error))
    except Exception:  # noqa: BLE001 - it is told and logged where the answer is read
        return Answer(
            error=ServiceError("The simulation failed in an unforeseen way."), traceback=traceback.format_exc()
        )


def _sendable(error: PlannerError | ServiceError) -> Exception:
    """The error, without a cause or details that cannot leave the process."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:  # noqa: BLE001 - whatever keeps it from being sent
        return _plain(error)
    return error


def _plain(error: Any) -> Exception:
    if not isinstance(error, PlannerError):
        return ServiceError(str(error))
    details = {name: str(value) for name, value in error.details.items()}
    return PlannerError(error.code, error.message, details=details)
