"""A past plan, carried out job by job on the arrivals that came."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.domain.scenario import JobTrace, SimulationScenario
from capacity_planner.pipeline.scenario import checked_scenario, jobs_asked
from capacity_planner.pipeline.workload import experiment
from capacity_planner.simulation.engine import run
from capacity_planner.simulation.report import Report
from capacity_planner.simulation.tiers import COMPILER, PLAIN
from capacity_planner.simulation.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.plan import CapacityPlan
    from capacity_planner.pipeline._review_came import Came
    from capacity_planner.simulation.engine import Experiment

_INTERVAL = timedelta(minutes=5)
_SECOND, _MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)
_FINEST, _HALF, _ROUNDING = 60, 0.5, 1e-9
_MOST_WORKERS, _FAR, _ENDLESS = 1_000_000, 64, 1e15


@dataclass(frozen=True, eq=False)
class Trial:
    """A plan and what came, ready to be run.

    Args:
        plan: checked, with a window, a service time and a target.
        came: to its queue.
        config: prices and seed.
        replications: runs.
        check: called after each block of jobs; may raise to stop.

    Raises:
        PlannerError: ``CONFIG_INVALID``, from the first run on: the plan cannot be simulated.
    """

    plan: CapacityPlan
    came: Came
    config: PlannerConfig
    replications: int
    check: Callable[[], None]

    @cached_property
    def scenario(self) -> SimulationScenario:
        """What is simulated; each plan has its own luck, so that no luck is all plans' at once."""
        plan = self.plan
        backlog = plan.required[0].backlog if plan.required else 0.0
        # Not the plan's id: that is made of last digits too, in which processors differ.
        whose = f"{plan.queue_name} {plan.generated_at.isoformat()} {plan.target_workers} {self.config.seed}"
        seed = hashlib.sha256(whose.encode()).digest()[:7]
        return checked_scenario(
            SimulationScenario(
                name=plan.id,
                plan=plan,
                duration=plan.forecast_window,
                granularity=min(interval_of(plan), plan.forecast_window),
                initial_backlog=round(min(backlog, _ENDLESS)),
                replications=self.replications,
                seed=int.from_bytes(seed),
                trace=_trace(plan, self.came),
            )
        )

    @cached_property
    def planned(self) -> Experiment:
        """The same in float seconds."""
        found = experiment(self.scenario, self.config)
        COMPILER.count(jobs_asked(self.scenario, found))
        return found

    @cached_property
    def verdict(self) -> Verdict:
        """The plan's runs against its SLO."""
        return self._run(self.planned)

    @cached_property
    def report(self) -> Report:
        """The same in the words of the domain."""
        return Report(
            verdict=self.verdict,
            start=self.plan.generated_at,
            mean_service=self.planned.law.mean,
            concurrency=self.planned.concurrency,
            worker_cost=self.config.worker_cost_per_hour,
            violation_cost=self.config.violation_cost_per_hour,
        )

    @property
    def runs_kept(self) -> float:
        """Share of the runs in which the SLO held within its error budget."""
        return _kept(self.verdict)

    def fewest(self) -> int | None:
        """The fewest workers that, held over the window, keep the SLO in half of the runs; ``None`` if none do."""
        most = min(_FAR * max(round(self.report.mean_workers()), 1), _MOST_WORKERS // self.planned.concurrency)
        below, enough = -1, max(round(self.report.mean_workers()), 1)
        while not self._holds(enough):
            if enough >= most:
                return None
            below, enough = enough, min(2 * enough, most)
        while enough - below > 1:
            middle = (below + enough) // 2
            below, enough = (below, middle) if self._holds(middle) else (middle, enough)
        return enough

    def _holds(self, workers: int) -> bool:
        return _kept(self._run(replace(self.planned, workers=workers, orders=(), startup_delay=0.0))) >= _HALF

    def _run(self, planned: Experiment) -> Verdict:
        tier = COMPILER.tier or PLAIN
        if COMPILER.pays(0.0):
            tier = COMPILER.wait() or PLAIN
        runs = range(self.replications)
        outcomes = [run(planned, tier, replication=index, tick=lambda _: self.check()) for index in runs]
        return Verdict(self.plan.slo, outcomes)


def interval_of(plan: CapacityPlan) -> timedelta:
    """The length of a plan's intervals."""
    length = plan.required[0].end - plan.required[0].start if plan.required else timedelta(0)
    return length if length > timedelta(0) else _INTERVAL


def _kept(verdict: Verdict) -> float:
    intervals = verdict.broken.shape[1]
    return float(np.mean(verdict.broken.sum(axis=1) <= verdict.slo.allowed_share * intervals + _ROUNDING))


def _trace(plan: CapacityPlan, came: Came) -> JobTrace:
    """Whole jobs: as many up to any instant as came by then, rounded."""
    piece = _piece(plan, came)
    edges = np.arange(-(-plan.forecast_window // piece) + 1, dtype=float) * piece.total_seconds()
    total = np.rint(np.append(0.0, np.cumsum(came.jobs(plan.generated_at, edges))))
    return JobTrace(counts=tuple(np.diff(total).astype(int).tolist()), interval=piece)


def _piece(plan: CapacityPlan, came: Came) -> timedelta:
    """The length of the counts: the history's own, or so much of it that the window begins and ends between two."""
    window, usual = plan.forecast_window, timedelta(seconds=came.spacing)
    offset = (plan.generated_at - came.samples[0].timestamp) % usual
    common = math.gcd(*(value // _MICROSECOND for value in (usual, offset, window))) * _MICROSECOND
    if common in {usual, window} or (common >= _SECOND and usual <= _FINEST * common):
        return common
    return min(usual, window)
