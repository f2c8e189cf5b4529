"""What does not fit in scenarios, told by field, value and remedy."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from capacity_planner import codec, units
from capacity_planner.errors import ErrorCode, PlannerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

Problem = dict[str, str]
T = TypeVar("T")

_MOST_TOLD = 20


def shown_of(value: Any) -> str:
    """A value as a message shows it, instants and durations as people write them."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return units.format_instant(value)
    return units.words(value) if isinstance(value, timedelta) else codec.shown(value)


def problem(name: str, value: object, sentence: str) -> Problem:
    """Something that does not fit, as ``details["errors"]`` lists it."""
    shown = shown_of(value)
    return {"field": name, "value": shown, "message": f"{name} is {shown}, which {sentence}"}


def problems_of(error: PlannerError) -> list[Problem]:
    """What an error lists, or the error itself."""
    listed = error.details.get("errors")
    if listed:
        return list(listed)
    return [{**{name: str(error.details.get(name, "")) for name in ("field", "value")}, "message": error.message}]


@dataclass(slots=True)
class Findings:
    """What a scenario's making has found so far.

    Attributes:
        problems: what does not fit.
        notes: what was assumed.
    """

    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, value: object, sentence: str) -> None:
        """One more that does not fit."""
        self.problems.append(problem(name, value, sentence))

    def missing(self, name: str, message: str) -> None:
        """Something that is not there."""
        self.problems.append({"field": name, "value": "", "message": message})

    def tried(self, make: Callable[[], T], otherwise: T) -> T:
        """What is made, or a stand-in when that does not work."""
        try:
            return make()
        except PlannerError as error:
            self.problems += problems_of(error)
            return otherwise


def refusal(problems: Iterable[Problem]) -> PlannerError:
    """All problems, each once, in one error that tells them all."""
    found = list({item["message"]: item for item in problems}.values())
    lines = [item["message"] for item in found[:_MOST_TOLD]]
    if len(found) > _MOST_TOLD:
        lines.append(f"and {len(found) - _MOST_TOLD} more.")
    message = lines[0] if len(found) == 1 else "\n- ".join([f"{len(found)} problems; nothing was simulated.", *lines])
    return PlannerError(ErrorCode.CONFIG_INVALID, message, details={**found[0], "errors": found})


def strangers(fields: Mapping[Any, Any], known: Iterable[str], at: str, otherwise: str) -> Iterator[Problem]:
    """The names that are not known, each with the one that was meant.

    Args:
        fields: by name.
        known: the names that there are.
        at: what stands before a name.
        otherwise: the remedy where no name is like it.
    """
    names = list(known)
    for name in fields:
        if name not in names:
            text = str(name)
            near = difflib.get_close_matches(text, names, n=1) or [item for item in names if item.startswith(text)]
            hint = f"Did you mean {near[0]}?" if near and text else otherwise
            yield {"field": f"{at}{name}", "value": "", "message": f"{at}{name} is not a field here. {hint}"}
