"""A study to a plan in the types of the API."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from capacity_planner import codec
from capacity_planner.domain.plan import CapacityPlan, CostAnalysis, RequiredWorkers, ScalingAction, ScalingStep
from capacity_planner.planning import cost, rationale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from capacity_planner.planning.schedule import Change
    from capacity_planner.planning.study import Study


def plan(study: Study, stated: Callable[[float], float]) -> CapacityPlan:
    """The plan that a study comes to; its id is a digest of its content.

    Args:
        study: the plan's reasons.
        stated: what is said for a confidence as it was worked out.
    """
    metrics, config = study.metrics, study.config
    sure = stated(study.confidence())
    made = CapacityPlan(
        id="",
        generated_at=metrics.timestamp,
        current_workers=study.current,
        target_workers=study.target,
        delta=study.target - study.current,
        steps=tuple(_steps(study, stated)) or (_rest(study, sure),),
        confidence=sure,
        cost_impact=_cost(study),
        slo_achievable=study.achievable,
        rationale=rationale.of_plan(study, sure),
        forecast_window=config.forecast_window,
        safety_margin=config.safety_margin,
        valid_until=metrics.timestamp + config.plan_interval,
        queue_name=metrics.queue_name,
        slo=study.slo,
        service_time=metrics.service_time,
        service_time_std=metrics.service_time_std,
        service_time_p95=metrics.service_time_p95,
        startup_delay=config.startup_delay,
        worker_concurrency=config.worker_concurrency,
        required=tuple(_required(study)),
    )
    digest = hashlib.sha256(json.dumps(codec.encode(made), sort_keys=True).encode()).hexdigest()
    return replace(made, id=f"plan-{digest[:16]}")


def _steps(study: Study, stated: Callable[[float], float]) -> Iterator[ScalingStep]:
    changes = study.path.changes
    for sequence, change in enumerate(changes, start=1):
        end = changes[sequence].at if sequence < len(changes) else study.path.fluid.end
        yield _step(study, sequence, change, stated(_until(study, change.at, end)))


def _step(study: Study, sequence: int, change: Change, sure: float) -> ScalingStep:
    config = study.config
    up = change.after > change.before
    at = study.at(change.at)
    return ScalingStep(
        sequence=sequence,
        scheduled_at=at,
        action=ScalingAction.SCALE_UP if up else ScalingAction.SCALE_DOWN,
        from_workers=change.before,
        to_workers=change.after,
        delta=change.after - change.before,
        rationale=rationale.of_step(study, change),
        estimated_cost=change.after * config.worker_cost_per_hour,
        confidence=sure,
        cooldown_until=at + min(config.cooldown_up, config.cooldown_period),
    )


def _rest(study: Study, sure: float) -> ScalingStep:
    workers, start = study.current, study.metrics.timestamp
    return ScalingStep(
        sequence=1,
        scheduled_at=start,
        action=ScalingAction.NO_CHANGE,
        from_workers=workers,
        to_workers=workers,
        delta=0,
        rationale=rationale.of_rest(study),
        estimated_cost=workers * study.config.worker_cost_per_hour,
        confidence=sure,
        cooldown_until=start,
    )


def _until(study: Study, start: float, end: float) -> float:
    interval = study.path.fluid.interval
    first, last = int(start / interval + 1e-9), max(int((end - 1e-6) / interval), int(start / interval + 1e-9))
    return study.confidence(first, last + 1)


def _cost(study: Study) -> CostAnalysis:
    fluid = study.path.fluid
    return cost.analyse(
        study.config,
        current=study.current,
        target=study.target,
        mean_added=sum((step.after - step.before) * (fluid.end - step.at) for step in study.path.changes) / fluid.end,
        risk=study.risk,
        risk_unchanged=study.risk_unchanged,
    )


def _required(study: Study) -> Iterator[RequiredWorkers]:
    interval = study.path.fluid.interval
    for index, need in enumerate(study.needs):
        yield RequiredWorkers(
            start=study.at(index * interval),
            end=study.at((index + 1) * interval),
            arrival_rate=need.rate,
            demand_rate=need.demand_rate,
            offered_load=need.demand_load,
            backlog=study.path.fluid.opening[index],
            workers=study.required(index),
        )
