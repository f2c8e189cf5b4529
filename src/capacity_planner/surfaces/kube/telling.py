"""Kubernetes events: what changed between two statuses that a person would like to be told."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

from capacity_planner.surfaces.kube.names import OPERATOR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from capacity_planner.surfaces.kube.objects import Object

_LONGEST_NOTE, _LONGEST_NAME, _LONGEST_INSTANCE = 1_000, 200, 128  # the note's in bytes
_MOST, _EACH = 12.0, 30.0
_ALARMS = {"ScalerFailed", "ScalerRetries"}
_TURNS = {
    "Accepted": ("False", "Accepted"),
    "Conflicted": ("True", "ConflictGone"),
    "Deployed": ("False", "Deployed"),
    "Measured": ("False", "Measured"),
    "TargetFound": ("False", "TargetFound"),
}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        reason: in one word.
        note: in a sentence.
        warning: whether somebody should look.
    """

    reason: str
    note: str
    warning: bool = False


def events_of(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Event]:
    """What happened to a resource between two statuses; nothing is told twice, as the first is what was told already.

    Args:
        before: the status that the resource has.
        after: the status that it is given.
    """
    was, now = _conditions(before), _conditions(after)
    for name, (bad, good) in _TURNS.items():
        yield from _turned(was.get(name), now.get(name), bad, good)
    if not was and now["Accepted"]["status"] == "True":
        yield Event(now["Accepted"]["reason"], now["Accepted"]["message"])
    yield from _decided(before, after)
    applied = now["Applied"]
    if applied["reason"] in _ALARMS and applied["reason"] != was.get("Applied", {}).get("reason"):
        yield Event(applied["reason"], applied["message"], warning=True)
    scaled = after.get("lastScaling") or {}
    if scaled and scaled["at"] != (before.get("lastScaling") or {}).get("at"):
        by = f"the plan {scaled['planId']}" if scaled["planId"] else scaled["by"]
        yield Event("Scaled", f"From {scaled['fromWorkers']} to {scaled['toWorkers']} workers, by {by}.")


def _turned(was: Mapping[str, Any] | None, now: Mapping[str, Any] | None, bad: str, good: str) -> Iterator[Event]:
    """A condition that has become bad, or whose cause is another one, or that is good again."""
    if now is None:
        return
    if now["status"] == bad:
        if was is None or (was["status"], was["reason"], was["message"]) != (bad, now["reason"], now["message"]):
            yield Event(now["reason"], now["message"], warning=True)
    elif was is not None and was["status"] == bad and now["status"] != "Unknown":
        yield Event(good, now["message"])


def _decided(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Event]:
    """A plan that wants something else than the last one did, or of which something else becomes."""
    plan, last = after.get("lastPlan"), before.get("lastPlan") or {}
    if plan is None or plan["decision"] == "unchanged":
        return
    if any(plan[name] != last.get(name) for name in ("decision", "targetWorkers")):
        applied = plan["decision"] == "applied"
        why = "" if applied else f" Not applied: {after.get('whyNotApplied', 'it was decided otherwise.')}"
        note = f"{after['recommendation']} Confidence {plan['confidence']:.2f}.{why}"
        yield Event("Planned" if applied else "Recommended", note)


def _conditions(status: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {item["type"]: item for item in status.get("conditions") or ()}


def body_of(event: Event, about: Object, instance: str) -> dict[str, Any]:
    """An event as the API takes it.

    Args:
        event: what happened.
        about: to what.
        instance: who tells it.
    """
    stamp = time.time_ns()
    moment = datetime.fromtimestamp(stamp / 1e9, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    regarding = {
        "apiVersion": about.kind.api_version,
        "kind": about.kind.kind,
        "namespace": about.namespace,
        "name": about.name,
        "uid": about.uid,
    }
    return {
        "metadata": {"name": f"{about.name[:_LONGEST_NAME].rstrip('-.')}.{stamp:x}", "namespace": about.namespace},
        "eventTime": moment,
        "reportingController": f"{about.kind.group}/{OPERATOR}",
        "reportingInstance": instance[:_LONGEST_INSTANCE],
        "action": "Reconcile",
        "reason": event.reason,
        "regarding": regarding,
        "note": event.note.encode()[:_LONGEST_NOTE].decode(errors="ignore"),
        "type": "Warning" if event.warning else "Normal",
    }


class Allowance:
    """So many events of one resource at once, and one more now and then; more would drown the others."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, uid: str) -> bool:
        """Whether an event of a resource may be told now."""
        now = monotonic()
        left, at = self._left.get(uid, (_MOST, now))
        left = min(left + (now - at) / _EACH, _MOST)
        may = left >= 1.0
        self._left[uid] = (left - 1.0 if may else left), now
        return may

    def keep(self, uids: set[str]) -> None:
        """Forget all others."""
        self._left = {uid: left for uid, left in self._left.items() if uid in uids}
