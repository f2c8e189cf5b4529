"""The source for plain lists, with the keys that count beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from capacity_planner.errors import WorldError
from capacity_planner.registry import sources
from tests.sources._looks import looked
from tests.sources._redis import Clock, gap, sample

if TYPE_CHECKING:
    from capacity_planner.contracts import MetricSource
    from tests.services._redis import Redis


def made(server: Redis, **options: object) -> MetricSource:
    return sources.make("redis_list", {"url": server.url, **options})


def push(server: Redis, key: str, count: int) -> None:
    if count:
        server.client.lpush(key, *["x"] * count)


def test_a_list_and_a_counter_of_arrivals(server: Redis, clock: Clock) -> None:
    source = made(server, arrived="count:{queue}", workers=3, concurrency=2)
    push(server, "emails", 5)
    server.client.set("count:emails", 100)
    assert "rate needs two" in gap(source, clock)
    server.client.incrby("count:emails", 50)
    push(server, "emails", 10)
    found = sample(source, clock, after=25)
    assert found.arrival_rate == pytest.approx(2.0)
    assert (found.backlog, found.active_jobs, found.current_workers) == (15, 0, 3)


@pytest.mark.parametrize("kind", ["string", "list", "set", "zset", "hash", "stream"])
def test_what_is_finished_may_be_counted_by_a_key_of_any_kind(server: Redis, clock: Clock, kind: str) -> None:
    def finish(number: int) -> None:
        client, name = server.client, f"job{number}"
        {
            "string": lambda: client.incr("done"),
            "list": lambda: client.lpush("done", name),
            "set": lambda: client.sadd("done", name),
            "zset": lambda: client.zadd("done", {name: number}),
            "hash": lambda: client.hset("done", name, "ok"),
            "stream": lambda: client.xadd("done", {"job": name}),
        }[kind]()

    source = made(server, finished="done")
    push(server, "emails", 2)
    gap(source, clock)
    for number in range(40):
        finish(number)
    push(server, "emails", 8)
    found = sample(source, clock, after=24)
    assert found.arrival_rate == pytest.approx(2.0)
    assert found.backlog == 10


def test_jobs_in_processing_lists_are_worked_on(server: Redis, clock: Clock) -> None:
    source = made(server, processing="{queue}:processing:*", finished="done", workers="workers", concurrency=1)
    server.client.sadd("workers", "a", "b")
    push(server, "emails", 4)
    gap(source, clock)
    push(server, "emails:processing:a", 1)
    push(server, "emails:processing:b", 2)
    found = sample(source, clock, after=10)
    assert (found.backlog, found.active_jobs, found.current_workers) == (4 + 1, 2, 2)


def test_a_queue_whose_name_is_a_glob_has_its_own_processing_lists(server: Redis, clock: Clock) -> None:
    source = made(server, processing="{queue}:processing:*", finished="done", workers=4)
    push(server, "a[1]:processing:x", 2)
    push(server, "a1:processing:x", 1)
    server.client.set("done", 0)
    gap(source, clock, queue="a[1]")
    assert sample(source, clock, after=10, queue="a[1]").active_jobs == 2


def test_several_lists_are_one_queue(server: Redis, clock: Clock) -> None:
    source = made(server, lists=["{queue}:high", "{queue}:low"], finished="done")
    push(server, "emails:high", 3)
    push(server, "emails:low", 4)
    gap(source, clock)
    assert sample(source, clock, after=10).backlog == 7


def test_nothing_there_is_a_gap_and_an_empty_list_with_a_counter_is_not(server: Redis, clock: Clock) -> None:
    source = made(server, finished="done")
    assert gap(source, clock).startswith("None of these keys is in the database: emails, done.")
    server.client.set("done", 0)
    gap(source, clock)
    assert sample(source, clock, after=10).arrival_rate == 0
    server.client.flushall()
    assert gap(source, clock, after=10).startswith("None of these keys")


def test_a_counter_that_was_set_back_is_a_gap(server: Redis, clock: Clock) -> None:
    source = made(server, arrived="count")
    server.client.set("count", 500)
    gap(source, clock)
    server.client.set("count", 20)
    assert "set back" in gap(source, clock, after=10)


@pytest.mark.parametrize(
    ("held", "words"),
    [("many", "a text that is no number"), ("nan", "a text"), ("inf", "a text"), ("-3", "a number below")],
)
def test_what_counts_nothing_is_a_failure_that_names_the_key(
    server: Redis, clock: Clock, held: str, words: str
) -> None:
    server.client.set("count", held)
    with pytest.raises(WorldError, match=f"The key 'count' holds {words}"):
        made(server, arrived="count").collect("emails", None, clock.now)


def test_a_counter_of_arrivals_that_is_not_there_though_jobs_wait_is_a_gap(server: Redis, clock: Clock) -> None:
    source = made(server, arrived="arived", workers=4)
    push(server, "emails", 1)
    for _ in range(2):
        push(server, "emails", 120)
        assert gap(source, clock, after=60).startswith("The key 'arived' is not there, though jobs came. It must")
    server.client.set("arived", 300)
    assert "rate needs two" in gap(source, clock, after=60)
    server.client.incrby("arived", 60)
    assert sample(source, clock, after=60).arrival_rate == pytest.approx(1.0)


def test_a_queue_cannot_grow_by_more_jobs_than_came(server: Redis, clock: Clock) -> None:
    source = made(server, arrived="count", workers=4)
    server.client.set("count", 5)
    gap(source, clock)
    push(server, "emails", 120)
    assert sample(source, clock, after=60).arrival_rate == pytest.approx(2.0)
    server.client.incrby("count", 30)  # it may have told of these 120
    assert sample(source, clock, after=60).arrival_rate == 0
    server.client.incrby("count", 60)
    assert sample(source, clock, after=60).arrival_rate == pytest.approx(1.0)


def test_jobs_that_are_counted_only_after_they_were_pushed_came_once(server: Redis, clock: Clock) -> None:
    source = made(server, arrived="count", workers=4)
    server.client.set("count", 5)
    gap(source, clock)
    push(server, "emails", 600)
    assert sample(source, clock, after=60).arrival_rate == pytest.approx(10.0)
    push(server, "emails", 600)
    assert sample(source, clock, after=60).arrival_rate == pytest.approx(10.0)
    server.client.incrby("count", 1200 + 60)
    assert sample(source, clock, after=60).arrival_rate == pytest.approx(1.0)
    push(server, "emails", 180)
    server.client.incrby("count", 60)
    assert sample(source, clock, after=60).arrival_rate == pytest.approx(3.0)
    server.client.incrby("count", 120 + 60)
    assert sample(source, clock, after=60).arrival_rate == pytest.approx(1.0)


def test_a_new_queue_that_nobody_has_worked_on_needs_no_counter_of_what_is_finished(
    server: Redis, clock: Clock
) -> None:
    source = made(server, finished="done", processing="busy")
    push(server, "emails", 10)
    gap(source, clock)
    push(server, "emails", 20)
    assert sample(source, clock, after=10).arrival_rate == pytest.approx(2.0)
    server.client.lmove("emails", "busy")
    assert sample(source, clock, after=10).arrival_rate == 0


def test_jobs_that_left_though_nothing_counts_them_are_a_gap_until_something_does(server: Redis, clock: Clock) -> None:
    source = made(server, finished="finnished", workers=2)
    push(server, "emails", 10)
    gap(source, clock)
    server.client.ltrim("emails", 1, -1)
    assert sample(source, clock, after=10).backlog == 9  # it may be at work, where nobody sees it
    server.client.ltrim("emails", 2, -1)
    for _ in range(2):
        reason = gap(source, clock, after=10)
        assert reason.startswith("The key 'finnished' is not there, though jobs left the queue.")
        assert reason.endswith("Check the option finished.")
    server.client.set("finnished", 3)
    gap(source, clock, after=10)
    assert sample(source, clock, after=10).backlog == 7


def test_arrivals_that_are_gone_were_finished(server: Redis, clock: Clock) -> None:
    source = made(server, arrived="came", finished="done", processing="busy")
    server.client.set("came", 10)
    push(server, "emails", 9)
    push(server, "busy", 1)
    assert "rate needs two" in gap(source, clock)
    server.client.delete("busy")
    assert "'done' is not there, though jobs left the queue" in gap(source, clock, after=10)


def test_milliseconds_that_nobody_counts_are_a_gap_once_jobs_were_finished(server: Redis, clock: Clock) -> None:
    source = made(server, finished="done", worked="tuk")
    push(server, "emails", 1)
    assert "rate needs two" in gap(source, clock)
    server.client.set("done", 10)
    assert "'tuk' is not there, though jobs were finished" in gap(source, clock, after=10)


def test_busy_slots_and_throughput_say_the_service_time(
    server: Redis, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capacity_planner.sources._sampler._EVERY", 0.01)
    source = made(server, processing="busy", finished="done", workers=4)
    push(server, "busy", 2)
    server.client.set("done", 0)
    gap(source, clock)
    looked(server, "llen")
    server.client.incrby("done", 40)
    found = sample(source, clock, after=10)
    assert found.service_time.total_seconds() == pytest.approx(0.5)
    assert found.utilization == pytest.approx(0.5)


def test_where_jobs_are_not_seen_at_work_a_full_queue_says_what_one_costs(server: Redis, clock: Clock) -> None:
    source = made(server, arrived="count", workers=4)
    push(server, "emails", 200)
    server.client.set("count", 200)
    gap(source, clock)
    server.client.ltrim("emails", 0, 159)
    assert sample(source, clock, after=10).service_time.total_seconds() == pytest.approx(1.0)


def test_service_time_is_counted_where_workers_count_milliseconds(server: Redis, clock: Clock) -> None:
    source = made(server, arrived="came", finished="done", worked="took", workers=2)
    server.client.mset({"came": 10, "done": 10, "took": 5_000})
    gap(source, clock)
    server.client.mset({"came": 50, "done": 50})
    server.client.incrbyfloat("took", 10_000.25)
    found = sample(source, clock, after=10)
    assert found.service_time.total_seconds() == pytest.approx(0.25, rel=1e-4)
    assert found.utilization == pytest.approx(0.5, rel=1e-4)
