"""What a pool says twice, in the words of go-redis-work-queue and in ours, brought together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from capacity_planner.domain.slo import SLO
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.units import words

if TYPE_CHECKING:
    from capacity_planner.surfaces.kube.pools import AutoScaling, LatencySLO, WorkerPoolSpec

_PROMISED = 0.95


@dataclass(slots=True)
class Said:
    """What a resource says, as it is gathered.

    Attributes:
        queue_name: the queue.
        slo: what must hold; ``None`` is the operator's.
        planner: settings of the planner.
        unused: what it says that is not used, in sentences.
    """

    queue_name: str
    slo: SLO | None
    planner: dict[str, Any]
    unused: tuple[str, ...] = field(default=())

    def take(self, place: str, name: str, value: Any) -> None:
        """Take a setting of the planner from another place of the spec.

        Raises:
            PlannerError: ``CONFIG_INVALID``: both places say it, and differ.
        """
        if value is not None:
            self.planner[name] = _one(f"spec.{place}", value, f"spec.capacityConfig.{name}", self.planner.get(name))


def said_by_pool(spec: WorkerPoolSpec) -> Said:
    """What a pool says.

    Raises:
        PlannerError: ``CONFIG_INVALID``: two places say the same and differ, or it asks for what there is not.
    """
    said = Said(_queue_name(spec), spec.slo, dict(spec.capacityConfig))
    said.take("template.spec.concurrency", "worker_concurrency", spec.template.spec.concurrency)
    if spec.autoScaling:
        _take_limits(said, spec.autoScaling)
    said.unused = tuple(_unused(spec))
    return said


def _queue_name(spec: WorkerPoolSpec) -> str:
    selected = spec.queueSelector.queue if spec.queueSelector else ""
    if not selected and not spec.queueName:
        raise _invalid("spec.queueName is missing. Name the queue there, or in spec.queueSelector.queue.")
    return str(_one("spec.queueSelector.queue", selected or spec.queueName, "spec.queueName", spec.queueName or None))


def _take_limits(said: Said, limits: AutoScaling) -> None:
    said.take("autoScaling.minReplicas", "min_workers", limits.minReplicas)
    said.take("autoScaling.maxReplicas", "max_workers", limits.maxReplicas)
    said.take("autoScaling.scaleUpCooldown", "scale_up_cooldown", limits.scaleUpCooldown)
    said.take("autoScaling.scaleDownCooldown", "cooldown_period", limits.scaleDownCooldown)
    if limits.latencySLO:
        target, slo = _latency(limits.latencySLO), said.slo or SLO()
        known = slo.p95_latency or None
        merged = _one("spec.autoScaling.latencySLO.targetLatencyMs", target, "spec.slo.p95_latency", known)
        said.slo = replace(slo, p95_latency=merged)


def _latency(promise: LatencySLO) -> timedelta:
    if promise.targetPercentile != _PROMISED:
        raise _invalid(
            f"spec.autoScaling.latencySLO.targetPercentile is {promise.targetPercentile:g}. The planner promises the "
            "95th percentile: set 0.95 with a latency that fits it, or leave it out."
        )
    return timedelta(milliseconds=promise.targetLatencyMs)


def _unused(spec: WorkerPoolSpec) -> list[str]:
    found = []
    if spec.queueSelector and spec.queueSelector.matchLabels:
        found.append("queueSelector.matchLabels is not used: a pool serves one queue.")
    if spec.queueSelector and spec.queueSelector.priorities:
        found.append(
            "queueSelector.priorities is told to the workers only: the plan is for the queue as its source sees it."
        )
    if spec.autoScaling and spec.autoScaling.targetBacklogPerWorker is not None:
        found.append(
            "autoScaling.targetBacklogPerWorker is not used: the workers that a backlog needs follow from the SLO."
        )
    if spec.drainPolicy and not spec.drainPolicy.waitForCompletion:
        found.append("drainPolicy.waitForCompletion is not used: a worker always has its grace period.")
    return found


def _one(place: str, value: Any, other: str, known: Any) -> Any:
    if known is not None and known != value:
        raise _invalid(f"{place} is {_shown(value)}, but {other} is {_shown(known)}. Set one of them.")
    return value


def _shown(value: Any) -> str:
    return words(value) if isinstance(value, timedelta) else repr(value)


def _invalid(message: str) -> PlannerError:
    return PlannerError(ErrorCode.CONFIG_INVALID, message, details={"field": message.split(" ", 1)[0]})
