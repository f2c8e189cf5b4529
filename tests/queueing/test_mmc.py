"""M/M/c and M/M/1 against an evaluation of our own in 40 digits, and at the edges."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.queueing.mm1 import MM1
from capacity_planner.queueing.mmc import MMC

UNIT = ServiceTime(mean=1.0)
FINITE = st.floats(min_value=0.0, allow_nan=False, allow_infinity=False)
POSITIVE = st.floats(min_value=5e-324, allow_nan=False, allow_infinity=False)


def exact(servers: float, load: float) -> tuple[float, float, float]:
    """P(wait), mean wait and p95 of the response, with μ = 1, by the textbook's two exponentials in 40 digits."""
    with mpmath.workdps(40):
        c, a = mpmath.mpf(servers), mpmath.mpf(load)
        blocking = mpmath.exp(c * mpmath.log(a) - a - mpmath.loggamma(c + 1)) / mpmath.gammainc(
            c + 1, a, regularized=True
        )
        waiting = 1 / (a / c + (1 - a / c) / blocking)
        rate = c - a

        def tail(t: mpmath.mpf) -> mpmath.mpf:
            if abs(rate - 1) < mpmath.mpf("1e-30"):
                return mpmath.exp(-t) * (1 + waiting * t)
            return (1 - waiting) * mpmath.exp(-t) + waiting * (mpmath.exp(-rate * t) - rate * mpmath.exp(-t)) / (
                1 - rate
            )

        low, high = mpmath.log(20), mpmath.log(40) * (1 + 1 / rate)
        while high - low > mpmath.mpf("1e-18") * high:
            middle = (low + high) / 2
            low, high = (middle, high) if tail(middle) > mpmath.mpf("0.05") else (low, middle)
        return float(waiting), float(waiting / rate), float(low)


@pytest.mark.parametrize("servers", [1, 2, 10, 170, 171, 1000, 100_000])
@pytest.mark.parametrize("utilization", [0.1, 0.5, 0.9, 0.99, 0.9999])
def test_against_forty_digits(servers: int, utilization: float) -> None:
    load = utilization * servers
    waiting, wait, p95 = exact(servers, load)
    state = MMC().solve(load, servers, UNIT)
    assert float(state.p95_response) == pytest.approx(p95, rel=1e-9)
    if waiting > 1e-290:
        assert float(state.probability_of_wait) == pytest.approx(waiting, rel=1e-9)
        assert float(state.wait) == pytest.approx(wait, rel=1e-9)
    assert float(MMC().response_tail(p95, load, servers, UNIT)) == pytest.approx(0.05, rel=1e-9)


def test_equal_rates_have_no_pole() -> None:
    # c - a = 1: the tail is e^-t (1 + C t), the textbook form is 0/0.
    waiting = float(MMC().solve(9.0, 10, UNIT).probability_of_wait)
    assert float(MMC().response_tail(3.0, 9.0, 10, UNIT)) == pytest.approx(np.exp(-3.0) * (1 + 3.0 * waiting))
    near = float(MMC().response_tail(3.0, 9.0 * (1 + 1e-9), 10, UNIT))
    assert near == pytest.approx(np.exp(-3.0) * (1 + 3.0 * waiting), rel=1e-7)


def test_gross_and_harris_eye_clinic() -> None:
    # Gross, Shortle, Thompson, Harris (2008), 4th ed., example 2.2: λ = 6/h, 20 min a test, 3 servers:
    # L_q = 8/9, W_q = 4/27 h = 8 min 53 s, W = 13/27 h = 28 min 53 s (cited from memory, checked by hand: p_0 = 1/9).
    state = MMC().solve(6 / 3600, 3, ServiceTime(mean=1200.0))
    assert float(state.queue_length) == pytest.approx(8 / 9)
    assert float(state.wait) == pytest.approx(3600 * 4 / 27)
    assert float(state.response) == pytest.approx(3600 * 13 / 27)


@pytest.mark.parametrize("model", [MMC(), MM1()])
def test_single_server_is_exponential(model: MMC | MM1) -> None:
    # Kleinrock (1975), Queueing Systems I, section 5.7: the response of M/M/1 is exponential with rate μ - λ.
    state = model.solve(0.8, 1, UNIT)
    assert float(state.p95_response) == pytest.approx(np.log(20.0) / 0.2, rel=1e-13)
    assert float(state.wait) == pytest.approx(4.0)
    assert float(model.response_tail(7.0, 0.8, 1, UNIT)) == pytest.approx(np.exp(-1.4))
    assert float(model.wait_tail(7.0, 0.8, 1, UNIT)) == pytest.approx(0.8 * np.exp(-1.4))


def test_partitioned_queues_are_single_servers() -> None:
    split, single = MM1().solve(8.0, 10, UNIT), MM1().solve(0.8, 1, UNIT)
    assert float(split.p95_response) == pytest.approx(float(single.p95_response))
    assert float(split.queue_length) == pytest.approx(10 * float(single.queue_length))
    assert float(split.queue_length) == pytest.approx(8.0 * float(split.wait))


@pytest.mark.parametrize("model", [MMC(), MM1()])
def test_edges(model: MMC | MM1) -> None:
    state = model.solve([0.0, 0.0, 1.0, 5.0, 6.0], [0, 5, 0, 5, 5], ServiceTime(mean=1.0))
    assert state.utilization.tolist() == [0.0, 0.0, np.inf, 1.0, 1.2]
    assert state.probability_of_wait.tolist() == [0.0, 0.0, 1.0, 1.0, 1.0]
    assert state.queue_length.tolist() == [0.0, 0.0, np.inf, np.inf, np.inf]
    assert state.wait.tolist() == [0.0, 0.0, np.inf, np.inf, np.inf]
    assert state.p95_response.tolist() == pytest.approx([np.log(20.0)] * 2 + [np.inf] * 3)
    assert state.throughput.tolist() == [0.0, 0.0, 0.0, 5.0, 5.0]
    for tail in (model.response_tail, model.wait_tail):
        assert tail(0.5, [0.0, 6.0], 5, UNIT).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("model", [MMC(), MM1()])
def test_arrays_equal_scalars(model: MMC | MM1) -> None:
    rates, servers = np.array([0.5, 3.0, 90.0])[:, None], np.array([1, 5, 100, 1000])
    state = model.solve(rates, servers, UNIT)
    tails = model.response_tail(2.0, rates, servers, UNIT)
    assert state.p95_response.shape == tails.shape == (3, 4)
    for i, j in np.ndindex(3, 4):
        single = model.solve(float(rates[i, 0]), int(servers[j]), UNIT)
        assert single.p95_response.shape == ()
        assert float(single.p95_response) == pytest.approx(state.p95_response[i, j], rel=1e-14)
        assert float(model.response_tail(2.0, rates[i, 0], servers[j], UNIT)) == pytest.approx(tails[i, j], rel=1e-14)


@pytest.mark.parametrize("model", [MMC(), MM1()])
@given(st.floats(1.0, 1e5), st.floats(0.01, 0.999), st.floats(1e-3, 1e3))
def test_waits_scale_with_time(model: MMC | MM1, servers: float, utilization: float, factor: float) -> None:
    base = model.solve(utilization * servers, servers, UNIT)
    scaled = model.solve(utilization * servers / factor, servers, ServiceTime(mean=factor))
    assert float(scaled.p95_response) == pytest.approx(factor * float(base.p95_response), rel=1e-9)


@pytest.mark.parametrize("model", [MMC(), MM1()])
@given(st.integers(1, 200_000), st.floats(0.01, 0.99999), st.floats(0.0, 30.0))
def test_more_servers_are_never_later(model: MMC | MM1, servers: int, utilization: float, time: float) -> None:
    rate = utilization * servers
    for tail in (model.response_tail, model.wait_tail):
        fewer, more = tail(time, rate, [servers, servers + 1], UNIT)
        assert more <= fewer * (1.0 + 1e-13)


@pytest.mark.parametrize("model", [MMC(), MM1()])
@given(FINITE, FINITE, POSITIVE, FINITE)
def test_any_floats_are_answered(model: MMC | MM1, rate: float, servers: float, mean: float, time: float) -> None:
    service = ServiceTime(mean=mean)
    state = model.solve(rate, servers, service)
    figures = [getattr(state, name) for name in type(state).__slots__]
    tails = [model.response_tail(time, rate, servers, service), model.wait_tail(time, rate, servers, service)]
    assert not any(np.isnan(figure) for figure in [*figures, *tails])
    assert all(0.0 <= float(tail) <= 1.0 for tail in tails)
