"""Conditions: what is so of a resource, since when, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from capacity_planner.domain.queues import Mode
from capacity_planner.domain.scaling import Decision, OrderStatus
from capacity_planner.service.deciding import changes
from capacity_planner.surfaces.kube.statuses import Condition
from capacity_planner.units import format_instant, parse_instant, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from capacity_planner.domain.scaling import Order, PlanRecord
    from capacity_planner.surfaces.kube.facts import Facts
    from capacity_planner.surfaces.kube.settling import Verdict

Truth = Literal["True", "False", "Unknown"]
_SETTLED = {OrderStatus.DONE, OrderStatus.FAILED, OrderStatus.SUPERSEDED}


@dataclass(frozen=True, slots=True)
class Finding:
    """A condition without its time.

    Attributes:
        type: which.
        status: whether it is so.
        reason: why, in one word.
        message: why, in a sentence.
    """

    type: str
    status: Truth
    reason: str
    message: str


def findings(verdict: Verdict, facts: Facts | None) -> Iterator[Finding]:
    """What is so of a resource.

    Args:
        verdict: what became of it.
        facts: what is known of its queue; ``None`` where it is not accepted.
    """
    yield Finding("Accepted", "True" if verdict.accepted else "False", verdict.reason, verdict.message)
    if verdict.rival:
        yield Finding("Conflicted", "True", "AnotherAutoscaler", _conflict(verdict))
    else:
        yield Finding("Conflicted", "False", "NoOtherAutoscaler", "Nothing else scales the target.")
    if facts is None:
        for name in ("Measured", "Planned", "Applied"):
            yield Finding(name, "Unknown", "NotAccepted", "The resource is not accepted.")
    else:
        yield _measured(facts)
        yield _planned(facts)
        yield _conflicting(verdict) if verdict.rival else _applied(facts)


def conditions(
    found: Iterable[Finding], before: Mapping[str, Any], generation: int, now: datetime
) -> tuple[Condition, ...]:
    """The conditions of a resource; one that is as it was keeps its time.

    Args:
        found: what is so.
        before: the status that it has.
        generation: of its spec.
        now: the time.
    """
    known = {item.get("type"): item for item in before.get("conditions") or () if isinstance(item, dict)}
    return tuple(
        Condition(
            type=item.type,
            status=item.status,
            reason=item.reason,
            message=item.message,
            observedGeneration=generation,
            lastTransitionTime=_since(known.get(item.type, {}), item.status) or now.replace(microsecond=0),
        )
        for item in found
    )


def _since(known: Mapping[str, Any], status: str) -> datetime | None:
    if known.get("status") != status:
        return None
    try:
        return parse_instant(known.get("lastTransitionTime"))
    except ValueError:
        return None


def _measured(facts: Facts) -> Finding:
    status = facts.status
    if status is None or status.newest_sample is None:
        if status is not None and status.gap:
            return Finding("Measured", "False", "NoSample", status.gap)
        return Finding("Measured", "Unknown", "Waiting", "The first sample is awaited.")
    age = facts.now - status.newest_sample.timestamp
    since = f"The newest sample is of {format_instant(status.newest_sample.timestamp)}"
    if age > facts.stale_after:
        why = status.gap or f"older than {words(facts.stale_after)}, so nothing is done upon it."
        return Finding("Measured", "False", "StaleSample", f"{since}: {why}")
    if status.gap and not _was_planning(facts):
        return Finding("Measured", "False", "Gap", f"{since}: {status.gap}")
    return Finding("Measured", "True", "Measured", f"{since}.")


def _planned(facts: Facts) -> Finding:
    status, record = facts.status, facts.record
    if status is None or status.planned_slot is None:
        return Finding("Planned", "Unknown", "Waiting", "The first plan comes within one plan interval.")
    if record is None or (status.gap and not _is_of_slot(facts)):
        return Finding("Planned", "False", "NoPlan", status.gap or "The newest interval passed without a plan.")
    return Finding("Planned", "True", "Planned", f"The newest plan is {record.response.plan.id}.")


def _is_of_slot(facts: Facts) -> bool:
    """Whether the newest plan was first made in the newest interval."""
    slot = facts.status.planned_slot if facts.status else None
    return facts.record is not None and slot is not None and facts.record.recorded_at >= slot


def _was_planning(facts: Facts) -> bool:
    """Whether what went wrong was planning, as there is a new sample but no plan of it."""
    status = facts.status
    if status is None or status.newest_sample is None or status.planned_slot is None:
        return False
    return status.newest_sample.timestamp >= status.planned_slot and not _is_of_slot(facts)


def _applied(facts: Facts) -> Finding:
    record = facts.record
    if record is None:
        return Finding("Applied", "Unknown", "Waiting", "There is no plan yet.")
    if not changes(record.response.plan):
        return Finding("Applied", "True", "NothingToChange", "The newest plan changes nothing.")
    if record.decision is Decision.RECOMMENDED and record.applied_at is None:
        reason = "".join(part.capitalize() for part in record.reason.split("_"))
        return Finding("Applied", "False", reason or "Recommended", record.explanation or "It was not decided upon.")
    return _carried(facts.orders, record)


def _carried(orders: tuple[Order, ...], record: PlanRecord) -> Finding:
    """How far the plan's steps have come."""
    failed = next((order for order in orders if order.status is OrderStatus.FAILED), None)
    if failed is not None:
        return Finding("Applied", "False", "ScalerFailed", f"Step {failed.sequence} was given up: {failed.note}")
    retried = next((order for order in orders if order.status not in _SETTLED and order.note), None)
    if retried is not None:
        tries = f"Step {retried.sequence} was tried {retried.attempts} times: {retried.note}"
        return Finding("Applied", "False", "ScalerRetries", tries)
    done = sum(order.status is OrderStatus.DONE for order in orders)
    message = f"{done} of {len(orders)} steps are done." if orders else "It was carried out elsewhere."
    due = next((order.due for order in orders if order.status not in _SETTLED), None)
    if due is not None:
        message += f" The next is due at {format_instant(due)}."
    by = f" {record.applied_by} applied it." if record.applied_by else ""
    return Finding("Applied", "True", "Applied", message + by)


def _conflict(verdict: Verdict) -> str:
    wished = verdict.wish.queue.mode if verdict.wish else Mode.ADVISORY
    then = "is scaled again" if wished is Mode.AUTO else "is planned for as before"
    return f"{verdict.rival}, and two would fight: this one only recommends. Remove the other, and the target {then}."


def _conflicting(verdict: Verdict) -> Finding:
    return Finding("Applied", "False", "Conflicted", _conflict(verdict))
