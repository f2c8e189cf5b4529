from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from capacity_planner.domain.scaling import Decision, Order, OrderStatus, PlanRecord, Reason
from capacity_planner.errors import ConflictError, NotFoundError
from capacity_planner.store.attempt import Attempt
from tests.store._kept import LEASE, MINUTE, NOON, QUEUE, Clock, order, record, scaling

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from capacity_planner.store._orders import Supersede
    from capacity_planner.store.store import Store

FIVE = 5 * MINUTE


def conclude(
    store: Store,
    given: PlanRecord | None,
    *orders: Order,
    slot: datetime = NOON,
    replica: str = "a",
    supersede: Supersede = "all",
    gap: str = "",
) -> bool:
    return store.conclude(
        QUEUE,
        slot=slot,
        interval=FIVE,
        replica=replica,
        record=given,
        orders=orders,
        supersede=supersede,
        gap=gap,
    )


def statuses_of(orders: Sequence[Order]) -> list[OrderStatus]:
    return [item.status for item in orders]


@pytest.fixture
def leased(store: Store) -> Store:
    store.claim("a", {QUEUE}, LEASE)
    return store


def test_a_plan_comes_back_as_it_was(store: Store) -> None:
    given = record("p", reason=Reason.LOW_CONFIDENCE, explanation="It is\nunsure.", made_by="ada")
    store.add_plan(given)
    assert store.plan("p") == given
    assert store.plan("q") is None


def test_the_first_record_of_a_plan_stays(store: Store) -> None:
    store.add_plan(record("p", made_by="ada"))
    store.add_plan(record("p", minutes=1, made_by="bob"))
    assert store.plan("p") == record("p", made_by="ada")


def test_plans_are_listed_newest_first_by_queue_and_in_pages(store: Store) -> None:
    for minute in range(4):
        store.add_plan(record(f"p{minute}", minutes=minute, queue="images" if minute == 2 else QUEUE))
    assert [item.response.plan.id for item in store.plans()] == ["p3", "p2", "p1", "p0"]
    page = store.plans(QUEUE, limit=2)
    assert [item.response.plan.id for item in page] == ["p3", "p1"]
    rest = store.plans(QUEUE, before=page[-1].recorded_at, limit=2)
    assert [item.response.plan.id for item in rest] == ["p0"]
    assert store.plans("nobody") == []


@pytest.mark.parametrize("queue", [None, QUEUE])
def test_plans_of_the_same_moment_are_all_on_some_page(store: Store, queue: str | None) -> None:
    made = [record(f"p{number}", minutes=number // 5) for number in range(12)]
    for item in made:
        store.add_plan(item)
    listed: list[PlanRecord] = []
    while page := (
        store.plans(queue, before=listed[-1].recorded_at, before_id=listed[-1].response.plan.id, limit=2)
        if listed
        else store.plans(queue, limit=2)
    ):
        listed += page
    assert listed == sorted(made, key=lambda item: (item.recorded_at, item.response.plan.id), reverse=True)
    earlier = store.plans(queue, before=made[5].recorded_at)
    assert {item.recorded_at for item in earlier} == {made[0].recorded_at}


def test_an_interval_is_concluded_once_by_the_replica_that_holds_the_lease(leased: Store) -> None:
    given = record("p", decision=Decision.APPLIED)
    assert not conclude(leased, given, order("p"), replica="b")
    assert conclude(leased, given, order("p"))
    assert not conclude(leased, record("q"))
    assert leased.plans() == [given]
    assert leased.orders("p") == [order("p")]
    status = leased.statuses(QUEUE)[0]
    assert (status.planned_slot, status.last_plan_id) == (NOON, "p")
    assert (status.last_decision, status.last_reason) == (Decision.APPLIED, Reason.NONE)


def test_nothing_is_concluded_when_the_lease_has_run_out(leased: Store, clock: Clock) -> None:
    clock.at += LEASE
    assert not conclude(leased, record("p"), order("p"))
    assert leased.plans() == []
    assert leased.orders("p") == []
    assert not leased.conclude(
        "nobody", slot=NOON, interval=FIVE, replica="a", record=None, orders=(), supersede="all", gap=""
    )


def test_an_interval_may_be_concluded_anew_after_the_clock_was_set_back(leased: Store) -> None:
    assert conclude(leased, None, slot=NOON)
    assert not conclude(leased, None, slot=NOON - FIVE)
    assert conclude(leased, None, slot=NOON - FIVE - MINUTE)
    assert leased.statuses(QUEUE)[0].planned_slot == NOON - FIVE - MINUTE


def test_a_gap_is_written_down_and_closed(leased: Store) -> None:
    conclude(leased, record("p", reason=Reason.MANUAL_MODE))
    conclude(leased, None, slot=NOON + FIVE, gap="Redis does not answer.")
    status = leased.statuses(QUEUE)[0]
    assert (status.gap, status.last_plan_id, status.last_reason) == ("Redis does not answer.", "p", Reason.MANUAL_MODE)
    conclude(leased, None, slot=NOON + 2 * FIVE)
    assert leased.statuses(QUEUE)[0].gap == ""


def test_a_newer_plan_supersedes_what_is_pending_but_not_what_runs(leased: Store, clock: Clock) -> None:
    conclude(leased, record("p"), order("p", 1), order("p", 2))
    leased.begin("p/1", replica="a", at=NOON)
    clock.at += MINUTE
    leased.claim("a", {QUEUE}, LEASE)
    conclude(leased, record("q"), order("q"), slot=NOON + FIVE)
    running, superseded = leased.orders("p")
    assert (running.status, superseded.status) == (OrderStatus.RUNNING, OrderStatus.SUPERSEDED)
    assert superseded.settled_at == NOON + MINUTE
    assert leased.open_orders(QUEUE) == [running, order("q")]


def test_only_steps_down_are_superseded_where_so_told(leased: Store) -> None:
    conclude(leased, record("p"), order("p", 1), order("p", 2, from_workers=15, to_workers=9))
    conclude(leased, record("q"), slot=NOON + FIVE, supersede="none")
    assert statuses_of(leased.orders("p")) == [OrderStatus.PENDING, OrderStatus.PENDING]
    conclude(leased, record("r"), slot=NOON + 2 * FIVE, supersede="down")
    assert statuses_of(leased.orders("p")) == [OrderStatus.PENDING, OrderStatus.SUPERSEDED]


def test_the_same_plan_concluded_again_keeps_its_orders_as_they_are(leased: Store) -> None:
    conclude(leased, record("p"), order("p", 1), order("p", 2))
    begun = leased.begin("p/1", replica="a", at=NOON)
    assert begun
    leased.done(begun, replica="a", at=NOON, attempt=Attempt(observed=15, scaling=scaling(order_id="p/1")))
    assert conclude(leased, record("p"), order("p", 1), order("p", 2), slot=NOON + FIVE)
    assert statuses_of(leased.orders("p")) == [OrderStatus.DONE, OrderStatus.PENDING]


def test_a_plan_made_on_request_before_bears_the_decision_of_the_loop(leased: Store) -> None:
    leased.add_plan(record("p", reason=Reason.ON_REQUEST, made_by="ada"))
    decided = record("p", decision=Decision.APPLIED, recorded_at=NOON + MINUTE)
    conclude(leased, decided, order("p"))
    assert leased.plan("p") == decided


def test_applying_marks_the_plan_supersedes_and_orders(leased: Store, clock: Clock) -> None:
    conclude(leased, record("p"), order("p"))
    leased.add_plan(record("q", minutes=1))
    clock.at += 2 * MINUTE
    applied = leased.apply("q", by="ada", orders=[order("q", 1), order("q", 2)], scaling=None)
    assert applied == replace(record("q", minutes=1), applied_by="ada", applied_at=NOON + 2 * MINUTE)
    assert leased.plan("q") == applied
    assert statuses_of(leased.orders("p")) == [OrderStatus.SUPERSEDED]
    assert leased.open_orders(QUEUE) == [order("q", 1), order("q", 2)]


def test_applying_may_only_tell_what_was_scaled(store: Store) -> None:
    store.add_plan(record("p"))
    told = scaling(plan_id="p", by="ada")
    store.apply("p", by="ada", orders=(), scaling=told)
    assert store.scalings(QUEUE, since=NOON) == [told]
    assert store.orders("p") == []


def test_no_plan_is_applied_twice(leased: Store) -> None:
    with pytest.raises(NotFoundError, match="There is no plan 'p'"):
        leased.apply("p", by="ada", orders=(), scaling=None)
    leased.add_plan(record("p"))
    leased.apply("p", by="ada", orders=[order("p")], scaling=None)
    with pytest.raises(ConflictError, match="'p' was applied before, by 'ada' at 2026-11-23T12:00:00Z"):
        leased.apply("p", by="bob", orders=[order("p", 2)], scaling=None)
    conclude(leased, record("q", decision=Decision.APPLIED), supersede="none")
    with pytest.raises(ConflictError, match="'q' was applied before, by 'loop'"):
        leased.apply("q", by="bob", orders=(), scaling=None)
    assert leased.orders("p") == [order("p")]


def test_the_loop_does_not_take_back_that_a_person_applied_a_plan(leased: Store) -> None:
    leased.add_plan(record("p"))
    applied = leased.apply("p", by="ada", orders=(), scaling=None)
    conclude(leased, record("p", reason=Reason.MANUAL_MODE))
    assert leased.plan("p") == applied
