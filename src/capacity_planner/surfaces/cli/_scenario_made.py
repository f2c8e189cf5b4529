"""A draft, flags and settings → a scenario that can be simulated, or all that does not fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from dataclasses import fields as dataclass_fields
from typing import TYPE_CHECKING, Any

from capacity_planner import codec
from capacity_planner.domain.scenario import SimulationScenario
from capacity_planner.domain.slo import SLO
from capacity_planner.pipeline.scenario import checked_scenario
from capacity_planner.surfaces.cli._scenario_arrivals import arrivals
from capacity_planner.surfaces.cli._scenario_file import merged
from capacity_planner.surfaces.cli._scenario_findings import Findings, problem, refusal, strangers
from capacity_planner.surfaces.cli._scenario_plan import Frame, is_whole, made_plan
from capacity_planner.surfaces.cli._scenario_plan_file import PlanGiven, plan_at
from capacity_planner.surfaces.cli._scenario_time import (
    granularity_of,
    named,
    outside,
    span_of,
    start_of,
    within_calendar,
)
from capacity_planner.surfaces.cli._scenario_traffic import over_history

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from capacity_planner.domain.plan import CapacityPlan
    from capacity_planner.pipeline.settings import Settings
    from capacity_planner.surfaces.cli._scenario_file import Draft
    from capacity_planner.surfaces.cli._scenario_traffic import Past

_NO_PLAN = "There is no plan. Give --workers 10, --plan plan.json, or plan in a scenario file."
_NO_TARGET = "no target is set, so nothing can break. Give --p95 8s, or slo in the scenario."
_OURS = ("slo", "scale", "plan_file")
_KNOWN = (*(item.name for item in dataclass_fields(SimulationScenario)), *_OURS)


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
    unknown = strangers(draft.fields, _KNOWN, "", f"A scenario has: {', '.join(_KNOWN)}.")
    findings = Findings([*unknown, *draft.problems])
    fields = _layers(draft, setting, findings)
    table = _table(fields, draft, findings)
    slo = findings.tried(lambda: _slo(fields, table, setting), SLO())
    frame = _frame(fields, table, slo, setting, findings)
    plan = _plan(table, frame, findings)
    time = frame.start, frame.window
    if is_whole(table):
        findings.notes += outside(plan, *time)
    fields |= {"plan": plan, "name": fields.get("name") or draft.name or named(plan, *time)}
    fields |= {"slo_override": None if slo == plan.slo else slo, **arrivals(fields, setting.past, time, findings)}
    scenario = findings.tried(lambda: checked_scenario(_completed(fields, frame.window)), None)
    if scenario is None or findings.problems:
        raise refusal(findings.problems)
    notes += findings.notes if slo.has_target else [*findings.notes, _NO_TARGET]
    return scenario


def _completed(fields: Mapping[str, Any], span: timedelta) -> dict[str, Any]:
    """The fields that the domain knows, with the lengths that nothing says."""
    usual = {"duration": span, "granularity": granularity_of(span)}
    given = {name: value for name, value in fields.items() if name not in _OURS}
    return given | {name: value for name, value in usual.items() if given.get(name) is None}


def _layers(draft: Draft, setting: Setting, findings: Findings) -> dict[str, Any]:
    """File, history and flags, the later over the earlier."""
    fields = {name: value for name, value in draft.fields.items() if name in _KNOWN}
    if setting.past is not None:
        fields, notes = over_history(fields, setting.past, draft.where)
        findings.notes += notes
    return merged(fields, setting.flags)


def _frame(fields: dict[str, Any], table: Mapping[str, Any], slo: SLO, setting: Setting, findings: Findings) -> Frame:
    """What the plan is made within."""
    start = start_of(fields, table, setting.past, findings)
    span, sure = span_of(fields, table, start, setting.past)
    fitting = within_calendar(start, span, setting.past, findings)
    if fitting != start:
        fields["start"] = start = fitting
    return Frame(start, span, slo, setting.settings.config, sure=sure and not findings.problems)


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
    below = findings.tried(lambda: dict(_read_plan(draft, path)), dict[str, Any]())
    return merged({"plan": below}, {"plan": table or {}})["plan"] if below else {}


def _read_plan(draft: Draft, path: Any) -> Mapping[str, Any]:
    """The plan in a file; one that a flag names is read already."""
    if isinstance(path, PlanGiven):
        return path.table
    if not isinstance(path, str):
        raise refusal([problem("plan_file", path, 'is no path. Write plan_file = "plan.json".')])
    return plan_at(draft.base / path, path, "plan_file")


def _slo(fields: Mapping[str, Any], table: Mapping[str, Any], setting: Setting) -> SLO:
    """The scenario's or else the plan's SLO, what else is said over it, and flags over that; else the settings'."""
    known, said = setting.settings.slo, fields.get("slo") or {}
    for name, value in (("slo", said), ("plan.slo", table.get("slo") or {})):
        if not isinstance(value, dict):
            raise refusal([problem(name, value, 'is no table. Write {p95_latency = "5s"}.')])
        if unknown := list(strangers(value, SLO.__slots__, f"{name}.", f"There are: {', '.join(SLO.__slots__)}.")):
            raise refusal(unknown)
    over = fields.get("slo_override")
    name, below = ("slo_override", over) if over else ("plan.slo", table.get("slo"))
    base = codec.validate(SLO, below, at=name) if below else SLO()
    if not base.has_target and not said:
        return known
    flags = {name: getattr(known, name) for name in setting.slo_flags}
    return codec.validate(SLO, {**{name: getattr(base, name) for name in SLO.__slots__}, **said, **flags}, at="slo")


def _plan(table: Mapping[str, Any], frame: Frame, findings: Findings) -> CapacityPlan:
    """The plan; where there is none that fits, one to check the rest with."""
    stand_in = replace(made_plan({"workers": 1, "service_time": "1s"}, replace(frame, slo=SLO())), slo=frame.slo)
    if not table:
        return stand_in
    said = table if is_whole(table) else {name: value for name, value in table.items() if name != "slo"}
    return findings.tried(lambda: made_plan(said, frame), stand_in)
