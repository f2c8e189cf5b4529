"""Queue frameworks for tests, each in an environment of its own, since their wishes contradict each other."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.services._servers import missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

CACHE = Path.home() / ".cache" / "capacity-planner-tests"
_INSTALL, _STOP = 300.0, 20.0


def python_with(package: str, *others: str) -> Path:
    """The ``bin`` of a virtual environment that has a package of one version, such as ``rq==2.12.0``."""
    return _installed((package, *others), _pip) / "bin"


def node_with(package: str, *others: str) -> Path:
    """A directory whose ``node_modules`` has a package of one version, such as ``bullmq@6.7.0``."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            missing(f"{program} is not installed.")
    return _installed((package, *others), _npm)


def _installed(packages: tuple[str, ...], install: Callable[[Path, Sequence[str]], None]) -> Path:
    home = CACHE / "+".join(packages).replace("==", "-").replace("@", "-")
    home.parent.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "done").exists():
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir()
            install(home, packages)
            (home / "done").touch()
    return home


def _pip(home: Path, packages: Sequence[str]) -> None:
    _run([sys.executable, "-m", "venv", str(home)], home, packages[0])
    _run([str(home / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", *packages], home, packages[0])


def _npm(home: Path, packages: Sequence[str]) -> None:
    (home / "package.json").write_text('{"private": true}\n')
    _run(["npm", "install", "--silent", "--no-audit", "--no-fund", *packages], home, packages[0])


def _run(command: Sequence[str], home: Path, package: str) -> None:
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=_INSTALL, check=False)
    if done.returncode:
        missing(f"{package} cannot be installed: {done.stderr.strip()[-500:]}")


class Crew:
    """Processes of a test: started in its directory, stopped at its end; what they print is kept there."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = {**os.environ, "PYTHONPATH": str(folder), **environment}
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str | Path) -> subprocess.Popen[bytes]:
        """Start one."""
        log = self._folder / f"{len(self._processes)}-{Path(command[0]).name}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [str(word) for word in command],
                cwd=self._folder,
                env=self._environment,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def stop(self) -> None:
        """Stop all, and those that they started."""
        for process in self._processes:
            _signal(process, signal.SIGTERM)
        end = time.monotonic() + _STOP
        while time.monotonic() < end and any(process.poll() is None for process in self._processes):
            time.sleep(0.05)
        for process in self._processes:
            _signal(process, signal.SIGKILL)
            process.wait(_STOP)

    def said(self) -> str:
        """What all of them printed last."""
        return "\n".join(f"{log.name}:\n{log.read_text()[-2000:]}" for log in sorted(self._folder.glob("*.log")))


@contextmanager
def crew(folder: Path, environment: Mapping[str, str]) -> Iterator[Crew]:
    """Processes that are gone afterwards; where the test fails, what they said is shown."""
    made = Crew(folder, environment)
    with ExitStack() as stack:
        stack.callback(made.stop)
        try:
            yield made
        except BaseException:
            sys.stderr.write(made.said())
            raise


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal the whole group, whose number is the leader's as long as that was not waited for."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def wait_for(what: str, holds: Callable[[], object], *, seconds: float = 30.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            pytest.fail(f"{what} did not come about within {seconds:g} s.")
        time.sleep(0.05)
