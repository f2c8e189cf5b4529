"""What a study says of its futures: confidence, risk, and what doing nothing would risk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.domain.metrics import Metrics
from capacity_planner.domain.slo import SLO
from capacity_planner.planning import assemble
from capacity_planner.planning.demand import Demand
from capacity_planner.planning.staffing import Staffing, Targets
from capacity_planner.planning.worked import Scaled, study
from capacity_planner.registry import queue_models

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from capacity_planner.planning.study import Study

MEAN = 30.0


def made(
    workers: int,
    *,
    rows: int = 100,
    spread: float = 0.15,
    budget: float = 0.0,
    model: str = "mmc",
    scaled: Scaled | None = None,
    after: int = 0,
    **settings: float | timedelta,
) -> Study:
    """60 erlang now, and 90 from the third interval on."""
    profile = np.array([2.0, 2.0, *[3.0] * 10])
    config = PlannerConfig(max_workers=500, max_step_size=200, queueing_model=model, **settings)  # type: ignore[arg-type]
    demands = [Demand(rate, (-1.645, 0.0, 1.645), (0.75 * rate, rate, 1.25 * rate)) for rate in profile.tolist()]
    sample = Metrics(
        timestamp=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=after),
        arrival_rate=2.0,
        service_time=timedelta(seconds=MEAN),
        current_workers=workers,
    )
    staffing = Staffing(queue_models.get(model), ServiceTime(mean=MEAN), Targets(p95_latency=150.0))
    slo = SLO(p95_latency=timedelta(seconds=150), error_budget=budget)
    return study(sample, slo, config, demands, futures(profile, rows, spread), staffing, scaled=scaled)


def futures(profile: NDArray[np.float64], rows: int, spread: float) -> NDArray[np.float64]:
    common = np.random.default_rng(1).normal(0.0, spread, (rows, 1))
    paths: NDArray[np.float64] = profile * np.exp(common)
    return paths


def test_doing_nothing_is_judged_in_the_same_futures() -> None:
    idle = made(130, scale_down_threshold=0.0)
    assert not idle.path.changes
    assert idle.risk == idle.risk_unchanged
    assert idle.confidence() > 0.85


def test_a_plan_that_scales_up_in_time_is_surer_than_doing_nothing() -> None:
    plan = made(70)
    assert plan.confidence() > 0.8
    assert plan.risk < 0.1
    assert plan.risk_unchanged > 0.5


def test_the_cost_analysis_is_of_these_risks() -> None:
    plan = made(70)
    cost = assemble.plan(plan, lambda sure: sure).cost_impact
    assert cost.violation_cost_risk == pytest.approx(100.0 * plan.risk)
    added = plan.path.fluid.worker_seconds / 3600.0 - 70
    assert cost.net_benefit == pytest.approx(100.0 * (plan.risk_unchanged - plan.risk) - 0.5 * added)
    share = 0.5 * added / (100.0 * (plan.risk_unchanged - plan.risk))
    assert cost.payback_period.total_seconds() == pytest.approx(share * 3600.0, abs=1e-3)


def test_a_part_of_a_plan_is_no_less_sure_than_the_whole() -> None:
    plan = made(80)
    for first in range(12):
        for last in range(first + 1, 13):
            assert plan.confidence(first, last) >= plan.confidence()


def test_a_budget_makes_surer() -> None:
    sure = [made(70, budget=budget, startup_delay=timedelta(minutes=15)).confidence() for budget in (0.0, 0.1, 0.5)]
    assert sure == sorted(sure)
    assert sure[0] < sure[-1]


def test_workers_that_start_are_not_there_before() -> None:
    late = Scaled(workers=130, ago=60.0)
    soon, later = (
        made(62, scaled=late, startup_delay=delay).risk for delay in (timedelta(minutes=2), timedelta(minutes=30))
    )
    assert soon < 0.1 < later


def test_the_same_sample_and_seed_say_the_same_and_others_nearly() -> None:
    assert made(95).confidence() == made(95).confidence()
    others = {made(95, after=minutes).confidence() for minutes in range(5)}
    others |= {made(95, seed=seed).confidence() for seed in range(5)}
    assert max(others) - min(others) < 0.1


def test_separate_queues_keep_no_more_than_a_common_one() -> None:
    split, common = made(120, model="mm1"), made(120)
    assert (split.broken_futures[1] >= common.broken_futures[1]).all()
    assert split.risk_unchanged > common.risk_unchanged


def test_with_few_futures_the_intervals_own_probabilities_bound_it() -> None:
    few = made(120, rows=29)
    own = [demand.probability(limit) for demand, limit in zip(few.demands, few.limits, strict=True)]
    assert few.confidence() == min(own)
    assert 0.0 <= few.risk <= 1.0
