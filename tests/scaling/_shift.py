"""Real worker processes for the supervisor: small programs that stop when they are told to, or take their time."""

from __future__ import annotations

import json
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capacity_planner.registry import scalers
from capacity_planner.scaling import _process
from capacity_planner.scaling._roster import Roster, folder_of
from capacity_planner.scaling.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM = """
import os, signal, sys, time
folder, number = sys.argv[1:3]
job = float(sys.argv[3]) if len(sys.argv) > 3 else 0.0

def stop(*_):
    with open(f"{folder}/told-{number}", "a") as file:
        file.write("told\\n")
    time.sleep(job)
    with open(f"{folder}/finished-{number}", "a") as file:
        file.write("finished\\n")
    os._exit(0)

signal.signal(signal.SIGTERM, stop)
with open(f"{folder}/started", "a") as file:
    file.write(f"{number} {os.getpid()}\\n")
print("worker", number, "ready", flush=True)
while True:
    time.sleep(0.05)
"""


@dataclass
class Shift:
    """A folder with a worker's program and the supervisors' state; what still runs at the end is killed.

    Attributes:
        home: the folder.
        made: the supervisors.
    """

    home: Path
    made: list[Supervisor] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.home / "worker.py").write_text(PROGRAM, encoding="utf-8")

    @property
    def program(self) -> list[str]:
        """Program and first arguments of a worker."""
        return [sys.executable, "-S", "-E", str(self.home / "worker.py"), str(self.home)]

    def options(self, *, job: float = 0.0, **options: Any) -> dict[str, Any]:
        """Options of a supervisor whose workers take so long to finish once they are told to stop."""
        command = (*self.program, "{number}", str(job))
        return {"command": command, "state": str(self.home / "state"), "settle": "0.1s"} | options

    def supervisor(self, **options: Any) -> Supervisor:
        """A new supervisor on the same state."""
        made = scalers.make("supervisor", self.options(**options))
        assert isinstance(made, Supervisor)
        self.made.append(made)
        return made

    def records(self, queue: str = "emails") -> dict[int, dict[str, Any]]:
        """What is written down about each worker."""
        found = {}
        for path in (self.home / "state" / folder_of(queue)).glob("*.worker"):
            with suppress(FileNotFoundError):  # it may go in this moment
                found[int(path.stem)] = json.loads(path.read_text())
        return found

    def pids(self, queue: str = "emails") -> dict[int, int]:
        """The process of each worker that is written down."""
        return {number: record["process"]["pid"] for number, record in self.records(queue).items() if record["process"]}

    def started(self) -> list[tuple[int, int]]:
        """Number and process of all that were ever started, in turn."""
        path = self.home / "started"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(int(number), int(pid)) for number, pid in map(str.split, lines)]

    def finish(self) -> None:
        """Stop all there is."""
        for supervisor in self.made:
            supervisor.close()
        for folder in (self.home / "state").glob("*"):
            (folder / "wanted.json").unlink(missing_ok=True)  # a supervisor that still lives keeps none from now on
            for worker in Roster(folder).workers():
                if worker.process:
                    worker.process.send_all(signal.SIGKILL, Roster(folder).log(worker.number))
                    until(lambda process=worker.process: not process.alive)  # type: ignore[misc]
        _process.reap()


def lives(pid: int) -> bool:
    """Whether a process runs, by another way than the supervisor's."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return "State:\tZ" not in status


def until(holds: Callable[[], bool], patience: float = 15.0) -> None:
    """Wait for something, not for ever."""
    end = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)
