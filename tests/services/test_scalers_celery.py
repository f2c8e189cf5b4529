"""The pools of Celery workers are grown and shrunk over real brokers: of small ones, and of Celery's own."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.errors import ErrorCode, PlannerError, WorldError
from capacity_planner.registry import scalers
from tests.scaling._orders import order
from tests.services._celery_nodes import Node, nodes
from tests.services._frameworks import crew, python_with, wait_for
from tests.services._redis import Redis, redis_server
from tests.services._servers import free_port, missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from capacity_planner.contracts import Scaler

pytestmark = pytest.mark.slow

RABBIT = "amqp://guest:guest@127.0.0.1:5672//"
APP = """
import os, time
from celery import Celery

app = Celery("app", broker=os.environ["BROKER"])
app.conf.update(task_default_queue=os.environ["QUEUE"], control_exchange=os.environ["EXCHANGE"])
app.conf.worker_prefetch_multiplier = 1

@app.task(name="job")
def job(seconds):
    time.sleep(seconds)
    with open("finished", "a") as file:
        file.write("finished\\n")
"""


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    with redis_server() as server:
        yield server


@pytest.fixture
def exchange() -> str:
    return f"celery-{secrets.token_hex(4)}"


def celery(broker: str, exchange: str = "celery", **options: Any) -> Scaler:
    return scalers.make("celery", {"broker": broker, "exchange": exchange, "timeout": "0.3s", "settle": "1s"} | options)


def test_processes_are_counted_and_spread_evenly_with_few_changes(redis: Redis, exchange: str) -> None:
    one, two, other = Node("one@host", 3), Node("two@host", 1), Node("other@host", 4, queues=("reports",))
    with nodes(redis.url, one, two, other, exchange=exchange):
        scaler = celery(redis.url, exchange)
        assert scaler.current("emails") == 4
        assert scaler.scale(order(7)) == 7
        assert (one.processes, two.processes, other.processes) == (4, 3, 4)
        assert scaler.scale(order(2)) == 2
        assert (one.processes, two.processes) == (1, 1)
        assert scaler.scale(order(2)) == 2
        assert one.orders == [("pool_grow", 1), ("pool_shrink", 3)]
        assert scaler.current("reports") == 4
        assert other.orders == []


def test_what_is_slow_to_come_is_waited_for_and_not_asked_for_twice(redis: Redis, exchange: str) -> None:
    slow = Node("one@host", 2, lag=1.0)
    with nodes(redis.url, slow, exchange=exchange):
        scaler = celery(redis.url, exchange, settle="0.2s")
        assert [scaler.scale(order(5)), scaler.scale(order(5))] == [2, 2]
        wait_for("processes", lambda: slow.seen == 5)
        assert scaler.scale(order(5)) == 5
        assert slow.orders == [("pool_grow", 3)]


def test_an_order_whose_answer_is_lost_is_not_repeated(redis: Redis, exchange: str) -> None:
    node = Node("one@host", 2, lag=0.5, deaf={"pool_grow"})
    with nodes(redis.url, node, exchange=exchange):
        scaler = celery(redis.url, exchange)
        with pytest.raises(WorldError, match=r"one@host did not answer within 0.3 s") as caught:
            scaler.scale(order(5))
        assert caught.value.temporary
        node.deaf.clear()
        assert scaler.scale(order(5)) == 5
        assert node.orders == [("pool_grow", 3)]


def test_busy_processes_are_left_alone_and_the_truth_is_told(redis: Redis, exchange: str) -> None:
    node = Node("one@host", 5, busy=4)
    with nodes(redis.url, node, exchange=exchange):
        scaler = celery(redis.url, exchange)
        assert scaler.scale(order(2)) == 4
        assert node.orders == [("pool_shrink", 1)]
        node.busy = 0
        assert scaler.scale(order(2)) == 2


@pytest.mark.parametrize(("before", "ordered", "after"), [((5, 1), 6, [5, 1]), ((5, 1, 1), 8, [5, 1, 2])])
def test_what_a_busy_worker_cannot_give_no_other_has_in_addition(
    redis: Redis, exchange: str, before: tuple[int, ...], ordered: int, after: list[int]
) -> None:
    served = [Node(f"{number}@host", count, busy=count) for number, count in enumerate(before)]
    with nodes(redis.url, *served, exchange=exchange):
        assert celery(redis.url, exchange).scale(order(ordered)) == ordered
    assert [node.processes for node in served] == after


def test_jobs_that_begin_as_a_pool_is_to_shrink_hold_it_up_for_a_moment_only(redis: Redis, exchange: str) -> None:
    one, two = Node("one@host", 6, busy=1, begun=4), Node("two@host", 2)
    with nodes(redis.url, one, two, exchange=exchange):
        scaler = celery(redis.url, exchange, settle="0.2s")
        with pytest.raises(
            WorldError, match=r"7 of 6 processes run. .*one@host refuses pool_shrink.*All processes busy"
        ) as caught:
            scaler.scale(order(6))
        assert (caught.value.temporary, caught.value.reached) == (True, 7)
        one.busy = one.begun = 0
        assert scaler.scale(order(6)) == 6


def test_a_shrink_that_may_be_lost_makes_no_room_for_others(redis: Redis, exchange: str) -> None:
    one, two = Node("one@host", 5, lost={"pool_shrink"}), Node("two@host", 1)
    with nodes(redis.url, one, two, exchange=exchange):
        scaler = celery(redis.url, exchange, settle="0.2s")
        with pytest.raises(WorldError, match="one@host did not answer"):
            scaler.scale(order(4))
        assert scaler.scale(order(6)) == 6
    assert (one.processes, two.processes) == (5, 1)


def test_each_worker_keeps_one_process(redis: Redis, exchange: str) -> None:
    served = [Node("one@host"), Node("two@host")]
    with nodes(redis.url, *served, exchange=exchange):
        with pytest.raises(WorldError, match="0 processes were ordered, and 2 run: each of the 2 workers") as caught:
            celery(redis.url, exchange).scale(order(0))
        assert (caught.value.temporary, caught.value.reached) == (False, 2)
        assert [node.processes for node in served] == [1, 1]


def test_what_is_busy_is_tried_again_before_each_worker_keeps_its_last_process(redis: Redis, exchange: str) -> None:
    served = [Node("one@host", busy=2), Node("two@host")]
    with nodes(redis.url, *served, exchange=exchange):
        assert celery(redis.url, exchange).scale(order(0)) == 3


def test_a_worker_that_refuses_is_quoted(redis: Redis, exchange: str) -> None:
    node = Node("one@host", refuses="pool_grow is not supported with autoscale. Adjust autoscale range instead")
    with nodes(redis.url, node, exchange=exchange):
        with pytest.raises(WorldError) as caught:
            celery(redis.url, exchange).scale(order(5))
        assert caught.value.message == (
            "2 of 5 processes run. The Celery worker one@host refuses pool_grow: "
            "pool_grow is not supported with autoscale. Adjust autoscale range instead."
        )
        assert (caught.value.temporary, caught.value.reached) == (False, 2)


def test_a_pool_whose_size_cannot_be_read_is_a_failure_for_good(redis: Redis, exchange: str) -> None:
    with nodes(redis.url, Node("one@host", pool="celery.concurrency.gevent:TaskPool"), exchange=exchange):
        scaler = celery(redis.url, exchange)
        with pytest.raises(
            WorldError, match=r"gevent:TaskPool, whose size cannot be read. Start it with --pool prefork"
        ):
            scaler.current("emails")
        with pytest.raises(WorldError, match="gevent") as caught:
            scaler.scale(order(3))
        assert not caught.value.temporary


def test_without_workers_it_cannot_tell_and_says_no_zero(redis: Redis, exchange: str) -> None:
    with nodes(redis.url, Node("one@host", queues=("reports",)), exchange=exchange):
        with pytest.raises(WorldError, match="No Celery worker that consumes the queue emails") as caught:
            celery(redis.url, exchange).current("emails")
        assert caught.value.temporary


def test_workers_are_chosen_by_name_and_by_the_queue_s_name_in_celery(redis: Redis, exchange: str) -> None:
    chosen, shared = Node("mail-1@host", 3, queues=("q.emails",)), Node("all@host", 2, queues=("q.emails", "x"))
    with nodes(redis.url, chosen, shared, exchange=exchange):
        assert celery(redis.url, exchange, queue="q.{queue}").current("emails") == 5
        assert celery(redis.url, exchange, queue="q.{queue}", nodes=("mail-*@*",)).current("emails") == 3


def test_a_worker_that_serves_several_queues_is_warned_of_once(
    redis: Redis, exchange: str, caplog: pytest.LogCaptureFixture
) -> None:
    with nodes(redis.url, Node("all@host", queues=("emails", "reports")), exchange=exchange):
        scaler = celery(redis.url, exchange)
        for name in ("emails", "reports"):
            scaler.current(name)
    assert [vars(record)["node"] for record in caplog.records] == ["all@host"]


def test_a_worker_that_fell_silent_is_no_zero_and_nobody_has_its_share_until_it_is_given_up(
    redis: Redis, exchange: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capacity_planner.scaling._celery_nodes._FRESH", 0.0)
    one, two, other = Node("one@host"), Node("two@host", 3), Node("other@host", 4, queues=("reports",))
    with nodes(redis.url, one, two, other, exchange=exchange):
        scaler = celery(redis.url, exchange)
        assert scaler.current("emails") == 5
        two.silent = True
        for _ in range(2):
            with pytest.raises(WorldError, match=r"two@host did not answer .* gone after 120 s of silence") as caught:
                scaler.scale(order(5))
            assert caught.value.temporary
        assert (one.orders, scaler.current("reports")) == ([], 4)
        two.silent = False
        assert scaler.current("emails") == 5
        two.silent = True
        monkeypatch.setattr("capacity_planner.scaling._celery_nodes._FORGOTTEN", 0.0)
        assert scaler.current("emails") == 2


@pytest.mark.parametrize("kind", ["redis", "rabbitmq"])
def test_a_worker_that_ended_in_good_order_is_gone_at_once(
    kind: str, redis: Redis, exchange: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "rabbitmq":
        _rabbit()
    broker = redis.url if kind == "redis" else RABBIT
    monkeypatch.setattr("capacity_planner.scaling._celery_nodes._FRESH", 0.0)
    with nodes(broker, Node("one@host"), exchange=exchange):
        scaler, two = celery(broker, exchange), Node("two@host", 3)
        with nodes(broker, two, exchange=exchange):
            assert scaler.current("emails") == 5
            two.silent = True
            with pytest.raises(WorldError, match="two@host did not answer"):
                scaler.current("emails")
        assert scaler.current("emails") == 2


def test_no_order_goes_beyond_the_bounds(redis: Redis, exchange: str) -> None:
    node = Node("one@host")
    with nodes(redis.url, node, exchange=exchange), pytest.raises(WorldError, match="option most is 3") as caught:
        celery(redis.url, exchange, most=3).scale(order(5))
    assert node.processes == caught.value.reached == 3


def test_nothing_is_left_behind_in_redis(redis: Redis, exchange: str) -> None:
    with nodes(redis.url, Node("one@host"), exchange=exchange):
        before = set(redis.client.keys())
        scaler = celery(redis.url, exchange)
        scaler.scale(order(3))
        left = set(redis.client.keys()) - before
    assert not any("reply" in key for key in left), left


def test_a_broker_that_is_away_is_left_in_time_and_its_password_not_told() -> None:
    for url in (f"redis://:hidden@127.0.0.1:{free_port()}/0", f"amqp://guest:hidden@127.0.0.1:{free_port()}//"):
        began = time.monotonic()
        with pytest.raises(WorldError, match=r"does not answer: .*refused") as caught:
            celery(url).current("emails")
        assert time.monotonic() - began < 3.0
        assert caught.value.temporary
        assert "hidden" not in caught.value.message


def test_a_password_comes_from_its_file_and_is_told_to_nobody_else(exchange: str, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("hidden-word\n")
    with redis_server() as server:
        server.client.config_set("requirepass", "hidden-word")
        with nodes(server.url.replace("//", "//:hidden-word@"), Node("one@host"), exchange=exchange):
            scaler = celery(server.url, exchange, password_file=str(password))
            assert scaler.current("emails") == 2
            password.write_text("another-word")
            with pytest.raises(WorldError, match="does not answer") as caught:
                scaler.scale(order(3))
            assert "another-word" not in caught.value.message
            assert "hidden-word" not in caught.value.message
            password.unlink()
            with pytest.raises(WorldError, match="password cannot be read"):
                scaler.scale(order(3))


def test_a_broker_that_takes_connections_and_says_nothing_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        for url in (f"redis://127.0.0.1:{port}/0", f"amqp://guest:guest@127.0.0.1:{port}//"):
            began = time.monotonic()
            with pytest.raises(WorldError, match="does not answer"):
                celery(url).current("emails")
            assert time.monotonic() - began < 3.0


def test_over_rabbitmq_it_is_the_same(exchange: str) -> None:
    _rabbit()
    one, two = Node("one@host", 3), Node("two@host", 1)
    with nodes(RABBIT, one, two, exchange=exchange):
        scaler = celery(RABBIT, exchange)
        assert [scaler.current("emails"), scaler.scale(order(6)), scaler.scale(order(2))] == [4, 6, 2]
        assert (one.processes, two.processes) == (1, 1)


def _rabbit() -> None:
    try:
        socket.create_connection(("127.0.0.1", 5672), timeout=2).close()
    except OSError:
        missing("RabbitMQ does not run on 127.0.0.1:5672.")


@pytest.mark.parametrize("kind", ["redis", "rabbitmq"])
def test_pools_of_real_celery_workers_grow_and_shrink_and_no_job_is_lost(
    kind: str, redis: Redis, exchange: str, tmp_path: Path
) -> None:
    if kind == "rabbitmq":
        _rabbit()
    broker, queue = (redis.url if kind == "redis" else RABBIT), f"emails-{secrets.token_hex(4)}"
    programs = python_with("celery==5.7.0", "redis==7.0.0", "packaging==25.0")
    (tmp_path / "app.py").write_text(APP)
    scaler = celery(broker, exchange, timeout="2s", settle="15s", queue=queue)
    with crew(tmp_path, {"BROKER": broker, "QUEUE": queue, "EXCHANGE": exchange}) as team:
        for number in (1, 2):
            name = f"w{number}@{queue}"
            team.start(programs / "celery", "-A", "app", "worker", "-c", "2", "-n", name, "-Q", queue)
        wait_for("workers", lambda: _counts(scaler) == 4, seconds=60)
        assert scaler.scale(order(7, 1)) == 7
        assert scaler.current("emails") == 7
        send = "from app import job\nfor _ in range(7): job.delay(6)\n"
        subprocess.run(
            [programs / "python", "-c", send], cwd=tmp_path, check=True, env=_environment(broker, queue, exchange)
        )
        time.sleep(2.0)
        busy = scaler.scale(order(3, 2))  # the jobs need not be spread evenly, so that one process may be idle
        assert busy is not None
        assert 4 <= busy <= 7
        wait_for("jobs", lambda: (tmp_path / "finished").exists() and _lines(tmp_path / "finished") == 7)
        wait_for("fewer", lambda: scaler.scale(order(3, 2)) == 3)
        assert scaler.current("emails") == 3
        assert scaler.scale(order(5, 3)) == 5


def _counts(scaler: Scaler) -> int | None:
    try:
        return scaler.current("emails")
    except WorldError:
        return None


def _environment(broker: str, queue: str, exchange: str) -> dict[str, str]:
    return {"BROKER": broker, "QUEUE": queue, "EXCHANGE": exchange, "PATH": "/usr/bin:/bin"}


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"broker": "sqs://user:hidden@"}, "broker is '…', which does not begin with one of redis://"),
        ({"broker": 5}, "is not a text"),
        ({"password_file": "/no/such"}, "cannot be read"),
        ({"nodes": (1,)}, "is not a list of texts"),
        ({"timeout": "0s"}, "is not between"),
        ({"most": "many"}, "is no whole number"),
    ],
)
def test_what_makes_no_scaler_is_refused_by_name(options: dict[str, Any], words: str) -> None:
    with pytest.raises(PlannerError, match=words) as caught:
        scalers.make("celery", {"broker": "redis://localhost/0"} | options)
    assert caught.value.code is ErrorCode.CONFIG_INVALID
    assert "hidden" not in str(caught.value)


def test_libraries_are_loaded_when_they_are_needed_and_named_where_they_are_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = (
        "import sys\n"
        "from capacity_planner.registry import scalers\n"
        "scalers.make('celery', {'broker': 'redis://localhost/0'})\n"
        "assert not {'kombu', 'redis', 'celery'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    monkeypatch.setitem(sys.modules, "kombu", None)
    with pytest.raises(PlannerError, match=r"pip install 'capacity-planner\[celery\]'"):
        scalers.make("celery", {"broker": "amqp://localhost"})
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(PlannerError, match=r"pip install 'capacity-planner\[celery,redis\]'"):
        scalers.make("celery", {"broker": "redis://localhost/0"})
