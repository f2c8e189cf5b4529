"""Queueing theory at the API: what goes in, what comes out, and what is refused."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity_planner import ErrorCode, Metrics, PlannerConfig, PlannerError, QueueingCalculator, QueueingResult, codec
from capacity_planner.units import UNBOUNDED

NOON = datetime(2026, 1, 31, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def sample(**facts: Any) -> Metrics:
    return Metrics(timestamp=NOON, arrival_rate=20.0, **facts)


def calculator(model: str = "mmc", **settings_: Any) -> QueueingCalculator:
    return QueueingCalculator(PlannerConfig(queueing_model=model, **settings_))


def refused(ask: Any) -> PlannerError:
    with pytest.raises(PlannerError) as caught:
        ask()
    return caught.value


def test_the_specs_example_is_critically_loaded() -> None:
    """λ = 20, μ = 5, c = 4: ρ = 1, the queue grows without end."""
    result = calculator().calculate(20.0, 5.0, 4)
    assert result.utilization == 1.0
    assert (result.queue_length, result.probability_of_wait) == (math.inf, 1.0)
    assert result.wait_time == result.response_time == result.p95_response_time == UNBOUNDED
    assert (result.throughput, result.capacity) == (20.0, 20.0)
    assert codec.decode(QueueingResult, codec.dumps(result)) == result


def test_a_textbook_queue() -> None:
    """M/M/2 with λ = 3/min, μ = 2/min (Gross et al. 2008, 2.3): ρ = 3/4, C = 9/14, L_q = 27/14, W_q = 9/14 min."""
    result = calculator().calculate(3 / 60, 2 / 60, 2)
    assert result.utilization == pytest.approx(0.75)
    assert result.probability_of_wait == pytest.approx(9 / 14)
    assert result.queue_length == pytest.approx(27 / 14)
    assert result.wait_time.total_seconds() == pytest.approx(60 * 9 / 14, abs=1e-5)
    assert result.response_time.total_seconds() == pytest.approx(60 * (9 / 14 + 0.5), abs=1e-5)


def test_a_single_server_has_an_exponential_response() -> None:
    """M/M/1: W exponential with rate μ - λ = 0.5/s: mean 2 s, p95 2 ln 20 = 5.9915 s."""
    for model in ("mm1", "mmc", "mgc"):
        result = calculator(model).calculate(0.5, 1.0, 1)
        assert result.response_time.total_seconds() == pytest.approx(2.0, abs=1e-5)
        assert result.p95_response_time.total_seconds() == pytest.approx(2 * math.log(20), rel=1e-4)


@settings(max_examples=200)
@given(
    rate=st.floats(0.0, 1e6) | st.sampled_from([0.0, 1e15]),
    mu=st.floats(1e-6, 1e6),
    servers=st.integers(0, 10**7) | st.just(10**15),
    model=st.sampled_from(["mm1", "mmc"]),
)
def test_every_queue_has_a_defined_result(rate: float, mu: float, servers: int, model: str) -> None:
    result = calculator(model).calculate(rate, mu, servers)
    assert codec.decode(QueueingResult, codec.dumps(result)) == result
    assert result.response_time >= result.wait_time
    assert result.throughput <= rate
    assert 0.0 <= result.confidence <= 1.0
    if 0 < rate < servers * mu * (1 - 1e-9):
        assert math.isfinite(result.queue_length)
        assert result.queue_length == pytest.approx(rate * result.wait_time.total_seconds(), rel=1e-3, abs=rate * 2e-6)


@pytest.mark.parametrize("model", ["mm1", "mmc", "mgc"])
def test_nothing_arrives_and_nobody_serves(model: str) -> None:
    idle = calculator(model).calculate(0.0, 1.0, 0)
    assert (idle.queue_length, idle.throughput, idle.capacity) == (0.0, 0.0, 0.0)
    stuck = calculator(model).calculate(1.0, 1.0, 0)
    assert (stuck.queue_length, stuck.throughput, stuck.wait_time) == (math.inf, 0.0, UNBOUNDED)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ((-1.0, 1.0, 1), "arrival_rate"),
        ((float("nan"), 1.0, 1), "arrival_rate"),
        ((float("inf"), 1.0, 1), "arrival_rate"),
        (("5", 1.0, 1), "arrival_rate"),
        ((True, 1.0, 1), "arrival_rate"),
        ((1e19, 1.0, 1), "arrival_rate"),
        ((1.0, 0.0, 1), "service_rate"),
        ((1.0, -1.0, 1), "service_rate"),
        ((1.0, 5e-324, 1), "service_rate"),
        ((1.0, None, 1), "service_rate"),
        ((1.0, 1.0, -1), "servers"),
        ((1.0, 1.0, 1.5), "servers"),
        ((1.0, 1.0, True), "servers"),
        ((1.0, 1.0, 10**16), "servers"),
        ((10**400, 1.0, 1), "arrival_rate"),
    ],
)
def test_an_argument_out_of_range_is_refused_by_name(arguments: tuple[Any, Any, Any], field: str) -> None:
    error = refused(lambda: calculator().calculate(*arguments))
    assert error.code is ErrorCode.INVALID_METRICS
    assert error.details["field"] == field
    assert field in error.message


def test_the_measured_spread_counts_in_proportion_to_the_service_rate() -> None:
    """Measured at 2 s; asked at μ = 1/4, that is 4 s: the deterministic queue waits half as long as the exponential."""
    fixed = sample(service_time=2 * SECOND, service_time_std=timedelta(0))
    exponential = calculator("mgc").calculate(0.2, 0.25, 1)
    deterministic = calculator("mgc").calculate(0.2, 0.25, 1, fixed)
    assert deterministic.wait_time.total_seconds() == pytest.approx(exponential.wait_time.total_seconds() / 2, rel=1e-6)
    # Pollaczek-Khinchine: W_q = λ E[S²]/(2(1 - ρ)); cs² = 1/4 at twice the mean as well
    half = sample(service_time=2 * SECOND, service_time_std=SECOND)
    spread = calculator("mgc").calculate(0.2, 0.25, 1, half)
    assert spread.wait_time.total_seconds() == pytest.approx(0.2 * 16 * 1.25 / (2 * 0.2), rel=1e-6)


def test_gos_zero_spread_is_not_known() -> None:
    zeros = sample(service_time=SECOND, service_time_std=timedelta(0), service_time_p95=timedelta(0))
    with_zeros = calculator("mgc").calculate(0.5, 1.0, 1, zeros)
    assert with_zeros.p95_response_time == calculator("mgc").calculate(0.5, 1.0, 1).p95_response_time


def test_many_queues_in_one_call_are_the_queues_one_by_one() -> None:
    dice = np.random.default_rng(3)
    rates, mus = dice.uniform(0, 50, 40), dice.uniform(0.1, 5, 40)
    servers = dice.integers(0, 80, 40)
    for model in ("mm1", "mmc"):
        batch = calculator(model).calculate_batch(rates, mus, servers)
        for index in range(40):
            one = calculator(model).calculate(float(rates[index]), float(mus[index]), int(servers[index]))
            assert batch.utilization[index] == pytest.approx(one.utilization)
            assert batch.probability_of_wait[index] == pytest.approx(one.probability_of_wait)
            assert batch.queue_length[index] == pytest.approx(one.queue_length)
            assert batch.throughput[index] == pytest.approx(one.throughput)
            if math.isfinite(batch.wait[index]):
                assert batch.p95_response[index] == pytest.approx(one.p95_response_time.total_seconds(), abs=1e-5)
                assert batch.wait[index] == pytest.approx(one.wait_time.total_seconds(), abs=1e-5)


def test_the_arguments_of_a_batch_broadcast() -> None:
    batch = calculator().calculate_batch([[1.0], [2.0]], 1.0, [3, 4, 5])
    assert batch.p95_response.shape == batch.utilization.shape == (2, 3)
    assert np.all(np.diff(batch.p95_response, axis=1) < 0)


@pytest.mark.parametrize(
    "arguments",
    [
        ([1.0, -1.0], 1.0, 1),
        ([1.0, float("nan")], 1.0, 1),
        (1.0, [1.0, 0.0], 1),
        (1.0, 1.0, [1, 1.5]),
        ("fast", 1.0, 1),
        (None, 1.0, 1),
        ([[1.0], [1.0, 2.0]], 1.0, 1),
        ({"a": 1}, 1.0, 1),
    ],
)
def test_a_bad_entry_in_a_batch_is_refused(arguments: tuple[Any, Any, Any]) -> None:
    assert refused(lambda: calculator().calculate_batch(*arguments)).code is ErrorCode.INVALID_METRICS


@pytest.mark.parametrize(
    "arguments",
    [
        ([1.0, 2.0], [1.0, 2.0, 3.0], 1),  # shapes that do not broadcast: ValueError
        ([10**400], 1.0, 1),  # OverflowError
        (np.array([1j]), 1.0, 1),  # ComplexWarning
    ],
    ids=["shapes", "huge", "complex"],
)
def test_what_numpy_refuses_is_refused_as_well(arguments: tuple[Any, Any, Any]) -> None:
    assert refused(lambda: calculator().calculate_batch(*arguments)).code is ErrorCode.INVALID_METRICS


def test_capacity_is_the_fewest_that_meet_the_target() -> None:
    for rate in (0.1, 3.0, 20.0, 400.0):
        target = timedelta(seconds=0.8)
        count = calculator().calculate_capacity(rate, 5.0, target)
        assert calculator().calculate(rate, 5.0, count).p95_response_time <= target
        assert calculator().calculate(rate, 5.0, count - 1).p95_response_time > target
    assert calculator().calculate_capacity(0.0, 5.0, target) == 0


def test_capacity_that_no_number_of_servers_reaches_is_refused_with_the_least_p95() -> None:
    """Exponential service of 2 s: p95 5.991 s; 5 s cannot be had."""
    error = refused(lambda: calculator().calculate_capacity(25.5, 0.5, 5 * SECOND))
    assert error.code is ErrorCode.SLO_UNACHIEVABLE
    assert error.details["least_p95"] == "5.991465s"
    count = error.details["servers"]
    least = 2 * math.log(20)
    assert calculator().calculate(25.5, 0.5, count).p95_response_time.total_seconds() <= least / 0.99 + 1e-6
    assert calculator().calculate(25.5, 0.5, count - 1).p95_response_time.total_seconds() > least / 0.99 - 1e-6


def test_a_measured_spread_can_make_a_target_achievable() -> None:
    fixed = sample(service_time=2 * SECOND, service_time_std=timedelta(0))
    assert calculator("mgc").calculate_capacity(25.5, 0.5, 5 * SECOND, metrics=fixed) >= 52


@pytest.mark.parametrize("target", [timedelta(0), -SECOND, 5, 5.0, "5", None, timedelta.max])
def test_a_target_that_is_none_is_refused(target: Any) -> None:
    error = refused(lambda: calculator().calculate_capacity(1.0, 1.0, target))
    assert (error.code, error.details["field"]) == (ErrorCode.CONFIG_INVALID, "target_latency")


def test_a_load_beyond_counting_is_refused() -> None:
    refused(lambda: calculator().calculate_capacity(1e15, 1e-3, timedelta(hours=3)))


def test_the_service_rate_is_one_over_the_service_time() -> None:
    assert calculator().estimate_service_rate(sample(service_time=timedelta(milliseconds=250))) == 4.0


def test_the_service_rate_can_be_had_from_a_queue_that_keeps_up() -> None:
    """20 jobs/s keep 10 workers of 2 jobs at once 50 % busy: 10 servers' worth, 2 jobs/s each."""
    busy = sample(utilization=0.5, current_workers=10)
    assert calculator(worker_concurrency=2).estimate_service_rate(busy) == 2.0
    assert calculator().estimate_service_rate(busy) == 4.0


@pytest.mark.parametrize(
    "facts",
    [{}, {"utilization": 1.0, "current_workers": 10}, {"utilization": 0.5}, {"current_workers": 10}],
)
def test_a_service_rate_that_cannot_be_had_is_refused(facts: dict[str, Any]) -> None:
    error = refused(lambda: calculator().estimate_service_rate(sample(**facts)))
    assert (error.code, error.details["field"]) == (ErrorCode.INVALID_METRICS, "metrics.service_time")
