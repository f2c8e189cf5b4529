"""What is said of a resource in its status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capacity_planner import codec
from capacity_planner.service.deciding import changes
from capacity_planner.surfaces.kube.conditions import Finding, Truth, conditions, findings
from capacity_planner.surfaces.kube.names import POOL, POOL_LABEL
from capacity_planner.surfaces.kube.statuses import (
    PlanStatus,
    PolicyStatus,
    PoolStatus,
    SampleStatus,
    ScalingStatus,
    StepStatus,
)
from capacity_planner.units import format_instant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.plan import CapacityPlan, ScalingStep
    from capacity_planner.domain.scaling import PlanRecord, ScalingRecord
    from capacity_planner.surfaces.kube.deployments import Deployed
    from capacity_planner.surfaces.kube.facts import Facts
    from capacity_planner.surfaces.kube.settling import Verdict

_STEPS, _DIGITS = 10, 4


def status_of(
    verdict: Verdict,
    facts: Facts | None,
    deployed: Deployed | None,
    now: datetime,
    *,
    seen: Finding | None = None,
    applied: str = "",
) -> dict[str, Any]:
    """The status of a resource, as JSON has it.

    Args:
        verdict: what became of it.
        facts: what is known of its queue; ``None`` where it is not accepted.
        deployed: of a pool, how its Deployment is doing.
        now: the time.
        seen: of a policy, whether its target is there.
        applied: the plan that its annotation named last; empty where none was.
    """
    found = verdict.found
    said = list(findings(verdict, facts))
    if seen is not None:
        said.append(seen)
    if deployed is not None:
        so: Truth = "Unknown" if deployed.ok is None else "True" if deployed.ok else "False"
        said.append(Finding("Deployed", so, deployed.reason, deployed.message))
    common: dict[str, Any] = {
        "observedGeneration": found.generation,
        "conditions": conditions(said, found.status, found.generation, now),
        "lastApply": applied or None,
    }
    if verdict.queue is not None:
        common |= {"queueName": verdict.queue.queue_name, "mode": verdict.queue.mode}
    if facts is not None:
        common |= _of_queue(facts)
        carried = next(item for item in said if item.type == "Applied")
        common["whyNotApplied"] = carried.message if carried.status == "False" else None
    if found.kind == POOL:
        pods: dict[str, Any] = {"replicas": deployed.replicas, "readyReplicas": deployed.ready} if deployed else {}
        return _written(PoolStatus(**common, **pods, selector=f"{POOL_LABEL}={found.name}"))
    return _written(PolicyStatus(**common))


def change_of(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The merge patch that makes the one of the other; empty where they are the same.

    >>> change_of({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"c": 4, "d": 3}, "e": 5})
    {'a': None, 'b': {'c': 4}, 'e': 5}
    """
    change: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        known = before.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            if inner := change_of(known, value):
                change[name] = inner
        elif name not in before or known != value:
            change[name] = value
    return change


def _of_queue(facts: Facts) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if facts.status is not None and facts.status.newest_sample is not None:
        said["lastSample"] = _sample(facts.status.newest_sample)
    if facts.record is not None:
        plan = facts.record.response.plan
        said |= {
            "currentWorkers": plan.current_workers,
            "targetWorkers": plan.target_workers,
            "confidence": round(plan.confidence, _DIGITS),
            "recommendation": _recommendation(facts.record),
            "lastPlan": _plan(plan, facts.record),
        }
    if facts.scaling is not None:
        said["lastScaling"] = _scaling(facts.scaling)
    return said


def _recommendation(record: PlanRecord) -> str:
    plan = record.response.plan
    if not changes(plan):
        first = f"Keep {plan.current_workers} workers."
    else:
        step = plan.steps[0]
        first = (
            f"Go from {plan.current_workers} to {plan.target_workers} workers, beginning with {step.to_workers} at "
            f"{format_instant(step.scheduled_at.replace(microsecond=0))}."
        )
    return " ".join((first, *record.response.recommendations))


def _sample(sample: Metrics) -> SampleStatus:
    return SampleStatus(
        at=sample.timestamp,
        arrivalRate=round(sample.arrival_rate, _DIGITS),
        serviceTime=sample.service_time,
        backlog=sample.backlog,
        workers=sample.current_workers,
    )


def _plan(plan: CapacityPlan, record: PlanRecord) -> PlanStatus:
    return PlanStatus(
        id=plan.id,
        generatedAt=plan.generated_at,
        validUntil=plan.valid_until,
        currentWorkers=plan.current_workers,
        targetWorkers=plan.target_workers,
        confidence=round(plan.confidence, _DIGITS),
        sloAchievable=plan.slo_achievable,
        decision=record.decision,
        rationale=plan.rationale,
        steps=tuple(_step(step) for step in plan.steps[:_STEPS]),
    )


def _step(step: ScalingStep) -> StepStatus:
    return StepStatus(
        at=step.scheduled_at, fromWorkers=step.from_workers, toWorkers=step.to_workers, rationale=step.rationale
    )


def _scaling(scaling: ScalingRecord) -> ScalingStatus:
    return ScalingStatus(
        at=scaling.at,
        fromWorkers=scaling.from_workers,
        toWorkers=scaling.to_workers,
        planId=scaling.plan_id,
        by=scaling.by,
    )


def _written(status: PolicyStatus) -> dict[str, Any]:
    """A status without what is left out of it."""
    return {name: value for name, value in codec.encode(status).items() if value is not None}
