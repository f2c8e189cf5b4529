"""What becomes of a plan: the decision about it, the orders that carry it out, and what was scaled."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from capacity_planner.domain.metrics import Metrics
from capacity_planner.domain.request import PlanResponse
from capacity_planner.fields import CONFIG, Count, Instant, Prose, Text, TextMark


class Decision(StrEnum):
    """What was decided about a plan."""

    APPLIED = "applied"
    RECOMMENDED = "recommended"
    UNCHANGED = "unchanged"


class Reason(StrEnum):
    """Why a plan was not applied by itself."""

    NONE = ""
    MANUAL_MODE = "manual_mode"
    ADVISORY_MODE = "advisory_mode"
    LOW_CONFIDENCE = "low_confidence"
    SLO_UNACHIEVABLE = "slo_unachievable"
    ANOMALY = "anomaly"
    COOLDOWN = "cooldown"
    STALE_DATA = "stale_data"
    ON_REQUEST = "on_request"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRecord:
    """A plan as it was made, and what was decided about it.

    Attributes:
        response: the plan with what it rests on.
        decision: applied, recommended, or unchanged, where the plan is to change nothing.
        reason: why it was not applied by itself.
        explanation: the same in a sentence, with the figures.
        made_by: ``loop``, or the name of the token that asked.
        recorded_at: when it was recorded.
        applied_by: the name of the token that applied it later; empty where nobody did.
        applied_at: when.
    """

    __pydantic_config__ = CONFIG

    response: PlanResponse
    decision: Decision
    reason: Reason = Reason.NONE
    explanation: Prose = ""
    made_by: Text = "loop"
    recorded_at: Instant
    applied_by: Text = ""
    applied_at: Instant | None = None


class OrderStatus(StrEnum):
    """Where an order stands: ``pending`` and ``running`` ones are open, the others are settled."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One step of an applied plan on its way into the world.

    Attributes:
        id: ``<plan id>/<sequence>``, by which a scaler knows that it was asked before. Where limits, or what runs, ask
            for another number than the plan's, the scaler is given ``<plan id>/<sequence>#<number>``.
        plan_id: the plan.
        queue_name: the queue.
        sequence: the step of the plan.
        due: when to scale.
        expires: given up from then on.
        from_workers: workers before, as planned.
        to_workers: workers afterwards.
        status: where it stands.
        attempts: how often the scaler was asked.
        retry_at: not before then, after a failure.
        settled_at: when it was done, given up or superseded.
        observed_workers: workers that were seen after it was done, where the scaler can tell.
        note: what went wrong, or why it was settled so.
    """

    __pydantic_config__ = CONFIG

    id: Annotated[str, TextMark(longest=300)]
    plan_id: Text
    queue_name: Text
    sequence: Count
    due: Instant
    expires: Instant
    from_workers: Count
    to_workers: Count
    status: OrderStatus = OrderStatus.PENDING
    attempts: Count = 0
    retry_at: Instant | None = None
    settled_at: Instant | None = None
    observed_workers: Count | None = None
    note: Prose = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingRecord:
    """Workers of a queue that were scaled.

    Attributes:
        queue_name: the queue.
        at: when.
        from_workers: workers before.
        to_workers: workers ordered.
        plan_id: the plan; empty where none was.
        order_id: the order; empty where a person scaled, and told.
        scaler: what carried it out; empty where it was only told.
        by: ``loop``, or the name of a token.
    """

    __pydantic_config__ = CONFIG

    queue_name: Text
    at: Instant
    from_workers: Count
    to_workers: Count
    plan_id: Text = ""
    order_id: Annotated[str, TextMark(longest=300)] = ""
    scaler: Text = ""
    by: Text = "loop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Nothing could be measured, and why.

    Attributes:
        reason: one sentence.
    """

    __pydantic_config__ = CONFIG

    reason: Prose


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStatus:
    """How a queue that is planned for by itself is doing.

    Attributes:
        queue_name: the queue.
        owner: the replica that plans for it; empty where none does.
        owned_until: when another replica may take it over.
        planned_slot: begin of the newest interval that was planned for.
        newest_sample: the newest sample.
        gap: why there is no newer one; empty where all is well.
        last_decision: what was decided about the newest plan.
        last_reason: why it was not applied by itself.
        last_plan_id: the newest plan.
    """

    __pydantic_config__ = CONFIG

    queue_name: Text
    owner: Text = ""
    owned_until: Instant | None = None
    planned_slot: Instant | None = None
    newest_sample: Metrics | None = None
    gap: Prose = ""
    last_decision: Decision | None = None
    last_reason: Reason = Reason.NONE
    last_plan_id: Text = ""
