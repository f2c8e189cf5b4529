from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.store._kept import HOUR, LEASE, MINUTE, QUEUE, SECOND, Clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.store.store import Store

NAMES = {f"queue {place}" for place in range(10)}


def test_a_replica_that_is_alone_holds_all_queues(store: Store) -> None:
    assert store.enroll("a", LEASE) == 1
    assert store.claim("a", NAMES, LEASE) == NAMES
    assert store.claim("a", NAMES, LEASE) == NAMES


def test_a_lease_is_held_until_it_runs_out(store: Store, clock: Clock) -> None:
    store.claim("a", {QUEUE}, LEASE)
    clock.at += LEASE - SECOND
    assert store.claim("b", {QUEUE}, LEASE) == set()
    assert store.claim("a", {QUEUE}, LEASE) == {QUEUE}
    clock.at += LEASE - SECOND
    assert store.claim("b", {QUEUE}, LEASE) == set()
    clock.at += SECOND
    assert store.claim("b", {QUEUE}, LEASE) == {QUEUE}
    assert store.claim("a", {QUEUE}, LEASE) == set()


def test_a_new_replica_gets_its_part_and_the_rest_stays(store: Store) -> None:
    store.enroll("a", LEASE)
    store.claim("a", NAMES, LEASE)
    assert store.enroll("b", LEASE) == 2
    assert store.claim("b", NAMES, LEASE) == set()
    kept = store.claim("a", NAMES, LEASE)
    taken = store.claim("b", NAMES, LEASE)
    assert len(kept) == len(taken) == 5
    assert kept | taken == NAMES
    assert store.claim("a", NAMES, LEASE) == kept
    assert store.claim("b", NAMES, LEASE) == taken


def test_of_a_replica_that_dies_the_others_take_over(store: Store, clock: Clock) -> None:
    for replica in ("a", "b", "c"):
        store.enroll(replica, LEASE)
    for _ in range(2):
        held = {replica: store.claim(replica, NAMES, LEASE) for replica in ("a", "b", "c")}
    assert sorted(len(part) for part in held.values()) == [2, 4, 4]
    for _ in range(3):
        clock.at += LEASE / 2
        alive = [store.enroll(replica, LEASE) for replica in ("a", "b")]
        held = {replica: store.claim(replica, NAMES, LEASE) for replica in ("a", "b")}
    assert alive == [2, 2]
    assert held["a"] | held["b"] == NAMES
    assert len(held["a"]) == len(held["b"]) == 5


def test_queues_that_are_no_longer_planned_for_are_given_back(store: Store) -> None:
    store.claim("a", NAMES, LEASE)
    assert store.claim("a", {"queue 1"}, LEASE) == {"queue 1"}
    assert store.claim("b", NAMES - {"queue 1"}, LEASE) == NAMES - {"queue 1"}
    assert store.claim("a", (), LEASE) == set()
    assert store.claim("b", {"queue 1"}, LEASE) == {"queue 1"}


def test_a_replica_that_withdraws_leaves_its_queues_to_the_others_at_once(store: Store) -> None:
    store.enroll("a", LEASE)
    store.enroll("b", LEASE)
    store.claim("a", NAMES, LEASE)
    store.withdraw("a")
    assert store.enroll("b", LEASE) == 1
    assert store.claim("b", NAMES, LEASE) == NAMES


def test_a_replica_that_was_late_keeps_what_nobody_took(store: Store, clock: Clock) -> None:
    store.claim("a", {QUEUE}, LEASE)
    clock.at += HOUR
    assert store.claim("a", {QUEUE}, LEASE) == {QUEUE}


def test_two_stores_see_each_others_leases(store: Store, another: Callable[[], Store]) -> None:
    assert store.claim("a", {QUEUE}, LEASE) == {QUEUE}
    assert another().claim("b", {QUEUE}, LEASE) == set()


def test_two_thousand_queues_are_shared_by_replicas_that_know_them_in_another_order(store: Store) -> None:
    names = [f"queue {place}" for place in range(2000)]
    store.enroll("a", LEASE)
    store.enroll("b", LEASE)
    first = store.claim("a", names, LEASE)
    second = store.claim("b", names[::-1], LEASE)
    assert len(first) == len(second) == 1000
    assert not first & second


def test_a_turn_is_taken_once_in_its_time(store: Store, clock: Clock) -> None:
    hour = timedelta(hours=1)
    assert store.take_turn("judge", "a", hour)
    assert not store.take_turn("judge", "b", hour)
    assert store.take_turn("thin", "b", hour)
    clock.at += hour - MINUTE
    assert not store.take_turn("judge", "a", hour)
    clock.at += MINUTE
    assert store.take_turn("judge", "b", hour)
    assert not store.take_turn("judge", "a", hour)


def test_a_turn_does_not_wait_for_a_clock_that_was_set_back(store: Store, clock: Clock) -> None:
    assert store.take_turn("judge", "a", MINUTE)
    clock.at -= HOUR
    assert store.take_turn("judge", "b", MINUTE)
    assert not store.take_turn("judge", "a", MINUTE)
