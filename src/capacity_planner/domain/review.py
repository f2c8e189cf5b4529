"""Past plans, and what then happened: was the forecast right, was the SLO kept, was the confidence worth its name?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from capacity_planner.fields import CONFIG, Count, Duration, Instant, NonNegative, Prose, Real, Share, Slice, Text

ENOUGH_PLANS = 20
UNLIKELY = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOutcome:
    """A plan, and what happened when it was carried out, job by job, on the arrivals that came.

    All below ``unknown`` is ``None`` where the plan was not judged.

    Attributes:
        plan_id: the plan's id.
        queue_name: its queue.
        generated_at: begin of its window.
        forecast_window: length of its window.
        confidence: the probability of keeping the SLO that it stated.
        target_workers: the workers that it led to.
        slo_achievable: whether it said that the SLO can be kept within all limits.
        judged: whether what came is known well enough.
        reason: why it is not judged; empty where it is.
        unknown: share of the window for which the history has no samples; what came then is taken to lie between what
            came before and after.
        kept: whether the SLO held within its error budget, in at least half of the runs.
        runs_kept: share of the runs in which it did; the arrivals are the same in all, but not when in its interval a
            job came and how long it took.
        broken: share of the intervals that broke the SLO, a mean over the runs.
        intervals: intervals that the plan had, and that the SLO was held against.
        p95_latency: 95th percentile of the response time in the worst interval, a mean over the runs.
        max_backlog: most jobs that waited at one time, a mean over the runs.
        arrival_rate: mean rate of what came [jobs/s].
        forecast_error: mean absolute error of the median forecast, over the plan's intervals [jobs/s].
        wape: the same as a share of what came; ``None`` where nothing came.
        bias: sum of (median forecast - came) as a share of what came: below zero the forecast was low.
        band_coverage: share of the intervals whose rate was at most the one that was staffed.
        mean_workers: workers that were paid, on average.
        worker_cost: what they cost [$].
        required_in_hindsight: the fewest workers that, held over the window, would have kept the SLO; ``None`` also
            where it was not asked for, or where no number would have.
        observed_kept: whether the SLO was kept by the backlog and the workers that were measured, whatever plan was
            then carried out; ``None`` also where they were not.
    """

    __pydantic_config__ = CONFIG

    plan_id: Text
    queue_name: Text
    generated_at: Instant
    forecast_window: Duration
    confidence: Share
    target_workers: Count
    slo_achievable: bool
    judged: bool
    reason: Prose = ""
    unknown: Share = 0.0
    kept: bool | None = None
    runs_kept: Share | None = None
    broken: Share | None = None
    intervals: Count | None = None
    p95_latency: Duration | None = None
    max_backlog: Count | None = None
    arrival_rate: NonNegative | None = None
    forecast_error: NonNegative | None = None
    wape: NonNegative | None = None
    bias: Real | None = None
    band_coverage: Share | None = None
    mean_workers: NonNegative | None = None
    worker_cost: NonNegative | None = None
    required_in_hindsight: Count | None = None
    observed_kept: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """The judged plans whose stated confidence lies between two levels.

    Attributes:
        low: the lower level, which is within.
        high: the upper level, which is not, unless it is 1.
        plans: how many.
        stated: their mean stated confidence.
        kept: share of their runs that kept the SLO.
    """

    __pydantic_config__ = CONFIG

    low: Share
    high: Share
    plans: Count
    stated: Share
    kept: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReview:
    """Past plans, and what then happened.

    What is a mean over judged plans is ``None`` where none was judged.

    Attributes:
        id: derived from the outcomes: the same plans, history and settings have the same id.
        outcomes: one per plan, the newest last.
        plans: how many there are.
        judged: how many of them were judged.
        independent_plans: the judged plans, each counted by the part of its window that no plan of its queue before
            it has: plans whose windows overlap share their fate.
        kept: how many of the judged plans kept their SLO in at least half of the runs.
        kept_share: share of all runs of judged plans that kept the SLO.
        mean_confidence: mean stated confidence of the judged plans.
        chance: the probability that so many independent plans keep their SLO so seldom, or more seldom, if each keeps
            it with the mean stated confidence.
        brier: Brier score of the stated confidence, the mean of (stated - kept)² over the runs: 0 is perfect.
        brier_of_base_rate: that of always stating ``kept_share``.
        reliability: the judged plans by stated confidence, the lowest first; bins without plans are left out.
        forecast_wape: sum of the absolute errors of the median forecasts over the sum of what came.
        bias: sum of (median forecast - came) over the sum of what came: below zero forecasts were low.
        band_coverage: share of the intervals whose rate was at most the one that was staffed.
        created_at: when it was made.

    References:
        G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78, 1950.
    """

    __pydantic_config__ = CONFIG

    id: Text
    outcomes: Annotated[tuple[PlanOutcome, ...], Slice()] = ()
    plans: Count = 0
    judged: Count = 0
    independent_plans: NonNegative = 0.0
    kept: Count = 0
    kept_share: Share | None = None
    mean_confidence: Share | None = None
    chance: Share | None = None
    brier: Share | None = None
    brier_of_base_rate: Share | None = None
    reliability: Annotated[tuple[ReliabilityBin, ...], Slice()] = ()
    forecast_wape: NonNegative | None = None
    bias: Real | None = None
    band_coverage: Share | None = None
    created_at: Instant

    @property
    def enough(self) -> bool:
        """Whether there are enough independent plans to speak of reliability."""
        return self.independent_plans >= ENOUGH_PLANS

    @property
    def as_stated(self) -> bool:
        """Whether the SLO was kept as often as was stated, or so nearly that chance may be the reason."""
        return self.chance is None or self.chance >= UNLIKELY
