from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, update

from capacity_planner.domain.scaling import Order, OrderStatus
from capacity_planner.store._tables import orders
from capacity_planner.store.attempt import Attempt
from tests.store._kept import HOUR, LEASE, MINUTE, NOON, QUEUE, Clock, order, record, scaling

if TYPE_CHECKING:
    from capacity_planner.store.store import Store


@pytest.fixture
def busy(store: Store) -> Store:
    """A store with a plan of three steps, and the lease with replica a."""
    store.add_plan(record("p"))
    store.apply("p", by="ada", orders=[order("p", 1), order("p", 2, due=5), order("p", 3, due=9)], scaling=None)
    store.claim("a", {QUEUE}, HOUR)
    return store


def begun(store: Store, order_id: str = "p/1") -> Order:
    found = store.begin(order_id, replica="a", at=NOON)
    assert found
    return found


def test_orders_are_due_at_their_time(busy: Store) -> None:
    assert busy.due_orders({QUEUE}, NOON - MINUTE) == []
    assert busy.due_orders([QUEUE], NOON) == [order("p", 1)]
    assert [item.id for item in busy.due_orders({QUEUE, "images"}, NOON + 6 * MINUTE)] == ["p/1", "p/2"]
    assert busy.due_orders({"images"}, NOON + HOUR) == []


def test_orders_come_by_queue_and_in_the_order_in_which_they_are_due(busy: Store) -> None:
    busy.add_plan(record("z", queue="a first queue"))
    late, early = order("z", 1, due=2, queue="a first queue"), order("z", 2, due=1, queue="a first queue")
    busy.apply("z", by="ada", orders=[late, early], scaling=None)
    found = busy.due_orders({QUEUE, "a first queue"}, NOON + 6 * MINUTE)
    assert [item.id for item in found] == ["z/2", "z/1", "p/1", "p/2"]


def test_however_many_queues_are_asked_for_nothing_of_others_is_read(busy: Store, url: str) -> None:
    busy.add_plan(record("z", queue="others"))
    busy.apply("z", by="ada", orders=[order("z", 1, queue="others")], scaling=None)
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:  # an order whose time is none: whoever reads it fails
        unreadable = update(orders).where(orders.c.plan_id == "z").values(status="running", due=2**62)
        connection.execute(unreadable)
    engine.dispose()
    mine = [QUEUE, *(f"queue {place}" for place in range(1_200))]
    assert [item.id for item in busy.due_orders(mine, NOON)] == ["p/1"]
    with pytest.raises(OverflowError):
        busy.due_orders([*mine, "others"], NOON)


def test_an_order_that_runs_counts_as_due_for_a_replica_left_it(busy: Store) -> None:
    running = begun(busy, "p/2")
    assert busy.due_orders({QUEUE}, NOON - HOUR) == [running]


def test_beginning_counts_the_attempts(busy: Store) -> None:
    assert begun(busy) == order("p", 1, status=OrderStatus.RUNNING, attempts=1)
    assert begun(busy).attempts == 2


def test_done_is_done_with_what_was_scaled(busy: Store) -> None:
    told = scaling(1, plan_id="p", order_id="p/1", scaler="dry_run")
    assert busy.done(begun(busy), replica="a", at=NOON + MINUTE, attempt=Attempt(observed=14, scaling=told))
    settled = replace(order("p", 1), status=OrderStatus.DONE, attempts=1, observed_workers=14, settled_at=NOON + MINUTE)
    assert busy.orders("p")[0] == settled
    assert busy.scalings(QUEUE, since=NOON) == [told]
    assert busy.begin("p/1", replica="a", at=NOON) is None
    assert not busy.done(settled, replica="a", at=NOON + MINUTE, attempt=Attempt(observed=14, scaling=told))
    assert busy.scalings(QUEUE, since=NOON) == [told]


def test_an_order_that_failed_waits_for_its_next_attempt(busy: Store) -> None:
    later = NOON + 3 * MINUTE
    assert busy.retry(begun(busy), replica="a", retry_at=later, attempt=Attempt(note="The cluster does not answer."))
    waiting = order("p", 1, attempts=1, retry_at=later, note="The cluster does not answer.")
    assert busy.orders("p")[0] == waiting
    assert busy.due_orders({QUEUE}, later - MINUTE) == []
    assert busy.due_orders({QUEUE}, later) == [waiting]
    assert begun(busy).retry_at is None


def test_an_order_that_is_not_running_is_not_given_back(busy: Store) -> None:
    assert not busy.retry(order("p", 1), replica="a", retry_at=NOON, attempt=Attempt())
    assert busy.orders("p")[0] == order("p", 1)


def test_giving_up_settles_and_takes_the_later_steps_with_it(busy: Store) -> None:
    assert busy.give_up(begun(busy, "p/2"), replica="a", at=NOON, attempt=Attempt(note="Too late."))
    first, failed, later = busy.orders("p")
    assert first == order("p", 1)
    assert (failed.status, failed.note, failed.settled_at) == (OrderStatus.FAILED, "Too late.", NOON)
    assert later.status is OrderStatus.SUPERSEDED
    assert not busy.give_up(failed, replica="a", at=NOON, attempt=Attempt(note="Again."))


def test_a_pending_order_may_be_given_up(busy: Store) -> None:
    assert busy.give_up(order("p", 1), replica="a", at=NOON, attempt=Attempt(note="It has expired."))
    assert busy.orders("p")[0].status is OrderStatus.FAILED


@pytest.mark.parametrize("lost", ["never held", "run out", "taken over"])
def test_nothing_is_changed_without_the_lease(busy: Store, clock: Clock, lost: str) -> None:
    running, told = begun(busy), scaling(order_id="p/1")
    if lost != "never held":
        clock.at += HOUR
    if lost == "taken over":
        assert busy.claim("b", {QUEUE}, LEASE) == {QUEUE}
    replica = "b" if lost == "never held" else "a"
    assert busy.begin("p/2", replica=replica, at=NOON) is None
    assert not busy.done(running, replica=replica, at=NOON, attempt=Attempt(scaling=told))
    assert not busy.retry(running, replica=replica, retry_at=NOON, attempt=Attempt())
    assert not busy.give_up(running, replica=replica, at=NOON, attempt=Attempt())
    assert busy.orders("p") == [running, order("p", 2, due=5), order("p", 3, due=9)]
    assert busy.scalings(QUEUE, since=NOON) == []


def test_another_replica_goes_on_with_what_one_left_running(busy: Store, clock: Clock) -> None:
    begun(busy)
    clock.at += HOUR
    busy.claim("b", {QUEUE}, LEASE)
    left = busy.due_orders({QUEUE}, NOON)[0]
    again = busy.begin(left.id, replica="b", at=clock.at)
    assert again
    assert again.attempts == 2
    assert busy.done(again, replica="b", at=clock.at, attempt=Attempt(scaling=scaling(60, order_id=left.id)))


def test_an_order_that_ran_when_a_newer_plan_came_is_not_tried_again(busy: Store, clock: Clock) -> None:
    one, two = begun(busy, "p/1"), begun(busy, "p/2")
    busy.add_plan(record("q"))
    busy.apply("q", by="ada", orders=[order("q", 1, due=20)], scaling=None)
    assert not busy.retry(one, replica="a", retry_at=NOON, attempt=Attempt(note="The cluster does not answer."))
    assert busy.begin(two.id, replica="a", at=NOON + MINUTE) is None
    first, second, third = busy.orders("p")
    assert {first.status, second.status, third.status} == {OrderStatus.SUPERSEDED}
    assert (first.note, second.settled_at) == ("The cluster does not answer.", NOON + MINUTE)
    assert busy.open_orders(QUEUE) == [order("q", 1, due=20)]


def test_an_order_that_ran_when_a_newer_plan_came_may_still_come_to_its_end(busy: Store) -> None:
    running = begun(busy)
    busy.add_plan(record("q"))
    busy.apply("q", by="ada", orders=(), scaling=None)
    assert busy.done(running, replica="a", at=NOON, attempt=Attempt(observed=15, scaling=scaling(order_id="p/1")))
    assert busy.orders("p")[0].status is OrderStatus.DONE


def test_the_orders_of_whole_queues_can_be_taken_back_by_anyone(busy: Store, clock: Clock) -> None:
    begun(busy)
    clock.at += MINUTE
    busy.supersede({QUEUE, "images"}, "The queue's mode was changed.")
    running, *others = busy.orders("p")
    assert running.status is OrderStatus.RUNNING
    assert [(item.status, item.note, item.settled_at) for item in others] == [
        (OrderStatus.SUPERSEDED, "The queue's mode was changed.", NOON + MINUTE)
    ] * 2
    assert not busy.retry(running, replica="a", retry_at=NOON, attempt=Attempt())


def test_an_order_that_is_not_there_is_not_begun(store: Store) -> None:
    assert store.begin("p/1", replica="a", at=NOON) is None
