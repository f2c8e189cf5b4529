"""Whether plans kept what they said, judged by what came later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.domain.metrics import Metrics
from capacity_planner.domain.review import PlanOutcome
from capacity_planner.domain.series import Series
from capacity_planner.domain.slo import SLO
from capacity_planner.pipeline.reliability import Reliability
from capacity_planner.planning.demand import Demand
from capacity_planner.planning.staffing import Staffing, Targets
from capacity_planner.planning.worked import study
from capacity_planner.registry import queue_models

if TYPE_CHECKING:
    from capacity_planner.planning.study import Study

START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTES = timedelta(minutes=5)
CONFIG = PlannerConfig(max_workers=1_000, max_step_size=1_000)
WIDE = SLO(p95_latency=timedelta(seconds=120))


def made(at: datetime, *, rate: float = 2.0, workers: int = 90, slo: SLO = WIDE, rows: int = 100) -> Study:
    """A plan for 60 erlang (30 s each), with futures that deviate by a tenth."""
    dice = np.random.default_rng(1)
    levels = np.array([0.05, 0.5, 0.95])
    demand = Demand(rate, (-1.645, 0.0, 1.645), tuple(rate * (0.8 + 0.4 * levels)))
    sample = Metrics(
        timestamp=at, arrival_rate=rate, service_time=timedelta(seconds=30), current_workers=workers, active_jobs=60
    )
    staffing = Staffing(
        queue_models.get("mmc"),
        ServiceTime(mean=30.0),
        Targets(p95_latency=slo.p95_latency.total_seconds() or None, max_backlog=slo.max_backlog or None),
    )
    paths = rate * dice.normal(1.0, 0.1, (rows, 12))
    return study(sample, slo, CONFIG, [demand] * 12, paths, staffing)


def came(until: datetime, rates: list[float]) -> Series:
    return Series(end=until, interval=300.0, rates=np.array(rates))


def after(count: int, rates: list[float], *, backlog: int = 0, rows: int = 100) -> Reliability:
    """One plan an hour, on such rates in each hour."""
    reliability, known = Reliability(), []
    for hour in range(count):
        at = START + timedelta(hours=hour)
        plan = made(at, rows=rows)
        reliability.note(plan)
        known += rates
        samples = [
            Metrics(timestamp=at + step * MINUTES, arrival_rate=2.0, current_workers=90, backlog=backlog)
            for step in range(1, 13)
        ]
        reliability.settle(samples, came(at + timedelta(hours=1), known))
    return reliability


def test_it_begins_with_what_is_said() -> None:
    assert Reliability().recalibrated(0.9) == 0.9


def test_plans_that_were_kept_make_surer_and_broken_ones_less_sure() -> None:
    stated = made(START).confidence()
    kept, broken = after(10, [2.0] * 12), after(10, [2.0] * 6 + [6.0] * 6)
    assert stated > 0.9
    assert kept.recalibrated(0.9) >= 0.9
    assert broken.recalibrated(0.9) < 0.6


def test_a_plan_is_judged_as_it_was_made_whatever_was_done_later() -> None:
    """Rates that 90 workers cannot serve; that there were 300 then does not save what was said of 90."""
    reliability = Reliability()
    for hour in range(10):
        at = START + timedelta(hours=hour)
        reliability.note(made(at))
        many = [Metrics(timestamp=at + step * MINUTES, arrival_rate=6.0, current_workers=300) for step in range(1, 13)]
        reliability.settle(many, came(at + timedelta(hours=1), [6.0] * 12 * (hour + 1)))
    assert reliability.recalibrated(0.9) < 0.6


def test_a_backlog_that_was_seen_counts() -> None:
    """300 waiting jobs on 90 workers wait 100 s, and 30 s are allowed."""
    levels = made(START).path.fluid.levels
    assert [workers for _, workers in levels] == [90]
    assert after(10, [2.0] * 12, backlog=300).recalibrated(0.9) < after(10, [2.0] * 12).recalibrated(0.9) - 0.2


@pytest.mark.parametrize("rates", [[2.0] * 5 + [float("nan")] + [6.0] * 6, [6.0] * 6])
def test_what_is_not_known_is_not_judged(rates: list[float]) -> None:
    reliability = Reliability()
    reliability.note(made(START))
    reliability.settle([], came(START + timedelta(hours=1), rates))
    assert reliability.recalibrated(0.9) == 0.9


def test_a_plan_is_not_judged_before_its_window_is_over() -> None:
    reliability = Reliability()
    reliability.note(made(START))
    reliability.settle([], came(START + timedelta(minutes=55), [6.0] * 11))
    assert reliability.recalibrated(0.9) == 0.9
    reliability.settle([], came(START + timedelta(hours=1), [6.0] * 12))
    assert reliability.recalibrated(0.9) < 0.9


def test_plans_without_futures_or_a_chance_say_nothing() -> None:
    assert after(5, [6.0] * 12, rows=10).recalibrated(0.9) == 0.9
    reliability = Reliability()
    reliability.note(made(START, slo=SLO(p95_latency=timedelta(seconds=60))))
    reliability.settle([], came(START + timedelta(hours=1), [6.0] * 12))
    assert reliability.recalibrated(0.9) == 0.9


def test_plans_of_one_window_are_one_outcome() -> None:
    """One plan every five minutes for an hour counts like one, or two: the first and what is new of the rest."""
    often, once = Reliability(), Reliability()
    for step in range(12):
        often.note(made(START + step * MINUTES))
    once.note(made(START))
    for reliability in (often, once):
        reliability.settle([], came(START + timedelta(hours=2), [6.0] * 24))
    assert once.recalibrated(0.9) > often.recalibrated(0.9) > after(3, [6.0] * 12).recalibrated(0.9)


def outcome(at: datetime, *, kept: float | None, achievable: bool = True) -> PlanOutcome:
    return PlanOutcome(
        plan_id="p",
        queue_name="q",
        generated_at=at,
        forecast_window=timedelta(hours=1),
        confidence=0.95,
        target_workers=9,
        slo_achievable=achievable,
        judged=kept is not None,
        runs_kept=kept,
    )


def test_plans_that_were_judged_before_count_as_if_it_had_been_there() -> None:
    broken, good, unknown = Reliability(), Reliability(), Reliability()
    hours = [START + timedelta(hours=hour) for hour in range(60)]
    broken.recall(outcome(at, kept=0.0 if index % 2 else 1.0) for index, at in enumerate(hours))
    good.recall(outcome(at, kept=0.95) for at in hours)
    unknown.recall([outcome(at, kept=None) for at in hours] + [outcome(hours[0], kept=0.0, achievable=False)])
    assert broken.recalibrated(0.95) < 0.75
    assert good.recalibrated(0.95) == pytest.approx(0.95, abs=0.02)
    assert unknown.recalibrated(0.95) == 0.95


def test_plans_whose_windows_overlap_count_by_what_is_new_of_each() -> None:
    apart, close = Reliability(), Reliability()
    apart.recall(outcome(START + timedelta(hours=hour), kept=0.0) for hour in range(6))
    close.recall(outcome(START + timedelta(minutes=5 * place), kept=0.0) for place in range(6))
    assert apart.recalibrated(0.95) < close.recalibrated(0.95) < 0.95
