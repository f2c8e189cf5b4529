from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from capacity_planner.service.desk import Desk
from capacity_planner.surfaces.http import _pool
from tests.surfaces.http._served import plan_request, problem, sample, served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.surfaces.http._served import Served

GATE = threading.Event()


class SlowDesk(Desk):
    """A desk whose list of queues comes when the gate is opened."""

    def statuses(self) -> Any:
        GATE.wait(20)
        return super().statuses()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("small"), max_body=2_000) as made:
        yield made


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)


def raw(served: Served, head: str, *parts: bytes, wait: float = 0.0) -> bytes:
    """What comes back for bytes as they are, until the connection is closed or nothing comes for a while."""
    with socket.create_connection(("127.0.0.1", served.server.port), timeout=5) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode())
        for part in parts:
            connection.sendall(part)
            time.sleep(wait)
        connection.settimeout(1)
        found = b""
        try:
            while chunk := connection.recv(65536):
                found += chunk
        except TimeoutError:
            pass
        return found


HEAD = "POST /v1/metrics HTTP/1.1\nHost: localhost\nContent-Type: application/json\n"


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(small: Served) -> None:
    found = raw(small, f"{HEAD}Content-Length: 2001\nExpect: 100-continue\n\n")
    assert found.startswith(b"HTTP/1.1 413 ")
    assert b"100 Continue" not in found
    assert b"more than 2,000 bytes (max_body)" in found


def test_a_body_that_is_too_large_is_refused_whatever_it_says(small: Served) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(30):
            yield b" " * 100

    answer = small.client.post("/v1/metrics", content=parts(), headers={"Content-Type": "application/json"})
    assert "more than 2,000 bytes" in problem(answer, 413)["detail"]
    assert small.client.get("/healthz").status_code == 200


def test_an_endless_body_is_refused_when_it_is_too_large(small: Served) -> None:
    chunk = b"400\r\n" + b" " * 1024 + b"\r\n"
    found = raw(small, f"{HEAD}Transfer-Encoding: chunked\n\n", *([chunk] * 4), wait=0.02)
    assert found.startswith(b"HTTP/1.1 413 ")


def test_a_body_of_just_the_size_is_read(small: Served) -> None:
    text = json.dumps(sample())
    body = text + " " * (2_000 - len(text))
    headers = {"Content-Type": "application/json"}
    assert small.client.post("/v1/metrics", content=body, headers=headers).json() == {"stored": 1}
    problem(small.client.post("/v1/metrics", content=body + " ", headers=headers), 413)


@pytest.mark.slow
def test_a_body_that_does_not_come_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capacity_planner.surfaces.http._body.PATIENCE", 0.5)
    with served(tmp_path) as own:
        found = raw(own, f"{HEAD}Content-Length: 1000000\n\n", b"{", wait=1.0)
    assert found.startswith(b"HTTP/1.1 408 ")
    assert b"Nothing of the body came" in found


@pytest.mark.slow
def test_a_body_that_comes_too_slowly_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capacity_planner.surfaces.http._body.PATIENCE", 0.5)
    monkeypatch.setattr("capacity_planner.surfaces.http._body.SLOWEST", 200.0)
    with served(tmp_path) as own:
        found = raw(own, f"{HEAD}Content-Length: 50\n\n", *([b" "] * 4), wait=0.2)
        assert found.startswith(b"HTTP/1.1 408 ")
        assert b"did not come to its end within 1 s" in found


def test_bodies_are_taken_on_as_long_as_there_is_room_for_all(tmp_path: Path) -> None:
    body = json.dumps(sample()).encode()
    headers = {"Content-Type": "application/json"}
    with served(tmp_path, max_body=1_000) as own, ExitStack() as stack:
        room = own.app.state.services.bodies
        for _ in range(4):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", own.server.port)))
            connection.sendall(f"{HEAD}Content-Length: 1000\n\n".replace("\n", "\r\n").encode() + b" " * 990)
        until(lambda: room._left == 40)  # noqa: SLF001 - that is the moment
        refused = own.client.post("/v1/metrics", content=body, headers=headers)
        assert "as large as are taken on together" in problem(refused, 503)["detail"]
        assert refused.headers["retry-after"] == "1"
        assert own.client.get("/v1/queues").status_code == 200
        stack.close()
        until(lambda: room._left == 4_000)  # noqa: SLF001 - as above
        assert own.client.post("/v1/metrics", content=body, headers=headers).status_code == 200


def test_a_caller_that_leaves_in_the_middle_of_its_body_is_no_failure(
    small: Served, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        with socket.create_connection(("127.0.0.1", small.server.port)) as connection:
            connection.sendall(f"{HEAD}Content-Length: 100\n\n{{".replace("\n", "\r\n").encode())
            time.sleep(0.1)
        until(lambda: any(vars(record).get("status") == 499 for record in caplog.records))
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("APPLICATION/JSON", 200),
        ("application/vnd.planner+json", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data", 415),
        ("text/json", 415),
        ("", 415),
        (None, 415),
    ],
)
def test_a_body_must_say_that_it_is_json(client: httpx.Client, given: str | None, status: int) -> None:
    headers = {} if given is None else {"Content-Type": given}
    answer = client.post("/v1/metrics", content=json.dumps(sample()), headers=headers)
    assert answer.status_code == status
    if status == 415:
        assert "Content-Type: application/json" in problem(answer, 415)["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b"\xff\xfe",
        b'{"timestamp": NaN}',
        b'{"arrival_rate": Infinity}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"1" * 5_000,
        b'"\xed\xa0\x80"',
    ],
)
@pytest.mark.parametrize("path", ["/v1/plans", "/v1/metrics", "/v1/reset"])
def test_a_body_that_is_no_json_is_refused(client: httpx.Client, path: str, body: bytes) -> None:
    answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
    told = problem(answer, 400)
    assert told["code"] in {"CONFIG_INVALID", "INVALID_METRICS"}


@pytest.mark.parametrize("text", ['{"\\ud800": 1}', '{"queue_name": "\\ud800"}', '{"queue_name": "\\u0000"}'])
def test_half_a_character_is_refused_in_a_way_that_can_be_read(client: httpx.Client, text: str) -> None:
    answer = client.post("/v1/reset", content=text, headers={"Content-Type": "application/json"})
    assert problem(answer, 400)["details"]["errors"]


def test_more_calls_than_may_wait_are_told_to_come_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pool.Pool.__init__, "__defaults__", (2, 3))
    GATE.clear()
    with ExitStack() as stack:
        own = stack.enter_context(served(tmp_path, kind=SlowDesk))
        found: list[int] = []

        def ask() -> None:
            with httpx.Client(base_url=own.server.url, timeout=30) as client:
                found.append(client.get("/v1/queues").status_code)

        work = [threading.Thread(target=ask) for _ in range(5)]
        for thread in work:
            thread.start()
        until(lambda: own.app.state.services.pools.usual._open == 5)  # noqa: SLF001 - that is the moment
        refused = own.client.get("/v1/queues")
        assert "wait for their turn" in problem(refused, 503)["detail"]
        assert refused.headers["retry-after"] == "1"
        assert own.client.get("/healthz").status_code == 200
        GATE.set()
        for thread in work:
            thread.join()
        assert found == [200] * 5
        assert own.client.get("/v1/queues").status_code == 200


def test_a_call_that_waited_for_its_turn_has_less_time_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pool.Pool.__init__, "__defaults__", (1, 3))
    GATE.clear()
    with served(tmp_path, kind=SlowDesk) as own, httpx.Client(base_url=own.server.url, timeout=30) as other:
        first = threading.Thread(target=lambda: other.get("/v1/queues"))
        first.start()
        until(lambda: own.app.state.services.pools.usual._open == 1)  # noqa: SLF001 - that is the moment
        threading.Timer(0.5, GATE.set).start()
        problem(own.client.post("/v1/plans?timeout=0.3s", json=plan_request()), 504)
        first.join()


def test_the_time_that_a_body_takes_to_come_is_not_the_calls(client: httpx.Client, shared: Served) -> None:
    body = json.dumps(plan_request(queue_name="slowly")).encode()
    head = HEAD.replace("/v1/metrics", "/v1/plans?timeout=0.3s") + f"Content-Length: {len(body)}\n\n"
    assert client.post("/v1/plans", json=plan_request(queue_name="slowly")).status_code == 200
    assert raw(shared, head, body[:10], body[10:], wait=0.5).startswith(b"HTTP/1.1 200 ")
