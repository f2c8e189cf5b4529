"""Every registered member keeps its promise, under the name of its file."""

from __future__ import annotations

import importlib

import pytest

from capacity_planner.registry import forecast_models, policies, queue_models
from capacity_planner.testing import check_forecast_model, check_policy, check_queue_model


@pytest.mark.parametrize("name", queue_models.names())
def test_a_queueing_model_keeps_its_promise(name: str) -> None:
    check_queue_model(queue_models.get(name))


@pytest.mark.parametrize("name", [name for name in forecast_models.names() if ":" not in name])
def test_a_forecast_model_keeps_its_promise(name: str) -> None:
    check_forecast_model(forecast_models.get(name))


@pytest.mark.parametrize("name", policies.names())
def test_a_policy_keeps_its_promise(name: str) -> None:
    check_policy(policies.get(name))


@pytest.mark.parametrize("name", policies.names())
def test_a_policy_lies_in_the_file_of_its_name(name: str) -> None:
    policy = policies.get(name)
    assert policy.name == name
    assert importlib.import_module(type(policy).__module__).__name__ == f"capacity_planner.policies.{name}"
    assert len(policy.grid) >= 9


@pytest.mark.parametrize("name", queue_models.names())
def test_a_queueing_model_lies_in_the_file_of_its_name(name: str) -> None:
    model = queue_models.get(name)
    assert model.name == name
    assert importlib.import_module(type(model).__module__).__name__ == f"capacity_planner.queueing.{name}"


def test_the_specified_queueing_models_are_there() -> None:
    assert {"mm1", "mmc", "mgc"} <= set(queue_models.names())


def test_the_specified_default_forecast_model_is_there() -> None:
    assert "ewma" in forecast_models.names()


def test_what_clusters_run_today_is_there() -> None:
    assert {"static", "hpa", "keda", "aws_tracking", "seasonal_naive"} <= set(policies.names())
