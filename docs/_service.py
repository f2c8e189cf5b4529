"""The service that runs beside the examples of a page, on ports of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

DATABASE = "postgresql://planner@db/planner"
_SHOWN = (8080, 50051, 9108)
_HOST = r"(?<=127\.0\.0\.1:)|(?<=localhost:)|(?<=0\.0\.0\.0:)"
_PATIENCE = 60.0


class Background:
    """One process of ``capacity-planner serve`` or ``run`` at a time; a page says the addresses that a reader will see.

    Args:
        postgres: the database that stands for the one on the pages; empty where there is none.
    """

    def __init__(self, postgres: str) -> None:
        self._postgres = postgres
        self._ports = {shown: _free_port() for shown in _SHOWN}
        self._process: subprocess.Popen[bytes] | None = None
        self._log = Path()

    def can(self, program: str) -> bool:
        """Whether there is something to run, and what it needs."""
        return bool(program) and (bool(self._postgres) or DATABASE not in program)

    def inward(self, text: str) -> str:
        """An example with the addresses that it really has here."""
        text = re.sub(rf"({_HOST})({'|'.join(map(str, _SHOWN))})\b", self._replaced, text)
        return text.replace(DATABASE, self._postgres)

    def outward(self, text: str) -> str:
        """What was printed, with the addresses that the page shows."""
        for shown, port in self._ports.items():
            text = re.sub(rf"\b{port}\b", str(shown), text)
        return text.replace(self._postgres, DATABASE) if self._postgres else text

    def start(self, arguments: list[str], said: str) -> str:
        """Start a process in the place of the one before, and wait until it answers, or has said something.

        Args:
            arguments: what follows ``capacity-planner``.
            said: what its log must hold; empty waits for its HTTP port.

        Returns:
            The log so far.
        """
        self.stop()
        self._log = Path(f"service-{time.monotonic_ns()}.log").resolve()
        command = [sys.executable, "-m", "capacity_planner", *arguments]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | self._addresses())  # noqa: S603 - a page's own command
        end = time.monotonic() + _PATIENCE
        while not self._is_up(said):
            assert self._process.poll() is None, f"it ended:\n{self._log.read_text()}"  # noqa: S101 - a test's
            assert time.monotonic() < end, f"it does not come up:\n{self._log.read_text()}"  # noqa: S101 - as above
            time.sleep(0.05)
        return self._log.read_text(encoding="utf-8")

    def stop(self) -> None:
        """End it as an operator would, and see that it ends well."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(_PATIENCE)
        finally:
            self._process.kill()
        self._process = None
        assert code == 0, f"the service ended with {code}:\n{self._log.read_text()}"  # noqa: S101 - a test's

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.stop()
        elif self._process is not None:
            self._process.kill()
            self._process.wait()

    def _replaced(self, found: re.Match[str]) -> Any:
        return str(self._ports[int(found[2])])

    def _addresses(self) -> dict[str, str]:
        names = {"CAPACITY_PLANNER_SERVER_HTTP": 8080, "CAPACITY_PLANNER_SERVER_GRPC": 50051}
        return {name: f"127.0.0.1:{self._ports[port]}" for name, port in names.items()}

    def _is_up(self, said: str) -> bool:
        if said:
            return said in self._log.read_text(encoding="utf-8")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._ports[_SHOWN[0]])) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
