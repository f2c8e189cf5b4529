"""Replicas that do the same at the same time, as threads with a store of their own each."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, TypeVar

import pytest

from capacity_planner.domain.queues import ServiceConfig
from capacity_planner.domain.scaling import Decision, OrderStatus
from capacity_planner.errors import ConflictError
from capacity_planner.store import _orders, _queues
from capacity_planner.store.attempt import Attempt
from tests.store._kept import DAY, HOUR, LEASE, MINUTE, NOON, QUEUE, Clock, order, record, sample, scaling

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from capacity_planner.store.store import Store

pytestmark = pytest.mark.slow

T = TypeVar("T")
REPLICAS = ("a", "b", "c", "d")


@pytest.fixture
def at_once(another: Callable[[], Store]) -> Callable[[Callable[[Store, str], T]], list[T]]:
    """Has four replicas do something at the same time."""
    stores = [another() for _ in REPLICAS]
    barrier = Barrier(len(REPLICAS))

    def run(work: Callable[[Store, str], T]) -> list[T]:
        def begin(store: Store, replica: str) -> T:
            barrier.wait()
            return work(store, replica)

        with ThreadPoolExecutor(len(REPLICAS)) as pool:
            return list(pool.map(begin, stores, REPLICAS))

    return run


def test_no_queue_is_claimed_by_two(store: Store, at_once: Callable[..., list[set[str]]], clock: Clock) -> None:
    names = {f"queue {place}" for place in range(60)}
    for replica in REPLICAS:
        store.enroll(replica, 2 * HOUR)
    for _ in range(5):
        held = at_once(lambda own, replica: own.claim(replica, names, LEASE))
        assert sum(map(len, held)) == len(set().union(*held)) <= len(names)
        assert max(map(len, held)) <= 15
    assert set().union(*held) == names
    clock.at += LEASE
    held = at_once(lambda own, replica: own.claim(replica, names, LEASE))
    assert sum(map(len, held)) == len(set().union(*held))


def test_an_interval_is_concluded_once(store: Store, at_once: Callable[..., list[bool]]) -> None:
    store.claim("a", {QUEUE}, LEASE)
    for place in range(10):

        def conclude(own: Store, replica: str, place: int = place) -> bool:
            plan_id = f"plan {place} of {replica}"
            return own.conclude(
                QUEUE,
                slot=NOON + place * MINUTE,
                interval=MINUTE,
                replica="a",
                record=record(plan_id, decision=Decision.APPLIED),
                orders=[order(plan_id)],
                supersede="all",
                gap="",
            )

        assert sorted(at_once(conclude)) == [False, False, False, True]
    assert len(store.plans()) == 10
    assert len(store.open_orders(QUEUE)) == 1


def test_a_plan_is_applied_once(store: Store, at_once: Callable[..., list[str]]) -> None:
    store.add_plan(record("p"))

    def apply(own: Store, replica: str) -> str:
        try:
            return own.apply("p", by=replica, orders=[order("p")], scaling=scaling(by=replica)).applied_by
        except ConflictError:
            return ""

    by = max(at_once(apply))
    applied = store.plan("p")
    assert applied
    assert applied.applied_by == by
    assert store.scalings(QUEUE, since=NOON) == [scaling(by=by)]


def test_plans_applied_at_once_do_not_leave_the_orders_of_two(store: Store, at_once: Callable[..., list[str]]) -> None:
    for place in range(5):
        for replica in REPLICAS:
            store.add_plan(record(f"{place}{replica}"))
        at_once(
            lambda own, replica, place=place: (
                own.apply(
                    f"{place}{replica}",
                    by=replica,
                    orders=[order(f"{place}{replica}", step) for step in (1, 2)],
                    scaling=None,
                ).applied_by
            )
        )
        assert len({item.plan_id for item in store.open_orders(QUEUE)}) == 1


def test_an_order_that_is_begun_by_two_threads_is_done_once(store: Store, at_once: Callable[..., list[bool]]) -> None:
    store.add_plan(record("p"))
    store.apply("p", by="ada", orders=[order("p")], scaling=None)
    store.claim("a", {QUEUE}, LEASE)

    def carry_out(own: Store, replica: str) -> bool:
        begun = own.begin("p/1", replica="a", at=NOON)
        told = scaling(order_id="p/1", by=replica)
        return begun is not None and own.done(begun, replica="a", at=NOON, attempt=Attempt(observed=15, scaling=told))

    assert sum(at_once(carry_out)) == 1
    assert len(store.scalings(QUEUE, since=NOON)) == 1
    assert store.orders("p")[0].status is OrderStatus.DONE


def test_of_all_who_replace_one_version_one_does(store: Store, at_once: Callable[..., list[bool]]) -> None:
    def put(own: Store, replica: str, expected: int) -> bool:
        try:
            own.put_config(ServiceConfig(), expected=expected, by=replica)
        except ConflictError:
            return False
        return True

    for version in range(8):
        assert sum(at_once(lambda own, replica, version=version: put(own, replica, version))) == 1
    assert [item.version for item in store.config_versions()] == list(range(8, 0, -1))


def test_all_versions_that_are_set_regardless_are_kept(store: Store, at_once: Callable[..., list[int]]) -> None:
    versions = [
        at_once(lambda own, by: own.put_config(ServiceConfig(), expected=None, by=by).version) for _ in range(5)
    ]
    assert sorted(version for part in versions for version in part) == list(range(1, 21))
    assert len(store.config_versions()) == 20


def test_a_turn_is_taken_by_one(at_once: Callable[..., list[bool]]) -> None:
    for task in "judge", "thin", "rest":
        assert sum(at_once(lambda own, replica, task=task: own.take_turn(task, replica, MINUTE))) == 1


def test_replicas_that_store_the_same_samples_in_another_order_all_succeed(
    store: Store, at_once: Callable[..., list[None]]
) -> None:
    batch = [sample(minute, queue=f"queue {minute % 7}") for minute in range(200)]

    def add(own: Store, replica: str) -> None:
        own.add_samples(batch if replica in "ac" else batch[::-1])

    for _ in range(5):
        at_once(add)
    assert sum(len(store.samples(name, since=NOON)) for name in store.queue_names()) == 200


def test_a_reader_misses_nothing_that_others_store_meanwhile(store: Store, at_once: Callable[..., list[int]]) -> None:
    def work(own: Store, replica: str) -> int:
        if replica != "a":
            for minute in range(80):
                own.add_samples([sample(minute + "bcd".index(replica) / 10)])
            return 0
        read: set[datetime] = set()
        cursor = None
        while len(read) < 240:
            news, cursor = own.changed_samples(QUEUE, cursor, NOON)
            read |= {item.timestamp for item in news}
        return len(read)

    assert max(at_once(work)) == 240


def test_claims_resets_and_conclusions_do_not_deadlock(store: Store, at_once: Callable[..., list[None]]) -> None:
    names = {f"queue {place}" for place in range(30)}

    def work(own: Store, replica: str) -> None:
        for place in range(10):
            own.enroll(replica, HOUR)
            for name in sorted(own.claim(replica, names, LEASE))[:5]:
                own.conclude(
                    name,
                    slot=NOON + place * MINUTE,
                    interval=MINUTE,
                    replica=replica,
                    record=None,
                    orders=(),
                    supersede="all",
                    gap="",
                )
            own.reset(None if place % 3 == 0 else "queue 7")
        own.withdraw(replica)

    at_once(work)
    assert store.enroll("e", HOUR) == 1
    assert store.claim("e", names, LEASE) == names


def test_no_sample_that_comes_late_is_lost_while_bins_are_made(
    store: Store, at_once: Callable[..., list[int]], clock: Clock
) -> None:
    store.add_samples([sample(100_000)])
    clock.at += 100 * DAY

    def work(own: Store, replica: str) -> int:
        if replica == "a":
            return sum(own.maintain(keep_samples=DAY, keep_bins=400 * DAY, keep_plans=DAY)["binned"] for _ in range(60))
        for place in range("bcd".index(replica), 300, 3):
            own.add_samples([sample(5 * (place * 37 % 300))])
        return 0

    assert max(at_once(work)) > 0
    found = store.samples(QUEUE, since=NOON)
    assert [item.timestamp for item in found[:-1]] == [NOON + 5 * place * MINUTE for place in range(300)]


def test_orders_that_are_about_to_be_given_are_taken_back_too(store: Store, another: Callable[[], Store]) -> None:
    store.add_samples([sample(0)])
    other = another()
    with ThreadPoolExecutor(1) as pool:
        with other._db.write() as connection:  # noqa: SLF001 - what `conclude` does, with a pause in it
            _queues.locked(connection, QUEUE)
            _orders.insert(other._db, connection, [order("p")])  # noqa: SLF001 - as above
            taken_back = pool.submit(store.supersede, [QUEUE], "The queue's mode was changed.")
            time.sleep(0.3)
        taken_back.result(10)
    assert [item.status for item in store.orders("p")] == [OrderStatus.SUPERSEDED]
