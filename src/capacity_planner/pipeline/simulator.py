"""The what-if simulator: a plan, job by job, in futures drawn at random."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import TYPE_CHECKING

from capacity_planner import codec
from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.simulation import Simulation
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.fields import CountMark
from capacity_planner.pipeline.pace import Pace, Stopped
from capacity_planner.pipeline.runtime import total_seconds
from capacity_planner.pipeline.scenario import checked_scenario, jobs_asked, runs_of
from capacity_planner.pipeline.validation import checked_config
from capacity_planner.pipeline.workload import experiment, slo_of, start_of, staying, workers_at_start
from capacity_planner.planning.cost import analyse
from capacity_planner.simulation.engine import run
from capacity_planner.simulation.report import Report
from capacity_planner.simulation.tiers import COMPILER, PLAIN
from capacity_planner.simulation.verdict import Verdict
from capacity_planner.simulation.violations import slo_analysis

if TYPE_CHECKING:
    from capacity_planner.domain.plan import CostAnalysis
    from capacity_planner.domain.scenario import SimulationScenario
    from capacity_planner.pipeline.pace import Progress
    from capacity_planner.simulation._tally import Outcome
    from capacity_planner.simulation.engine import Experiment
    from capacity_planner.simulation.tiers import Tier


_WORTH_A_THREAD = 100_000
_MOST_THREADS = 1_000


class Simulator:
    """Tries plans on simulated traffic, every job one by one; safe to share between threads.

    Args:
        config: settings; ``worker_cost_per_hour``, ``violation_cost_per_hour`` and ``seed`` count here.
        threads: how many replications run at once, where Numba is installed; ``None`` takes one per processor. The
            result does not depend on it.

    Raises:
        PlannerError: ``CONFIG_INVALID`` or ``MODEL_NOT_SUPPORTED``.
    """

    def __init__(self, config: PlannerConfig | None = None, *, threads: int | None = None) -> None:
        self._config = checked_config(PlannerConfig() if config is None else config)
        self._threads = _threads(threads)

    def simulate(
        self, scenario: SimulationScenario, *, timeout: timedelta | None = None, progress: Progress | None = None
    ) -> Simulation:
        """What happens to every job when the plan is carried out.

        Args:
            scenario: a `SimulationScenario`, or a mapping as JSON gives it.
            timeout: stop after so long.
            progress: called with the share that is done, from 0 to 1, about a hundred times; what it raises stops the
                simulation.

        Raises:
            PlannerError: ``CONFIG_INVALID`` with every field that does not fit, before any work; ``FORECAST_FAILED``
                when the time is up.
        """
        began = perf_counter()
        pace = Pace(timeout, progress)
        valid = checked_scenario(scenario)
        planned = experiment(valid, self._config)
        unchanged = staying(planned)
        pace.expect(jobs_asked(valid, planned))
        COMPILER.count(pace.expected)
        tier = _tier(0.0, pace.remaining)
        pace.check()
        outcomes = self._replicate(planned, tier, valid.replications, pace)
        verdict = Verdict(slo_of(valid), outcomes)
        report = Report(
            verdict=verdict,
            start=start_of(valid),
            mean_service=planned.law.mean,
            concurrency=planned.concurrency,
            worker_cost=self._config.worker_cost_per_hour,
            violation_cost=self._config.violation_cost_per_hour,
        )
        without = verdict
        if unchanged is not None:
            without = Verdict(slo_of(valid), self._replicate(unchanged, tier, valid.replications, pace))
        found = Simulation(
            id=self._identity(valid, planned.seed),
            scenario=valid,
            timeline=report.timeline(pace.check),
            summary=report.summary(),
            slo_analysis=slo_analysis(verdict, start_of(valid), pace.check),
            cost_analysis=self._cost(report, without.time_broken, workers_at_start(planned)),
            duration=timedelta(seconds=perf_counter() - began),
            created_at=datetime.now(UTC),
            confidence_intervals=report.confidence_intervals(),
        )
        pace.finish()
        return found

    def validate_scenario(self, scenario: SimulationScenario) -> None:
        """Find out whether a scenario can be simulated, without simulating it.

        Raises:
            PlannerError: ``CONFIG_INVALID``; ``details["errors"]`` lists every problem with its field and remedy.
        """
        valid = checked_scenario(scenario)
        jobs_asked(valid, experiment(valid, self._config))

    def estimate_runtime(self, scenario: SimulationScenario) -> timedelta:
        """How long `simulate` will take on this machine, as measured on the scenario's first jobs.

        Raises:
            PlannerError: as `simulate`, before any work.
        """
        began = perf_counter()
        valid = checked_scenario(scenario)
        planned = experiment(valid, self._config)
        jobs = jobs_asked(valid, planned)
        self._identity(valid, planned.seed)
        prepared = perf_counter() - began
        tier = _tier(jobs, None)
        runs = runs_of(valid, planned)
        threads = self._at_once(planned, tier, valid.replications)
        return timedelta(seconds=prepared + total_seconds(planned, tier, runs=runs, threads=threads))

    def _replicate(self, planned: Experiment, tier: Tier, replications: int, pace: Pace) -> list[Outcome]:
        """One outcome per future, in their order."""

        def one(replication: int) -> Outcome:
            try:
                return run(planned, tier, replication=replication, tick=pace.tick)
            except BaseException:
                pace.stop()
                raise

        threads = self._at_once(planned, tier, replications)
        if threads == 1:
            return [one(replication) for replication in range(replications)]
        with ThreadPoolExecutor(threads, thread_name_prefix="capacity-planner-simulator") as pool:
            futures = [pool.submit(one, replication) for replication in range(replications)]
            try:
                wait(futures, return_when=FIRST_EXCEPTION)
            except BaseException:
                pace.stop()
                raise
            finally:
                pool.shutdown(cancel_futures=True)
        errors = [error for future in futures if not future.cancelled() and (error := future.exception())]
        for error in sorted(errors, key=lambda error: isinstance(error, Stopped)):
            raise error
        return [future.result() for future in futures]

    def _identity(self, scenario: SimulationScenario, seed: int) -> str:
        """The same for the same scenario, seed and prices."""
        prices = self._config.worker_cost_per_hour, self._config.violation_cost_per_hour
        text = f"{codec.dumps(scenario)}{seed}{prices}"
        return f"simulation-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def _at_once(self, planned: Experiment, tier: Tier, replications: int) -> int:
        """How many replications run at once: several where the inner loop lets go of the interpreter for long."""
        short = planned.arrivals.expected + planned.backlog < _WORTH_A_THREAD
        return 1 if tier is PLAIN or short else min(self._threads, replications)

    def _cost(self, report: Report, risk_unchanged: float, current: int) -> CostAnalysis:
        workers = report.mean_workers()
        return analyse(
            self._config,
            current=current,
            target=workers,
            mean_added=workers - current,
            risk=report.verdict.time_broken,
            risk_unchanged=risk_unchanged,
            window=float(report.lengths.sum()),
        )


def _tier(jobs: float, timeout: float | None) -> Tier:
    """Compiled where it is there already, or worth to be made ready in this process."""
    if COMPILER.pays(jobs):
        return COMPILER.wait(timeout) or PLAIN
    return COMPILER.tier or PLAIN


def _threads(threads: int | None) -> int:
    try:
        return (os.cpu_count() or 1) if threads is None else CountMark(ge=1, le=_MOST_THREADS).checked(threads)
    except ValueError as error:
        raise PlannerError(
            ErrorCode.CONFIG_INVALID,
            f"threads is {codec.shown(threads)}, which {error}",
            details={"field": "threads", "value": codec.shown(threads)},
        ) from None
