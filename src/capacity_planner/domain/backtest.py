"""A history replayed against scaling policies: the question, and what would have happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

from capacity_planner.domain.attainment import EqualAttainment, Frontier, PolicyOutcome, RegretSplit
from capacity_planner.domain.scenario import JobTrace, ServiceFamily
from capacity_planner.domain.slo import SLO
from capacity_planner.fields import (
    CONFIG,
    Count,
    CountMark,
    Duration,
    DurationMark,
    Instant,
    NonNegative,
    PositiveDuration,
    Prose,
    RealMark,
    Share,
    Slice,
    Text,
    Unbounded,
)

PLANNER, ORACLE = "planner", "oracle"
_NONE, _DAY = timedelta(0), timedelta(days=1)
_WORKERS = CountMark(ge=0, le=1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestScenario:
    """A history of arrivals, what was promised, and the policies to replay it against.

    Attributes:
        name: a short name.
        counts: jobs per interval, oldest first; ``None`` where nothing was measured.
        interval: length of an interval of ``counts``.
        trace: measured jobs, in place of ``counts``: when each arrived, and how long each took.
        start: begin of the history.
        queue_name: the queue's identifier.
        service_time: mean service time; zero where ``trace`` has service times.
        service_time_std: its standard deviation; ``None`` is "not known".
        service_time_p95: 95th percentile of the service time; ``None`` is "not known".
        service_family: the law of service times; ``auto`` chooses by what is known.
        slo: the promise; of its targets ``p95_latency`` counts, where ``allowed_wait`` is not set.
        allowed_wait: a job is in time when its service begins so soon; ``None``: when its response is within
            ``slo.p95_latency``.
        share: asked share of the jobs in time; ``None`` is 0.99 with ``allowed_wait``, else 0.95.
        startup_delay: a worker ordered at t serves from t + startup_delay.
        worker_concurrency: jobs one worker serves at once.
        min_workers: never fewer.
        max_workers: never more.
        warmup: what policies only learn from, not scored; ``None`` is the first half, at most 14 days.
        policies: names of the policies; none is all of them.
        forecast_model: that this planner forecasts with.
        sweep: whether every policy's knob is swept too, so that costs can be compared at the same share in time.
        max_step_size: most workers a step of any policy adds or removes; ``None`` is no limit.
        cooldown_period: least time between two steps of any policy.
        scale_up_cooldown: the same before a step that adds workers; ``None`` is ``cooldown_period``.
        metric_lag: how old what a policy sees is.
        late_bins: newest complete minutes whose counts are not known yet.
        startup_spread: start-up delays are uniform within so large a share of the delay around it.
        seed: seed of the random streams; ``None`` takes the configuration's.
    """

    __pydantic_config__ = CONFIG

    name: Text = ""
    counts: Annotated[tuple[Count | None, ...], Slice()] = ()
    interval: PositiveDuration = timedelta(minutes=1)
    trace: JobTrace | None = None
    start: Instant
    queue_name: Text = ""
    service_time: Duration = _NONE
    service_time_std: Duration | None = None
    service_time_p95: Duration | None = None
    service_family: ServiceFamily = ServiceFamily.AUTO
    slo: SLO = field(default_factory=SLO)
    allowed_wait: Duration | None = None
    share: Annotated[float, RealMark(gt=0, lt=1)] | None = None
    startup_delay: Annotated[timedelta, DurationMark(ge=_NONE, le=_DAY)] = _NONE
    worker_concurrency: Annotated[int, CountMark(ge=1, le=10_000)] = 1
    min_workers: Annotated[int, _WORKERS] = 1
    max_workers: Annotated[int, _WORKERS] = 1_000_000
    warmup: Duration | None = None
    policies: Annotated[tuple[Text, ...], Slice()] = ()
    forecast_model: Text = "auto"
    sweep: bool = True
    max_step_size: Annotated[int, CountMark(ge=1, le=1_000_000)] | None = None
    cooldown_period: Duration = _NONE
    scale_up_cooldown: Duration | None = None
    metric_lag: Annotated[timedelta, DurationMark(ge=_NONE, le=timedelta(minutes=3))] = timedelta(seconds=30)
    late_bins: Annotated[int, CountMark(ge=0, le=60)] = 1
    startup_spread: Share = 0.2
    seed: Annotated[int, CountMark(ge=0, lt=2**63)] | None = None

    @property
    def asked_share(self) -> float:
        """The share of the jobs that must be in time."""
        return self.share or (0.95 if self.allowed_wait is None else 0.99)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTrack:
    """A policy over time.

    Attributes:
        policy: its name.
        workers: mean paid workers per interval of the timeline.
        p95_wait: 95th percentile of the wait of the jobs that arrived in it [s]; 0 where none did.
    """

    __pydantic_config__ = CONFIG

    policy: Text
    workers: Annotated[tuple[NonNegative, ...], Slice()]
    p95_wait: Annotated[tuple[Unbounded, ...], Slice()]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestTimeline:
    """The scored time in at most 500 intervals.

    Attributes:
        start: begin of the first.
        interval: length of an interval.
        arrival_rate: jobs that arrived per second [jobs/s].
        bound_workers: mean workers of the clairvoyant bound.
        tracks: the policies as shipped.
    """

    __pydantic_config__ = CONFIG

    start: Instant
    interval: PositiveDuration
    arrival_rate: Annotated[tuple[NonNegative, ...], Slice()]
    bound_workers: Annotated[tuple[NonNegative, ...], Slice()]
    tracks: Annotated[tuple[PolicyTrack, ...], Slice()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """What would have happened.

    Attributes:
        id: derived from the scenario and the prices: the same question has the same id.
        scenario: the question.
        scored_from: begin of the scored time.
        scored: its length.
        jobs: jobs that arrived in it.
        told_wait: the wait that policies were told a job may have.
        outcomes: how each policy fared as it is shipped, best first: those that keep the asked share by cost, then
            the others by share.
        frontiers: what each policy's knob buys; empty without ``sweep``.
        equal: costs at the asked share, lowest first; empty without ``sweep``.
        bound_worker_hours: of the clairvoyant bound: no policy can keep the share for less [h].
        static_workers: the fewest that, unchanged, would have kept the asked share.
        static_worker_hours: their time [h].
        split: where the planner's cost comes from; ``None`` without planner and oracle.
        timeline: the scored time.
        notes: how it was judged, in words.
        duration: how long it took.
        created_at: when it was run.
    """

    __pydantic_config__ = CONFIG

    id: Text
    scenario: BacktestScenario
    scored_from: Instant
    scored: Duration
    jobs: Count
    told_wait: Duration
    outcomes: Annotated[tuple[PolicyOutcome, ...], Slice()]
    frontiers: Annotated[tuple[Frontier, ...], Slice()] = ()
    equal: Annotated[tuple[EqualAttainment, ...], Slice()] = ()
    bound_worker_hours: NonNegative
    static_workers: Count
    static_worker_hours: NonNegative
    split: RegretSplit | None = None
    timeline: BacktestTimeline
    notes: Annotated[tuple[Prose, ...], Slice()] = ()
    duration: Duration
    created_at: Instant

    @property
    def kept(self) -> bool:
        """Whether this planner, as shipped, keeps the asked share; true where it was not replayed."""
        planner = self.outcome(PLANNER)
        return planner is None or planner.kept

    def outcome(self, policy: str) -> PolicyOutcome | None:
        """How a policy fared; ``None`` where it was not replayed."""
        return next((item for item in self.outcomes if item.policy == policy), None)
