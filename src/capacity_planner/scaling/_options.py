"""Options of scalers as they are read: a wrong one is refused by name, with the remedy."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Sequence


def refuse(option: str, value: object, problem: str) -> PlannerError:
    """The error for an option, to be raised.

    >>> refuse("grace", "5", "has no unit.").message
    "scaler.options.grace is '5', which has no unit."
    """
    field = f"scaler.options.{option}"
    details = {"field": field, "value": repr(value)}
    return PlannerError(ErrorCode.CONFIG_INVALID, f"{field} is {value!r}, which {problem}", details=details)


def seconds(option: str, value: object, *, least: float = 0.0, most: float = 86_400.0) -> float:
    """The seconds of a duration.

    >>> seconds("grace", "1m30s")
    90.0
    """
    try:
        found = parse_duration(value, wire=False).total_seconds()
    except ValueError as error:
        raise refuse(option, value, str(error)) from None
    if not least <= found <= most:
        raise refuse(option, value, f"is not between {least:g} and {most:g} seconds.")
    return found


def count(option: str, value: object, *, least: int = 0, most: int = 10**9) -> int:
    """A whole number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise refuse(option, value, f"is no whole number from {least} to {most}.")
    return value


def text(option: str, value: object) -> str:
    """A text; it may be empty."""
    if not isinstance(value, str):
        raise refuse(option, value, "is not a text.")
    return value


def flag(option: str, value: object) -> bool:
    """Yes or no."""
    if not isinstance(value, bool):
        raise refuse(option, value, "is neither true nor false.")
    return value


def one_of(option: str, value: object, known: Sequence[str]) -> str:
    """One of some words."""
    if value not in known:
        raise refuse(option, value, f"is none of {', '.join(known)}.")
    return str(value)


def texts(option: str, value: object) -> tuple[str, ...]:
    """A list of texts, or a single one."""
    found = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list | tuple) else (None,)
    if not all(isinstance(item, str) for item in found):
        raise refuse(option, value, "is not a list of texts.")
    return tuple(str(item) for item in found)


def file(option: str, value: object) -> Path:
    """A file that can be read."""
    path = Path(text(option, value)).expanduser()
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise refuse(option, value, f"cannot be read: {error.strerror}.") from None


def need(scaler: str, library: str, extra: str) -> None:
    """Refuse a scaler whose library is not installed, without the time it takes to load it."""
    if not _installed(library):
        sentence = f"The scaler {scaler} needs an extra: pip install 'capacity-planner[{extra}]'"
        raise PlannerError(ErrorCode.CONFIG_INVALID, sentence, details={"field": "scaler", "value": scaler})


def _installed(library: str) -> bool:
    """Some libraries, such as kombu, replace themselves when they are loaded, and cannot be found from then on."""
    if library in sys.modules:
        return sys.modules[library] is not None
    return find_spec(library) is not None
