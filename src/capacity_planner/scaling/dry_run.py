"""The scaler that scales nothing: it remembers what it was told, and writes it down where it is asked to."""

from __future__ import annotations

import json
import os
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from capacity_planner.errors import WorldError
from capacity_planner.registry import scalers

if TYPE_CHECKING:
    from capacity_planner.domain.scaling import Order


class _Told(NamedTuple):
    """One line of a journal."""

    id: str
    queue_name: str
    to_workers: int


@scalers.register("dry_run")
class DryRun:
    """Plans go on as if the world had followed.

    Args:
        journal: a file to which every order is appended as one line of JSON; its memory survives a restart by it.
            Without one, the workers are told to be those that are measured.
    """

    name: str

    def __init__(self, *, journal: str = "") -> None:
        self._journal = Path(journal) if journal else None
        self._lock = Lock()

    def current(self, queue_name: str) -> int | None:
        """What the newest order in the journal says; ``None`` without one."""
        with self._lock:
            told = [line.to_workers for line in self._lines() if line.queue_name == queue_name]
        return told[-1] if told else None

    def scale(self, order: Order) -> int | None:
        """Write the order down, once."""
        if self._journal is None:
            return None
        line = {
            "id": order.id,
            "queue_name": order.queue_name,
            "from_workers": order.from_workers,
            "to_workers": order.to_workers,
        }
        with self._lock:
            if all(known.id != order.id for known in self._lines()):
                self._append(json.dumps(line) + "\n")
        return order.to_workers

    def _lines(self) -> list[_Told]:
        if self._journal is None or not self._journal.exists():
            return []
        try:
            text = self._journal.read_text(encoding="utf-8")
            return [_told(line) for line in text.splitlines() if line.endswith("}")]
        except (OSError, ValueError) as error:
            raise WorldError(f"The journal {self._journal} cannot be read: {error}.", temporary=False) from error
        except (KeyError, TypeError) as error:
            problem = "has lines that are no orders. Set another file"
            raise WorldError(f"The journal {self._journal} {problem}.", temporary=False) from error

    def _append(self, line: str) -> None:
        if self._journal is None:
            return
        try:
            with self._journal.open("a+b") as file:
                file.seek(max(file.tell() - 1, 0))
                torn = file.read() not in {b"", b"\n"}
                file.write(b"\n" * torn + line.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise WorldError(f"The journal {self._journal} cannot be written: {error.strerror}.") from error


def _told(line: str) -> _Told:
    values = json.loads(line)
    return _Told(values["id"], values["queue_name"], int(values["to_workers"]))
