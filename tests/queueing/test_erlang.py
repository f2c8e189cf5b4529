"""Erlang's B and C against 60 digits, against tables, and at the edges of what a float can hold."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.queueing._erlang import deviance, erlang_b, erlang_c, poisson_pmf, stirling_error

SERVERS = (0.5, 1, 2, 10, 15.5, 16, 170, 171, 1000, 100_000, 1_000_000)
FINITE = st.floats(min_value=0.0, allow_nan=False, allow_infinity=False)


def exact(servers: float, load: float) -> tuple[mpmath.mpf, mpmath.mpf]:
    """Erlang B and C by 60 digits of 1/B = Γ(c+1, a) e^a a^-c."""
    with mpmath.workdps(60):
        c, a = mpmath.mpf(servers), mpmath.mpf(load)
        inverse = mpmath.gammainc(c + 1, a) * mpmath.exp(a - c * mpmath.log(a))
        return 1 / inverse, 1 / (a / c + (1 - a / c) * inverse)


@pytest.mark.parametrize("servers", SERVERS)
@pytest.mark.parametrize("utilization", [0.001, 0.1, 0.5, 0.9, 0.99, 0.9999, 1.01, 1.5, 10.0])
def test_against_sixty_digits(servers: float, utilization: float) -> None:
    load = utilization * servers
    if servers >= 1e5 and not 0.9 <= utilization <= 1.5:
        return  # mpmath takes minutes there
    blocking, waiting = exact(servers, load)
    if blocking > 1e-290:
        assert float(erlang_b(servers, load)) == pytest.approx(float(blocking), rel=1e-13)
    if utilization < 1.0 and waiting > 1e-290:
        assert float(erlang_c(servers, load)) == pytest.approx(float(waiting), rel=1e-13)


def test_gross_and_harris_eye_clinic() -> None:
    # Gross, Shortle, Thompson, Harris (2008), Fundamentals of Queueing Theory, 4th ed., example 2.2: M/M/3 with
    # λ = 6/h, μ = 3/h has p_0 = 1/9 and L_q = 8/9; C = L_q (1 - ρ)/ρ = 4/9.
    assert float(erlang_c(3, 2.0)) == pytest.approx(4 / 9, rel=1e-14)


def test_call_centre_worked_example() -> None:
    # "Erlang C Formula - Made Simple With an Easy Worked Example" (callcentrehelper.com): 200 calls/h of 180 s. The
    # inputs were seen in a stored copy; the published figures (68.2 % wait at 11 agents, 17.4 % at 14, of whom 88.8 %
    # are answered in 20 s) are cited from memory.
    assert erlang_c([11, 14], 10.0).tolist() == pytest.approx([0.682, 0.174], abs=5e-4)
    assert 1.0 - float(erlang_c(14, 10.0)) * np.exp(-4 * 20 / 180) == pytest.approx(0.888, abs=5e-4)


def test_blocking_recursion() -> None:
    # B(c) = a B(c-1)/(c + a B(c-1)), Jagerman (1974); exact for whole c.
    load, blocking = 7.3, 1.0
    for servers in range(60):
        if servers:
            blocking = load * blocking / (servers + load * blocking)
        assert float(erlang_b(servers, load)) == pytest.approx(blocking, rel=1e-13)


def test_edges() -> None:
    assert erlang_b([0, 0, 5], [0.0, 3.0, 0.0]).tolist() == pytest.approx([1.0, 1.0, 0.0])
    assert erlang_c([0, 0, 5, 5, 5], [0.0, 3.0, 0.0, 5.0, 6.0]).tolist() == [0.0, 1.0, 0.0, 1.0, 1.0]


@given(FINITE, FINITE)
def test_any_floats_give_probabilities(servers: float, load: float) -> None:
    for value in (erlang_b(servers, load), erlang_c(servers, load)):
        assert 0.0 <= float(value) <= 1.0 + 1e-12


@given(st.floats(1.0, 1e6), st.floats(0.01, 0.9999))
def test_waiting_falls_with_servers(servers: float, utilization: float) -> None:
    load = utilization * servers
    assert float(erlang_c(servers + 1.0, load)) <= float(erlang_c(servers, load)) * (1.0 + 1e-13)


def test_pieces_of_the_saddle_point() -> None:
    with mpmath.workdps(40):
        for count in (16.0, 33.3, 1e4):
            n = mpmath.mpf(count)
            error = mpmath.loggamma(n + 1) - (n + 0.5) * mpmath.log(n) + n - mpmath.log(2 * mpmath.pi) / 2
            assert float(stirling_error(count)) == pytest.approx(float(error), rel=1e-12)
        for count, mean in ((1e6, 1e6 + 1), (50.0, 61.0), (50.0, 62.0), (20.0, 1.0)):
            n, m = mpmath.mpf(count), mpmath.mpf(mean)
            assert float(deviance(count, mean)) == pytest.approx(float(n * mpmath.log(n / m) + m - n), rel=1e-13)


def test_poisson_probabilities_sum_to_one() -> None:
    for mean in (0.3, 12.0, 1e4):
        count = np.arange(int(mean + 14 * mean**0.5 + 40))
        assert poisson_pmf(count, mean).sum() == pytest.approx(1.0, rel=1e-12)
