"""The workers of one queue as files say, so that every planner on this machine finds them again after a restart."""

from __future__ import annotations

import json
import logging
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from capacity_planner.errors import WorldError
from capacity_planner.scaling._process import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = TypeVar("T")
_LOG = logging.getLogger("capacity_planner.scaling")
_STARTED = "--- started by capacity-planner"
_LONGEST_NAME, _PAUSE = 150, 0.02
_WHOLE_LOG, _TAIL, _TAIL_LINES = 10 * 2**20, 600, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One worker; all instants are seconds since the machine was started, which no clock change moves.

    Attributes:
        number: 1, 2, …
        process: its process; ``None`` where it is about to be started, or has ended.
        since: when it was started.
        killed_at: when its patience ends, where it was told to stop.
        orphans_told: whether what outlived its first process was told to stop, too.
        deaths: how often it ended in a row without being told to.
        died_at: the last time.
    """

    number: int
    process: Process | None = None
    since: float = 0.0
    killed_at: float | None = None
    orphans_told: bool = False
    deaths: int = 0
    died_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was ordered last.

    Attributes:
        workers: so many are kept alive.
        order: the order that said so.
        earlier: orders before it, the newest last.
        keeper: the settings of the scaler that keeps them alive.
    """

    workers: int = 0
    order: str = ""
    earlier: tuple[str, ...] = ()
    keeper: str = ""


class Roster:
    """The files of one queue: one for each worker, its log, what was ordered, and a lock.

    Args:
        folder: where they are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def locked(self, patience: float) -> Iterator[None]:
        """Alone with the files, among all threads and processes of this machine.

        Raises:
            WorldError: somebody else has them for longer than the patience, or they cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise WorldError(f"{self.folder} cannot be written: {error.strerror}. Set the option state.") from error
        try:
            self._wait(handle, monotonic() + patience)
            yield
        except OSError as error:
            raise WorldError(f"{error.filename or self.folder} cannot be written: {error.strerror}.") from error
        finally:
            os.close(handle)

    def _wait(self, handle: int, end: float) -> None:
        import fcntl  # noqa: PLC0415 - the room must import where there is none

        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if monotonic() > end:
                    raise WorldError(f"{self.folder} is locked by another planner that is busy with it.") from None
                sleep(_PAUSE)
            else:
                return

    def workers(self) -> list[Worker]:
        """All there are, by number."""
        found = (_read(path, _worker) for path in self.folder.glob("*.worker"))
        return sorted((worker for worker in found if worker), key=lambda worker: worker.number)

    def keep(self, worker: Worker) -> None:
        """Write a worker down."""
        self._write(self.folder / f"{worker.number}.worker", asdict(worker))

    def drop(self, worker: Worker) -> None:
        """Forget a worker; its log stays."""
        (self.folder / f"{worker.number}.worker").unlink(missing_ok=True)

    def wanted(self) -> Wanted:
        """What was ordered last."""
        return _read(self.folder / "wanted.json", _wanted) or Wanted()

    def want(self, wanted: Wanted) -> None:
        """Write down what was ordered."""
        self._write(self.folder / "wanted.json", asdict(wanted), durable=True)

    def log(self, number: int) -> Path:
        """The log of a worker."""
        return self.folder / f"{number}.log"

    def new_log(self, number: int) -> Path:
        """The log of a worker that is about to start; what a long one has is moved aside."""
        path = self.log(number)
        if path.exists() and path.stat().st_size > _WHOLE_LOG:
            path.replace(path.with_suffix(".log.1"))
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{_STARTED} {datetime.now(UTC).isoformat(timespec='seconds')}\n")
        return path

    @staticmethod
    def tail(log: Path) -> str:
        """The last lines that a worker wrote since its start, printable."""
        with log.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - 4 * _TAIL, 0))
            text = file.read().decode(errors="replace")
        lines = text.rpartition(_STARTED)[2].splitlines()[1:] if _STARTED in text else text.splitlines()
        shown = "\n".join(
            "".join(sign if sign.isprintable() else " " for sign in line) for line in lines[-_TAIL_LINES:]
        )
        return shown[-_TAIL:].strip() or "(nothing)"

    @staticmethod
    def _write(path: Path, values: dict[str, Any], *, durable: bool = False) -> None:
        new = path.with_name(f"{path.name}.new")
        with new.open("w", encoding="utf-8") as file:
            json.dump(values, file)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        new.replace(path)


def folder_of(queue_name: str) -> str:
    """The name of a queue's folder.

    >>> folder_of("emails"), folder_of("../größe"), folder_of(".")
    ('emails', '%2E%2E%2Fgr%C3%B6%C3%9Fe', '%2E')
    """
    name = quote(queue_name, safe="")
    name = name.replace(".", "%2E") if name.startswith(".") else name
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[:_LONGEST_NAME]}-{sha256(queue_name.encode()).hexdigest()[:16]}"


def _read(path: Path, parse: Callable[[dict[str, Any]], T]) -> T | None:
    """What a file says; one that is torn, as after a loss of power, says nothing."""
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (AttributeError, KeyError, TypeError, ValueError):
        _LOG.warning("a file of the supervisor cannot be read", extra={"file": str(path)})
        return None


def _worker(values: dict[str, Any]) -> Worker:
    process = values.pop("process")
    return Worker(**values, process=Process(**process) if process else None)


def _wanted(values: dict[str, Any]) -> Wanted:
    return Wanted(earlier=tuple(values.pop("earlier")), **values)
