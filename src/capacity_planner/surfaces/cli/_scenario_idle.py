"""Flags that change nothing, each told in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capacity_planner.domain.scenario import ServiceFamily
from capacity_planner.domain.traffic import PatternType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from capacity_planner.domain.scenario import SimulationScenario

_READING = {
    "unit": ("--unit", "auto"),
    "stamp": ("--stamp", "start"),
    "bin_length": ("--bin", None),
    "time_column": ("--time-column", None),
    "value_column": ("--value-column", None),
    "timezone": ("--timezone", None),
    "time_unit": ("--time-unit", None),
    "skip_bad_rows": ("--skip-bad-rows", False),
}
_SWINGING = (PatternType.SINUSOIDAL, PatternType.LINEAR, PatternType.SPIKY)
_WITHOUT_SPREAD = (ServiceFamily.EXPONENTIAL, ServiceFamily.DETERMINISTIC)
_NOTHING = "has no effect"


def idle(options: Mapping[str, Any], scenarios: list[SimulationScenario]) -> Iterator[str]:
    """A note on every flag that has no effect in any scenario."""
    if options["history"] is None:
        for name, (option, usual) in _READING.items():
            if options[name] != usual:
                yield f"{option} {_NOTHING} without --history."
    each = [list(_in_one(options, scenario)) for scenario in scenarios]
    for sentence in each[0] if each else ():
        if all(sentence in others for others in each):
            yield sentence


def _in_one(options: Mapping[str, Any], scenario: SimulationScenario) -> Iterator[str]:
    yield from _in_pattern(options, scenario)
    family = scenario.service_family
    if family in _WITHOUT_SPREAD:
        for name, option in (("service_time_std", "--service-time-std"), ("service_time_p95", "--service-time-p95")):
            if options[name] is not None:
                yield f"{option} {_NOTHING} with --service-family {family}, which is known by its mean alone."
        known = (scenario.service_time_std, scenario.plan.service_time_std)
        if options["service_family"] and options["service_time_std"] is None and any(known):
            yield f"with --service-family {family} the scenario's service_time_std {_NOTHING}."


def _in_pattern(options: Mapping[str, Any], scenario: SimulationScenario) -> Iterator[str]:
    pattern = scenario.traffic_pattern
    if pattern is None:
        return
    if options["pattern"] in _SWINGING and not pattern.amplitude:
        yield f"--pattern {pattern.type} {_NOTHING} without --amplitude."
    if pattern.type is PatternType.CONSTANT:
        for name in ("amplitude", "period"):
            if options[name] is not None:
                yield f"--{name} {_NOTHING} on constant traffic. Give --pattern, such as sinusoidal."
    if options["noise_period"] is not None and not pattern.noise:
        yield f"--noise-period {_NOTHING} without --noise."
