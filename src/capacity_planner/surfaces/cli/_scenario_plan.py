"""Plans that people write by hand, and changes to whole ones → a plan that can be carried out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from capacity_planner import codec, units
from capacity_planner.domain.plan import CapacityPlan
from capacity_planner.errors import PlannerError
from capacity_planner.fields import CountMark
from capacity_planner.planning.cost import analyse
from capacity_planner.surfaces.cli._plan_changes import Orders, enlarged, identified, scheduled
from capacity_planner.surfaces.cli._scenario_findings import problem, problems_of, refusal, strangers
from capacity_planner.surfaces.cli._scenario_words import moment

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping
    from datetime import datetime

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.plan import CostAnalysis
    from capacity_planner.domain.slo import SLO
    from capacity_planner.surfaces.cli._scenario_findings import Problem

_FACTS = (
    "generated_at",
    "queue_name",
    "service_time",
    "service_time_std",
    "service_time_p95",
    "startup_delay",
    "worker_concurrency",
)
_BY_HAND = ("workers", "steps", "add_workers", "slo", *_FACTS)
_WORKERS = CountMark(ge=0, le=1_000_000)


@dataclass(frozen=True, slots=True)
class Frame:
    """What a plan by hand does not say itself.

    Attributes:
        start: when it begins.
        window: how long it is carried out.
        slo: what it is to keep.
        config: prices, and what holds for workers where nothing else is said.
        sure: whether the window is the user's, so that steps outside of it are wrong.
    """

    start: datetime
    window: timedelta
    slo: SLO
    config: PlannerConfig
    sure: bool = True


def is_whole(table: Mapping[str, Any]) -> bool:
    """Whether this is a plan as ``plan --json`` prints it, changed or not."""
    return "current_workers" in table


def made_plan(table: Mapping[str, Any], frame: Frame) -> CapacityPlan:
    """The plan that a table says.

    Raises:
        PlannerError: ``CONFIG_INVALID`` with all that does not fit.
    """
    plan = _changed(table, frame) if is_whole(table) else _by_hand(table, frame)
    more = table.get("add_workers")
    return plan if more is None else enlarged(plan, more)


def _by_hand(table: Mapping[str, Any], frame: Frame) -> CapacityPlan:
    problems = list(_strangers(table))
    workers = _count(table.get("workers"), "plan.workers", problems)
    orders = _orders(table.get("steps") or [], frame, problems)
    facts = {name: table[name] for name in _FACTS if table.get(name) is not None}
    try:
        checked = codec.validate(CapacityPlan, {**_blank(frame, workers), **facts}, at="plan")
    except PlannerError as error:
        raise refusal([*problems, *problems_of(error)]) from None
    if problems:
        raise refusal(problems)
    plan = scheduled(checked, workers, orders)
    return identified(replace(plan, cost_impact=_cost(frame, workers, plan.target_workers)))


def _changed(table: Mapping[str, Any], frame: Frame) -> CapacityPlan:
    """A whole plan, with what is said by hand instead of what it says."""
    problems: list[Problem] = []
    steps = table.get("steps") or []
    by_hand = _is_by_hand(steps) or "workers" in table
    rest = {name: value for name, value in table.items() if name not in {"workers", "add_workers"}}
    if not by_hand:
        return codec.validate(CapacityPlan, rest, at="plan")
    plan = codec.validate(CapacityPlan, {**rest, "steps": ()}, at="plan")
    workers = _count(table.get("workers", plan.current_workers), "plan.workers", problems)
    orders = _orders(steps, frame, problems)
    if problems:
        raise refusal(problems)
    return identified(scheduled(plan, workers, orders))


def _strangers(table: Mapping[str, Any]) -> Iterator[Problem]:
    yield from strangers(table, _BY_HAND, "plan.", f"A plan by hand has: {', '.join(_BY_HAND)}.")
    if "workers" not in table:
        message = "plan.workers is missing. Say how many workers there are at the start."
        yield {"field": "plan.workers", "value": "", "message": message}


def _count(value: Any, field: str, problems: list[Problem]) -> int:
    try:
        return 0 if value is None else int(_WORKERS.checked(value))
    except ValueError as error:
        problems.append(problem(field, value, str(error)))
        return 0


def _is_by_hand(steps: Any) -> bool:
    return isinstance(steps, list) and any(isinstance(item, dict) and "at" in item for item in steps)


def _orders(steps: Any, frame: Frame, problems: list[Problem]) -> Orders:
    """When to have how many workers, in time order."""
    if not isinstance(steps, list):
        problems.append(problem("plan.steps", steps, 'is no list. Write [{at = "10m", workers = 20}].'))
        return []
    found: dict[datetime, int] = {}
    for index, item in enumerate(steps):
        field = f"plan.steps.{index}"
        if not isinstance(item, dict) or set(item) != {"at", "workers"}:
            problems.append(problem(field, item, 'is no step. Write {at = "10m", workers = 20}.'))
            continue
        workers = _count(item["workers"], f"{field}.workers", problems)
        try:
            found[_moment(item["at"], frame, found)] = workers
        except ValueError as error:
            problems.append(problem(f"{field}.at", item["at"], str(error)))
    return sorted(found.items())


def _moment(said: Any, frame: Frame, taken: Container[datetime]) -> datetime:
    """When a step is, within the simulated time.

    Raises:
        ValueError: that is no moment, outside, or has a step already; the message says the remedy.
    """
    at = moment(said, frame.start)
    if at in taken:
        raise ValueError("has a step already. Write one of them.")
    if frame.sure and not timedelta(0) <= at - frame.start < frame.window:
        window = f"begins at {units.format_instant(frame.start)} and lasts {units.words(frame.window)}"
        remedy = "Move the step, or set --start or --duration."
        raise ValueError(f"is outside the simulated time, which {window}. {remedy}")
    return at


def _blank(frame: Frame, workers: int) -> dict[str, Any]:
    """A plan without steps."""
    return {
        "id": "",
        "generated_at": frame.start,
        "current_workers": workers,
        "target_workers": workers,
        "delta": 0,
        "steps": (),
        "confidence": 0.0,
        "cost_impact": _cost(frame, workers, workers),
        "slo_achievable": False,
        "rationale": "Written by hand: whether it keeps the SLO, and how surely, is not known yet.",
        "forecast_window": frame.window,
        "safety_margin": 0.0,
        "valid_until": frame.start + frame.window,
        "queue_name": "",
        "slo": frame.slo,
        "startup_delay": frame.config.startup_delay,
        "worker_concurrency": frame.config.worker_concurrency,
    }


def _cost(frame: Frame, current: int, target: int) -> CostAnalysis:
    """What the workers cost; nothing is known of violations."""
    added = target - current
    return analyse(frame.config, current=current, target=target, mean_added=added, risk=0.0, risk_unchanged=0.0)
