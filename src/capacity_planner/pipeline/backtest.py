"""The backtester: your own history, job by job, under every policy, against what could have been known."""

from __future__ import annotations

import hashlib
import math
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import TYPE_CHECKING

from capacity_planner import codec
from capacity_planner.domain.backtest import Backtest, BacktestScenario
from capacity_planner.domain.config import PlannerConfig
from capacity_planner.pipeline._backtest_asked import check_amount, checked_backtest
from capacity_planner.pipeline._backtest_bound import bound_of, least_of, static_of
from capacity_planner.pipeline._backtest_field import field_of
from capacity_planner.pipeline._backtest_frontier import equal_of, ranked, split_of
from capacity_planner.pipeline._backtest_jobs import stage_of, warmup_of
from capacity_planner.pipeline._backtest_limits import Limits
from capacity_planner.pipeline._backtest_notes import notes_of
from capacity_planner.pipeline._backtest_runs import Course, Stride, entered, runs_of
from capacity_planner.pipeline._backtest_score import Prices, Yardsticks
from capacity_planner.pipeline._backtest_track import timeline_of
from capacity_planner.pipeline.validation import checked_config
from capacity_planner.simulation.tiers import COMPILER, PLAIN

if TYPE_CHECKING:
    from capacity_planner.pipeline.pace import Progress
    from capacity_planner.simulation.tiers import Tier


class Backtester:
    """Replays a history against scaling policies; safe to share between threads.

    Args:
        config: settings; ``worker_cost_per_hour``, ``violation_cost_per_hour`` and ``seed`` count here.

    Raises:
        PlannerError: ``CONFIG_INVALID`` or ``MODEL_NOT_SUPPORTED``.
    """

    def __init__(self, config: PlannerConfig | None = None) -> None:
        self._config = checked_config(PlannerConfig() if config is None else config)

    def run(
        self, scenario: BacktestScenario, *, timeout: timedelta | None = None, progress: Progress | None = None
    ) -> Backtest:
        """How each policy would have fared.

        All policies meet the same jobs, see only the past, measured some time ago, and pay for a worker from its order
        to the end of its last job. See [how it is judged](../how-to/backtest.md#how-it-is-judged).

        Args:
            scenario: a `BacktestScenario`, or a mapping as JSON gives it.
            timeout: stop after so long.
            progress: called with the share that is done, from 0 to 1; what it raises stops the backtest.

        Raises:
            PlannerError: ``CONFIG_INVALID`` with every field that does not fit, before any work; ``FORECAST_FAILED``
                when the time is up or a policy fails.
        """
        began, pace = perf_counter(), Stride(timeout, progress)
        valid = checked_backtest(scenario)
        seed = self._config.seed if valid.seed is None else valid.seed
        stage = stage_of(valid, seed, pace.check)
        pace.check()
        entries = entered(
            field_of(valid.policies, stage, valid.forecast_model, self._limits(valid), pace.check), sweep=valid.sweep
        )
        runs = sum(len(entry.knobs) for entry in entries)
        check_amount(valid, float(len(stage.loop.arrivals)), runs)
        pace.expect(runs * stage.loop.end)
        tier = _tier(float(runs * len(stage.loop.arrivals)), pace.remaining)
        pace.check()
        bound = bound_of(stage, pace.check)
        static = static_of(stage, tier, pace.check)
        bound_hours = bound.worker_seconds / 3_600.0
        course = Course(
            stage=stage,
            tier=tier,
            pace=pace,
            limits=self._limits(valid),
            prices=self._prices,
            held=Yardsticks(bound_hours=bound_hours, least=least_of(stage)),
        )
        found = runs_of(entries, course)
        outcomes = ranked(found.outcomes)
        equal = equal_of(found.frontiers, valid.asked_share, static * stage.hours, bound_hours) if valid.sweep else ()
        scored_from = valid.start + timedelta(minutes=warmup_of(valid))
        result = Backtest(
            id=self._identity(valid, seed),
            scenario=valid,
            scored_from=scored_from,
            scored=timedelta(hours=stage.hours),
            jobs=len(stage.loop.arrivals) - stage.first,
            told_wait=timedelta(seconds=stage.task.allowed_wait),
            outcomes=outcomes,
            frontiers=found.frontiers if valid.sweep else (),
            equal=equal,
            bound_worker_hours=bound_hours,
            static_workers=static,
            static_worker_hours=static * stage.hours,
            split=split_of(outcomes, equal, bound_hours),
            timeline=timeline_of(stage, scored_from, bound.workers, found.tracks),
            notes=notes_of(valid, stage),
            duration=timedelta(seconds=perf_counter() - began),
            created_at=datetime.now(UTC),
        )
        pace.finish()
        return result

    def validate(self, scenario: BacktestScenario) -> None:
        """Find out whether a scenario can be replayed, without replaying it.

        Raises:
            PlannerError: ``CONFIG_INVALID``; ``details["errors"]`` lists every problem with its field and remedy.
        """
        checked_backtest(scenario)

    def _limits(self, scenario: BacktestScenario) -> Limits:
        up = scenario.cooldown_period if scenario.scale_up_cooldown is None else scenario.scale_up_cooldown
        return Limits(
            step=scenario.max_step_size or math.inf,
            cooldown=scenario.cooldown_period.total_seconds(),
            cooldown_up=up.total_seconds(),
            lowest=scenario.min_workers,
            highest=scenario.max_workers,
        )

    @property
    def _prices(self) -> Prices:
        return Prices(worker=self._config.worker_cost_per_hour, violation=self._config.violation_cost_per_hour)

    def _identity(self, scenario: BacktestScenario, seed: int) -> str:
        """The same for the same scenario, seed and prices."""
        text = f"{codec.dumps(scenario)}{seed}{self._prices}"
        return f"backtest-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _tier(jobs: float, timeout: float | None) -> Tier:
    """Compiled where it is there already, or worth to be made ready in this process."""
    pays = COMPILER.pays(jobs)
    COMPILER.count(jobs)
    return (COMPILER.wait(timeout) if pays else COMPILER.tier) or PLAIN
