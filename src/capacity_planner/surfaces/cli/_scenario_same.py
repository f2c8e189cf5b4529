"""Scenarios side by side: names that differ, and notes on those that say the same."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from capacity_planner import codec
from capacity_planner.surfaces.cli._scenario_flags import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from capacity_planner.domain.scenario import SimulationScenario
    from capacity_planner.surfaces.cli._scenario_file import Draft

_REPLACES = {
    "plan.workers": ("plan.workers", "plan.current_workers", "plan.steps", "plan.add_workers"),
    "plan_file": ("plan_file", "plan"),
    "startup_delay": ("startup_delay", "plan.startup_delay"),
    "service_time": ("service_time", "plan.service_time"),
    "service_time_std": ("service_time_std", "plan.service_time_std"),
    "service_time_p95": ("service_time_p95", "plan.service_time_p95"),
}


def distinct(scenarios: list[SimulationScenario]) -> Iterator[SimulationScenario]:
    """The scenarios with a number behind a name that is there already, and none that is another's name."""
    taken = {scenario.name for scenario in scenarios}
    seen: set[str] = set()
    for scenario in scenarios:
        name, count = scenario.name, 1
        while name in seen or (count > 1 and name in taken):
            count += 1
            name = f"{scenario.name} ({count})"
        seen.add(name)
        yield scenario if count == 1 else replace(scenario, name=name)


def same(
    made: list[tuple[Draft, SimulationScenario]], options: Mapping[str, Any], flags: Mapping[str, Any]
) -> list[str]:
    """A note on every group of scenarios that differ in their names only, and on the flags that made them so."""
    keyed = sorted(((_content(scenario), index) for index, (_, scenario) in enumerate(made)))
    groups = [[index for _, index in found] for _, found in groupby(keyed, key=lambda item: item[0])]
    return [_note([made[index] for index in group], options, flags) for group in sorted(groups) if len(group) > 1]


def _content(scenario: SimulationScenario) -> str:
    """All that a scenario says, but for what is only words."""
    plan = replace(scenario.plan, id="", rationale="")
    return codec.dumps(replace(scenario, name="", description="", plan=plan))


def _note(group: list[tuple[Draft, SimulationScenario]], options: Mapping[str, Any], flags: Mapping[str, Any]) -> str:
    names = [scenario.name for _, scenario in group]
    listed = f"{', '.join(names[:-1])} and {names[-1]}"
    causes = list(dict.fromkeys(_causes([draft.fields for draft, _ in group], options, flags)))
    if not causes:
        return f"{listed} are the same."
    verb = "replaces" if len(causes) == 1 else "replace"
    return f"{listed} are now the same: {' and '.join(causes)} {verb} what they differ in."


def _causes(drafts: list[Mapping[str, Any]], options: Mapping[str, Any], flags: Mapping[str, Any]) -> Iterator[str]:
    """The flags that set what the files say differently."""
    if options["history"] is not None and _differ(drafts, ("traffic_pattern", "trace")):
        yield "--history"
    for name, option in NAMES.items():
        table, _, inner = name.rpartition(".")
        above = flags.get(table) if table else flags
        given = options.get(inner) is not None if table == "slo" else isinstance(above, dict) and inner in above
        replaced = ("slo", "slo_override", "plan.slo") if table == "slo" else _REPLACES.get(name, (name,))
        if given and _differ(drafts, replaced):
            yield option


def _differ(drafts: list[Mapping[str, Any]], names: tuple[str, ...]) -> bool:
    return len({repr([_at(draft, name) for name in names]) for draft in drafts}) > 1


def _at(fields: Mapping[str, Any], name: str) -> Any:
    """What stands under a name such as ``plan.workers``."""
    table, _, inner = name.rpartition(".")
    found = fields.get(table) if table else fields
    return found.get(inner) if isinstance(found, dict) else None
