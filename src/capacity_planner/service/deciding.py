"""Whether a plan is carried out by itself, and if not, why: a question of figures alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from capacity_planner.domain.plan import ScalingAction
from capacity_planner.domain.queues import Mode
from capacity_planner.domain.scaling import Decision, Order, Reason
from capacity_planner.errors import ErrorCode
from capacity_planner.units import words

if TYPE_CHECKING:
    from datetime import timedelta

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.plan import CapacityPlan
    from capacity_planner.domain.queues import QueueSettings

_BLOCKED = {ErrorCode.COOLDOWN_ACTIVE: Reason.COOLDOWN, ErrorCode.ANOMALY_DETECTED: Reason.ANOMALY}
Supersede = Literal["all", "down", "none"]
_FALL: dict[Reason, Supersede] = {
    Reason.NONE: "all",
    Reason.ANOMALY: "all",
    Reason.LOW_CONFIDENCE: "down",
    Reason.SLO_UNACHIEVABLE: "down",
}
_NOT_OURS = {
    Mode.ADVISORY: (Reason.ADVISORY_MODE, "The queue's mode is advisory: plans are only recommended."),
    Mode.MANUAL: (Reason.MANUAL_MODE, "The queue's mode is manual: a person applies its plans."),
}


@dataclass(frozen=True, slots=True)
class Ruling:
    """What was decided.

    Attributes:
        decision: applied, recommended or unchanged.
        reason: why it is not applied.
        explanation: the same in a sentence, with the figures.
    """

    decision: Decision
    reason: Reason = Reason.NONE
    explanation: str = ""

    @property
    def supersede(self) -> Supersede:
        """Which orders of earlier plans fall with this decision.

        A plan that is only recommended leaves earlier orders alone, but for those that would remove workers: whoever
        approved them did so on another outlook. In an anomaly nothing goes on; where people decide, they do so.
        """
        return _FALL.get(self.reason, "none")


def rule(  # noqa: PLR0911 - one answer per reason, in the order of their weight
    plan: CapacityPlan,
    queue: QueueSettings,
    config: PlannerConfig,
    *,
    blocked: ErrorCode | None = None,
    age: timedelta,
) -> Ruling:
    """What becomes of a plan.

    Args:
        plan: the plan.
        queue: the queue's settings.
        config: the planner's settings for it.
        blocked: why the planner itself would not have it applied.
        age: of the newest sample.
    """
    if queue.mode in _NOT_OURS:
        return Ruling(Decision.RECOMMENDED if changes(plan) else Decision.UNCHANGED, *_NOT_OURS[queue.mode])
    if not changes(plan):
        return Ruling(Decision.UNCHANGED)
    limit = stale_after(queue, config)
    if age > limit:
        return _only(Reason.STALE_DATA, f"The newest sample is {words(age)} old, more than stale_after {words(limit)}.")
    if blocked is not None:
        return _only(_BLOCKED[blocked], f"{blocked}: the plan says what could be done afterwards.")
    if not plan.slo_achievable:
        if queue.best_effort:
            return Ruling(Decision.APPLIED, Reason.NONE, "It does not keep the SLO, but best_effort is set.")
        sentence = "No plan within the limits keeps the SLO; best_effort would apply the best one."
        return _only(Reason.SLO_UNACHIEVABLE, sentence)
    if plan.confidence < config.confidence_threshold and not (queue.best_effort and plan.delta > 0):
        sure, needed = plan.confidence, config.confidence_threshold
        return _only(Reason.LOW_CONFIDENCE, f"Its confidence {sure:.3f} is below confidence_threshold {needed:g}.")
    return Ruling(Decision.APPLIED)


def changes(plan: CapacityPlan) -> bool:
    """Whether a plan is to change anything."""
    return any(step.action is not ScalingAction.NO_CHANGE for step in plan.steps)


def stale_after(queue: QueueSettings, config: PlannerConfig) -> timedelta:
    """The age from which on a sample is not acted upon."""
    return queue.stale_after or 3 * config.plan_interval


def orders_of(plan: CapacityPlan) -> tuple[Order, ...]:
    """The orders that carry a plan out, one for each step that changes anything."""
    return tuple(
        Order(
            id=f"{plan.id}/{step.sequence}",
            plan_id=plan.id,
            queue_name=plan.queue_name,
            sequence=step.sequence,
            due=step.scheduled_at,
            expires=plan.generated_at + plan.forecast_window,
            from_workers=step.from_workers,
            to_workers=step.to_workers,
        )
        for step in plan.steps
        if step.action is not ScalingAction.NO_CHANGE
    )


def _only(reason: Reason, sentence: str) -> Ruling:
    return Ruling(Decision.RECOMMENDED, reason, sentence)
