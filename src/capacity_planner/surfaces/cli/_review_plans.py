"""Plan files, and directories of them → plans."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from capacity_planner import codec
from capacity_planner.domain.plan import CapacityPlan
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.surfaces.cli._scenario_file import once
from capacity_planner.surfaces.cli._scenario_plan import is_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_SUFFIXES = (".json", ".jsonl", ".ndjson")
_STDIN = "-"
_REMEDY = "Give plans as `capacity-planner plan --json` prints them."


def plans_of(paths: Sequence[Path]) -> tuple[list[CapacityPlan], list[str]]:
    """The plans of all files in their order, and notes on those that are empty.

    A `plan --json` that failed leaves an empty file behind it, which is no reason to refuse all others.

    Raises:
        PlannerError: ``CONFIG_INVALID``, naming file, plan and remedy.
    """
    plans: list[CapacityPlan] = []
    empty: list[str] = []
    for path in _files(paths):
        text = _text(path)
        if not text.strip():
            empty.append(str(path))
        plans += [_plan(item, where) for item, where in _items(text, str(path))]
    return plans, [_told(empty)] if empty else []


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        inside = sorted(item for item in path.iterdir() if item.suffix.lower() in _SUFFIXES and item.is_file())
        if not inside:
            raise _refuse(str(path), f"is a directory without {', '.join(_SUFFIXES)} files.")
        yield from inside


def _text(path: Path) -> str:
    try:
        content = sys.stdin.buffer.read() if str(path) == _STDIN else path.read_bytes()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refuse(str(path), "is not UTF-8 text.") from None
    except (OSError, ValueError) as error:
        raise _refuse(str(path), f"cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def _items(text: str, name: str) -> Iterator[tuple[Any, str]]:
    """Every plan or response of a file, and where it is; values may follow each other, as in JSON Lines."""
    found = list(_values(text, name))
    listed = [item for value in found for item in (value if isinstance(value, list) else [value])]
    for number, item in enumerate(listed, start=1):
        yield item, name if len(listed) == 1 else f"{name} [{number}]"


def _values(text: str, name: str) -> Iterator[Any]:
    decoder, at = json.JSONDecoder(object_pairs_hook=once), 0
    while rest := text[at:].lstrip():
        begin = len(text) - len(rest)
        try:
            value, at = decoder.raw_decode(text, begin)
        except (ValueError, RecursionError) as error:
            raise _refuse(name, f"is no JSON: {error}.") from None
        yield value


def _plan(item: Any, where: str) -> CapacityPlan:
    inner = item.get("plan") if isinstance(item, dict) else None
    plan = inner if isinstance(inner, dict) else item
    if not isinstance(plan, dict) or not is_whole(plan):
        raise _refuse(where, "is no plan.")
    try:
        return codec.validate(CapacityPlan, plan, at="plan")
    except PlannerError as error:
        raise PlannerError(error.code, f"{where}: {error.message}", details=error.details) from None


def _told(empty: Sequence[str]) -> str:
    more = f" and {len(empty) - 1:,} others" if len(empty) > 1 else ""
    return f"{empty[0]}{more}: empty, and left out."


def _refuse(name: str, sentence: str) -> PlannerError:
    details = {"field": "PLANS", "value": name}
    return PlannerError(ErrorCode.CONFIG_INVALID, f"PLANS: {name} {sentence} {_REMEDY}", details=details)
