"""Names to models."""

from __future__ import annotations

from typing import Any

import pytest

from capacity_planner import ErrorCode, PlannerError
from capacity_planner.registry import Registry, forecast_models, queue_models


def test_our_own_models_are_found_because_they_lie_there() -> None:
    assert {"mm1", "mmc", "mgc"} <= set(queue_models.names())
    assert "ewma" in forecast_models.names()
    assert queue_models.names() == sorted(queue_models.names())


@pytest.mark.parametrize("name", ["mm1", "mmc", "mgc"])
def test_a_model_knows_its_name(name: str) -> None:
    assert queue_models.get(name).name == name


def test_a_model_is_made_anew() -> None:
    assert forecast_models.get("ewma") is not forecast_models.get("ewma")


@pytest.mark.parametrize(
    ("registry", "name", "hint", "field"),
    [
        (queue_models, "mcc", "'mmc'", "queueing_model"),
        (queue_models, "M/M/c", "", "queueing_model"),
        (queue_models, "mmc ", "'mmc'", "queueing_model"),
        (queue_models, "MMC", "", "queueing_model"),
        (queue_models, "", "", "queueing_model"),
        (queue_models, "_law", "", "queueing_model"),
        (queue_models, "__init__", "", "queueing_model"),
        (queue_models, "../mmc", "'mmc'", "queueing_model"),
        (forecast_models, "ewm", "'ewma'", "forecast_model"),
        (forecast_models, "prophet", "", "forecast_model"),
        (forecast_models, "prophet:fast", "", "forecast_model"),
        (forecast_models, "statsforcast:AutoETS", "'statsforecast:MODEL'", "forecast_model"),
    ],
)
def test_an_unknown_name_is_told_the_names_there_are(registry: Registry[Any], name: str, hint: str, field: str) -> None:
    with pytest.raises(PlannerError) as caught:
        registry.get(name)
    error = caught.value
    assert error.code is ErrorCode.MODEL_NOT_SUPPORTED
    assert (error.details["field"], error.details["value"]) == (field, name)
    assert error.details["supported"] == registry.names()
    assert all(known in error.message for known in registry.names())
    assert (f"Did you mean {hint}?" in error.message) if hint else True


def test_a_registered_class_is_found_under_its_name() -> None:
    registry: Registry[Any] = Registry(
        "thing", field="thing", package="capacity_planner.queueing", group="no.such.group"
    )

    @registry.register("mine")
    class Mine:
        name: str

    assert isinstance(registry.get("mine"), Mine)
    assert registry.get("mine").name == "mine"
    assert "mine" in registry.names()


@pytest.mark.parametrize(
    ("registry", "name", "member"),
    [(forecast_models, "ewma:fast", "ewma"), (forecast_models, "auto:", "auto"), (queue_models, "mmc:2", "mmc")],
)
def test_a_member_without_variants_refuses_one(registry: Registry[Any], name: str, member: str) -> None:
    with pytest.raises(PlannerError, match=f"is {name!r}, but {member} has no variants. Use {member!r}.") as caught:
        registry.get(name)
    assert caught.value.code is ErrorCode.MODEL_NOT_SUPPORTED
    assert caught.value.details["supported"] == [member]


def test_a_family_is_given_the_variant() -> None:
    registry: Registry[Any] = Registry(
        "thing", field="thing", package="capacity_planner.queueing", group="no.such.group"
    )

    @registry.register("many")
    class Many:
        variants = "KIND"

        def __init__(self, variant: str) -> None:
            self.variant = variant

    assert isinstance(registry.get("many:big"), Many)
    assert [registry.get(name).variant for name in ("many:big", "many:a:b", "many:", "many")] == ["big", "a:b", "", ""]
    assert "many:KIND" in registry.names()
    assert "many" not in registry.names()
