"""The figure that is told, for whatever was ordered, is about to be, or is measured."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.domain.scaling import Order, ScalingRecord
from capacity_planner.service.target import Basis, chosen, metric_name

from ._stage import CONFIG, MINUTE, NOON, history

if TYPE_CHECKING:
    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.metrics import Metrics

SECOND = timedelta(seconds=1)

INSTANTS = st.integers(-600, 600).map(lambda seconds: NOON + seconds * SECOND)
COUNTS = st.integers(0, 200)


@st.composite
def orders(draw: st.DrawFn) -> Order:
    due, number = draw(INSTANTS), draw(st.integers(1, 10**6))
    return Order(
        id=f"p/{number}",
        plan_id="p",
        queue_name="emails",
        sequence=number,
        due=due,
        expires=due + timedelta(hours=1),
        from_workers=draw(COUNTS),
        to_workers=draw(COUNTS),
    )


@st.composite
def configs(draw: st.DrawFn) -> PlannerConfig:
    least = draw(st.integers(0, 100))
    return replace(CONFIG, min_workers=least, max_workers=draw(st.integers(max(least, 1), 150)))


def record(at: int, workers: int) -> ScalingRecord:
    return ScalingRecord(queue_name="emails", at=NOON - at * SECOND, from_workers=0, to_workers=workers, plan_id="q")


def samples(counts: list[int]) -> list[Metrics]:
    (one,) = history(NOON, lambda _: 1.0, hours=0.0)
    return [replace(one, current_workers=count) for count in counts]


@given(config=configs(), last=st.builds(record, st.integers(0, 900), COUNTS), coming=st.lists(orders()), ahead=COUNTS)
def test_it_is_never_beyond_the_limits_and_no_less_than_the_last_order(
    config: PlannerConfig, last: ScalingRecord, coming: list[Order], ahead: int
) -> None:
    found = chosen("emails", config, last, coming=coming, until=NOON + ahead * SECOND, now=NOON)
    assert found is not None
    ordered = min(max(last.to_workers, config.min_workers), config.max_workers)
    assert config.min_workers <= ordered <= found.workers <= config.max_workers
    if found.basis is Basis.ORDERED:
        assert (found.workers, found.since, found.plan_id) == (ordered, last.at, "q")
    else:
        assert max(NOON, last.at + config.cooldown_up - SECOND) < found.since <= NOON + ahead * SECOND


@given(config=configs(), last=st.builds(record, st.integers(0, 900), COUNTS), counts=st.lists(COUNTS))
def test_what_is_measured_does_not_move_what_was_ordered(
    config: PlannerConfig, last: ScalingRecord, counts: list[int]
) -> None:
    bare = chosen("emails", config, last, until=NOON, now=NOON)
    assert chosen("emails", config, last, until=NOON, now=NOON, measured=samples(counts)) == bare


@given(config=configs(), counts=st.lists(COUNTS, min_size=1), odd=st.lists(COUNTS))
def test_what_is_measured_is_told_within_the_limits(config: PlannerConfig, counts: list[int], odd: list[int]) -> None:
    found = chosen("emails", config, None, until=NOON, now=NOON, measured=samples(counts))
    assert found is not None
    assert config.min_workers <= found.workers <= config.max_workers
    steady = samples([odd[0]] * (len(odd) + 1) + odd) if odd else samples([3])
    usual = odd[0] if odd else 3
    told = chosen("emails", config, None, until=NOON, now=NOON, measured=steady)
    assert told is not None
    assert told.workers == min(max(usual, config.min_workers), config.max_workers)


def test_where_nothing_is_known_nothing_is_told() -> None:
    assert chosen("emails", CONFIG, None, until=NOON, now=NOON) is None


def order(due: int, workers: int) -> Order:
    return Order(
        id=f"p/{due}",
        plan_id="p",
        queue_name="emails",
        sequence=1,
        due=NOON + due * SECOND,
        expires=NOON + timedelta(hours=1),
        from_workers=1,
        to_workers=workers,
    )


def test_of_the_orders_that_are_due_soon_the_largest_counts_and_none_that_removes() -> None:
    coming = [order(60, 12), order(120, 20), order(180, 30), order(90, 2)]
    found = chosen("emails", CONFIG, record(3600, 8), coming=coming, until=NOON + 2 * MINUTE, now=NOON)
    assert found is not None
    assert (found.workers, found.basis, found.since) == (20, Basis.AHEAD, NOON + 2 * MINUTE)


def test_an_order_that_a_cooldown_holds_up_counts_when_the_cooldown_ends() -> None:
    config = replace(CONFIG, scale_up_cooldown=2 * MINUTE)
    late = {"coming": [order(-30, 12)], "now": NOON}
    early = chosen("emails", config, record(60, 8), until=NOON + 59 * SECOND, **late)  # type: ignore[arg-type]
    then = chosen("emails", config, record(60, 8), until=NOON + 60 * SECOND, **late)  # type: ignore[arg-type]
    assert early is not None
    assert then is not None
    assert (early.workers, then.workers, then.since) == (8, 12, NOON + MINUTE)


@given(st.text(min_size=1, max_size=200))
def test_a_metric_s_name_can_be_one_in_kubernetes(name: str) -> None:
    found = metric_name(name)
    assert found == metric_name(name)
    assert all(part.isascii() and part.isalnum() for part in found.split("-"))
    assert len(found) <= 63


def test_names_that_look_alike_are_told_apart() -> None:
    assert len({metric_name(name) for name in ("a/b", "a.b", "a b", "a-b", "ä-b", "-a-b")}) == 6
