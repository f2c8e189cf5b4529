"""The specification's ``DefaultConfig``, and Go's zero values."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from capacity_planner import PlannerConfig, PlannerError, codec, default_config
from capacity_planner.pipeline.validation import checked_config, checked_metrics

# `DefaultConfig()` of the specification, copied by hand from its Go source.
SPECIFIED: dict[str, Any] = {
    "forecast_window": timedelta(minutes=60),
    "forecast_model": "ewma",
    "history_window": timedelta(hours=24),
    "safety_margin": 0.15,
    "confidence_threshold": 0.85,
    "max_step_size": 15,
    "cooldown_period": timedelta(minutes=5),
    "min_workers": 1,
    "max_workers": 100,
    "worker_cost_per_hour": 0.50,
    "violation_cost_per_hour": 100.0,
    "scale_up_threshold": 0.80,
    "scale_down_threshold": 0.60,
    "anomaly_threshold": 3.0,
    "spike_threshold": 2.0,
    "queueing_model": "mmc",
    "service_time_model": "exponential",
    "seasonal_period": timedelta(0),  # left out there: Go's zero value
}
# Fields beyond the specification, with the defaults that change nothing or that the design states.
ADDED: dict[str, Any] = {
    "startup_delay": timedelta(0),
    "worker_concurrency": 1,
    "plan_interval": timedelta(minutes=5),
    "scale_up_cooldown": None,
    "seed": 0,
}


def test_the_default_is_the_specifications() -> None:
    config = default_config()
    assert {name: getattr(config, name) for name in PlannerConfig.__dataclass_fields__} == SPECIFIED | ADDED
    assert config == PlannerConfig()
    assert checked_config(config) == config


@pytest.mark.parametrize(
    "name",
    [
        "forecast_window",
        "forecast_model",
        "history_window",
        "confidence_threshold",
        "max_step_size",
        "max_workers",
        "scale_up_threshold",
        "anomaly_threshold",
        "spike_threshold",
        "queueing_model",
        "service_time_model",
        "plan_interval",
    ],
)
def test_a_zero_from_go_is_the_default_where_zero_has_no_meaning(name: str) -> None:
    zeros: dict[type, Any] = {str: "", int: 0, float: 0.0, timedelta: 0}
    default = getattr(default_config(), name)
    assert getattr(codec.validate(PlannerConfig, {name: zeros[type(default)]}), name) == default


@pytest.mark.parametrize(
    "name",
    [
        "safety_margin",
        "cooldown_period",
        "min_workers",
        "worker_cost_per_hour",
        "violation_cost_per_hour",
        "scale_down_threshold",
        "startup_delay",
        "scale_up_cooldown",
    ],
)
def test_a_zero_stays_zero_where_it_means_zero(name: str) -> None:
    read = codec.validate(PlannerConfig, {name: 0})
    assert not getattr(read, name)
    assert getattr(read, name) is not None


def test_the_specs_go_struct_with_nanoseconds_is_read() -> None:
    go = {
        "forecast_window": 3_600_000_000_000,
        "forecast_model": "ewma",
        "history_window": 0,
        "seasonal_period": 0,
        "safety_margin": 0.15,
        "confidence_threshold": 0.85,
        "max_step_size": 10,
        "cooldown_period": 300_000_000_000,
        "min_workers": 2,
        "max_workers": 50,
        "worker_cost_per_hour": 0,
        "violation_cost_per_hour": 0,
        "scale_up_threshold": 0.8,
        "scale_down_threshold": 0.6,
        "anomaly_threshold": 0,
        "spike_threshold": 0,
        "queueing_model": "mmc",
        "service_time_model": "",
    }
    read = checked_config(go)
    assert read == replace(
        default_config(),
        max_step_size=10,
        min_workers=2,
        max_workers=50,
        worker_cost_per_hour=0.0,
        violation_cost_per_hour=0.0,
    )


def test_the_specs_go_metrics_with_zero_spread_are_not_deterministic_service() -> None:
    go = {
        "timestamp": "2026-01-31T12:00:00Z",
        "arrival_rate": 25.5,
        "service_time": 2_000_000_000,
        "service_time_p95": 0,
        "service_time_std": 0,
        "current_workers": 10,
    }
    read = checked_metrics(go)
    assert (read.service_time_std, read.service_time_p95) == (None, None)


def test_a_spread_of_zero_alone_is_deterministic_service() -> None:
    read = checked_metrics({"timestamp": "2026-01-31T12:00:00Z", "arrival_rate": 1, "service_time_std": "0s"})
    assert read.service_time_std == timedelta(0)
    measured = {"service_time_std": 0, "service_time": "2s", "service_time_p95": "2s"}
    read = checked_metrics({"timestamp": "2026-01-31T12:00:00Z", "arrival_rate": 1, **measured})
    assert (read.service_time_std, read.service_time_p95) == (timedelta(0), timedelta(seconds=2))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"min_workers": 101}, "config.min_workers"),
        ({"scale_down_threshold": 0.8}, "config.scale_down_threshold"),
        ({"scale_down_threshold": 0.9}, "config.scale_down_threshold"),
        ({"plan_interval": "2h"}, "config.plan_interval"),
        ({"plan_interval": "1s", "forecast_window": "24h"}, "config.forecast_window"),
        ({"safety_margin": -0.1}, "config.safety_margin"),
        ({"confidence_threshold": 1.0}, "config.confidence_threshold"),
        ({"scale_up_threshold": 1.1}, "config.scale_up_threshold"),
        ({"spike_threshold": 1.0}, "config.spike_threshold"),
        ({"cooldown_period": "-5s"}, "config.cooldown_period"),
        ({"max_workers": -1}, "config.max_workers"),
        ({"max_step_size": -1}, "config.max_step_size"),
        ({"worker_concurrency": 0}, "config.worker_concurrency"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(change: dict[str, Any], field: str) -> None:
    with pytest.raises(PlannerError) as caught:
        checked_config(change)
    assert caught.value.code == "CONFIG_INVALID"
    assert caught.value.details["field"] == field
    assert field in caught.value.message


def test_the_cooldown_of_a_step_up_is_the_cooldown_unless_it_is_set() -> None:
    assert PlannerConfig().cooldown_up == timedelta(minutes=5)
    assert PlannerConfig(scale_up_cooldown=timedelta(0)).cooldown_up == timedelta(0)
