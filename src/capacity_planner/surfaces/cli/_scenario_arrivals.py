"""What arrives in a scenario: its pattern with what people write by hand read, its trace, or the user's own traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capacity_planner.domain.traffic import PatternType, TrafficPattern, TrafficSpike
from capacity_planner.surfaces.cli._scenario_replay import replayed
from capacity_planner.surfaces.cli._scenario_traffic import scaled, seen
from capacity_planner.surfaces.cli._scenario_words import moment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from capacity_planner.surfaces.cli._scenario_findings import Findings
    from capacity_planner.surfaces.cli._scenario_traffic import Past

_NO_TRAFFIC = "There is no traffic. Give --arrival-rate 25.5, --history requests.csv, or traffic_pattern in a file."
_NAMES = ("traffic_pattern", "trace")


def arrivals(
    fields: Mapping[str, Any], past: Past | None, time: tuple[datetime, timedelta], findings: Findings
) -> dict[str, Any]:
    """The fields of the scenario that say what arrives; some that do no harm where nothing fits.

    Args:
        fields: of the scenario, as they were written.
        past: the user's own traffic.
        time: begin and length.
        findings: told what does not fit.
    """
    found = {name: fields[name] for name in _NAMES if fields.get(name)}
    if past is not None and past.pattern is None:
        found["trace"], said = findings.tried(
            lambda: replayed(past, *time), ({"counts": (1,), "interval": "1s"}, list[str]())
        )
        findings.notes += said
    if not found:
        findings.missing("traffic_pattern", _NO_TRAFFIC)
        return {"traffic_pattern": TrafficPattern(type=PatternType.CONSTANT)}
    if isinstance(found.get("traffic_pattern"), dict):
        found["traffic_pattern"] = _pattern(found["traffic_pattern"], time, findings)
    return _scaled(found, fields.get("scale"), findings)


def _pattern(pattern: Mapping[str, Any], time: tuple[datetime, timedelta], findings: Findings) -> dict[str, Any]:
    result = dict(pattern)
    result.setdefault("type", PatternType.CUSTOM if result.get("rates") else PatternType.CONSTANT)
    if isinstance(result.get("spikes"), list | tuple):
        spikes = [_spike(index, item, time[0], findings) for index, item in enumerate(result["spikes"])]
        result["spikes"] = [item for item in spikes if not isinstance(item, TrafficSpike) or seen(item, *time)]
    return result


def _spike(index: int, item: Any, start: datetime, findings: Findings) -> Any:
    """The spike with the instant of its start; one of a history has it already."""
    if not isinstance(item, dict) or item.get("start_time") is None:
        return item
    try:
        return {**item, "start_time": moment(item["start_time"], start)}
    except ValueError as error:
        findings.add(f"traffic_pattern.spikes.{index}.start_time", item["start_time"], str(error))
        return {**item, "start_time": start}


def _scaled(traffic: dict[str, Any], factor: Any, findings: Findings) -> dict[str, Any]:
    if factor is None:
        return traffic
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not 0 <= factor < float("inf"):
        findings.add("scale", factor, "must be a number from 0 up, such as 1.2.")
        return traffic
    if isinstance(traffic.get("trace"), dict) and traffic["trace"].get("arrival_times"):
        findings.add("scale", factor, "measured arrival_times cannot have. Give the trace as counts.")
    return {name: scaled(item, factor) if isinstance(item, dict) else item for name, item in traffic.items()}
