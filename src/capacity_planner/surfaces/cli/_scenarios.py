"""A command's files and flags → the scenarios to simulate, all of them checked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capacity_planner.errors import PlannerError
from capacity_planner.pipeline.simulator import Simulator
from capacity_planner.surfaces.cli._plan_changes import enlarged
from capacity_planner.surfaces.cli._scenario_file import Draft, all_drafts
from capacity_planner.surfaces.cli._scenario_flags import NAMES, fields_of, slo_flags
from capacity_planner.surfaces.cli._scenario_made import Setting, made_scenario
from capacity_planner.surfaces.cli._scenario_traffic import past_of
from capacity_planner.surfaces.cli._scenario_words import Findings, more_words, problems_of, refusal
from capacity_planner.surfaces.cli._settings import duration_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import timedelta

    from capacity_planner.domain.scenario import SimulationScenario
    from capacity_planner.pipeline.settings import Settings
    from capacity_planner.surfaces.cli._scenario_words import Problem


@dataclass(frozen=True, slots=True)
class Asked:
    """What to simulate.

    Attributes:
        simulator: to run them with.
        timeout: for all of them together.
        scenarios: checked, with names that differ.
        notes: how files were read and what was assumed.
    """

    simulator: Simulator
    timeout: timedelta | None
    scenarios: list[SimulationScenario] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def asked_of(options: Mapping[str, Any], settings: Settings) -> Asked:
    """The scenarios that files and flags say.

    Raises:
        PlannerError: ``CONFIG_INVALID`` with all that does not fit in all of them, or ``INVALID_METRICS``.
    """
    findings = Findings()
    flags = findings.tried(lambda: fields_of(options), dict[str, Any]())
    drafts = findings.tried(lambda: all_drafts(options["scenarios"] or []), list[Draft]())
    if findings.problems:
        raise refusal(findings.problems)
    past = past_of(options)
    setting = Setting(flags, slo_flags(options), past, settings)
    asked = Asked(Simulator(settings.config), duration_of(options, "timeout", "--timeout"))
    asked.notes.extend(past.notes if past else ())
    wrong: list[tuple[Draft, Problem]] = []
    for draft in drafts or [Draft("", "", "", Path.cwd(), {})]:
        try:
            _take(asked, made_scenario(draft, setting, asked.notes), options["also_add_workers"] or [])
        except PlannerError as error:
            wrong += [(draft, item) for item in problems_of(error)]
    if wrong:
        raise refusal(_told(wrong, flags))
    return replace(asked, scenarios=list(_distinct(asked.scenarios)), notes=list(dict.fromkeys(asked.notes)))


def _take(asked: Asked, made: SimulationScenario, added: list[str]) -> None:
    """Add a scenario and its variants, each of them checked."""
    for scenario in _variants(made, added):
        asked.simulator.validate_scenario(scenario)
        asked.scenarios.append(scenario)


def _variants(scenario: SimulationScenario, added: list[str]) -> Iterator[SimulationScenario]:
    """The scenario, and the same with more workers."""
    yield scenario
    for more in added:
        yield replace(scenario, name=f"{scenario.name}, {more_words(more)}", plan=enlarged(scenario.plan, more))


def _distinct(scenarios: list[SimulationScenario]) -> Iterator[SimulationScenario]:
    """The scenarios with a number behind a name that is there already."""
    seen: dict[str, int] = {}
    for scenario in scenarios:
        seen[scenario.name] = count = seen.get(scenario.name, 0) + 1
        yield scenario if count == 1 else replace(scenario, name=f"{scenario.name} ({count})")


def _told(wrong: list[tuple[Draft, Problem]], flags: Mapping[str, Any]) -> Iterator[Problem]:
    """Problems by what the user typed: the flag that set the field, else the file, and which of its scenarios."""
    count = Counter((draft.file, item["message"]) for draft, item in wrong)
    for draft, item in wrong:
        several = count[draft.file, item["message"]] > 1
        yield _placed(item, draft.file if several else draft.where, flags)


def _placed(item: Problem, where: str, flags: Mapping[str, Any]) -> Problem:
    name = item["field"].removeprefix("scenario.")
    message = item["message"].replace(f"{item['field']} ", f"{name} ", 1)
    flag = next((option for known, option in _given(flags) if name == known or name.startswith(f"{known}.")), "")
    if flag and name in NAMES:
        return {**item, "field": flag, "message": message.replace(f"{name} ", f"{flag} ", 1)}
    where = flag or where
    shown = message if message.startswith(where) else f"{where}: {message}"
    return {**item, "field": f"{where}: {name}" if where else name, "message": shown}


def _given(flags: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The fields that flags set, and the flags."""
    for name, value in flags.items():
        inner = [f"{name}.{part}" for part in value] if isinstance(value, dict) else []
        yield from ((known, NAMES[known]) for known in (*inner, name) if known in NAMES)
