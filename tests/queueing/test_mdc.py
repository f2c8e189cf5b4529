"""M/D/c against the embedded chain solved by brute force, closed forms of M/D/1, and simulation."""

from __future__ import annotations

import heapq
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.queueing import _mdc
from capacity_planner.queueing._erlang import erlang_c, poisson_pmf


def embedded_chain(servers: int, load: float, size: int = 400) -> np.ndarray:
    """P(N = n) from N' = (N - c)⁺ + Poisson(a), iterated to its fixed point."""
    arrivals = poisson_pmf(np.arange(size), load)
    inside = np.zeros(size)
    inside[0] = 1.0
    for _ in range(20_000):
        left = np.concatenate([[inside[: servers + 1].sum()], inside[servers + 1 :]])
        after = np.convolve(left, arrivals)[:size]
        if np.abs(after - inside).max() < 1e-17:
            break
        inside = after
    return inside


@pytest.mark.parametrize(("servers", "load"), [(1, 0.5), (2, 1.6), (5, 4.5), (20, 18.0), (50, 40.0)])
def test_against_the_embedded_chain(servers: int, load: float) -> None:
    inside = embedded_chain(servers, load)
    waiting = np.maximum(np.arange(len(inside)) - servers, 0)
    walk = _mdc.backlog(servers, load)
    assert walk.mean == pytest.approx(float(waiting @ inside), rel=1e-9)
    assert _mdc.wait_tail(0.0, servers, load) == pytest.approx(float(inside[servers:].sum()), rel=1e-9)
    for count in (0, 1, 5, 30):
        tail = inside[servers + 1 + count :].sum()
        assert float(walk.tail(np.array(count))) == pytest.approx(float(tail), rel=1e-7, abs=1e-14)


@pytest.mark.parametrize("load", [0.01, 0.5, 0.9, 0.999, 1 - 1e-9])
def test_single_server_is_pollaczek_khinchine(load: float) -> None:
    # Pollaczek (1930), Khinchine (1932): W_q = ρ/(2 (1 - ρ)) for deterministic service.
    assert _mdc.mean_wait(1, load) == pytest.approx(load / (2.0 * (1.0 - load)), rel=1e-12)


@pytest.mark.parametrize("time", [0.0, 0.3, 1.0, 1.7, 3.2, 8.5])
def test_single_server_is_erlangs_series(time: float) -> None:
    # Erlang (1909), M/D/1: P(W ≤ t) = (1 - ρ) Σ_{k=0}^{⌊t⌋} (-ρ (t - k))^k e^{ρ (t - k)} / k!.
    load = 0.8
    series = sum(
        (-load * (time - k)) ** k * math.exp(load * (time - k)) / math.factorial(k) for k in range(int(time) + 1)
    )
    assert _mdc.wait_tail(time, 1, load) == pytest.approx(1.0 - (1.0 - load) * series, abs=1e-12)


@pytest.mark.parametrize("servers", [2, 10, 100])
@pytest.mark.parametrize("utilization", [0.7, 0.8, 0.9, 0.95])
def test_near_cosmetatos(servers: int, utilization: float) -> None:
    # Cosmetatos (1975), Oper. Res. Quart. 26:615-620: within a few percent of the exact mean wait.
    load = utilization * servers
    markov = float(erlang_c(servers, load)) / (servers - load)
    correction = (1 - utilization) * (servers - 1) * (math.sqrt(4 + 5 * servers) - 2) / (16 * servers * utilization)
    assert _mdc.mean_wait(servers, load) == pytest.approx(0.5 * markov * (1 + correction), rel=0.06)


@pytest.mark.parametrize(("servers", "load"), [(1, 0.9), (3, 2.7), (20, 19.0), (1000, 980.0)])
def test_mean_is_the_integral_of_the_tail(servers: int, load: float) -> None:
    end = _mdc.wait_quantile(1e-12, servers, load)
    edges = np.linspace(0.0, end, max(int(end) * 4, 400) + 1)
    tails = np.array([_mdc.wait_tail(float(time), servers, load) for time in edges])
    assert np.trapezoid(tails, edges) == pytest.approx(_mdc.mean_wait(servers, load), rel=5e-3)


def test_the_asymptote_joins_the_table() -> None:
    for servers, load in ((1, 0.9), (10, 9.9), (1000, 990.0)):
        walk = _mdc.backlog(servers, load)
        last = len(walk.table) - 1
        beyond = walk.constant * math.exp(-walk.decay * last)
        assert beyond == pytest.approx(float(walk.table[last]), rel=1e-6)


def test_heaviest_traffic_has_only_the_asymptote() -> None:
    walk = _mdc.backlog(2, 2.0 * (1 - 1e-7))
    assert len(walk.table) == 0
    # Kingman (1962): the wait of the few is exponential with mean ρ/(2 (1 - ρ) c).
    assert _mdc.wait_quantile(0.05, 2, 2.0 * (1 - 1e-7)) == pytest.approx(math.log(20.0) / (4 * 1e-7), rel=1e-5)


@given(st.integers(1, 3000), st.floats(0.05, 0.999), st.floats(0.0, 5.0))
def test_more_servers_are_never_later(servers: int, utilization: float, time: float) -> None:
    load = utilization * servers
    fewer, more = _mdc.wait_tail(time, servers, load), _mdc.wait_tail(time, servers + 1, load)
    assert 0.0 <= more <= fewer * (1 + 1e-9) + 1e-14


def test_against_simulation() -> None:
    # FIFO by Kiefer and Wolfowitz (1955); the band is four standard errors from 40 batches.
    servers, load, jobs = 3, 2.4, 400_000
    arrivals = np.cumsum(np.random.default_rng(7).exponential(1.0 / load, jobs))
    free, waits = [0.0] * servers, np.empty(jobs)
    for job, arrival in enumerate(arrivals.tolist()):
        start = max(arrival, free[0])
        heapq.heapreplace(free, start + 1.0)
        waits[job] = start - arrival
    for time in (0.0, 0.5, 1.2):
        batches = (waits > time).reshape(40, -1).mean(axis=1)
        band = 4.0 * batches.std() / math.sqrt(40)
        assert abs(batches.mean() - _mdc.wait_tail(time, servers, load)) < band
