"""A draft, flags and settings → a scenario that can be simulated, or all that does not fit."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from capacity_planner import codec, units
from capacity_planner.domain.slo import SLO
from capacity_planner.pipeline.scenario import checked_scenario
from capacity_planner.surfaces.cli._scenario_arrivals import arrivals
from capacity_planner.surfaces.cli._scenario_file import merged, read_object
from capacity_planner.surfaces.cli._scenario_plan import Frame, is_whole, made_plan
from capacity_planner.surfaces.cli._scenario_traffic import pattern_fields
from capacity_planner.surfaces.cli._scenario_words import Findings, problem, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from capacity_planner.domain.plan import CapacityPlan
    from capacity_planner.domain.scenario import SimulationScenario
    from capacity_planner.pipeline.settings import Settings
    from capacity_planner.surfaces.cli._scenario_file import Draft
    from capacity_planner.surfaces.cli._scenario_traffic import Past

_DAY, _INTERVAL, _MOST_INTERVALS = timedelta(days=1), timedelta(minutes=5), 10_000
_NO_PLAN = "There is no plan. Give --workers 10, --plan plan.json, or plan in a scenario file."
_NO_TARGET = "no target is set, so nothing can break. Give --p95 8s, or slo in the scenario."
_OURS = ("slo", "scale", "plan_file")


@dataclass(frozen=True, slots=True)
class Setting:
    """What all scenarios of a command share.

    Attributes:
        flags: fields that flags set.
        slo_flags: fields of the SLO that flags set.
        past: the user's own traffic.
        settings: of the command.
    """

    flags: Mapping[str, Any]
    slo_flags: tuple[str, ...]
    past: Past | None
    settings: Settings


def made_scenario(draft: Draft, setting: Setting, notes: list[str]) -> SimulationScenario:
    """The scenario that a draft says.

    Args:
        draft: what was written.
        setting: what holds for all.
        notes: told what was assumed.

    Raises:
        PlannerError: ``CONFIG_INVALID`` with all that does not fit.
    """
    findings = Findings(list(draft.problems))
    fields = _layers(draft, setting)
    table = _table(fields, draft, findings)
    slo = findings.tried(lambda: _slo(fields, table, setting), SLO())
    start = _start(fields, table, setting, findings)
    span = _span(fields, table, start, setting)
    plan = _plan(table, Frame(start, span, slo, setting.settings.config), findings)
    name = fields.get("name") or draft.name or named(plan)
    fields |= {"plan": plan, "name": name, "slo_override": None if slo == plan.slo else slo}
    fields |= arrivals(fields, setting.past, (start, span), findings)
    for name, value in (("duration", span), ("granularity", _granularity(span))):
        fields[name] = value if fields.get(name) is None else fields[name]
    fields = {name: value for name, value in fields.items() if name not in _OURS}
    scenario = findings.tried(lambda: checked_scenario(fields), None)
    if scenario is None or findings.problems:
        raise refusal(findings.problems)
    notes += findings.notes if slo.has_target else [*findings.notes, _NO_TARGET]
    return scenario


def named(plan: CapacityPlan) -> str:
    """A name for a scenario without one, by its plan."""
    levels = sorted({plan.current_workers, *(step.to_workers for step in plan.steps)})
    shown = f"{levels[0]} to {levels[-1]}" if len(levels) > 1 else str(levels[0])
    noun = "worker" if shown == "1" else "workers"
    return f"{plan.queue_name}: {shown} {noun}" if plan.queue_name else f"{shown} {noun}"


def _layers(draft: Draft, setting: Setting) -> dict[str, Any]:
    """File, history and flags, the later over the earlier."""
    past, fields = setting.past, dict(draft.fields)
    if past is not None:
        fields = {name: value for name, value in fields.items() if name not in {"trace", "traffic_pattern"}}
    if past is not None and past.pattern is not None:
        fields["traffic_pattern"] = pattern_fields(past.pattern)
    return merged(fields, setting.flags)


def _table(fields: Mapping[str, Any], draft: Draft, findings: Findings) -> dict[str, Any]:
    """What is said of the plan, over the plan's own file."""
    table, path = fields.get("plan"), fields.get("plan_file")
    if table is None and path is None:
        findings.missing("plan", _NO_PLAN)
        return {}
    if table is not None and not isinstance(table, dict):
        findings.add("plan", table, "is no table. Write plan = {workers = 10}.")
        return {}
    if path is None:
        return dict(table or {})
    below = findings.tried(lambda: _read_plan(draft, path), dict[str, Any]())
    return merged({"plan": below}, {"plan": table or {}})["plan"] if below else {}


def _read_plan(draft: Draft, path: Any) -> dict[str, Any]:
    """The plan in a file, or in the response that is in it."""
    if not isinstance(path, str | os.PathLike):
        raise refusal([problem("plan_file", path, 'is no path. Write plan_file = "plan.json".')])
    found = read_object(draft.base / path)
    inner = found.get("plan")
    plan = inner if isinstance(inner, dict) else found
    if not is_whole(plan):
        raise refusal([problem("plan_file", str(path), "is no plan as `plan --json` prints it.")])
    return dict(plan)


def _slo(fields: Mapping[str, Any], table: Mapping[str, Any], setting: Setting) -> SLO:
    """The scenario's or else the plan's SLO, what else is said over it, and flags over that; else the settings'."""
    known, said = setting.settings.slo, fields.get("slo") or {}
    for name, value in (("slo", said), ("plan.slo", table.get("slo") or {})):
        if not isinstance(value, dict):
            raise refusal([problem(name, value, 'is no table. Write {p95_latency = "5s"}.')])
    over = fields.get("slo_override")
    name, below = ("slo_override", over) if over else ("plan.slo", table.get("slo"))
    base = codec.validate(SLO, below, at=name) if below else SLO()
    if not base.has_target and not said:
        return known
    flags = {name: getattr(known, name) for name in setting.slo_flags}
    return codec.validate(SLO, {**{name: getattr(base, name) for name in SLO.__slots__}, **said, **flags}, at="slo")


def _start(fields: Mapping[str, Any], table: Mapping[str, Any], setting: Setting, findings: Findings) -> datetime:
    for name, value in (("start", fields.get("start")), ("plan.generated_at", table.get("generated_at"))):
        if value is not None:
            try:
                return units.parse_instant(value)
            except ValueError as error:
                findings.add(name, value, str(error))
    if setting.past is not None:
        return setting.past.origin
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    findings.notes.append(f"the start is not given: taking {units.format_instant(today)}. Give --start to set it.")
    return today


def _span(fields: Mapping[str, Any], table: Mapping[str, Any], start: datetime, setting: Setting) -> timedelta:
    """The simulated time; a day where what is written is no duration, which is told later."""
    past, value = setting.past, fields.get("duration")
    if value is None and is_whole(table):
        value = table.get("forecast_window")
    elif value is None and past is not None and past.pattern is None and past.begin <= start < past.end:
        value = past.end - start
    try:
        span = _DAY if value is None else units.parse_duration(value)
    except ValueError:
        return _DAY
    return span if timedelta(0) < span < units.UNBOUNDED else _DAY


def _granularity(span: timedelta) -> timedelta:
    """Five minutes, or so many of them as make not too many intervals."""
    return min(_INTERVAL * max(-(-span // (_INTERVAL * _MOST_INTERVALS)), 1), span)


def _plan(table: Mapping[str, Any], frame: Frame, findings: Findings) -> CapacityPlan:
    """The plan; where there is none that fits, one to check the rest with."""
    stand_in = replace(made_plan({"workers": 1, "service_time": "1s"}, replace(frame, slo=SLO())), slo=frame.slo)
    if not table:
        return stand_in
    said = table if is_whole(table) else {name: value for name, value in table.items() if name != "slo"}
    return findings.tried(lambda: made_plan(said, frame), stand_in)
