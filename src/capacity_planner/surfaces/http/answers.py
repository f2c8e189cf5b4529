"""What the API answers beside the domain's own types, and what it is told in bodies that are not theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from capacity_planner.domain.forecast import ForecastAccuracy  # noqa: TC001 - the codec reads the annotations
from capacity_planner.domain.metrics import Metrics  # noqa: TC001 - as above
from capacity_planner.domain.queueing import QueueingResult  # noqa: TC001 - as above
from capacity_planner.domain.queues import ConfigVersion, QueueSettings  # noqa: TC001 - as above
from capacity_planner.domain.review import PlanReview  # noqa: TC001 - as above
from capacity_planner.domain.scaling import Order, PlanRecord, QueueStatus  # noqa: TC001 - as above
from capacity_planner.domain.simulation import Simulation  # noqa: TC001 - as above
from capacity_planner.fields import CONFIG, Count, CountMark, Flag, Instant, Measured, Share, Slice, Text, TextMark
from capacity_planner.service.heavy import TaskState  # noqa: TC001 - as above

QUEUE_NAME = TextMark(longest=200)
MOST_WORKERS = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanList:
    """Plans, the newest first.

    Attributes:
        plans: the plans, each with what was decided about it.
        next: what ``before`` takes for the older ones; ``null`` where there are none.
    """

    __pydantic_config__ = CONFIG

    plans: Annotated[tuple[PlanRecord, ...], Slice()]
    next: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDetail:
    """A plan, and what was ordered for it.

    Attributes:
        record: the plan with what was decided about it.
        orders: its steps on their way into the world; none where it was not applied.
    """

    __pydantic_config__ = CONFIG

    record: PlanRecord
    orders: Annotated[tuple[Order, ...], Slice()] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueingAnswer:
    """How a queue fares with so many servers.

    Attributes:
        servers: as asked for, or the fewest that meet the target.
        result: the queue in its steady state.
    """

    __pydantic_config__ = CONFIG

    servers: Count
    result: QueueingResult


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationJob:
    """A simulation on its way.

    Attributes:
        id: by which it is found again, until an hour after its end.
        state: where it stands; ``done``, ``failed`` and ``cancelled`` are its end.
        progress: share that is done.
        created_at: when it was asked for.
        started_at: when it began to run.
        ended_at: when it was over.
        simulation: what came out, where it is done.
        error: the problem, where it has failed.
    """

    __pydantic_config__ = CONFIG

    id: Text
    state: TaskState
    progress: Share
    created_at: Instant
    started_at: Instant | None = None
    ended_at: Instant | None = None
    simulation: Simulation | None = None
    error: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Samples that are safe.

    Attributes:
        stored: how many.
    """

    __pydantic_config__ = CONFIG

    stored: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingReport:
    """Somebody scaled a queue, and tells.

    Attributes:
        queue_name: the queue.
        workers: workers that were ordered.
        at: when; ``null`` is now.
    """

    __pydantic_config__ = CONFIG

    queue_name: Annotated[str, QUEUE_NAME]
    workers: Annotated[int, CountMark(ge=0, le=MOST_WORKERS)]
    at: Measured | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetRequest:
    """What to forget.

    Attributes:
        queue_name: the queue; ``null`` where all are meant.
        all: forget all queues; needs to be said, and no name beside.
    """

    __pydantic_config__ = CONFIG

    queue_name: Annotated[str, QUEUE_NAME] | None = None
    all: Flag = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueList:
    """Queues that are known.

    Attributes:
        queues: how each is doing.
    """

    __pydantic_config__ = CONFIG

    queues: Annotated[tuple[QueueStatus, ...], Slice()]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDetail:
    """A queue.

    Attributes:
        status: how it is doing.
        settings: how it is run; ``null`` where it is not planned for by itself.
    """

    __pydantic_config__ = CONFIG

    status: QueueStatus
    settings: QueueSettings | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueHistory:
    """What was measured of a queue.

    Attributes:
        samples: the oldest first; older ones stand for five minutes each.
    """

    __pydantic_config__ = CONFIG

    samples: Annotated[tuple[Metrics, ...], Slice()]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueAccuracy:
    """How right the forecasts and the plans of a queue were.

    Attributes:
        forecasts: errors and coverage by model and horizon, since this process began.
        review: what became of past plans, the newest first, and whether their confidence was worth its name.
    """

    __pydantic_config__ = CONFIG

    forecasts: Annotated[tuple[ForecastAccuracy, ...], Slice()]
    review: PlanReview


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigVersions:
    """Configurations as they were set.

    Attributes:
        versions: the newest first.
    """

    __pydantic_config__ = CONFIG

    versions: Annotated[tuple[ConfigVersion, ...], Slice()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The process answers.

    Attributes:
        status: always ``ok``.
    """

    __pydantic_config__ = CONFIG

    status: Text = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where to go from here.

    Attributes:
        service: the service's name.
        version: its version.
        openapi: what can be asked, for programs.
        plans: the plans.
        queues: the queues.
        config: the configuration.
        metrics: the metrics, for Prometheus.
    """

    __pydantic_config__ = CONFIG

    service: Text
    version: Text
    openapi: Text
    plans: Text
    queues: Text
    config: Text
    metrics: Text
