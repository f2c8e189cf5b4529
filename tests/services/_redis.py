"""Redis servers for tests: one of one's own that may be stopped, emptied and started again."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis

from tests.services._servers import free_port, missing

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE = 20.0


class Redis:
    """A Redis server of one's own, in a directory that goes with it.

    Args:
        durable: whether what it was told survives a restart.

    Attributes:
        url: of its database 0.
        client: speaks to it.
    """

    def __init__(self, *, durable: bool = True) -> None:
        self._durable = durable
        self._program = shutil.which("redis-server") or missing("redis-server is not installed.")
        self._home = Path(tempfile.mkdtemp(prefix="capacity-planner-redis-"))
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.client: Any = redis.Redis.from_url(self.url, decode_responses=True)

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--dir", str(self._home)]
        durable = ["--save", "", "--appendonly", "yes" if self._durable else "no", "--appendfsync", "always"]
        with (self._home / "log").open("a") as log:
            self._process = subprocess.Popen([self._program, *options, *durable], stdout=log, stderr=log)
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            try:
                if self.client.ping():
                    return
            except redis.ConnectionError:
                time.sleep(0.02)
        pytest.fail((self._home / "log").read_text())

    def stop(self) -> None:
        """Stop, as an orderly restart begins."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_PATIENCE)
            self._process = None

    def remove(self) -> None:
        """Stop if need be, and leave nothing behind."""
        self.client.close()
        self.stop()
        shutil.rmtree(self._home)


@contextmanager
def redis_server(*, durable: bool = True) -> Iterator[Redis]:
    """A Redis server of one's own that runs, and is removed afterwards."""
    server = Redis(durable=durable)
    try:
        server.start()
        yield server
    finally:
        server.remove()
