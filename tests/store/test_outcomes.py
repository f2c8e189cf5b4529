from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import create_engine, update

from capacity_planner.store._tables import plans
from tests.store._kept import HOUR, MINUTE, NOON, QUEUE, outcome, record

if TYPE_CHECKING:
    from capacity_planner.store.store import Store


def test_plans_are_to_be_judged_when_their_window_is_over(store: Store) -> None:
    for minute in (2, 0, 1):
        store.add_plan(record(f"p{minute}", minutes=minute))
    assert store.plans_to_judge(NOON + HOUR - MINUTE, 10) == []
    over = store.plans_to_judge(NOON + HOUR + MINUTE, 10)
    assert over == [record(f"p{minute}", minutes=minute).response.plan for minute in (0, 1)]
    assert [plan.id for plan in store.plans_to_judge(NOON + 2 * HOUR, 1)] == ["p0"]


def test_a_plan_is_judged_once(store: Store) -> None:
    for minute in range(3):
        store.add_plan(record(f"p{minute}", minutes=minute))
    first = outcome("p0"), outcome("p1", 1, judged=False, kept=None, reason="No samples came.")
    store.add_outcomes(first)
    store.add_outcomes([outcome("p0", kept=False)])
    store.add_outcomes([])
    assert [plan.id for plan in store.plans_to_judge(NOON + 2 * HOUR, 10)] == ["p2"]
    assert store.outcomes(QUEUE) == [first[1], first[0]]


def test_outcomes_are_listed_newest_first_by_queue(store: Store) -> None:
    store.add_outcomes([outcome(f"p{minute}", minute) for minute in range(5)])
    store.add_outcomes([outcome("q", queue="images")])
    assert store.outcomes(QUEUE, limit=2) == [outcome("p4", 4), outcome("p3", 3)]
    assert store.outcomes("images") == [outcome("q", queue="images")]
    assert store.outcomes("nobody") == []


def test_plans_that_nobody_carried_out_are_passed_over(store: Store) -> None:
    for place in range(3):
        store.add_plan(record(f"asked{place}", minutes=place, made_by="ada"))
    store.add_plan(record("loop"))
    store.apply("asked1", by="ada", orders=[], scaling=None)
    after = NOON + 2 * HOUR
    assert [plan.id for plan in store.plans_to_judge(after, 10)] == ["loop", "asked1"]
    assert store.pass_over(NOON + HOUR) == 1
    assert store.pass_over(after) == 1
    assert store.pass_over(after) == 0
    assert [plan.id for plan in store.plans_to_judge(after, 10)] == ["loop", "asked1"]


def test_a_plan_that_cannot_be_read_is_not_in_the_way(store: Store, url: str) -> None:
    for minute in range(3):
        store.add_plan(record(f"p{minute}", minutes=minute))
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(update(plans).where(plans.c.id == "p0").values(response='{"plan": 5}'))
    engine.dispose()
    after = NOON + 2 * HOUR
    assert [plan.id for plan in store.plans_to_judge(after, 2)] == ["p1"]
    assert [plan.id for plan in store.plans_to_judge(after, 2)] == ["p1", "p2"]
