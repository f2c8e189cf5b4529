"""A command's files and flags → the scenarios to simulate, all of them checked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capacity_planner.errors import PlannerError
from capacity_planner.pipeline.simulator import Simulator
from capacity_planner.surfaces.cli._plan_changes import enlarged
from capacity_planner.surfaces.cli._scenario_file import Draft, all_drafts
from capacity_planner.surfaces.cli._scenario_findings import Findings, problems_of, refusal
from capacity_planner.surfaces.cli._scenario_flags import fields_of, slo_flags
from capacity_planner.surfaces.cli._scenario_idle import idle
from capacity_planner.surfaces.cli._scenario_made import Setting, made_scenario
from capacity_planner.surfaces.cli._scenario_same import distinct, same
from capacity_planner.surfaces.cli._scenario_told import told
from capacity_planner.surfaces.cli._scenario_traffic import past_of
from capacity_planner.surfaces.cli._scenario_words import more_words
from capacity_planner.surfaces.cli._settings import duration_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import timedelta

    from capacity_planner.domain.scenario import SimulationScenario
    from capacity_planner.pipeline.settings import Settings
    from capacity_planner.surfaces.cli._scenario_findings import Problem


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
    asked = Asked(Simulator(settings.config), duration_of(options, "timeout", "--timeout"))
    asked.notes.extend(past.notes if past else ())
    made = _made(drafts, Setting(flags, slo_flags(options), past, settings), asked, options)
    asked.notes.extend([*same(made, options, flags), *idle(options, asked.scenarios)])
    return replace(asked, scenarios=list(distinct(asked.scenarios)), notes=list(dict.fromkeys(asked.notes)))


def _made(
    drafts: list[Draft], setting: Setting, asked: Asked, options: Mapping[str, Any]
) -> list[tuple[Draft, SimulationScenario]]:
    """The scenarios of the drafts; they and their variants are added to what is asked."""
    made: list[tuple[Draft, SimulationScenario]] = []
    wrong: list[tuple[Draft, Problem]] = []
    for draft in drafts or [Draft("", "", "", Path.cwd(), {})]:
        try:
            made.append((draft, made_scenario(draft, setting, asked.notes)))
            _take(asked, made[-1][1], options["also_add_workers"] or [])
        except PlannerError as error:
            wrong += [(draft, item) for item in problems_of(error)]
    if wrong:
        raise refusal(told(wrong, setting.flags, options))
    return made


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
