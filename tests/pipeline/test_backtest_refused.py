"""Backtests that cannot be: every problem is told, before any work."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from capacity_planner import SLO, Backtester, ErrorCode, JobTrace, PlannerConfig, PlannerError, codec
from capacity_planner.pipeline import _backtest_asked
from tests.pipeline._backtests import HOUR, SECOND, scenario

NOTHING: dict[str, Any] = {"counts": ()}


def problems(asked: Any) -> list[dict[str, str]]:
    with pytest.raises(PlannerError) as caught:
        Backtester().validate(asked)
    assert caught.value.code == ErrorCode.CONFIG_INVALID
    found: list[dict[str, str]] = caught.value.details["errors"]
    return found


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        (NOTHING, "counts", "either counts or a trace"),
        ({"trace": JobTrace(arrival_times=(1.0,))}, "counts", "either counts or a trace"),
        ({**NOTHING, "trace": JobTrace(arrival_times=(2.0, 1.0))}, "trace.arrival_times", "Sort them"),
        ({**NOTHING, "trace": JobTrace(arrival_times=(2.0,), counts=(1,))}, "trace.counts", "Leave one out"),
        ({**NOTHING, "trace": JobTrace(counts=(1,))}, "trace.interval", "length of an interval"),
        ({"counts": (None, None)}, "counts", "nothing to replay"),
        ({"counts": (1,), "interval": SECOND}, "counts", "longer history"),
        ({"counts": (1,) * 500, "interval": 24 * HOUR}, "counts", "400 days"),
        ({"counts": (30_000_000, 1)}, "counts", "20,000,000"),
        ({"counts": (1.5, 2)}, "counts.0", "whole number"),
        ({"counts": (float("nan"), 2)}, "counts.0", "whole number"),
        ({"warmup": 4 * HOUR}, "warmup", "nothing to score"),
        ({"service_time": timedelta(0)}, "service_time", "mean service time"),
        (
            {**NOTHING, "trace": JobTrace(arrival_times=(1.0,), service_times=(0.0,)), "warmup": None},
            "service_time",
            "above",
        ),
        ({"allowed_wait": None}, "slo.p95_latency", "or allowed_wait"),
        ({"allowed_wait": None, "slo": SLO(p95_latency=SECOND)}, "slo.p95_latency", "service alone"),
        ({"min_workers": 9, "max_workers": 8}, "min_workers", "above max_workers"),
        ({"min_workers": 10**6, "worker_concurrency": 10}, "min_workers", "servers"),
        ({"policies": ("kedda",)}, "policies", "planner, oracle"),
        ({"policies": ("keda", "keda")}, "policies", "twice"),
        ({"forecast_model": "tarot"}, "forecast_model", "tarot"),
        ({"share": 1.0}, "share", "below 1"),
        ({"late_bins": -1}, "late_bins", "at least 0"),
    ],
)
def test_what_does_not_fit_is_told(changes: dict[str, Any], field: str, said: str) -> None:
    (problem,) = problems(scenario(**{"policies": (), **changes}))
    assert problem["field"] == f"scenario.{field}"
    assert said in problem["message"]


def test_all_problems_are_told_at_once() -> None:
    asked = codec.encode(scenario(policies=("nobody",), warmup=9 * HOUR, service_time=timedelta(0)))
    asked |= {"share": 2, "metric_lag": "5"}
    fields = {item["field"] for item in problems(asked)}
    assert fields == {
        "scenario.share",
        "scenario.metric_lag",
        "scenario.warmup",
        "scenario.service_time",
        "scenario.policies",
    }


@pytest.mark.parametrize("asked", [None, 5, "x", [], {}, {"counts": 5}, {"start": "yesterday"}])
def test_what_is_no_scenario_is_refused(asked: Any) -> None:
    assert problems(asked)


def test_too_much_work_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_backtest_asked, "_MOST_REPLAYED", 10_000)
    asked = scenario(policies=(), sweep=True)
    with pytest.raises(PlannerError, match="without sweep") as caught:
        Backtester().run(asked)
    assert caught.value.code == ErrorCode.CONFIG_INVALID


def test_the_configuration_is_checked() -> None:
    with pytest.raises(PlannerError, match="min_workers"):
        Backtester(PlannerConfig(min_workers=9, max_workers=8))
