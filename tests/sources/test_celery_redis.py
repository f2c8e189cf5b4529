"""The source for Celery on Redis, with workers that answer and tell of themselves as Celery 5.7's do."""

from __future__ import annotations

import math
import pickle
import re
import time
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.domain.scaling import Gap
from capacity_planner.errors import PlannerError
from capacity_planner.registry import sources
from capacity_planner.sources._celery_asked import opened
from tests.sources._celery import Broker, Worker
from tests.sources._redis import Clock, gap, sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from capacity_planner.contracts import MetricSource
    from capacity_planner.sources._celery_heard import News
    from tests.services._redis import Redis


@pytest.fixture(name="hire")
def hire_fixture(server: Redis) -> Iterator[Callable[..., Worker]]:
    workers: list[Worker] = []

    def hire(name: str, *queues: str, **facts: Any) -> Worker:
        workers.append(Worker(server, name, *queues, **facts))
        return workers[-1]

    yield hire
    for worker in workers:
        worker.stop()


@pytest.fixture(name="broker")
def broker_fixture(server: Redis) -> Broker:
    return Broker(server)


@pytest.fixture(name="source")
def source_fixture(server: Redis) -> MetricSource:
    return sources.make("celery_redis", {"url": server.url})


def heard(source: MetricSource, holds: Callable[[News], object]) -> None:
    """Wait until the events have arrived."""
    end = time.monotonic() + 20
    while not holds(source._listener.news()):  # type: ignore[attr-defined]  # noqa: SLF001 - they come when they come
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_queue_and_its_workers_are_measured(
    broker: Broker, source: MetricSource, hire: Callable[..., Worker], clock: Clock
) -> None:
    first, second = hire("a@h"), hire("b@h", slots=3)
    broker.push(2)
    assert "rate needs two" in gap(source, clock)
    first.work(30)
    second.work(20)
    first.begin("t1")
    second.begin("t2")
    second.begin("t3")
    broker.push(4)
    broker.push(5, step=6)
    broker.fetched("t4")  # fetched ahead
    broker.fetched("t3")  # acknowledged late: it is at work
    broker.fetched("t5", eta=(clock.now + timedelta(hours=1)).isoformat())  # not due yet
    broker.fetched("t6", eta=(clock.now - timedelta(hours=1)).replace(tzinfo=None).isoformat())  # due
    broker.fetched("t7", queue="other")
    found = sample(source, clock, after=50)
    assert found.arrival_rate == pytest.approx((50 + 3 + 4 + 5 + 2) / 50)
    assert (found.current_workers, found.active_jobs, found.backlog) == (2, 3, 11 + 2)
    assert found.utilization == pytest.approx(3 / 5)


def test_nothing_is_left_behind_in_the_broker(
    broker: Broker, source: MetricSource, hire: Callable[..., Worker], clock: Clock
) -> None:
    hire("a@h")
    broker.bind()
    gap(source, clock)
    sample(source, clock, after=10)
    assert broker.redis.keys("*") == ["_kombu.binding.emails"]


def test_a_worker_that_heard_and_does_not_answer_is_a_gap(
    broker: Broker, source: MetricSource, hire: Callable[..., Worker], clock: Clock
) -> None:
    hire("a@h")
    silent = hire("b@h")
    gap(source, clock)
    silent.mute = True
    began = time.monotonic()
    said = gap(source, clock, after=10)  # its name is known where its heartbeat was heard before
    assert re.match(r"Celery's remote control was not answered by (b@h#1\.|1 of the 2 that listen\.)", said)
    assert time.monotonic() - began < 4
    silent.mute = False
    assert sample(source, clock, after=10).current_workers == 2
    broker.push(1)


def test_a_worker_that_never_answered_is_a_gap(source: MetricSource, hire: Callable[..., Worker], clock: Clock) -> None:
    hire("a@h")
    hire("b@h").mute = True
    assert "not answered by 1 of the 2 that listen." in gap(source, clock)


def test_a_queue_that_is_not_there_is_a_gap(broker: Broker, source: MetricSource, clock: Clock) -> None:
    assert gap(source, clock).startswith("Celery knows no queue 'emails' in this database.")
    broker.bind()
    gap(source, clock)
    found = sample(source, clock, after=10)
    assert (found.arrival_rate, found.current_workers) == (0, 0)
    broker.redis.flushall()
    assert gap(source, clock, after=10).startswith("Celery knows no queue")


def test_workers_of_several_queues_need_the_names_of_the_tasks(
    server: Redis, broker: Broker, source: MetricSource, hire: Callable[..., Worker], clock: Clock
) -> None:
    worker = hire("a@h", "emails", "other")
    assert "serve other, too. Say which tasks are the queue's" in gap(source, clock)
    told = sources.make("celery_redis", {"url": server.url, "tasks": ["mail.*"]})
    broker.push(1)
    gap(told, clock)
    worker.work(20, "mail.send")
    worker.work(100, "report.make")
    worker.begin("t1", "mail.send")
    worker.begin("t2", "report.make")
    found = sample(told, clock, after=21)
    assert found.arrival_rate == pytest.approx(1.0)
    assert found.active_jobs == 1


def test_tasks_of_another_queue_that_a_worker_served_for_a_while_are_not_counted_once_it_serves_one(
    broker: Broker, source: MetricSource, hire: Callable[..., Worker], clock: Clock
) -> None:
    worker = hire("a@h")
    broker.push(1)
    gap(source, clock)
    worker.queues = ("emails", "other")
    worker.work(1000, "report.make")
    assert "serve other, too" in gap(source, clock, after=10)
    worker.work(1000, "report.make")
    worker.queues = ("emails",)
    assert "rate needs two" in gap(source, clock, after=10)
    worker.work(10)
    assert sample(source, clock, after=10).arrival_rate == pytest.approx(1.0)


def test_what_workers_lose_is_not_learned_where_they_serve_other_queues(
    server: Redis, broker: Broker, hire: Callable[..., Worker], clock: Clock
) -> None:
    worker = hire("a@h", "emails", "other", slots=4)
    source = sources.make("celery_redis", {"url": server.url, "tasks": ["mail.*"]})
    broker.push(500)
    gap(source, clock)
    heard(source, lambda news: math.isfinite(news.since))
    for number in range(60):  # in one of the four slots
        worker.tell("task-received", uuid=str(number), name="mail.send", timestamp=number)
        worker.tell("task-started", uuid=str(number), timestamp=number)
        worker.tell("task-succeeded", uuid=str(number), timestamp=number + 1.0, runtime=1.0)
    worker.work(60, "mail.send")
    worker.work(180, "report.make")
    broker.redis.ltrim("emails", 60, -1)
    heard(source, lambda news: len(news.took) == 60)
    assert sample(source, clock, after=60).service_time == timedelta(seconds=1)


@pytest.mark.parametrize("steps", [[], 5, "0"])
def test_steps_of_priority_are_a_list_of_one_or_more(steps: object) -> None:
    with pytest.raises(PlannerError) as refused:
        sources.make("celery_redis", {"priority_steps": steps})
    said = f"source.options.priority_steps is {steps!r}, which must be a list of one step or more."
    assert said in str(refused.value)


def test_a_worker_that_is_new_counts_from_zero_and_one_that_was_out_of_sight_does_not(
    source: MetricSource, hire: Callable[..., Worker], clock: Clock
) -> None:
    hire("a@h")
    gap(source, clock)
    young, old = hire("b@h"), hire("c@h")
    young.age = 20
    young.work(30)
    old.work(10**6)
    found = sample(source, clock, after=30)
    assert found.arrival_rate == pytest.approx(1.0)
    assert found.current_workers == 3


def test_a_worker_that_said_goodbye_is_counted_to_its_last_word(
    broker: Broker, source: MetricSource, hire: Callable[..., Worker], clock: Clock
) -> None:
    hire("a@h")
    leaving = hire("b@h")
    gap(source, clock)
    heard(source, lambda news: math.isfinite(news.since))
    leaving.work(30)
    leaving.beat("worker-offline")
    leaving.stop()
    heard(source, lambda news: news.left)
    found = sample(source, clock, after=30)
    assert found.arrival_rate == pytest.approx(1.0)
    assert found.current_workers == 1


def test_a_worker_that_vanished_is_waited_for_before_it_is_given_up(
    broker: Broker, source: MetricSource, hire: Callable[..., Worker], clock: Clock
) -> None:
    hire("a@h")
    killed = hire("b@h")
    gap(source, clock)
    heard(source, lambda news: math.isfinite(news.since))
    killed.work(10)
    clock.wait(10)
    killed.beat()
    heard(source, lambda news: news.beats)
    killed.stop()
    assert "not answered by b@h#1." in gap(source, clock, after=10)
    found = sample(source, clock, after=10)
    assert found.current_workers == 1
    assert found.arrival_rate == pytest.approx(10 / 30)


def test_events_of_tasks_say_the_service_time(
    broker: Broker, source: MetricSource, hire: Callable[..., Worker], clock: Clock
) -> None:
    worker = hire("a@h")
    gap(source, clock)
    heard(source, lambda news: math.isfinite(news.since))
    for number in range(40):
        worker.tell("task-received", uuid=str(number), name="send", timestamp=number)
        worker.tell("task-started", uuid=str(number), timestamp=number)
        kind = "task-failed" if number % 4 == 0 else "task-succeeded"
        worker.tell(kind, uuid=str(number), timestamp=number + (3.0 if number % 2 else 1.0), runtime=0.1)
    worker.tell("task-succeeded", uuid="of which the beginning was not heard", timestamp=10**9)
    worker.work(40)
    heard(source, lambda news: len(news.took) == 40)
    found = sample(source, clock, after=40)
    assert found.service_time == timedelta(seconds=2)
    assert found.service_time_p95 == timedelta(seconds=3)
    assert found.utilization == pytest.approx(40 * 2 / (2 * 40))


def test_heartbeats_say_the_service_time_where_there_are_no_events(
    source: MetricSource, hire: Callable[..., Worker], clock: Clock
) -> None:
    worker, active = hire("a@h", slots=4), [1]
    gap(source, clock)
    heard(source, lambda news: math.isfinite(news.since))
    worker.begin("t1")
    worker.beat()
    heard(source, lambda news: news.beats)
    sample(source, clock, after=1)
    for number in range(30):
        clock.wait(2)
        if number in {10, 20}:
            worker.begin(f"u{number}")
        worker.beat()
        active.append(len(worker.active))
        heard(source, lambda news: [beats.count for beats in news.beats.values()] == [len(active)])
    worker.work(120)
    found = sample(source, clock)
    held = sum(before + after for before, after in pairwise(active))  # two seconds × the mean of both
    assert found.service_time.total_seconds() == pytest.approx(held / 120, rel=0.02)


def test_a_connection_that_was_lost_is_a_gap_and_a_new_beginning(
    broker: Broker, source: MetricSource, hire: Callable[..., Worker], clock: Clock
) -> None:
    worker = hire("a@h")
    worker.work(500)
    gap(source, clock)
    heard(source, lambda news: math.isfinite(news.since))
    for client in broker.redis.client_list(_type="pubsub"):
        if client["psub"] == "1":
            broker.redis.client_kill_filter(_id=client["id"])
    heard(source, lambda news: news.breaks)
    worker.accepted.clear()  # as Celery does when it comes back
    worker.work(3)
    assert gap(source, clock, after=10).startswith("The connection to the broker was lost meanwhile")
    worker.work(20)
    assert sample(source, clock, after=10).arrival_rate == pytest.approx(2.0)


def test_a_worker_that_came_back_counts_anew(
    broker: Broker, source: MetricSource, hire: Callable[..., Worker], clock: Clock
) -> None:
    worker = hire("a@h")
    worker.work(50)
    gap(source, clock)
    heard(source, lambda news: math.isfinite(news.since))
    worker.beat()
    worker.accepted.clear()
    worker.beat("worker-online")
    heard(source, lambda news: news.breaks)
    worker.work(90)
    assert gap(source, clock, after=10).startswith("The connection to the broker was lost meanwhile")
    worker.work(20)
    assert sample(source, clock, after=10).arrival_rate == pytest.approx(2.0)


def test_too_many_messages_to_look_through_are_a_gap(
    broker: Broker, source: MetricSource, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capacity_planner.sources.celery_redis._MOST_UNACKED", 3)
    for number in range(4):
        broker.fetched(str(number))
    assert gap(source, clock).startswith("The broker holds 4 messages that are not acknowledged, too many")


def test_a_global_prefix_is_before_every_key_and_channel(
    server: Redis, hire: Callable[..., Worker], clock: Clock
) -> None:
    source = sources.make("celery_redis", {"url": server.url, "prefix": "app:"})
    broker = Broker(server, "app:")
    worker = hire("a@h", prefix="app:")
    Broker(server).push(9)
    broker.push(1)
    gap(source, clock)
    worker.work(20)
    found = sample(source, clock, after=10)
    assert found.arrival_rate == pytest.approx(2.0)
    assert (found.backlog, found.current_workers) == (1, 1)


def test_what_is_pickled_is_never_opened(
    broker: Broker, source: MetricSource, hire: Callable[..., Worker], clock: Clock
) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (pytest.fail, ("a pickle was opened",))

    text = pickle.dumps(Bomb(), protocol=0).decode()
    message = {"body": text, "content-type": "application/x-python-serialize", "headers": {}, "properties": {}}
    assert opened(message) == {}
    worker = hire("a@h")
    broker.push(1)
    gap(source, clock)
    heard(source, lambda news: math.isfinite(news.since))
    broker.redis.publish("/0.celeryev/worker.heartbeat", text)
    broker.redis.publish("/0.celeryev/worker.heartbeat", '["no", "event"]')
    worker.beat()
    heard(source, lambda news: news.beats)
    assert not isinstance(source.collect("emails", None, clock.now), Gap)
