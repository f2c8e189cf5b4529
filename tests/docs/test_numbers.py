"""The figures in the prose of the pages, worked out anew."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from capacity_planner import SLO, CapacityPlanner, Metrics, PlannerConfig, PlanRequest, PlanResponse
from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.queueing.mmc import MMC
from capacity_planner.sources.table import read_table
from capacity_planner.units import words

ROOT = Path(__file__).resolve().parents[2]
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
USUAL = 1.15  # of the 85 % quantile while nothing was ever forecast, in units of the volatility


def _text(name: str) -> str:
    return " ".join((ROOT / "docs" / name).read_text(encoding="utf-8").replace("**", "").split())


def _plan(metrics: Metrics, slo: SLO, config: PlannerConfig) -> PlanResponse:
    return CapacityPlanner(config).generate_plan(PlanRequest(current_metrics=metrics, slo=slo, config=config))


def _first() -> PlanResponse:
    metrics = Metrics(
        timestamp=NOON,
        arrival_rate=25.5,
        service_time=timedelta(seconds=2),
        current_workers=10,
        utilization=0.75,
        backlog=150,
    )
    return _plan(metrics, SLO(p95_latency=timedelta(seconds=5), max_backlog=500, error_budget=0.01), PlannerConfig())


def _second(most: int = 50) -> PlanResponse:
    metrics = Metrics(
        timestamp=NOON,
        arrival_rate=15.3,
        service_time=timedelta(seconds=3),
        current_workers=8,
        utilization=0.72,
        backlog=120,
    )
    slo = SLO(p95_latency=timedelta(seconds=10), max_backlog=500, error_budget=0.02, availability=0.995)
    return _plan(metrics, slo, PlannerConfig(max_step_size=10, min_workers=2, max_workers=most))


def _noise(rate: float) -> float:
    """Standard deviation of the rate over 300 s if the arrivals are Poisson [jobs/s]."""
    return math.sqrt((rate + 1 / 300) / 300)


def _quantile(rate: float, ahead: int) -> float:
    """The 85 % quantile so many intervals of 300 s ahead, when nothing was ever forecast [jobs/s]."""
    volatility = max(math.hypot(_noise(rate), 0.12 * rate), _noise(rate) / 2)
    known = {step: USUAL * volatility * math.pow(1 + step / 12, 0.35) for step in (1, 2, 3, 5, 8, 12)}
    near, far = max(step for step in known if step <= ahead), min(step for step in known if step >= ahead)
    share = math.log(ahead / near) / math.log(far / near) if far > near else 0.0
    return max(0.0, rate + (1.0 - share) * known[near] + share * known[far])


def _fewest(rate: float, mean: float, target: float) -> int:
    service = ServiceTime(mean=mean)
    return next(c for c in range(1, 200) if float(MMC().response_tail(target, rate, c, service)) <= 0.05)


def _backlogs(start: float, rate: float, mean: float, levels: list[int]) -> list[float]:
    """The fluid backlog at the end of each interval of 300 s."""
    found = []
    for level in levels:
        start = max(0.0, start + 300 * (rate - level / mean))
        found.append(round(start, 6))
    return found


@pytest.mark.parametrize(
    ("response", "rate", "mean", "target", "margin", "levels", "start"),
    [
        (_first(), 25.5, 2.0, 2 * math.log(20) / 0.99, 59, [25, 40, 55] + 9 * [70], 150),
        (_second(), 15.3, 3.0, 10.0, 49, [18, 28, 38, 48] + 8 * [50], 120),
    ],
    ids=["first", "second"],
)
def test_both_examples_follow_from_first_principles(
    response: PlanResponse, rate: float, mean: float, target: float, margin: int, levels: list[int], start: float
) -> None:
    plan, cost = response.plan, response.plan.cost_impact
    needed = []
    backlog = start
    for index, row in enumerate(plan.required):
        quantile = _quantile(rate, index + 1)
        assert row.demand_rate == pytest.approx(quantile, rel=1e-9)
        assert row.offered_load == pytest.approx(quantile * mean, rel=1e-9)
        assert row.backlog == pytest.approx(backlog)
        floors = [_fewest(quantile, mean, target), rate * mean + backlog * mean / 300]
        needed.append(math.ceil(max(floors) - 1e-9))
        backlog = _backlogs(backlog, rate, mean, [levels[index]])[0]
    assert [row.workers for row in plan.required] == needed
    assert _fewest(rate, mean, target) == margin
    assert [step.to_workers for step in plan.steps] == list(dict.fromkeys(levels))
    assert [step.scheduled_at for step in plan.steps] == [
        NOON + index * timedelta(minutes=5) for index in range(len(plan.steps))
    ]
    added = sum(levels) / 12 - plan.current_workers
    late = sum(row.backlog >= 1 for row in plan.required)
    surely, at_most = 100.0 * late / 12, 100.0 * (late + 0.15 * (12 - late)) / 12
    assert surely <= cost.violation_cost_risk <= at_most
    assert cost.net_benefit == pytest.approx(100.0 - cost.violation_cost_risk - 0.5 * added)
    assert cost.monthly_cost_delta == pytest.approx(730 * 0.5 * (levels[-1] - plan.current_workers))
    assert (plan.confidence, plan.slo_achievable) == (0.0, False)


def test_the_first_example_in_words() -> None:
    page, plan = _text("explanation/the-two-examples.md"), _first().plan
    last, service = plan.required[-1], ServiceTime(mean=2.0)
    relaxed = 2 * math.log(20) / 0.99
    late = [float(MMC().response_tail(relaxed, last.demand_rate, servers, service)) for servers in (69, 68)]
    volatility = math.hypot(_noise(25.5), 0.12 * 25.5)
    backlogs = _backlogs(150, 25.5, 2.0, [25, 40, 55, 70])
    assert backlogs == [4050, 5700, 5100, 2250]
    for figure in (
        f"{25.5 * 2:g} erlang",
        f"25.5 − 5 = {25.5 - 5:g} jobs/s",
        f"2 s × {math.log(20):.4f} = {2 * math.log(20):.3f} s",
        f"/ 0.99 = {relaxed:.3f} s",
        f"(25.5 + 1/300) / 300) = {_noise(25.5):.5f}",
        f"√({_noise(25.5):.5f}² + (0.12 × 25.5)²) = {volatility:.5f} jobs/s",
        f"25.5 + {USUAL} × {volatility:.5f} × 2^0.35 = {last.demand_rate:.2f} jobs/s",
        f"| {USUAL:g} |",
        f"ln(4/3) / ln(5/3) = {math.log(4 / 3) / math.log(5 / 3):.1%}".replace("%", " %"),
        f"{last.demand_rate:.2f} × 2 s = {last.offered_load:.2f} erlang",
        f"at {last.offered_load:.2f} erlang, and P(queue > 500) ≤ 5 % | {_fewest(last.demand_rate, 2.0, relaxed)} |",
        f"At 69 workers P(T > 6.052 s) is {late[0]:.2%}, at 68 it is {late[1]:.2%}".replace("%", " %"),
        *(f"= {backlog:g} |" for backlog in backlogs),
        f"gone after {backlogs[-1] / 9.5:.1f} s",
        f"51 + 15 = {51 + math.ceil(backlogs[-1] * 2 / 300):g}",
        f"× 1.15 = {59 * 1.15:g}",
        f"(25 + 40 + 55 + 9 × 70)/12 − 10 = {(120 + 630) / 12 - 10:.2f}",
        f"{plan.cost_impact.violation_cost_risk:.1f} % of the hour, × $100",
        f"| ${plan.cost_impact.violation_cost_risk:.2f}/h |",
        f"| ${plan.cost_impact.net_benefit:.2f}/h |",
    ):
        assert figure in page, figure


def test_the_second_example_in_words() -> None:
    page, plan = _text("explanation/the-two-examples.md"), _second().plan
    last = plan.required[-1]
    volatility = math.hypot(_noise(15.3), 0.12 * 15.3)
    for figure in (
        f"{15.3 * 3:.4g} erlang",
        f"8 / 3 s = {8 / 3:.3f} jobs/s; the queue grows by {15.3 - 8 / 3:.2f} jobs/s",
        f"the real one {15.3 * 3 / 8:.0%}".replace("%", " %"),
        f"ln 20 = {3 * math.log(20):.3f} s",
        f"(15.3 + 1/300) / 300) = {_noise(15.3):.5f}",
        f"√({_noise(15.3):.5f}² + (0.12 × 15.3)²) = {volatility:.5f} jobs/s",
        f"15.3 + {USUAL} × {volatility:.5f} × 2^0.35 = {last.demand_rate:.2f} jobs/s",
        f"The load there is {last.offered_load:.2f} erlang",
        f"at {last.offered_load:.2f} erlang | {_fewest(last.demand_rate, 3.0, 10.0)} |",
        f"× 1.15 = {49 * 1.15:.2f}",
        *(f"= {round(value)} |" for value in _backlogs(120, 15.3, 3.0, [18, 28, 38, 48, 50])),
        f"= {10 - 3 * math.log(20):.3f} s that are left",
        f"(18 + 28 + 38 + 48 + 8 × 50)/12 − 8 = {532 / 12 - 8:.2f}",
    ):
        assert figure in page, figure


def test_with_58_workers_the_second_example_avoids_violations() -> None:
    assert "Raise `max_workers` to 58, and it is." in _text("explanation/the-two-examples.md")
    enough = _second(58).plan.cost_impact
    assert enough.violation_cost_risk < _second().plan.cost_impact.violation_cost_risk
    assert enough.net_benefit > 0


def test_the_tutorial_in_words() -> None:
    page = _text("tutorial/first-plan.md")
    noon = datetime(2015, 1, 29, 12, tzinfo=UTC)
    history = read_table(ROOT / "examples" / "nyc_taxi" / "nyc_taxi.csv")
    rate = next(item.arrival_rate for item in history.metrics if item.timestamp == noon)
    for figure in (
        f"{rate:.4g} jobs arrive per second and each takes 5 s. So {5 * rate:.4g} workers are busy",
        f"5 s × ln 20 = {5 * math.log(20):.2f} s",
        f"first sample stands at {history.metrics[0].timestamp:%H:%M}",
        f"a margin of {PlannerConfig().safety_margin:.0%}".replace("%", " %"),
        f"utilisation within {PlannerConfig().scale_up_threshold:.0%}".replace("%", " %"),
        f"probability {PlannerConfig().confidence_threshold:.0%}".replace("%", " %"),
        f"at most {PlannerConfig().max_step_size} workers",
        f"at least {words(PlannerConfig().cooldown_period).removesuffix('m')} minutes",
        f"{PlannerConfig().violation_cost_per_hour:g} $ for each hour",
    ):
        assert figure in page, figure
