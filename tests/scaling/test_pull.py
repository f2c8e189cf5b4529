"""The scaler that is asked has nothing to do and nothing to say: what is measured tells what runs."""

from __future__ import annotations

import pytest

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.registry import scalers
from tests.scaling._orders import order


def test_an_order_is_done_at_once_and_nobody_knows_what_runs() -> None:
    scaler = scalers.make("pull", {})
    assert scaler.scale(order(5)) is None
    assert scaler.current("emails") is None


def test_it_takes_no_options() -> None:
    with pytest.raises(PlannerError) as caught:
        scalers.make("pull", {"most": 5})
    assert caught.value.code is ErrorCode.CONFIG_INVALID


def test_it_is_listed() -> None:
    assert "pull" in scalers.names()
