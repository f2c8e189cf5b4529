"""Flags → the fields that they set in every scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capacity_planner import units
from capacity_planner.errors import PlannerError
from capacity_planner.surfaces.cli._options import SETTINGS
from capacity_planner.surfaces.cli._scenario_findings import problem, problems_of, refusal
from capacity_planner.surfaces.cli._scenario_plan_file import PlanGiven, plan_of_flag
from capacity_planner.surfaces.cli._scenario_words import more_workers, spike, step
from capacity_planner.surfaces.cli._settings import duration_of
from capacity_planner.surfaces.cli._simulate_options import FLAGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from capacity_planner.surfaces.cli._scenario_findings import Problem

_DURATIONS = (
    "service_time",
    "service_time_std",
    "service_time_p95",
    "startup_delay",
    "patience",
    "duration",
    "granularity",
)
_PLAIN = ("service_family", "initial_backlog", "batch_size", "replications", "seed", "scale")
_PERIODS = ("period", "noise_period")
_PATTERN = {
    "type": "pattern",
    "base_rate": "arrival_rate",
    "amplitude": "amplitude",
    "trend": "trend",
    "noise": "noise",
}
_SLO = ("p95_latency", "max_backlog", "drain_time", "error_budget", "availability")
NAMES = {
    **FLAGS,
    **{f"slo.{name}": SETTINGS[name] for name in _SLO},
    "plan.current_workers": "--workers",
}


def fields_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a scenario that the flags say, without the SLO, which is a setting.

    Raises:
        PlannerError: ``CONFIG_INVALID`` with every flag that cannot be.
    """
    problems: list[Problem] = []
    found = {name: _duration(options, name, FLAGS[name], problems) for name in _DURATIONS}
    found |= {name: options[name] for name in _PLAIN if options[name] is not None}
    found["start"] = _start(options["start"], problems)
    found["traffic_pattern"] = _pattern(options, problems)
    found["plan"] = _plan(options, problems)
    found["plan_file"] = _plan_file(options["plan_file"], problems)
    _check_rest(options, problems)
    if problems:
        raise refusal(problems)
    return {name: value for name, value in found.items() if value is not None and value != {}}


def slo_flags(options: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields of the SLO that flags say."""
    return tuple(name for name in _SLO if options[name] is not None)


def _pattern(options: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    found = {name: options[option] for name, option in _PATTERN.items() if options[option] is not None}
    found |= {name: _duration(options, name, FLAGS[f"traffic_pattern.{name}"], problems) for name in _PERIODS}
    found |= {"spikes": _each(options["spike"], "--spike", spike, problems)}
    return {name: value for name, value in found.items() if value is not None}


def _plan(options: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    found = {name: options[name] for name in ("workers", "add_workers", "worker_concurrency", "queue_name")}
    found["steps"] = _each(options["step"], "--step", step, problems)
    _each([options["add_workers"]] if options["add_workers"] else None, "--add-workers", more_workers, problems)
    return {name: value for name, value in found.items() if value is not None}


def _each(
    texts: list[str] | None, option: str, read: Callable[[str], Any], problems: list[Problem]
) -> list[Any] | None:
    """What every use of an option says; ``None`` where it is not used."""
    found = []
    for text in texts or ():
        try:
            found.append(read(text))
        except ValueError as error:
            problems.append(problem(option, text, str(error)))
    return found if texts else None


def _duration(options: Mapping[str, Any], name: str, option: str, problems: list[Problem]) -> Any:
    try:
        return duration_of(options, name, option)
    except PlannerError as error:
        problems += problems_of(error)
        return None


def _start(text: str | None, problems: list[Problem]) -> Any:
    try:
        return None if text is None else units.parse_instant(text)
    except ValueError as error:
        problems.append(problem("--start", text, str(error)))
        return None


def _check_rest(options: Mapping[str, Any], problems: list[Problem]) -> None:
    """What is no field of a scenario."""
    _duration(options, "timeout", "--timeout", problems)
    _each(options["also_add_workers"], "--also-add-workers", more_workers, problems)
    if options["replay"] and options["history"] is None:
        message = "--replay replays a history, and there is none. Give --history requests.csv."
        problems.append({"field": "--replay", "value": "", "message": message})
    others = list(_beside_counts(options)) if options["replay"] else []
    if others:
        message = f"--replay replays counts; {', '.join(others)} cannot go with it. Leave out one of them."
        problems.append({"field": "--replay", "value": "", "message": message})


def _beside_counts(options: Mapping[str, Any]) -> Iterator[str]:
    """The flags that say of traffic what counts say themselves."""
    for name, option in (*_PATTERN.items(), *((name, name) for name in _PERIODS), ("spikes", "spike")):
        if options[option] is not None:
            yield FLAGS[f"traffic_pattern.{name}"]
    if options["batch_size"] is not None:
        yield FLAGS["batch_size"]


def _plan_file(path: Path | None, problems: list[Problem]) -> PlanGiven | None:
    try:
        return None if path is None else plan_of_flag(path)
    except PlannerError as error:
        problems += problems_of(error)
        return None
