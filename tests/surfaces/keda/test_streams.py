"""What is pushed to KEDA: at once, on a change, again after a while, and again after a restart."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic, sleep
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from capacity_planner.surfaces.keda.asked import Asked
from capacity_planner.surfaces.keda.listeners import Listener
from tests.service._stage import CONFIG, queue
from tests.surfaces.keda._keda import Keda
from tests.surfaces.keda._served import EMAILS, SECOND, ZERO, pulled, scaler, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.surfaces.keda._served import Served

Code = grpc.StatusCode
SPEC = {"s0-workers-emails": 1.0}


class Heard:
    """What came of a stream, read in a thread as KEDA reads it."""

    def __init__(self, stream: Any) -> None:
        self.stream, self.came, self.end = stream, SimpleQueue[Any](), SimpleQueue[Any]()
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for message in self.stream:
                self.came.put(getattr(message, "result", message))
            self.end.put(None)
        except grpc.RpcError as error:
            self.end.put(error)

    def next(self, seconds: float = 10.0) -> Any:
        return self.came.get(timeout=seconds)

    def silent(self, seconds: float) -> bool:
        try:
            self.came.get(timeout=seconds)
        except Empty:
            return True
        return False


def scale(made: Served, workers: int) -> None:
    made.stage.clock.now += SECOND
    made.stage.desk.scaled("emails", workers, by="ann")


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[Served]:
    """A queue that was scaled to zero."""
    with served(tmp_path, rate=0.0, config=ZERO) as made:
        made.stage.tick()
        yield made


def test_the_activity_comes_at_once_and_whenever_it_changes(idle: Served) -> None:
    with idle.keda() as keda:
        heard = Heard(keda.activity())
        assert heard.next() is False
        assert heard.silent(0.3)
        scale(idle, 3)
        assert heard.next() is True
        scale(idle, 5)
        assert heard.silent(0.3)
        scale(idle, 0)
        assert heard.next() is False


def test_the_same_is_told_again_after_a_while(tmp_path: Path) -> None:
    with served(tmp_path, rate=0.0, config=ZERO, heartbeat=0.2) as made:
        made.stage.tick()
        with made.keda() as keda:
            begun = monotonic()
            assert [item.result for item in islice(keda.activity(), 4)] == [False] * 4
            assert 0.5 < monotonic() - begun < 10


def test_who_has_another_activation_is_told_something_else(idle: Served) -> None:
    with idle.keda() as keda, idle.keda(activationWorkers="4") as other:
        first, second = Heard(keda.activity()), Heard(other.activity())
        assert (first.next(), second.next()) == (False, False)
        scale(idle, 4)
        assert first.next() is True
        assert second.silent(0.3)
        scale(idle, 5)
        assert second.next() is True


def test_where_nobody_knows_nothing_is_told_until_somebody_does(tmp_path: Path) -> None:
    with served(tmp_path) as made, made.keda() as keda:
        heard = Heard(keda.activity())
        assert heard.silent(0.3)
        made.stage.tick()
        assert heard.next() is True
        made.stage.clock.now += 4 * CONFIG.plan_interval
        scale(made, 0)
        assert heard.silent(0.3)
        assert heard.end.empty()


def test_the_target_comes_at_once_agrees_with_what_is_asked_and_never_changes(idle: Served) -> None:
    with idle.keda() as keda:
        pushed = keda.pushed_specs()
        assert next(pushed) == keda.specs() == SPEC
        waiting = Heard(pushed)
        scale(idle, 9)
        assert waiting.silent(0.3)


@pytest.mark.parametrize(
    ("metadata", "code"),
    [({}, Code.INVALID_ARGUMENT), ({"queueName": "reports"}, Code.NOT_FOUND), (EMAILS, Code.FAILED_PRECONDITION)],
)
def test_what_is_wrong_with_the_question_ends_the_stream(
    tmp_path: Path, metadata: dict[str, str], code: grpc.StatusCode
) -> None:
    with served(tmp_path, queue()) as made, Keda(made.port, metadata) as keda:
        heard = Heard(keda.activity())
        assert heard.end.get(timeout=10).code() is code


def test_keda_connects_again_after_a_restart_and_is_told_what_holds_then(idle: Served, tmp_path: Path) -> None:
    with idle.keda() as keda:
        before = Heard(keda.activity())
        assert before.next() is False
        idle.server.stop(timedelta(seconds=5))
        assert before.end.get(timeout=10) is None
        scale(idle, 3)
        with scaler(idle.stage, port=idle.port):
            again = Heard(keda.activity())
            assert again.next(20) is True


def test_open_streams_do_not_keep_a_server_from_its_end(idle: Served) -> None:
    with idle.keda() as keda:
        heard = [Heard(keda.activity()), Heard(keda.stream("StreamMetricSpec", "GetMetricSpecResponse"))]
        for item in heard:
            item.next()
        begun = monotonic()
        idle.server.stop(timedelta(seconds=30))
        assert monotonic() - begun < 5
        assert [item.end.get(timeout=10) for item in heard] == [None, None]


def test_hundreds_of_streams_leave_room_for_those_who_ask(idle: Served) -> None:
    with idle.keda() as keda:
        heard = [Heard(keda.activity()) for _ in range(200)]
        assert [item.next() for item in heard] == [False] * 200
        assert keda.read() == (0.0, False)
        scale(idle, 2)
        assert [item.next() for item in heard] == [True] * 200
        for item in heard:
            item.stream.cancel()
        assert keda.read() == (2.0, True)


def test_who_has_gone_is_forgotten(idle: Served) -> None:
    with idle.keda() as keda:
        heard = Heard(keda.activity())
        heard.next()
        listeners: Any = idle.guest._listeners  # noqa: SLF001 - how many are open shows nowhere else
        assert len(listeners) == 1
        heard.stream.cancel()
        end = monotonic() + 10
        while len(listeners) and monotonic() < end:
            sleep(0.02)
        assert len(listeners) == 0


def test_one_queue_that_cannot_be_read_does_not_end_the_streams_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path, pulled(), pulled("reports"), rate=0.0, config=ZERO) as made:
        made.stage.tick()
        known = made.stage.desk.targets.of

        def of(name: str, **options: Any) -> Any:
            if name == "reports":
                raise ZeroDivisionError
            return known(name, **options)

        with made.keda() as keda, Keda(made.port, {"queueName": "reports"}) as other:
            first, second = Heard(keda.activity()), Heard(other.activity())
            assert (first.next(), second.next()) == (False, False)
            monkeypatch.setattr(made.stage.desk.targets, "of", of)
            scale(made, 3)
            assert first.next() is True
            assert second.end.empty()


def test_a_listener_that_takes_nothing_any_more_is_cut_off() -> None:
    cut: list[bool] = []
    context: Any = SimpleNamespace(cancel=lambda: cut.append(True), is_active=lambda: True)
    listener = Listener(Asked("emails"), lambda _: None, context)
    assert listener.is_due(value=True, now=0.0, heartbeat=30.0)
    assert not listener.is_due(value=False, now=59.0, heartbeat=30.0)
    assert cut == []
    assert not listener.is_due(value=False, now=61.0, heartbeat=30.0)
    assert cut == [True]
    listener.tell("a message")
    assert listener.is_due(value=False, now=62.0, heartbeat=30.0)
