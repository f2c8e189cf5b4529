from __future__ import annotations

from typing import TYPE_CHECKING

from capacity_planner.domain.queues import QueueSettings, ServiceConfig
from capacity_planner.domain.scaling import QueueStatus
from tests.store._kept import LEASE, MINUTE, NOON, QUEUE, Clock, record, sample

if TYPE_CHECKING:
    from capacity_planner.store.store import Store


def configure(store: Store, *names: str) -> None:
    queues = tuple(QueueSettings(queue_name=name) for name in names)
    store.put_config(ServiceConfig(queues=queues), expected=None, by="ada")


def test_queues_are_known_by_samples_plans_or_configuration(store: Store) -> None:
    assert store.queue_names() == []
    store.add_samples([sample(queue="sampled")])
    store.add_plan(record("p", queue="planned"))
    configure(store, "set", "sampled")
    store.claim("a", {"set", "leased alone"}, LEASE)
    assert store.queue_names() == ["planned", "sampled", "set"]
    configure(store)
    assert store.queue_names() == ["planned", "sampled"]


def test_a_status_has_the_newest_sample_and_the_lease(store: Store, clock: Clock) -> None:
    store.add_samples([sample(-7), sample(0), sample(-3)])
    store.claim("a", {QUEUE}, LEASE)
    held = QueueStatus(queue_name=QUEUE, owner="a", owned_until=NOON + LEASE, newest_sample=sample(0))
    assert store.statuses(QUEUE) == [held]
    clock.at += LEASE
    assert store.statuses(QUEUE) == [QueueStatus(queue_name=QUEUE, newest_sample=sample(0))]


def test_a_sample_from_the_future_is_not_the_newest_before_its_time(store: Store, clock: Clock) -> None:
    store.add_samples([sample(7, queue="ahead")])
    store.add_samples([sample(-1), sample(7)])
    assert [status.newest_sample for status in store.statuses()] == [None, sample(-1)]
    clock.at += 7 * MINUTE
    assert [status.newest_sample for status in store.statuses()] == [sample(7, queue="ahead"), sample(7)]


def test_all_statuses_come_by_name_also_of_queues_that_nothing_was_heard_of(store: Store) -> None:
    store.add_samples([sample(queue="b"), sample(queue="d")])
    configure(store, "c", "a", "b")
    found = store.statuses()
    assert [status.queue_name for status in found] == ["a", "b", "c", "d"]
    assert found[0] == QueueStatus(queue_name="a")
    assert store.statuses("a") == [QueueStatus(queue_name="a")]
    assert store.statuses("nobody") == []
