"""The review of past plans: each is carried out on what came, and held against what it said."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from capacity_planner import codec
from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.review import PlanOutcome, PlanReview
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.fields import CountMark
from capacity_planner.pipeline._review_asked import Matched, checked_history, checked_plans
from capacity_planner.pipeline._review_score import forecast_of, observed_of, summary_of
from capacity_planner.pipeline._review_trial import Trial
from capacity_planner.pipeline.deadline import Deadline
from capacity_planner.pipeline.pace import Pace
from capacity_planner.pipeline.validation import checked_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.plan import CapacityPlan
    from capacity_planner.domain.request import PlanResponse
    from capacity_planner.pipeline.pace import Progress

REPLICATIONS = 5
_HALF, _HOUR = 0.5, 3_600.0
_RUNS = CountMark(ge=1, le=1_000)


class Reviewer:
    """Holds past plans against what then happened; safe to share between threads.

    Args:
        config: settings; ``worker_cost_per_hour`` and ``seed`` count here.

    Raises:
        PlannerError: ``CONFIG_INVALID`` or ``MODEL_NOT_SUPPORTED``.
    """

    def __init__(self, config: PlannerConfig | None = None) -> None:
        self._config = checked_config(PlannerConfig() if config is None else config)

    def review(
        self,
        plans: Iterable[CapacityPlan | PlanResponse | Mapping[str, Any]],
        history: Iterable[Metrics | Mapping[str, Any]],
        *,
        replications: int = REPLICATIONS,
        hindsight: bool = False,
        timeout: timedelta | None = None,
        progress: Progress | None = None,
    ) -> PlanReview:
        """What became of each plan, and how often plans that said so much kept their SLO.

        Every plan is carried out as it was made, job by job, on the arrivals that came. Later plans may have changed
        the workers since; what a plan says holds for the plan as it was made.

        Args:
            plans: plans or responses, or mappings as JSON gives them, in any order; of several with one id the first
                counts.
            history: samples of the queue, or of several, in any order; one whose rate is NaN is a gap.
            replications: runs of each plan, with other service times and other places of the jobs in their interval.
            hindsight: whether to find the fewest workers that would have done, too; some ten times as slow.
            timeout: stop after so long.
            progress: called with the share of the plans that are done; what it raises stops the review.

        Raises:
            PlannerError: ``CONFIG_INVALID`` or ``INVALID_METRICS`` with place, field, value and remedy, before any
                work; ``FORECAST_FAILED`` when the time is up.
        """
        deadline, pace = Deadline(timeout, "review fewer plans"), Pace(None, progress)
        runs = _checked_runs(replications)
        asked = checked_plans(plans)
        matched = Matched(asked, checked_history(history))
        pace.expect(len(asked))
        outcomes = []
        for plan in asked:
            deadline.check()
            outcomes.append(self._outcome(plan, matched, runs, deadline.check, hindsight=hindsight))
            pace.tick(1)
        pace.finish()
        return PlanReview(id=self._identity(outcomes), created_at=datetime.now(UTC), **summary_of(outcomes))

    def _outcome(
        self, plan: CapacityPlan, matched: Matched, runs: int, check: Callable[[], None], *, hindsight: bool
    ) -> PlanOutcome:
        """What became of a plan, or why nobody can say."""
        reason, unknown = _unfit(plan), 0.0
        came, stranger = matched.of(plan)
        reason = reason or stranger
        if came is not None and not reason:
            unknown, reason = came.missing(plan.generated_at, plan.forecast_window)
        if came is None or reason:
            return told(plan, judged=False, reason=reason, unknown=unknown)
        trial = Trial(plan, came, self._config, runs, check)
        try:
            found = self._judged(trial, hindsight=hindsight)
        except PlannerError as error:
            if error.code is not ErrorCode.CONFIG_INVALID:
                raise
            return told(plan, judged=False, reason=error.message, unknown=unknown)
        return told(plan, judged=True, unknown=unknown, **found)

    def _judged(self, trial: Trial, *, hindsight: bool) -> dict[str, Any]:
        plan, came, report = trial.plan, trial.came, trial.report
        timeline, hours = report.timeline(trial.check), plan.forecast_window.total_seconds() / _HOUR
        workers = report.mean_workers()
        return {
            "kept": trial.runs_kept >= _HALF,
            "runs_kept": trial.runs_kept,
            "broken": float(trial.verdict.broken.mean()),
            "intervals": len(timeline),
            "p95_latency": max(point.p95_latency for point in timeline),
            "max_backlog": max(point.max_backlog for point in timeline),
            "arrival_rate": trial.planned.arrivals.expected / plan.forecast_window.total_seconds(),
            "mean_workers": workers,
            "worker_cost": workers * hours * self._config.worker_cost_per_hour,
            "required_in_hindsight": trial.fewest() if hindsight else None,
            "observed_kept": observed_of(plan, came, trial.planned),
            **forecast_of(plan, came),
        }

    def _identity(self, outcomes: list[PlanOutcome]) -> str:
        text = "".join(codec.dumps(item) for item in outcomes)
        return f"review-{hashlib.sha256(f'{text}{self._config.seed}'.encode()).hexdigest()[:16]}"


def _unfit(plan: CapacityPlan) -> str:
    """Why a plan cannot be judged whatever came."""
    if not plan.forecast_window:
        return "Its forecast_window is 0s: it says nothing about any time."
    if not plan.slo.has_target:
        return "Its SLO sets no target that it could keep."
    return "" if plan.service_time else "It does not know its service_time."


def told(plan: CapacityPlan, **found: Any) -> PlanOutcome:
    """The outcome of a plan: what it said, with what was found out."""
    return PlanOutcome(
        plan_id=plan.id,
        queue_name=plan.queue_name,
        generated_at=plan.generated_at,
        forecast_window=plan.forecast_window,
        confidence=plan.confidence,
        target_workers=plan.target_workers,
        slo_achievable=plan.slo_achievable,
        **found,
    )


def _checked_runs(value: int) -> int:
    try:
        return int(_RUNS.checked(value))
    except ValueError as error:
        shown = codec.shown(value)
        raise PlannerError(
            ErrorCode.CONFIG_INVALID,
            f"replications is {shown}, which {error}",
            details={"field": "replications", "value": shown},
        ) from None
