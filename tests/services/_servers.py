"""Real servers for tests: databases that are thrown away, and a PostgreSQL that may be stopped and started."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHARED = "postgresql://postgres@127.0.0.1:5432"
_CAUTIOUS = ("-c", "fsync=on", "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=60")


def missing(what: str) -> NoReturn:
    """Skip the test, but fail where nothing may be missing."""
    if os.environ.get("REQUIRE_SERVICES"):
        pytest.fail(what)
    pytest.skip(what)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def database() -> Iterator[str]:
    """The URL of an empty PostgreSQL database, which is dropped afterwards."""
    server = _server()
    if server is None:
        missing("PostgreSQL neither runs on 127.0.0.1:5432 nor is installed below /usr/lib/postgresql.")
    name = f"capacity_{secrets.token_hex(6)}"
    execute(f"{server}/postgres", f"CREATE DATABASE {name}")
    try:
        yield f"{server}/{name}"
    finally:
        execute(f"{server}/postgres", f"DROP DATABASE {name} WITH (FORCE)")


def execute(url: str, *statements: str) -> None:
    """Carry statements out, each by itself."""
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        for statement in statements:
            connection.execute(statement.encode())


class Cluster:
    """A PostgreSQL server of one's own, in a directory that goes with it.

    Attributes:
        url: of its server; append ``/DATABASE``.
    """

    def __init__(self) -> None:
        self._bin = _binaries()
        if self._bin is None:
            missing("PostgreSQL is not installed below /usr/lib/postgresql.")
        self._home = Path(tempfile.mkdtemp(prefix="capacity-planner-pg-"))
        if os.geteuid() == 0:  # PostgreSQL does not run as root
            shutil.chown(self._home, "postgres", "postgres")
        port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{port}"
        self._options = " ".join((*_CAUTIOUS, "-p", str(port), "-k", str(self._home)))
        self._run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C")

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        self._run("pg_ctl", "--wait", "--log", str(self._home / "log"), "--options", self._options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop; ``immediate`` is as if the power went."""
        self._run("pg_ctl", "--wait", "--mode", mode, "stop")

    def remove(self) -> None:
        """Stop if need be, and leave nothing behind."""
        if (self._home / "data" / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self._home)

    def _run(self, program: str, *arguments: str) -> None:
        whole = [f"{self._bin}/{program}", "--pgdata", str(self._home / "data"), *arguments]
        user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        subprocess.run([*user, *whole], check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=120)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server of one's own that runs, and is removed afterwards."""
    server = Cluster()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@cache
def _server() -> str | None:
    """The URL of the server that runs anyway, or else of one that runs as long as the tests."""
    try:
        psycopg.connect(f"{_SHARED}/postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        if _binaries() is None:
            return None
        server = Cluster()
        atexit.register(server.remove)
        server.start()
        return server.url
    return _SHARED


def _binaries() -> Path | None:
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None, key=lambda path: float(path.parent.name))
