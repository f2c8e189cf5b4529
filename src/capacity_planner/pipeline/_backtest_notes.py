"""How a backtest was judged, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capacity_planner.units import from_seconds, words

if TYPE_CHECKING:
    from capacity_planner.domain.backtest import BacktestScenario
    from capacity_planner.pipeline._backtest_jobs import Stage


def notes_of(scenario: BacktestScenario, stage: Stage) -> tuple[str, ...]:
    """What a reader must know to trust the figures, one sentence or two each."""
    return tuple(note for note in (_promise(scenario, stage), *_history(scenario, stage), *_rules(scenario)) if note)


def _promise(scenario: BacktestScenario, stage: Stage) -> str:
    share, told = f"{100.0 * scenario.asked_share:.4g} %", words(from_seconds(stage.task.allowed_wait))
    if not stage.by_response:
        return f"A job is in time when its service begins within {told} of its arrival; {share} of the jobs must be."
    latency = words(from_seconds(stage.allowed))
    return (
        f"A job is in time when its response (wait and service) takes at most {latency}; {share} of the jobs must be. "
        f"Policies were told that a job may wait {told}, which is what the p95 of the service time leaves of {latency}."
    )


def _history(scenario: BacktestScenario, stage: Stage) -> tuple[str, ...]:
    learned, begin = len(stage.task.past) * 60.0, stage.begin
    warmup = words(from_seconds(learned + begin))
    parts = [
        f"The first {warmup} are not scored: policies learn from them, and scale the queue in the last "
        f"{words(from_seconds(begin))} of them."
        if begin
        else "All of the history is scored: policies had nothing to learn from before.",
        "All policies meet the same jobs at the same instants, with the same service times.",
    ]
    if stage.gaps:
        noun = "interval" if stage.gaps == 1 else "intervals"
        filled = "filled by the same time of the day before, or else the day after, or else between their neighbours"
        parts.append(f"{stage.gaps:,} {noun} without a measurement, {filled}.")
    if not (scenario.trace and scenario.trace.arrival_times):
        parts.append("Jobs arrive uniformly at random within their interval.")
    law = stage.law
    parts.append(f"Service times: {law.name}, mean {words(from_seconds(law.mean))}, SCV {law.scv:.3g}.")
    return tuple(parts)


def _rules(scenario: BacktestScenario) -> tuple[str, ...]:
    late = {0: "", 1: ", and the newest minute's count is not known yet"}.get(
        scenario.late_bins, f", and the newest {scenario.late_bins} minutes' counts are not known yet"
    )
    delay = words(scenario.startup_delay)
    spread = f" ± {100.0 * scenario.startup_spread:.0f} %" if scenario.startup_spread and scenario.startup_delay else ""
    seen = (
        f"What policies see is {words(scenario.metric_lag)} old{late}. A worker that is ordered serves after "
        f"{delay}{spread}; it is paid from its order to the end of its last job."
    )
    bound = (
        "The clairvoyant bound knows every job beforehand (a linear programme, minute by minute); nobody can keep the "
        "share for less. The oracle is this planner told the counts that come."
    )
    return seen, _limits(scenario), bound


def _limits(scenario: BacktestScenario) -> str:
    parts = []
    if scenario.max_step_size is not None:
        parts.append(f"at most {scenario.max_step_size:,} workers a step")
    if scenario.cooldown_period:
        parts.append(f"{words(scenario.cooldown_period)} between steps")
    if scenario.scale_up_cooldown is not None and scenario.scale_up_cooldown != scenario.cooldown_period:
        parts.append(f"{words(scenario.scale_up_cooldown)} before a step up")
    return f"Every policy was held to {', '.join(parts)}." if parts else ""
