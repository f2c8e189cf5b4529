from __future__ import annotations

import resource
import socket
import time
from contextlib import ExitStack
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.service.desk import Desk
from capacity_planner.surfaces.http import _connection, server
from tests.surfaces.http._served import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.surfaces.http._served import Served

PATIENCE = 0.4
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


class SlowDesk(Desk):
    """A desk that takes longer to list the queues than a header may take."""

    def statuses(self) -> Any:
        time.sleep(2 * PATIENCE)
        return super().statuses()


@pytest.fixture
def hasty(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(_connection, "PATIENCE", PATIENCE)
    with served(tmp_path_factory.mktemp("hasty"), kind=SlowDesk) as made:
        yield made


def connected(own: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", own.server.port), timeout=5)


def closed_after(connection: socket.socket, sent: bytes = b"") -> float:
    """Seconds until the other side closes, while a byte is sent every now and then."""
    began = time.monotonic()
    connection.settimeout(0.05)
    for place in range(200):
        try:
            if place < len(sent):
                connection.sendall(sent[place : place + 1])
            if not connection.recv(65536):
                return time.monotonic() - began
        except TimeoutError:
            pass
        except ConnectionError:
            return time.monotonic() - began
    raise AssertionError("it was not closed")


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Endless: " + b"a" * 200])
def test_a_connection_on_which_no_header_comes_is_closed(hasty: Served, sent: bytes) -> None:
    with connected(hasty) as connection:
        assert PATIENCE / 2 < closed_after(connection, sent) < 5 * PATIENCE


def test_so_is_one_whose_second_header_does_not_come_to_its_end(hasty: Served) -> None:
    with connected(hasty) as connection:
        connection.sendall(REQUEST)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert closed_after(connection, REQUEST[:-2] + b"X-Endless: " + b"a" * 200) < 8 * PATIENCE


def test_one_that_waits_for_its_answer_or_its_next_question_stays_open(hasty: Served) -> None:
    connection = HTTPConnection("127.0.0.1", hasty.server.port, timeout=5)
    connection.auto_open = False
    connection.connect()
    for path in ("/v1/queues", "/healthz"):
        connection.request("GET", path)
        answer = connection.getresponse()
        assert (answer.status, answer.read()[:1]) == (200, b"{")
        time.sleep(2 * PATIENCE)
    connection.close()


def test_more_connections_than_are_taken_on_are_answered_that_it_is_too_much(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_MOST_CONNECTIONS", 4)
    with served(tmp_path_factory.mktemp("few")) as own:
        with ExitStack() as stack:
            for _ in range(4):
                stack.enter_context(connected(own)).sendall(REQUEST[:9])
            assert own.client.get("/healthz").status_code == 503
        time.sleep(0.1)
        assert own.client.get("/healthz").status_code == 200


def test_as_many_files_as_the_system_allows_may_be_open() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(before[1], 1_024) - 1, before[1]))
        _connection.allow_many_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
