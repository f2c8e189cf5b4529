"""The source for Redis streams, on real ones with real consumers."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from capacity_planner.registry import sources
from tests.sources._looks import looked
from tests.sources._redis import Clock, gap, sample

if TYPE_CHECKING:
    from capacity_planner.contracts import MetricSource
    from tests.services._redis import Redis

STREAM, GROUP = "emails", "workers"


class World:
    """A stream, its group and its consumers."""

    def __init__(self, server: Redis) -> None:
        self.redis = server.client
        self.redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)

    def add(self, count: int) -> list[str]:
        return [str(self.redis.xadd(STREAM, {"job": "x"})) for _ in range(count)]

    def read(self, count: int, consumer: str = "a") -> list[str]:
        answer = self.redis.xreadgroup(GROUP, consumer, {STREAM: ">"}, count=count)
        return [entry for _, entries in answer for entry, _ in entries]

    def ack(self, entries: list[str]) -> None:
        self.redis.xack(STREAM, GROUP, *entries)


@pytest.fixture(name="world")
def world_fixture(server: Redis) -> World:
    return World(server)


@pytest.fixture(name="source")
def source_fixture(server: Redis) -> MetricSource:
    return sources.make("redis_streams", {"url": server.url, "group": GROUP, "concurrency": 2})


def test_a_stream_and_its_group_are_measured(world: World, source: MetricSource, clock: Clock) -> None:
    world.add(5)
    assert "rate needs two" in gap(source, clock)
    world.ack(world.read(5))
    world.add(40)
    world.ack(world.read(20))
    world.read(7)  # two are worked on, five were fetched ahead
    found = sample(source, clock, after=20)
    assert found.arrival_rate == pytest.approx(2.0)
    assert (found.backlog, found.active_jobs, found.current_workers) == (13 + 5, 2, 1)


def test_entries_that_were_trimmed_away_arrived_all_the_same(world: World, source: MetricSource, clock: Clock) -> None:
    gap(source, clock)
    world.add(30)
    world.ack(world.read(30))
    world.redis.xtrim(STREAM, maxlen=0, approximate=False)
    assert sample(source, clock, after=10).arrival_rate == pytest.approx(3.0)


def test_a_stream_or_group_that_is_not_there_is_a_gap(server: Redis, world: World, clock: Clock) -> None:
    source = sources.make("redis_streams", {"url": server.url, "group": "others", "stream": "s:{queue}"})
    assert gap(source, clock).startswith("There is no stream 's:emails' in this database.")
    server.client.lpush("s:emails", "x")
    assert gap(source, clock).startswith("A list, and no stream, is 's:emails'")
    server.client.delete("s:emails")
    server.client.xgroup_create("s:emails", "mine", mkstream=True)
    assert gap(source, clock) == "The stream 's:emails' has no group 'others'. Its groups: mine."


def test_a_stream_that_was_made_anew_is_a_gap(world: World, source: MetricSource, clock: Clock) -> None:
    world.add(100)
    gap(source, clock)
    world.redis.delete(STREAM)
    world.redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    world.add(3)
    assert "made anew" in gap(source, clock, after=10)
    world.add(20)
    assert sample(source, clock, after=10).arrival_rate == pytest.approx(2.0)


@pytest.mark.parametrize("deleted", [0, 40])
def test_a_stream_that_was_made_anew_is_known_though_more_was_added_than_before(
    world: World, source: MetricSource, clock: Clock, deleted: int
) -> None:
    entries = world.add(100)
    if deleted:
        world.redis.xdel(STREAM, *entries[:deleted])
    gap(source, clock)
    world.redis.delete(STREAM)
    world.redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    world.add(150)
    assert "made anew" in gap(source, clock, after=10)
    world.add(20)
    assert sample(source, clock, after=10).arrival_rate == pytest.approx(2.0)


def test_entries_that_are_deleted_one_by_one_make_no_other_stream(
    world: World, source: MetricSource, clock: Clock
) -> None:
    gap(source, clock)
    for count in (30, 20):
        entries = world.add(count)
        world.ack(world.read(count))
        assert sample(source, clock, after=10).arrival_rate == pytest.approx(count / 10)
        world.redis.xdel(STREAM, *entries[:-1])
        assert sample(source, clock, after=10).arrival_rate == 0


def test_what_the_server_does_not_count_is_counted_by_hand_or_not_at_all(
    world: World, source: MetricSource, clock: Clock
) -> None:
    entries = world.add(20)
    world.read(1)
    world.redis.xdel(STREAM, entries[10])  # from then on the server does not know how many are unread
    gap(source, clock)
    assert sample(source, clock, after=10).backlog == 18
    world.add(1500)
    assert gap(source, clock, after=10).startswith("The server does not count what the stream's group has not read")


def test_consumers_that_asked_for_nothing_for_long_do_not_run(server: Redis, world: World, clock: Clock) -> None:
    source = sources.make("redis_streams", {"url": server.url, "group": GROUP, "idle_after": "200ms"})
    world.add(2)
    world.read(1, "a")
    gap(source, clock)
    time.sleep(0.3)
    world.read(1, "b")
    assert sample(source, clock, after=10).current_workers == 1
    fixed = sources.make("redis_streams", {"url": server.url, "group": GROUP, "workers": 7})
    gap(fixed, clock)
    assert sample(fixed, clock, after=10).current_workers == 7


def test_pending_entries_and_throughput_say_the_service_time(
    server: Redis, world: World, source: MetricSource, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capacity_planner.sources._sampler._EVERY", 0.01)
    world.add(3)
    held = world.read(3)
    gap(source, clock)
    looked(server, "xinfo|consumers", 60)
    world.add(40)
    world.ack(held)
    world.ack(world.read(37))
    world.read(3)
    found = sample(source, clock, after=10)
    assert found.service_time.total_seconds() == pytest.approx(0.5, rel=0.05)  # 2 busy slots × 10 s / 40 jobs
    assert found.service_time > timedelta(0)
