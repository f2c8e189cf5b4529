"""The Redis of the demo: one at hand, or one of its own."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from contextlib import contextmanager
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from redis import Redis, RedisError

from capacity_planner.errors import ErrorCode, PlannerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT_HAND = "redis://127.0.0.1:6379/0"
_OLDEST, _PATIENCE, _START_PATIENCE = (6, 2), 2.0, 10.0
_PASSWORD = re.compile(r"(?<=//)[^/]*(?=@)|(?<=password=)[^&]*")
_REMEDY = (
    "Install one (apt install redis-server, brew install redis), start one "
    "(docker run --rm -p 6379:6379 redis), or name yours with --redis."
)


@contextmanager
def redis_of(url: str | None, home: Path) -> Iterator[str]:
    """The URL of a Redis that answers, as long as the context lasts.

    Args:
        url: the one to take; ``None`` takes the one at hand, or else starts one.
        home: where one of our own keeps nothing.

    Raises:
        PlannerError: ``CONFIG_INVALID``; there is none.
    """
    problem = _problem(url or AT_HAND)
    if not problem:
        yield url or AT_HAND
    elif url is not None:
        raise _none(f"--redis {_PASSWORD.sub('***', url)}: {problem}", _REMEDY)
    else:
        with _own(home) as own:
            yield own


def connected(url: str) -> Any:
    """A client."""
    return Redis.from_url(url, decode_responses=True, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE)


def _problem(url: str) -> str:
    """Why a Redis cannot be used; empty where it can."""
    try:
        client = connected(url)
    except ValueError:
        return "it is no address of Redis; write redis://HOST:PORT/DATABASE."
    try:
        version = str(client.info("server")["redis_version"])
    except RedisError as error:
        return f"it does not answer: {str(error).rstrip('.')}."
    finally:
        client.close()
    known = tuple(int(part) for part in version.split(".")[:2])
    return "" if known >= _OLDEST else f"it is version {version}, and the demo needs 6.2."


@contextmanager
def _own(home: Path) -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        raise _none("No Redis answers on 127.0.0.1:6379, and redis-server is not installed.", _REMEDY)
    port = _free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(home)]
    server = subprocess.Popen(  # noqa: S603 - the program is Redis
        [program, *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        url = f"redis://127.0.0.1:{port}/0"
        end = monotonic() + _START_PATIENCE
        while problem := _problem(url):
            if server.poll() is not None or monotonic() > end:
                raise _none(f"{program} was started on port {port}, but {problem}", _REMEDY)
            sleep(0.05)
        yield url
    finally:
        ended(server)


def ended(process: subprocess.Popen[Any]) -> None:
    """End a process that was started, at the latest after some patience."""
    process.terminate()
    try:
        process.wait(_START_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _none(problem: str, remedy: str) -> PlannerError:
    return PlannerError(ErrorCode.CONFIG_INVALID, f"{problem} {remedy}", details={"field": "--redis"})
