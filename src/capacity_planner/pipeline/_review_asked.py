"""Plans and histories at the door of a review: read, checked, sorted, each plan with what came to its queue."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from capacity_planner import codec
from capacity_planner.domain.metrics import Metrics
from capacity_planner.domain.plan import CapacityPlan
from capacity_planner.domain.request import PlanResponse
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.pipeline._review_came import Came
from capacity_planner.pipeline.validation import checked_metrics

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SINGLE = (CapacityPlan, PlanResponse, Metrics, Mapping, str, bytes)
_PLANS = "Give a list of plans, as `generate_plan` or `capacity-planner plan --json` makes them."
_HISTORY = "Give a list of samples, as `read_table` reads them."


def checked_plans(plans: Any) -> tuple[CapacityPlan, ...]:
    """The plans in the order in which they were made, each once.

    Args:
        plans: plans, responses, or mappings of either; or a single one of them.

    Raises:
        PlannerError: ``CONFIG_INVALID``, naming the plan by its place, field, value and remedy.
    """
    items = (plans,) if isinstance(plans, (CapacityPlan, PlanResponse, Mapping)) else _listed(plans, "plans", _PLANS)
    found: dict[str, CapacityPlan] = {}
    for index, item in enumerate(items):
        plan = codec.validate(CapacityPlan, plan_in(item), at=f"plans.{index}")
        found.setdefault(plan.id or codec.dumps(plan), plan)
    return tuple(sorted(found.values(), key=lambda plan: (plan.generated_at, plan.queue_name, plan.id)))


def plan_in(item: Any) -> Any:
    """The plan of a response; else what was given."""
    if isinstance(item, PlanResponse):
        return item.plan
    inner = item.get("plan") if isinstance(item, Mapping) else None
    return inner if isinstance(inner, Mapping | CapacityPlan) else item


def checked_history(history: Any) -> dict[str, Came]:
    """What came to each queue; a sample without a rate is a gap, and of several at one instant the last counts.

    Raises:
        PlannerError: ``INVALID_METRICS``, naming the sample by its place, field, value and remedy.
    """
    queues: dict[str, dict[Any, Metrics]] = {}
    for index, item in enumerate(_listed(history, "history", _HISTORY)):
        if not _is_gap(item):
            sample = checked_metrics(item, at=f"history.{index}")
            queues.setdefault(sample.queue_name, {})[sample.timestamp] = sample
    unnamed = queues.pop("", {}) if len(queues) > 1 else {}  # of whichever queue is asked for
    return {name: _came({**unnamed, **samples}) for name, samples in queues.items()}


def _came(samples: Mapping[Any, Metrics]) -> Came:
    return Came([samples[at] for at in sorted(samples)])


class Matched:
    """Which history is a plan's.

    Args:
        plans: checked ones.
        history: by queue.

    Raises:
        PlannerError: ``INVALID_METRICS``: the plans are of several queues and the history does not say which its is.
    """

    def __init__(self, plans: Sequence[CapacityPlan], history: Mapping[str, Came]) -> None:
        self._history = history
        names = sorted({plan.queue_name for plan in plans} - {""})
        if len(names) > 1 and set(history) == {""}:
            raise PlannerError(
                ErrorCode.INVALID_METRICS,
                f"history has no queue_name, but the plans are of {len(names)} queues: {', '.join(map(repr, names))}. "
                "Say whose each sample is, or review the plans of one queue.",
                details={"field": "history.queue_name", "value": ""},
            )

    def of(self, plan: CapacityPlan) -> tuple[Came | None, str]:
        """What came to a plan's queue, or why that is not known."""
        if not self._history:
            return None, "The history has no samples."
        found = self._history.get(plan.queue_name)
        if found is None and (len(self._history) == 1 and "" in {plan.queue_name, *self._history}):
            (found,) = self._history.values()
        return found, "" if found else self._stranger(plan)

    def _stranger(self, plan: CapacityPlan) -> str:
        if not plan.queue_name:
            return "It names no queue, and the history has several."
        return f"The history has no samples of the queue {codec.shown(plan.queue_name)}."


def _is_gap(item: Any) -> bool:
    """Whether a sample says that nothing was measured."""
    if isinstance(item, Mapping):
        rate = item.get("arrival_rate", 0.0)
        return rate is None or (isinstance(rate, float) and math.isnan(rate))
    return isinstance(item, Metrics) and isinstance(item.arrival_rate, float) and math.isnan(item.arrival_rate)


def _listed(value: Any, field: str, remedy: str) -> Iterator[Any]:
    if isinstance(value, Iterable) and not isinstance(value, _SINGLE):
        return iter(value)
    code = ErrorCode.CONFIG_INVALID if field == "plans" else ErrorCode.INVALID_METRICS
    shown = codec.shown(value)
    raise PlannerError(code, f"{field} is {shown}, which is no list. {remedy}", details={"field": field})
