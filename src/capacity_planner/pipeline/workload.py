"""A checked scenario → the experiment that answers it, in float seconds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.domain.scenario import ServiceFamily
from capacity_planner.queueing._empirical import Empirical
from capacity_planner.queueing._families import law_of_family
from capacity_planner.queueing._service import fit_service
from capacity_planner.simulation.arrivals import CountedArrivals, MeasuredArrivals, PoissonArrivals
from capacity_planner.simulation.engine import Experiment
from capacity_planner.simulation.traffic import NOISE_PERIOD, curve

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from capacity_planner.contracts import ServiceLaw
    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.scenario import SimulationScenario
    from capacity_planner.domain.slo import SLO
    from capacity_planner.simulation.arrivals import Arrivals


def start_of(scenario: SimulationScenario) -> datetime:
    """Begin of the simulated time."""
    return scenario.start or scenario.plan.generated_at


def slo_of(scenario: SimulationScenario) -> SLO:
    """The SLO that counts."""
    return scenario.slo_override or scenario.plan.slo


def service_law(scenario: SimulationScenario) -> ServiceLaw:
    """The law that service times are drawn from: measured ones where there are any, else the family's.

    Raises:
        PlannerError: ``CONFIG_INVALID`` where the family asks for facts that are not known.
    """
    if scenario.trace and scenario.trace.service_times:
        return Empirical.of(scenario.trace.service_times)
    facts = _facts(scenario)
    family = scenario.service_family
    return fit_service(facts) if family is ServiceFamily.AUTO else law_of_family(family, facts)


def experiment(scenario: SimulationScenario, config: PlannerConfig) -> Experiment:
    """What is to be run for a checked scenario."""
    plan, start = scenario.plan, start_of(scenario)
    delay = plan.startup_delay if scenario.startup_delay is None else scenario.startup_delay
    steps = sorted(plan.steps, key=lambda step: (step.scheduled_at, step.sequence))
    return Experiment(
        edges=_edges(scenario),
        arrivals=_arrivals(scenario),
        law=service_law(scenario),
        service_times=_own_times(scenario),
        workers=plan.current_workers,
        concurrency=max(plan.worker_concurrency, 1),
        orders=tuple(((step.scheduled_at - start).total_seconds(), step.to_workers) for step in steps),
        startup_delay=delay.total_seconds(),
        backlog=scenario.initial_backlog,
        patience=scenario.patience.total_seconds() or float("inf"),
        target=slo_of(scenario).p95_latency.total_seconds() or float("inf"),
        seed=config.seed if scenario.seed is None else scenario.seed,
    )


def staying(planned: Experiment) -> Experiment | None:
    """The same future with the workers that are there at the start; ``None`` where the plan does not change them."""
    before = tuple(order for order in planned.orders if order[0] < 0)
    if all(wanted == workers_at_start(planned) for _, wanted in planned.orders[len(before) :]):
        return None
    return replace(planned, orders=before)


def workers_at_start(planned: Experiment) -> int:
    """The workers that the steps before the start have left."""
    before = [wanted for at, wanted in planned.orders if at < 0]
    return before[-1] if before else planned.workers


def _facts(scenario: SimulationScenario) -> ServiceTime:
    """Service time facts: the scenario's, else the plan's, whose spread goes with the mean."""
    plan = scenario.plan
    mean = scenario.service_time or plan.service_time
    scale = mean / plan.service_time if plan.service_time else 1.0

    def known(own: timedelta | None, planned: timedelta | None) -> float | None:
        if own is not None:
            return own.total_seconds()
        return None if planned is None else planned.total_seconds() * scale

    return ServiceTime(
        mean=mean.total_seconds(),
        std=known(scenario.service_time_std, plan.service_time_std),
        p95=known(scenario.service_time_p95 or None, plan.service_time_p95),
    )


def _edges(scenario: SimulationScenario) -> FloatArray:
    """Edges of the intervals; the last one may be shorter."""
    end, step = scenario.duration.total_seconds(), scenario.granularity.total_seconds()
    count = -(-scenario.duration // scenario.granularity)
    return np.append(np.arange(count) * step, end)


def _arrivals(scenario: SimulationScenario) -> Arrivals:
    trace, end = scenario.trace, scenario.duration.total_seconds()
    if trace and trace.arrival_times:
        times = np.array(trace.arrival_times)
        return MeasuredArrivals(times[: np.searchsorted(times, end)])
    if trace and trace.counts:
        needed = -(-scenario.duration // trace.interval)
        return CountedArrivals(np.array(trace.counts[:needed], dtype=np.int64), trace.interval.total_seconds())
    pattern = scenario.traffic_pattern
    assert pattern is not None  # noqa: S101 - checked scenarios have one of both
    with np.errstate(all="ignore"):  # what overflows is refused when jobs are counted
        rate = curve(pattern, start_of(scenario), end)
    return PoissonArrivals(
        rate,
        noise=pattern.noise,
        noise_period=pattern.noise_period.total_seconds() or NOISE_PERIOD,
        batch=scenario.batch_size,
    )


def _own_times(scenario: SimulationScenario) -> FloatArray | None:
    """The measured service times of the very jobs that are replayed."""
    trace = scenario.trace
    if not trace or not trace.arrival_times or len(trace.arrival_times) != len(trace.service_times):
        return None
    return np.array(trace.service_times)
