"""A plan in a file, or on standard input → what it says."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.pipeline._table_file import read_tables
from capacity_planner.surfaces.cli._scenario_file import once
from capacity_planner.surfaces.cli._scenario_plan import is_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_TABLES = (".toml", ".yaml", ".yml")
_REMEDY = "Give a plan as `capacity-planner plan --json` prints it."


@dataclass(frozen=True, slots=True)
class PlanGiven:
    """A plan that a flag names.

    Attributes:
        table: what it says.
    """

    table: Mapping[str, Any]


def plan_of_flag(path: Path) -> PlanGiven:
    """The plan that ``--plan`` names; ``-`` is standard input.

    Raises:
        PlannerError: ``CONFIG_INVALID``, naming the flag, the file as it was typed, and the remedy.
    """
    return PlanGiven(plan_at(path, str(path), "--plan"))


def plan_at(path: Path, typed: str, field: str) -> dict[str, Any]:
    """The plan in a file, or in the response that is in it.

    Args:
        path: where it is.
        typed: the same, as it was typed.
        field: the flag or field that says so.

    Raises:
        PlannerError: ``CONFIG_INVALID``, naming all of them, and the remedy.
    """
    if path.suffix.lower() in _TABLES:
        found: Any = _tables(path, typed, field)
    else:
        found = _json(_text(path, typed, field), typed, field)
    inner = found.get("plan") if isinstance(found, dict) else None
    plan = inner if isinstance(inner, dict) else found
    if not isinstance(plan, dict) or not is_whole(plan):
        raise _refuse(field, typed, "is no plan.")
    return plan


def _tables(path: Path, typed: str, field: str) -> dict[str, Any]:
    try:
        return read_tables(path)
    except PlannerError as error:
        raise _refuse(field, typed, error.message.removeprefix(f"{path} ")) from None


def _text(path: Path, typed: str, field: str) -> str:
    try:
        content = sys.stdin.buffer.read() if typed == "-" and field == "--plan" else path.read_bytes()
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise _refuse(field, typed, "is not UTF-8 text.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _refuse(field, typed, f"cannot be read: {reason}.") from None


def _json(text: str, typed: str, field: str) -> Any:
    if not text.strip():
        raise _refuse(field, typed, "is empty.")
    try:
        return json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise _refuse(field, typed, f"is no JSON: {error}.") from None


def _refuse(field: str, typed: str, sentence: str) -> PlannerError:
    details = {"field": field, "value": typed}
    return PlannerError(ErrorCode.CONFIG_INVALID, f"{field} {typed} {sentence} {_REMEDY}", details=details)
