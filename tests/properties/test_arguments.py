"""Whatever a caller hands to a public method, it returns or raises a `PlannerError`: no other error, no warning."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity_planner import (
    SLO,
    CapacityPlanner,
    Forecaster,
    Metrics,
    PlannerConfig,
    PlannerError,
    PlanRequest,
    QueueingCalculator,
    codec,
)
from capacity_planner.units import UNBOUNDED

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
GOOD = Metrics(timestamp=NOON, arrival_rate=10.0, service_time=timedelta(seconds=2), current_workers=30)
TARGET = SLO(p95_latency=timedelta(seconds=10))

JUNK = st.sampled_from(
    [
        *[None, True, False, 0, -1, 5, 2**63, 10**400, -(10**400), 0.0, -0.0, 1.5, 1e308, 5e-324],
        *[math.nan, math.inf, -math.inf, 1j, "", "5", "5s", "ewma", "mgc", "\ud800", "\x00", "x" * 5_000, b"", b"5s"],
        *[timedelta(0), timedelta(microseconds=1), -timedelta(seconds=1), timedelta.max, timedelta.min, UNBOUNDED],
        *[
            NOON,
            NOON.replace(tzinfo=None),
            datetime.max.replace(tzinfo=UTC),
            datetime.min.replace(tzinfo=UTC),
            date(2026, 1, 31),
            time(5),
        ],
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))),
        *[[], (), {}, set(), object(), object, ..., NotImplemented, range(3), iter(()), len],
        *[Decimal("1.5"), Decimal("NaN"), Decimal("1e400"), Fraction(1, 3), np.float64(2.0), np.float64("nan")],
        *[np.int64(3), np.uint8(3), np.array([1.0, 2.0]), np.array([]), np.array(5.0), np.float16(65504)],
        *[GOOD, TARGET, PlannerConfig(), PlannerConfig, Metrics, ValueError("x")],
    ]
)
NUMBERS = st.floats() | st.integers() | st.floats(0, 1e6) | st.integers(0, 1_000)
ANY = JUNK | NUMBERS | st.text(max_size=5) | st.timedeltas() | st.datetimes(timezones=st.none() | st.just(UTC))


def returns(call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """What the call returns, or ``None`` when it is refused as it should be."""
    try:
        return call(*arguments, **options)
    except PlannerError as error:
        error.message.encode()
        json.dumps(error.details, default=str)
        return None


def scribbled(cls: type[Any], good: Any) -> st.SearchStrategy[Any]:
    """Objects with junk in some fields, as dataclasses allow them to be made."""
    names = [item.name for item in fields(cls)]
    changes = st.dictionaries(st.sampled_from(names), ANY, min_size=1, max_size=2)
    return changes.map(lambda change: replace(good, **change))


SAMPLES = scribbled(Metrics, GOOD) | ANY
CONFIGS = scribbled(PlannerConfig, PlannerConfig()) | ANY
REQUESTS = scribbled(PlanRequest, PlanRequest(current_metrics=GOOD, slo=TARGET)) | ANY


@settings(max_examples=200)
@given(SAMPLES)
def test_observe(metrics: Any) -> None:
    planner = CapacityPlanner()
    returns(planner.observe, metrics)
    codec.dumps(planner.get_state())


@settings(max_examples=200)
@given(ANY, ANY)
def test_record_scaling(workers: Any, at: Any) -> None:
    planner = CapacityPlanner()
    planner.observe(GOOD)
    returns(planner.record_scaling, workers, at)
    returns(planner.record_scaling, workers, NOON)
    returns(planner.record_scaling, 5, at)
    codec.dumps(planner.get_state())
    returns(planner.generate_plan, PlanRequest(current_metrics=GOOD, slo=TARGET))


@settings(max_examples=200)
@given(CONFIGS)
def test_update_config(config: Any) -> None:
    planner = CapacityPlanner()
    returns(planner.update_config, config)
    assert planner.get_state().config_version in {0, 1}


@settings(max_examples=150)
@given(scribbled(PlannerConfig, PlannerConfig(forecast_window=timedelta(minutes=30))))
def test_a_configuration_that_is_accepted_can_be_planned_with(config: Any) -> None:
    planner = CapacityPlanner()
    returns(planner.update_config, config)
    returns(planner.generate_plan, PlanRequest(current_metrics=GOOD, slo=TARGET), timeout=timedelta(seconds=2))


@settings(max_examples=200)
@given(REQUESTS, ANY)
def test_generate_plan(request: Any, timeout: Any) -> None:
    returns(CapacityPlanner().generate_plan, request)
    returns(CapacityPlanner().generate_plan, PlanRequest(current_metrics=GOOD, slo=TARGET), timeout=timeout)


@settings(max_examples=150)
@given(scribbled(Metrics, GOOD), scribbled(SLO, TARGET))
def test_generate_plan_with_scribbled_parts(metrics: Any, slo: Any) -> None:
    returns(CapacityPlanner().generate_plan, PlanRequest(current_metrics=metrics, slo=slo))
    returns(CapacityPlanner().generate_plan, PlanRequest(current_metrics=GOOD, slo=TARGET, history=(metrics,)))


@settings(max_examples=300)
@given(ANY, ANY, ANY, SAMPLES | st.none(), st.sampled_from(["mm1", "mmc", "mgc"]))
def test_calculate(rate: Any, mu: Any, servers: Any, metrics: Any, model: str) -> None:
    calculator = QueueingCalculator(PlannerConfig(queueing_model=model))
    returns(calculator.calculate, rate, mu, servers, metrics)
    returns(calculator.calculate, rate, 1.0, 5, GOOD)
    returns(calculator.calculate, 1.0, mu, 5)
    returns(calculator.calculate, 1.0, 1.0, servers)
    returns(calculator.calculate, 1.0, 1.0, 3, metrics)


@settings(max_examples=200)
@given(ANY, ANY, ANY, SAMPLES | st.none())
def test_calculate_capacity(rate: Any, mu: Any, target: Any, metrics: Any) -> None:
    calculator = QueueingCalculator()
    returns(calculator.calculate_capacity, rate, mu, target, metrics=metrics)
    returns(calculator.calculate_capacity, rate, 1.0, timedelta(seconds=4))
    returns(calculator.calculate_capacity, 1.0, mu, timedelta(seconds=4))
    returns(calculator.calculate_capacity, 1.0, 1.0, target)
    returns(calculator.calculate_capacity, 1.0, 1.0, timedelta(seconds=4), metrics=metrics)


@settings(max_examples=200)
@given(NUMBERS, NUMBERS, NUMBERS, st.lists(NUMBERS, max_size=3))
def test_calculate_batch_of_numbers(rate: Any, mu: Any, servers: Any, entries: Any) -> None:
    calculator = QueueingCalculator()
    state = returns(calculator.calculate_batch, rate, mu, servers)
    assert state is None or not np.isnan(state.p95_response).any()
    returns(calculator.calculate_batch, entries, 1.0, 5)
    returns(calculator.calculate_batch, 1.0, entries, 5)
    returns(calculator.calculate_batch, 1.0, 1.0, entries)


@settings(max_examples=200)
@given(SAMPLES)
def test_estimate_service_rate(metrics: Any) -> None:
    rate = returns(QueueingCalculator().estimate_service_rate, metrics)
    assert rate is None or (math.isfinite(rate) and rate > 0)


@settings(max_examples=200)
@given(st.lists(SAMPLES, max_size=4) | ANY, ANY)
def test_predict(history: Any, horizon: Any) -> None:
    if isinstance(horizon, timedelta) and horizon > timedelta(days=30):
        horizon = timedelta(days=30)
    forecaster = Forecaster()
    returns(forecaster.predict, history, timedelta(hours=1))
    returns(forecaster.predict, [GOOD], horizon)
    returns(forecaster.predict, [GOOD], timedelta(hours=1), timeout=horizon)
    assert 0.0 <= forecaster.get_accuracy() <= 1.0


@settings(max_examples=200)
@given(ANY)
def test_set_model(model: Any) -> None:
    forecaster = Forecaster()
    returns(forecaster.set_model, model)
    assert {item.model for item in forecaster.predict([GOOD], timedelta(minutes=5))} == {"ewma"}


HUGE = 10**5_000


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: CapacityPlanner().record_scaling(HUGE, NOON), id="workers"),
        pytest.param(lambda: CapacityPlanner().record_scaling(5, HUGE), id="at"),  # type: ignore[arg-type]
        pytest.param(lambda: Forecaster().predict([GOOD], HUGE), id="horizon"),  # type: ignore[arg-type]
        pytest.param(
            lambda: Forecaster().predict([GOOD], timedelta(1), timeout=HUGE),  # type: ignore[arg-type]
            id="timeout",
        ),
        pytest.param(lambda: QueueingCalculator().calculate(HUGE, 1.0, 1), id="arrival_rate"),
        pytest.param(lambda: QueueingCalculator().calculate(1.0, 1.0, HUGE), id="servers"),
        pytest.param(
            lambda: QueueingCalculator().calculate_capacity(1.0, 1.0, HUGE),  # type: ignore[arg-type]
            id="target_latency",
        ),
    ],
)
def test_an_integer_too_long_to_be_shown_is_refused(call: Callable[[], Any]) -> None:
    with pytest.raises(PlannerError):
        call()


def test_a_long_text_is_shown_short() -> None:
    text: Any = "x" * 5_000
    for call in (
        lambda: CapacityPlanner().record_scaling(text, NOON),
        lambda: QueueingCalculator().calculate_capacity(1.0, 1.0, text),
        lambda: Forecaster().predict([GOOD], text),
    ):
        with pytest.raises(PlannerError) as caught:
            call()
        assert len(caught.value.message) < 500


@pytest.mark.parametrize(
    "call",
    [
        lambda planner: planner.record_scaling(5, NOON, queue_name=[]),
        lambda planner: planner.get_state([]),
        lambda planner: planner.reset([]),
    ],
    ids=["record_scaling", "get_state", "reset"],
)
def test_a_queue_name_that_is_none_is_refused(call: Callable[[Any], Any]) -> None:
    planner = CapacityPlanner()
    planner.observe(GOOD)
    with pytest.raises(PlannerError):
        call(planner)


@pytest.mark.parametrize("config", [0, "", [], False])
def test_a_configuration_that_is_none_is_refused(config: Any) -> None:
    for kind in (CapacityPlanner, Forecaster, QueueingCalculator):
        with pytest.raises(PlannerError):
            kind(config)
