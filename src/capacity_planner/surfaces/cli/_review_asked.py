"""The options of ``review`` → plans, and what came to their queues."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.surfaces.cli._reading import read, told
from capacity_planner.surfaces.cli._review_plans import plans_of
from capacity_planner.surfaces.cli._settings import duration_of, settings_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.plan import CapacityPlan


@dataclass(frozen=True, slots=True)
class Asked:
    """What a user wants reviewed.

    Attributes:
        plans: past plans.
        history: samples of their queues.
        config: with price and seed.
        replications: runs of each plan.
        hindsight: whether to find the fewest workers, too.
        timeout: ``None`` is for ever.
        notes: how the files were read.
    """

    plans: Sequence[CapacityPlan]
    history: Sequence[Metrics]
    config: PlannerConfig
    replications: int
    hindsight: bool
    timeout: timedelta | None
    notes: tuple[str, ...]


def asked_of(options: Mapping[str, Any]) -> Asked:
    """The question that the options ask.

    Raises:
        PlannerError: ``CONFIG_INVALID`` or ``INVALID_METRICS``, naming the option or the file.
    """
    config = settings_of(options).config
    timeout = duration_of(options, "timeout", "--timeout")
    plans, notes = plans_of(options["plans"])
    plans = _of_queue(plans, options["queue_name"])
    history, read_notes = _history(options, plans)
    return Asked(
        plans=plans,
        history=history,
        config=config if options["seed"] is None else replace(config, seed=options["seed"]),
        replications=options["replications"],
        hindsight=options["hindsight"],
        timeout=timeout,
        notes=(*notes, *read_notes),
    )


def _of_queue(plans: list[CapacityPlan], name: str | None) -> list[CapacityPlan]:
    """The plans of one queue, where one is named; a plan without a name is of that queue."""
    if name is None:
        return plans
    found = [plan for plan in plans if plan.queue_name in {"", name}]
    if plans and not found:
        known = ", ".join(sorted({repr(plan.queue_name) for plan in plans}))
        message = f"--queue-name is {name!r}, but the plans are of {known}. Name one of them, or leave it out."
        raise PlannerError(ErrorCode.CONFIG_INVALID, message, details={"field": "--queue-name", "value": name})
    return found


def _history(options: Mapping[str, Any], plans: Sequence[CapacityPlan]) -> tuple[list[Metrics], list[str]]:
    """The samples of every queue that there are plans of; of a file without queues all of them, once."""
    names = sorted({plan.queue_name for plan in plans} - {""})
    wanted: list[str | None] = [options["queue_name"]] if options["queue_name"] or not names else [*names]
    samples: list[Metrics] = []
    notes: list[str] = []
    for name in wanted:
        reading = read({**options, "queue_name": name})
        samples += reading.metrics
        of_queue = f"queue {name!r}, " if len(wanted) > 1 else ""
        notes.append(f"{of_queue}{told(reading, str(options['history']))}")
        if "queue_name" not in reading.fields:
            break
    return samples, notes
