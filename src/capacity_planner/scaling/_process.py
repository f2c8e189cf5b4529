"""Processes that are known again: by their number and the instant they began, so that no other is taken for one."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROC = Path("/proc")
_STATE, _GROUP, _SESSION, _START = 2, 4, 5, 21
_DEAD = frozenset({b"Z", b"X", b"x"})


@dataclass(frozen=True, slots=True)
class Process:
    """One process on this machine.

    Args:
        pid: its number, which another process may have after its end.
        began: when it began, in clock ticks since the machine was started.
        boot: which start of the machine that was.
    """

    pid: int
    began: int
    boot: str

    @classmethod
    def find(cls, pid: int) -> Process | None:
        """The process that has a number now; ``None`` where none has, or it has ended."""
        fields = _stat(pid)
        return None if fields is None or fields[_STATE] in _DEAD else cls(pid, int(fields[_START]), _boot())

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self == Process.find(self.pid)

    def runs(self, program: str) -> bool:
        """Whether it still is the program as which it was started; where that cannot be known, it is taken to be."""
        try:
            return (PROC / str(self.pid) / "exe").samefile(program)
        except OSError:
            return True

    def group(self, log: Path) -> list[Process]:
        """What runs of it and of what it started; a wrapper may be gone while its command goes on.

        Args:
            log: by which a group without its first process is known to be that of a worker: one of it writes there.
        """
        now = Process.find(self.pid)
        if self.boot != _boot() or now not in {None, self}:
            return []
        found = (_stat(pid) for pid in _pids())
        members = [
            Process(int(fields[0]), int(fields[_START]), self.boot)
            for fields in found
            if fields and int(fields[_GROUP]) == self.pid and fields[_STATE] not in _DEAD
        ]
        path = os.path.realpath(log)
        return members if now or any(path in _outputs(member.pid) for member in members) else []

    def send(self, number: int) -> None:
        """Send it a signal; what has ended already is left alone, and so is whoever has its number now."""
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(self.pid)
            try:
                if self.alive:
                    signal.pidfd_send_signal(handle, number)
            finally:
                os.close(handle)

    def send_all(self, number: int, log: Path) -> None:
        """Send a signal to its `group`; the kernel gives its number to nobody else as long as one of it runs."""
        if self.group(log):
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def ending(self) -> str:
        """How it came to its end, where that can be known; said once."""
        child = _children.get(self)
        code = child.poll() if child else None
        if code is None:
            return "is gone"
        del _children[self]
        return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"


# A process must be waited for by the process that started it, whichever scaler that was.
_children: dict[Process, subprocess.Popen[bytes]] = {}


def start(arguments: Sequence[str], *, environment: Mapping[str, str], directory: str, log: Path) -> Process:
    """Start a process in a session of its own, so that it outlives this one.

    Raises:
        OSError: it cannot be started.
    """
    with log.open("ab") as output:
        child = subprocess.Popen(  # noqa: S603 - the command is what the user set
            list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory or None,
            env=dict(environment),
            start_new_session=True,
        )
    fields = _stat(child.pid) or []  # there are some, even of one that has ended, until it is waited for
    process = Process(child.pid, int(fields[_START]), _boot())
    _children[process] = child
    return process


def reap() -> None:
    """Let those of this process's children go that have ended."""
    for child in list(_children.values()):
        child.poll()


def writer_of(log: Path) -> Process | None:
    """The process, first of its session, whose output goes into a log."""
    path = os.path.realpath(log)
    for pid in _pids():
        fields = _stat(pid)
        if fields and int(fields[_SESSION]) == pid and path in _outputs(pid):
            return Process.find(pid)
    return None


def _outputs(pid: int) -> set[str]:
    found = set()
    for number in (1, 2):
        with suppress(OSError):  # it has ended, or is another user's
            found.add(str((PROC / str(pid) / "fd" / str(number)).readlink()))
    return found


def _pids() -> list[int]:
    return [int(name) for name in os.listdir(PROC) if name.isdigit()]  # noqa: PTH208 - thousands of them


def _stat(pid: int) -> list[bytes] | None:
    """What the kernel says of a process, numbered as in proc(5) from 0; the name may hold blanks and brackets."""
    try:
        before, _, after = (PROC / str(pid) / "stat").read_bytes().rpartition(b") ")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return [before.partition(b" ")[0], before, *after.split()]


@cache
def _boot() -> str:
    return (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
