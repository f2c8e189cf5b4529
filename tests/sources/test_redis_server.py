"""A Redis server that is away, refuses, or is silent: one sentence, without secrets, and it is asked again."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import redis

from capacity_planner.errors import ErrorCode, PlannerError, WorldError
from capacity_planner.registry import sources
from capacity_planner.sources._redis import RedisServer
from tests.services._frameworks import wait_for
from tests.services._redis import redis_server
from tests.services._servers import free_port, missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.services._redis import Redis

NAMES = ["bullmq", "celery_redis", "go_redis_work_queue", "redis_list", "redis_streams", "rq"]
NEEDED: dict[str, dict[str, object]] = {"redis_list": {"arrived": "count"}, "redis_streams": {"group": "workers"}}


def refusal(name: str, **options: object) -> str:
    with pytest.raises(PlannerError) as caught:
        sources.make(name, {**NEEDED.get(name, {}), **options})
    assert caught.value.code is ErrorCode.CONFIG_INVALID
    return caught.value.message


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_connected_to_before_it_is_asked(name: str) -> None:
    sources.make(name, {**NEEDED.get(name, {}), "url": f"redis://127.0.0.1:{free_port()}/0"})


@pytest.mark.parametrize("name", NAMES)
def test_without_the_library_the_remedy_is_one_sentence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    assert refusal(name) == "This source needs an extra: pip install 'capacity-planner[redis]'"


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("rq", {"url": 5}, "url is 5, which is not a text."),
        ("rq", {"prefix": ""}, "prefix is '', which must not be empty."),
        ("rq", {"prefx": "rq"}, "Did you mean prefix?"),
        ("rq", {"password_file": "/no/such/file"}, "cannot be read: No such file or directory."),
        ("bullmq", {"concurrency": 0}, "concurrency is 0, which must be from 1 to 1,000,000."),
        ("bullmq", {"workers": -1}, "workers is -1, which must be from 0"),
        ("bullmq", {"workers": 1.5}, "workers is 1.5, which is not a whole number."),
        ("celery_redis", {"priority_steps": ["high"]}, "priority_steps is 'high', which is not a whole number."),
        ("celery_redis", {"tasks": 5}, "tasks is 5, which is not a list of texts."),
        ("go_redis_work_queue", {"lists": [""]}, "lists is '', which must not be empty."),
        ("redis_list", {"arrived": ""}, "a list alone does not tell how many jobs came and went"),
        ("redis_list", {"arrived": "came", "worked": "took"}, "tells nothing without finished"),
        ("redis_list", {"workers": True}, "workers is True, which is not a whole number."),
        ("redis_streams", {"group": ""}, "group is '', which must not be empty."),
        ("redis_streams", {"idle_after": "5"}, "idle_after is '5', which has no unit."),
        ("redis_streams", {"idle_after": "-5m"}, "idle_after is '-5m', which must be at least 0.001s."),
    ],
)
def test_an_option_that_does_not_hold_is_refused_when_the_source_is_made(
    name: str, options: dict[str, object], words: str
) -> None:
    assert words in refusal(name, **options)


def test_a_group_must_be_named() -> None:
    with pytest.raises(PlannerError, match="group is missing"):
        sources.make("redis_streams", {})


def test_a_server_that_is_away_is_asked_again() -> None:
    with redis_server() as server:
        asked = RedisServer(server.url)
        assert asked.ask(lambda pipe: pipe.llen("a")) == [0]
        server.stop()
        for _ in range(2):
            with pytest.raises(WorldError, match=r"Redis at 127\.0\.0\.1:\d+ does not answer: .*refused\.") as caught:
                asked.ask(lambda pipe: pipe.llen("a"))
            assert caught.value.temporary
        with pytest.raises(WorldError, match="does not answer"):
            asked.keys("*")
        with pytest.raises(WorldError, match="does not answer"):
            asked.wait("a", 1)
        server.start()
        assert asked.ask(lambda pipe: pipe.llen("a")) == [0]
        server.stop()
        server.start()
        assert asked.ask(lambda pipe: pipe.llen("a")) == [0]  # a stale connection is no failure


def test_passwords_come_from_url_or_file_and_are_never_shown(server: Redis, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret\n")
    server.client.config_set("requirepass", "s3cret")
    try:
        host = server.url.removeprefix("redis://")
        for asked in (
            RedisServer(f"redis://:s3cret@{host}"),
            RedisServer(server.url, str(tmp_path / "password")),
        ):
            assert asked.ask(lambda pipe: pipe.llen("a")) == [0]
        with pytest.raises(WorldError, match="Check user, password and rights") as caught:
            RedisServer(f"redis://:wr0ng@{host}").ask(lambda pipe: pipe.llen("a"))
        assert "wr0ng" not in caught.value.message
        assert not caught.value.temporary
    finally:
        server.client.config_set("requirepass", "")


def test_a_key_of_another_kind_is_a_failure_that_names_it(server: Redis) -> None:
    server.client.set("a", "text")
    with pytest.raises(WorldError, match=r"refuses: .*LLEN a.*WRONGTYPE") as caught:
        RedisServer(server.url).ask(lambda pipe: pipe.llen("a"))
    assert not caught.value.temporary


@pytest.mark.slow
def test_a_server_that_is_silent_is_waited_for_three_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        asked = RedisServer(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        began = time.monotonic()
        with pytest.raises(WorldError, match="does not answer"):
            asked.ask(lambda pipe: pipe.llen("a"))
        assert time.monotonic() - began < 4.5


@pytest.fixture(name="node")
def node_fixture(tmp_path: Path) -> Iterator[Any]:
    """The only node of a cluster, which has no slots yet."""
    program = shutil.which("redis-server") or missing("redis-server is not installed.")
    port, home = free_port(), ["--dir", str(tmp_path), "--save", ""]
    options = ["--port", str(port), "--cluster-enabled", "yes", "--cluster-port", str(free_port())]
    process = subprocess.Popen([program, *options, *home], stdout=subprocess.DEVNULL)
    with redis.Redis(port=port, decode_responses=True) as client:
        wait_for("the node", lambda: answers(client))
        yield client
    process.terminate()
    process.wait(20)


def answers(client: Any) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_of_a_cluster_one_slot_of_one_node_can_be_asked(node: Any) -> None:
    asked = RedisServer(f"redis://127.0.0.1:{node.connection_pool.connection_kwargs['port']}")
    with pytest.raises(WorldError, match=r"is one of a cluster: .*not served") as caught:
        asked.ask(lambda pipe: pipe.llen("a"))
    assert not caught.value.temporary
    node.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
    wait_for("the cluster", lambda: node.execute_command("CLUSTER INFO")["cluster_state"] == "ok")
    with pytest.raises(WorldError, match=r"Give all keys of a queue the same hash tag, such as the prefix \{bull\}"):
        asked.ask(lambda pipe: (pipe.llen("a"), pipe.llen("b")))
    assert asked.ask(lambda pipe: (pipe.llen("{a}:1"), pipe.llen("{a}:2"))) == [0, 0]


def test_keys_are_looked_for_by_a_glob_and_only_so_far(server: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    server.client.mset({f"a:{number}": "" for number in range(9000)} | {"b": ""})
    asked = RedisServer(server.url)
    assert len(asked.keys("a:*")) == 9000
    monkeypatch.setattr("capacity_planner.sources._redis._MOST_SCANS", 2)
    with pytest.raises(WorldError, match="more than 4,000 keys, too many to look for a:"):
        asked.keys("a:*")


def connections(server: Redis) -> set[str]:
    return {client["id"] for client in server.client.client_list()}


@pytest.mark.parametrize("name", NAMES)
def test_a_source_that_is_closed_holds_neither_threads_nor_connections(server: Redis, name: str) -> None:
    server.client.hset("bull:emails:meta", "version", "bullmq:6.7.0")
    server.client.hset("rq:worker:a", "birth", "2026-01-31T12:00:00.000000Z")
    server.client.sadd("rq:workers:emails", "rq:worker:a")
    server.client.sadd("_kombu.binding.emails", "emails")
    server.client.xgroup_create("emails" if name == "redis_streams" else "other", "workers", mkstream=True)
    server.client.mset({"count": 5})
    server.client.lpush("jobqueue:completed", "{}")
    threads, before = set(threading.enumerate()), connections(server)
    options = {"processing": "busy"} if name == "redis_list" else {}
    source: Any = sources.make(name, {**NEEDED.get(name, {}), **options, "url": server.url})
    for _ in range(2):
        source.collect("emails", None, datetime.now(UTC))
        time.sleep(0.1)
    own = connections(server) - before
    assert own
    source.close()
    end = time.monotonic() + 10
    while set(threading.enumerate()) - threads or own & connections(server):
        assert time.monotonic() < end
        time.sleep(0.02)
