from __future__ import annotations

from typing import TYPE_CHECKING

from capacity_planner.domain.scaling import OrderStatus
from capacity_planner.store.attempt import Attempt
from tests.store._kept import HOUR, LEASE, MINUTE, NOON, QUEUE, order, record, sample, scaling

if TYPE_CHECKING:
    from capacity_planner.store.store import Store


def fill(store: Store, queue: str) -> None:
    store.add_samples([sample(0, queue=queue)])
    store.claim("a", {QUEUE, "images"}, LEASE)
    store.conclude(
        queue,
        slot=NOON,
        interval=MINUTE,
        replica="a",
        record=record(f"plan of {queue}", queue=queue),
        orders=[order(f"plan of {queue}", place, queue=queue) for place in (1, 2)],
        supersede="all",
        gap="",
    )


def test_a_queue_begins_anew_and_the_others_do_not(store: Store) -> None:
    fill(store, QUEUE)
    fill(store, "images")
    store.reset(QUEUE)
    assert store.samples(QUEUE, since=NOON) == []
    assert store.newest_sample(QUEUE) is None
    assert store.open_orders(QUEUE) == []
    assert [item.status for item in store.orders(f"plan of {QUEUE}")] == [OrderStatus.SUPERSEDED] * 2
    assert store.statuses(QUEUE)[0].planned_slot is None
    assert store.plan(f"plan of {QUEUE}") is not None
    assert [plan.queue_name for plan in store.plans_to_judge(NOON + 2 * HOUR, 10)] == ["images"]
    assert store.samples("images", since=NOON) == [sample(0, queue="images")]
    assert len(store.open_orders("images")) == 2
    assert store.statuses("images")[0].planned_slot == NOON


def test_all_queues_begin_anew(store: Store) -> None:
    fill(store, QUEUE)
    fill(store, "images")
    store.reset(None)
    for queue in (QUEUE, "images"):
        assert store.samples(queue, since=NOON) == []
        assert store.open_orders(queue) == []


def test_what_is_stored_after_a_reset_is_read_however_old_it_is(store: Store) -> None:
    store.add_samples([sample(0), sample(1)])
    store.reset(QUEUE)
    store.add_samples([sample(1, backlog=5), sample(-60)])
    assert store.samples(QUEUE, since=NOON - HOUR) == [sample(-60), sample(1, backlog=5)]


def test_an_interval_may_be_planned_for_again(store: Store) -> None:
    fill(store, QUEUE)
    store.reset(QUEUE)
    assert store.conclude(
        QUEUE, slot=NOON, interval=MINUTE, replica="a", record=None, orders=(), supersede="all", gap=""
    )


def test_an_order_that_ran_during_a_reset_is_done_all_the_same(store: Store) -> None:
    fill(store, QUEUE)
    running = store.begin(f"plan of {QUEUE}/1", replica="a", at=NOON)
    assert running
    store.reset(QUEUE)
    assert not store.retry(running, replica="a", retry_at=NOON, attempt=Attempt())
    told = scaling(order_id=running.id)
    assert store.done(running, replica="a", at=NOON, attempt=Attempt(observed=15, scaling=told))
    assert store.scalings(QUEUE, since=NOON) == [told]
    never_begun = store.orders(f"plan of {QUEUE}")[1]
    assert not store.done(
        never_begun, replica="a", at=NOON, attempt=Attempt(observed=15, scaling=scaling(order_id=never_begun.id))
    )


def test_nothing_is_to_reset_of_a_queue_that_is_not_there(store: Store) -> None:
    store.reset("nobody")
    assert store.queue_names() == []
