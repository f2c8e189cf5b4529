from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from capacity_planner.domain.scaling import OrderStatus
from capacity_planner.store._values import EPOCH
from capacity_planner.store.attempt import Attempt
from tests.store._kept import DAY, LEASE, MINUTE, NOON, QUEUE, Clock, order, outcome, record, sample, scaling

if TYPE_CHECKING:
    from datetime import timedelta

    from capacity_planner.store.store import Store

NOTHING = dict.fromkeys(
    ("binned", "samples", "bins", "outcomes", "scalings", "plans", "orders", "configs", "queues"), 0
)


def maintain(
    store: Store, *, samples: timedelta = DAY, bins: timedelta = 400 * DAY, plans: timedelta = 90 * DAY
) -> dict[str, int]:
    return store.maintain(keep_samples=samples, keep_bins=bins, keep_plans=plans)


def test_young_samples_stay_as_they_came(store: Store) -> None:
    store.add_samples([sample(minute) for minute in range(20)])
    assert maintain(store) == NOTHING
    assert len(store.samples(QUEUE, since=NOON)) == 20


def test_old_samples_become_one_for_each_bin_at_its_end(store: Store, clock: Clock) -> None:
    store.add_samples([sample(minute, arrival_rate=float(minute), backlog=minute) for minute in range(1, 61)])
    clock.at += DAY + 22 * MINUTE
    assert maintain(store) == {**NOTHING, "binned": 20}
    found = store.samples(QUEUE, since=NOON)
    assert [item.timestamp for item in found[:5]] == [NOON + minute * MINUTE for minute in (5, 10, 15, 20, 21)]
    assert [item.arrival_rate for item in found[:4]] == [3.0, 8.0, 13.0, 18.0]
    assert [item.backlog for item in found[:4]] == [3, 8, 13, 18]
    assert found[4] == sample(21, arrival_rate=21.0, backlog=21)
    assert len(found) == 44


def test_what_was_done_is_not_done_again(store: Store, clock: Clock) -> None:
    store.add_samples([sample(minute) for minute in range(1, 61)])
    clock.at += 2 * DAY
    assert maintain(store)["binned"] == 55
    before = store.samples(QUEUE, since=NOON)
    assert maintain(store) == NOTHING
    assert store.samples(QUEUE, since=NOON) == before


def test_the_newest_samples_of_a_queue_stay_however_old_they_are(store: Store, clock: Clock) -> None:
    store.add_samples([sample(minute) for minute in range(1, 9)])
    clock.at += 30 * DAY
    assert maintain(store)["binned"] == 5
    assert store.newest_sample(QUEUE) == sample(8)
    assert store.statuses(QUEUE)[0].newest_sample == sample(8)


def test_a_sample_that_comes_too_late_takes_part_in_the_mean_of_its_bin(store: Store, clock: Clock) -> None:
    store.add_samples([sample(minute, arrival_rate=1.0) for minute in range(1, 20)])
    clock.at += 2 * DAY
    maintain(store)
    store.add_samples([sample(2.5, arrival_rate=7.0), sample(10, arrival_rate=7.0)])
    assert store.samples(QUEUE, since=NOON, until=NOON + 4 * MINUTE) == [sample(2.5, arrival_rate=7.0)]
    assert store.samples(QUEUE, since=NOON, until=NOON + 10 * MINUTE)[-1] == sample(10, arrival_rate=1.0)
    assert maintain(store)["binned"] == 2
    first, second = store.samples(QUEUE, since=NOON, until=NOON + 10 * MINUTE)
    assert first.arrival_rate == (2.5 * 7.0 + 5 * 1.0) / 7.5
    assert second.arrival_rate == (5 * 7.0 + 5 * 1.0) / 10


def test_more_samples_than_are_handled_at_once_are_all_handled(store: Store, clock: Clock) -> None:
    every_second = [sample(second / 60, arrival_rate=2.0, queue="brisk") for second in range(1, 7 * 3600, 4)]
    every_50_ms = [sample(part / 1200, arrival_rate=3.0) for part in range(1, 12_000)]
    store.add_samples([*every_second, *every_50_ms])
    clock.at += 2 * DAY
    maintain(store)
    brisk, busy = (store.samples(queue, since=NOON, until=NOON + DAY) for queue in ("brisk", QUEUE))
    assert {item.arrival_rate for item in brisk} == {2.0}
    assert {item.arrival_rate for item in busy} == {3.0}
    assert [item.timestamp for item in brisk[:83]] == [NOON + 5 * place * MINUTE for place in range(1, 84)]
    assert busy[0].timestamp == NOON + 5 * MINUTE


def test_bins_and_samples_that_are_too_old_even_for_bins_go(store: Store, clock: Clock) -> None:
    store.add_samples([sample(minute) for minute in range(1, 61)])
    clock.at += 2 * DAY
    assert maintain(store, bins=2 * DAY - 30 * MINUTE) == {**NOTHING, "binned": 55, "bins": 6}
    assert store.samples(QUEUE, since=NOON)[0].timestamp == NOON + 35 * MINUTE
    clock.at += DAY
    assert maintain(store, bins=DAY) == {**NOTHING, "samples": 5, "bins": 5, "queues": 1}
    assert store.queue_names() == []


def test_what_a_reset_hid_goes_with_the_samples_of_its_age(store: Store, clock: Clock) -> None:
    store.add_samples([sample(minute) for minute in range(1, 61)])
    store.reset(QUEUE)
    store.add_samples([sample(minute) for minute in range(1, 21)])
    clock.at += DAY + 30 * MINUTE
    assert maintain(store) == {**NOTHING, "binned": 15, "samples": 30}
    clock.at += DAY
    assert maintain(store) == {**NOTHING, "samples": 30}
    assert len(store.samples(QUEUE, since=NOON)) == 8


def test_old_plans_go_with_their_orders_outcomes_and_scalings(store: Store, clock: Clock) -> None:
    for day in range(4):
        plan_id = f"p{day}"
        store.add_plan(record(plan_id, minutes=day * 1440))
        store.add_outcomes([outcome(plan_id, day * 1440)])
        store.add_scaling(scaling(day * 1440))
    store.claim("a", {QUEUE}, LEASE)
    store.apply("p0", by="ada", orders=[order("p0")], scaling=None)
    store.give_up(order("p0"), replica="a", at=NOON, attempt=Attempt(note="Too late."))
    store.apply("p1", by="ada", orders=[order("p1")], scaling=None)
    clock.at += 12 * DAY
    assert maintain(store, plans=10 * DAY) == {**NOTHING, "plans": 2, "orders": 1, "outcomes": 3, "scalings": 3}
    assert [item.response.plan.id for item in store.plans()] == ["p3", "p1"]
    assert [item.status for item in store.orders("p1")] == [OrderStatus.PENDING]
    assert store.orders("p0") == []
    assert store.outcomes(QUEUE) == [outcome("p3", 3 * 1440)]
    assert store.scalings(QUEUE, since=NOON) == [scaling(3 * 1440)]


def test_many_old_plans_go_in_several_transactions(store: Store, clock: Clock) -> None:
    store.add_outcomes([outcome(f"p{place}", place / 60) for place in range(1200)])
    clock.at += 100 * DAY
    assert maintain(store)["outcomes"] == 1200
    assert store.outcomes(QUEUE) == []


def test_samples_of_the_first_instant_go_like_all_others(store: Store, clock: Clock) -> None:
    store.add_samples([replace(sample(0), timestamp=EPOCH + minute * MINUTE) for minute in range(8)])
    assert maintain(store, bins=DAY)["binned"] == 6
    assert store.samples(QUEUE, since=EPOCH) == []


def test_a_reader_that_begins_anew_gets_the_means_too(store: Store, clock: Clock) -> None:
    _, before = store.changed_samples(QUEUE, None, NOON)
    store.reset(QUEUE)
    store.add_samples([sample(minute) for minute in range(1, 9)])
    _, cursor = store.changed_samples(QUEUE, None, NOON)
    store.reset(QUEUE)
    store.add_samples([sample(minute) for minute in range(1, 9)])
    clock.at += 2 * DAY
    maintain(store)
    whole = store.samples(QUEUE, since=NOON)
    assert len(whole) == 4
    for place in (None, before, cursor):
        assert store.changed_samples(QUEUE, place, NOON)[0] == whole
