"""Scenario files → drafts: what each scenario says, before its plan is made."""

from __future__ import annotations

import json
from dataclasses import dataclass, is_dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from capacity_planner import units
from capacity_planner.domain.scenario import SimulationScenario
from capacity_planner.errors import PlannerError
from capacity_planner.fields import DurationMark, marks_of
from capacity_planner.pipeline._table_file import read_tables, refuse
from capacity_planner.surfaces.cli._scenario_findings import problem, problems_of, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from capacity_planner.surfaces.cli._scenario_findings import Problem

_SUFFIXES = (".toml", ".yaml", ".yml", ".json")
_LISTED = "scenarios"
_STAND_IN = timedelta(hours=1)
_TABLES = ("slo", "slo_override", "traffic_pattern", "trace")


@dataclass(frozen=True, slots=True)
class Draft:
    """A scenario as it was written.

    Attributes:
        name: its name; made up where it has none.
        file: its file; empty for flags alone.
        where: the same, and its name where the file has several.
        base: what paths in it are relative to.
        fields: what it says.
        problems: what cannot be.
    """

    name: str
    file: str
    where: str
    base: Path
    fields: Mapping[str, Any]
    problems: tuple[Problem, ...] = ()


def all_drafts(paths: list[Path]) -> list[Draft]:
    """The scenarios of all files.

    Raises:
        PlannerError: ``CONFIG_INVALID`` with every file that cannot be read.
    """
    drafts: list[Draft] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            drafts += drafts_of(path)
        except PlannerError as error:
            problems += problems_of(error)
    if problems:
        raise refusal(problems)
    return drafts


def drafts_of(path: Path) -> list[Draft]:
    """The scenarios of a file.

    Raises:
        PlannerError: ``CONFIG_INVALID``: it cannot be read, or is no scenario.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise refuse(path, f"is no {', '.join(_SUFFIXES)} file. A history is given with --history, a plan with --plan.")
    shared = _read_object(path)
    if path.suffix.lower() == ".json" and "plan" in shared and "forecast" in shared:
        raise refuse(path, "is a plan, not a scenario. Give it with --plan.")
    listed = shared.pop(_LISTED, None)
    if listed is None:
        return [_draft(path, "", shared, path.stem)]
    if not isinstance(listed, list) or not listed or not all(isinstance(item, dict) for item in listed):
        raise refuse(path, f"has something else than tables in {_LISTED}. Write each as [[{_LISTED}]].")
    items = [merged(shared, _unwrapped(item)) for item in listed]
    names = [str(item.get("name") or f"{path.stem} {number}") for number, item in enumerate(items, start=1)]
    return [_draft(path, name, item, name) for name, item in zip(names, items, strict=True)]


def _read_object(path: Path) -> dict[str, Any]:
    """The names and values of a file; a list of scenarios is read as if it stood under ``scenarios``.

    Raises:
        PlannerError: ``CONFIG_INVALID``, naming the file.
    """
    if path.suffix.lower() != ".json":
        return read_tables(path)
    found = _json(path)
    if isinstance(found, list):
        return {_LISTED: found}
    if not isinstance(found, dict):
        raise refuse(path, "is no JSON object.")
    return dict(_unwrapped(found))


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Fields over fields: tables key by key, all else as a whole; what excludes each other is not mixed."""
    below = dict(under)
    for one, other in (("trace", "traffic_pattern"), ("traffic_pattern", "trace"), ("plan_file", "plan")):
        if over.get(one):
            below.pop(other, None)
    result = {**below, **over}
    for name in _TABLES:
        if isinstance(below.get(name), dict) and isinstance(over.get(name), dict):
            result[name] = {**below[name], **over[name]}
    if isinstance(below.get("plan"), dict) and isinstance(over.get("plan"), dict):
        result["plan"] = _merged_plan(below["plan"], over["plan"])
    return result


def _merged_plan(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """A whole plan replaces all; who says other workers says them for all times."""
    if "current_workers" in over:
        return dict(over)
    replaced = ("workers", "steps", "add_workers") if "workers" in over else ()
    return {**{name: value for name, value in under.items() if name not in replaced}, **over}


def _unwrapped(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The scenario of a simulation, so that what ``simulate --json`` prints can be tried again."""
    inner = item.get("scenario")
    return inner if isinstance(inner, dict) and "timeline" in item else item


def _draft(path: Path, title: str, fields: Mapping[str, Any], name: str) -> Draft:
    problems: list[Problem] = []
    if path.suffix.lower() != ".json":
        fields = _with_durations(SimulationScenario, fields, "", problems)
    where = f"{path} [{title}]" if title else str(path)
    given = fields.get("name")
    return Draft(
        given if isinstance(given, str) and given else name, str(path), where, path.parent, fields, tuple(problems)
    )


def _with_durations(cls: type[Any], fields: Any, at: str, problems: list[Problem]) -> Any:
    """The fields with durations read as files write them, where a bare number is a slip."""
    if not isinstance(fields, dict):
        return fields
    marks, hints, result = marks_of(cls), get_type_hints(cls), dict(fields)
    for name, value in fields.items():
        if isinstance(marks.get(name), DurationMark) and value is not None:
            try:
                result[name] = units.parse_duration(value, wire=False)
            except ValueError as error:
                problems.append(problem(f"{at}{name}", value, str(error)))
                result[name] = _STAND_IN
        elif inner := _nested(_SHORT.get(name, hints.get(name))):
            result[name] = _each(inner, value, f"{at}{name}.", problems)
    return result


def _each(cls: type[Any], value: Any, at: str, problems: list[Problem]) -> Any:
    if not isinstance(value, list):
        return _with_durations(cls, value, at, problems)
    return [_with_durations(cls, item, f"{at}{index}.", problems) for index, item in enumerate(value)]


def _nested(hint: Any) -> type[Any] | None:
    """The dataclass that a field's type is, or is made of."""
    if isinstance(hint, type) and is_dataclass(hint):
        return hint
    return next(_inner(hint), None)


def _inner(hint: Any) -> Iterator[type[Any]]:
    yield from (found for part in get_args(hint) if (found := _nested(part)))


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=once)
    except UnicodeDecodeError:
        raise refuse(path, "is not UTF-8 text.") from None
    except OSError as error:
        raise refuse(path, f"cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise refuse(path, f"is no JSON: {error}.") from None


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, with no key written twice, as TOML has it.

    Raises:
        ValueError: a key is.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)} is written twice")
    return found


_SHORT: dict[str, Any] = {"slo": get_type_hints(SimulationScenario)["slo_override"]}
