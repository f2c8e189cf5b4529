"""What a ScaledObject asks for: the metadata of its trigger, read as strictly as a settings file."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.fields import TextMark
from capacity_planner.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN = "tokenFromEnv"  # noqa: S105 - the key, not a token
KEYS = ("queueName", "activationWorkers", "ahead", "fallback", TOKEN)
_QUEUE_NAME = TextMark(longest=200)
_FALLBACKS = {"error": False, "hold": True}
_LONGEST_AHEAD = timedelta(hours=1)
_ALIKE = 0.8


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of KEDA.

    Attributes:
        queue_name: the queue.
        activation: the trigger is active with more workers than these.
        ahead: orders that add workers count so much before they are due.
        hold: whether the newest order is answered also where no plan is fresh.
    """

    queue_name: str
    activation: int = 0
    ahead: timedelta = timedelta(0)
    hold: bool = False


def asked_by(metadata: Mapping[str, str]) -> Asked:
    """What the metadata of a trigger asks for.

    >>> asked_by({"scalerAddress": "planner:50051", "queueName": "emails", "ahead": "30s"})
    Asked(queue_name='emails', activation=0, ahead=datetime.timedelta(seconds=30), hold=False)

    Raises:
        PlannerError: ``CONFIG_INVALID`` with the key, its value and the remedy.
    """
    _refuse_slips(metadata)
    if not metadata.get("queueName"):
        raise _invalid("queueName", "", 'is missing. Name the queue, such as queueName: "emails".')
    return Asked(
        queue_name=_queue(metadata["queueName"]),
        activation=_count(metadata.get("activationWorkers", "0")),
        ahead=_ahead(metadata.get("ahead", "0s")),
        hold=_hold(metadata.get("fallback", "error")),
    )


def _refuse_slips(metadata: Mapping[str, str]) -> None:
    """Refuse what is nearly a key of ours; KEDA has keys of its own, and newer versions may have more."""
    known = {key.lower(): key for key in KEYS}
    for key in metadata:
        near = difflib.get_close_matches(key.lower(), known, n=1, cutoff=_ALIKE)
        if key not in KEYS and near:
            raise _invalid(key, metadata[key], f"is no key of this scaler. Did you mean {known[near[0]]}?")


def _queue(text: str) -> str:
    try:
        return str(_QUEUE_NAME.checked(text))
    except ValueError as error:
        raise _invalid("queueName", text, f"{error}") from None


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise _invalid("activationWorkers", text, 'is no whole number from 0 on, such as "0".')
    return int(text)


def _ahead(text: str) -> timedelta:
    try:
        found = parse_duration(text, wire=False)
    except ValueError as error:
        raise _invalid("ahead", text, f"{error}") from None
    if not timedelta(0) <= found <= _LONGEST_AHEAD:
        raise _invalid("ahead", text, "is not between 0s and 1h.")
    return found


def _hold(text: str) -> bool:
    if text not in _FALLBACKS:
        raise _invalid("fallback", text, f"is none of {', '.join(_FALLBACKS)}.")
    return _FALLBACKS[text]


def _invalid(key: str, value: str, problem: str) -> PlannerError:
    field = f"scalerMetadata.{key}"
    said = f" is {value[:80]!r}, which" if value and key != TOKEN else ""
    return PlannerError(
        ErrorCode.CONFIG_INVALID, f"{field}{said} {problem}", details={"field": field, "value": value[:80]}
    )
