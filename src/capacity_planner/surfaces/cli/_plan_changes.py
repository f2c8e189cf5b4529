"""Changes to plans: other workers at other times, with all that follows from them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

from capacity_planner import codec
from capacity_planner.domain.plan import ScalingAction, ScalingStep
from capacity_planner.surfaces.cli._scenario_findings import problem, refusal
from capacity_planner.surfaces.cli._scenario_words import more_words, more_workers

if TYPE_CHECKING:
    from datetime import datetime

    from capacity_planner.domain.plan import CapacityPlan

Orders: TypeAlias = "list[tuple[datetime, int]]"


def enlarged(plan: CapacityPlan, more: Any) -> CapacityPlan:
    """The same plan with that many more workers at all times.

    Raises:
        PlannerError: ``CONFIG_INVALID``: that is no number of workers.
    """
    try:
        grown = more_workers(more)
    except ValueError as error:
        raise refusal([problem("plan.add_workers", more, str(error))]) from None
    orders = [(step.scheduled_at, grown(step.to_workers)) for step in plan.steps]
    said = f"{more_words(more)} at all times; costs, confidence and needs are those of the plan without them."
    changed = scheduled(plan, grown(plan.current_workers), orders)
    return identified(replace(changed, rationale=f"{plan.rationale}\n{said}".strip()))


def scheduled(plan: CapacityPlan, workers: int, orders: Orders) -> CapacityPlan:
    """The plan with these workers instead; the price of a worker stays."""
    price = plan.cost_impact.current_cost_per_hour / plan.current_workers if plan.current_workers else 0.0
    befores = [workers, *(count for _, count in orders)]
    known = {step.scheduled_at: step for step in plan.steps}
    steps = tuple(
        _step(sequence, at, (before, after), price, known.get(at))
        for sequence, ((at, after), before) in enumerate(zip(orders, befores, strict=False), start=1)
    )
    target = _first_ramp(befores)
    return replace(plan, current_workers=workers, target_workers=target, delta=target - workers, steps=steps)


def _step(sequence: int, at: datetime, change: tuple[int, int], price: float, known: ScalingStep | None) -> ScalingStep:
    before, after = change
    action = ScalingAction.NO_CHANGE
    if after != before:
        action = ScalingAction.SCALE_UP if after > before else ScalingAction.SCALE_DOWN
    return ScalingStep(
        sequence=sequence,
        scheduled_at=at,
        action=action,
        from_workers=before,
        to_workers=after,
        delta=after - before,
        rationale=known.rationale if known else "Written by hand.",
        estimated_cost=after * price,
        confidence=known.confidence if known else 0.0,
        cooldown_until=known.cooldown_until if known else at,
    )


def _first_ramp(levels: list[int]) -> int:
    """The level at the end of the first climb; of a plan that only shrinks, the last."""
    for before, after in pairwise(levels):
        if before > levels[0] and after < before:
            return before
    return levels[-1]


def identified(plan: CapacityPlan) -> CapacityPlan:
    """The plan with an id that is the same for the same plan."""
    digest = hashlib.sha256(codec.dumps(replace(plan, id="")).encode()).hexdigest()
    return replace(plan, id=f"plan-{digest[:16]}")
