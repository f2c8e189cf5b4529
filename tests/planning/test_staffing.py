"""The inverse: the fewest servers that keep the targets, against a scan over the model itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.planning._search import fewest
from capacity_planner.planning.staffing import Staffing, Targets
from capacity_planner.registry import queue_models

if TYPE_CHECKING:
    from capacity_planner.contracts import QueueModel

LATE = 0.05  # the SLO is about the 95th percentile


@given(least=st.integers(0, 10**9), start=st.integers(-10, 10**9), floor=st.integers(0, 10**9))
def test_the_least_is_found_from_any_start(least: int, start: int, floor: int) -> None:
    asked = []

    def excess(candidate: int) -> float:
        asked.append(candidate)
        return float(least - candidate)

    assert fewest(excess, start=start, floor=floor) == max(least, floor)
    assert min(asked) >= floor


@given(least=st.integers(0, 2**50), off=st.integers(0, 2**20))
def test_a_good_start_is_rewarded(least: int, off: int) -> None:
    asked = []

    def excess(candidate: int) -> float:
        asked.append(candidate)
        return float(least - candidate)

    assert fewest(excess, start=least + off, floor=0) == least
    assert len(asked) <= 2 * math.log2(off + 2) + 3


def scan(model: QueueModel, service: ServiceTime, rate: float, latency: float | None, backlog: int | None) -> int:
    """Try every number of servers from one on."""
    first = 1
    while True:
        servers = np.arange(first, first + 64)
        kept = servers > rate * service.mean
        if latency is not None:
            kept &= model.response_tail(latency, rate, servers, service) <= LATE
        if backlog is not None:
            kept &= model.wait_tail(backlog / rate, rate, servers, service) <= LATE
        if kept.any():
            return int(servers[np.argmax(kept)])
        first += 64


def cases(count: int, *, seed: int, largest: float) -> list[tuple[float, float, float | None, int | None]]:
    """Random loads, mean service times, latency targets above the p95 of exponential service, and backlog targets."""
    dice = np.random.default_rng(seed)
    loads = np.exp(dice.uniform(math.log(1e-3), math.log(largest), count))
    means = np.exp(dice.uniform(math.log(1e-3), math.log(1e4), count))
    slacks = np.exp(dice.uniform(math.log(1e-3), math.log(20.0), count))
    rows = []
    for index, (load, mean, slack) in enumerate(zip(loads, means, slacks, strict=True)):
        latency = (math.log(20.0) + slack) * mean if index % 4 != 3 else None
        backlog = int(dice.integers(1, 200)) if index % 4 >= 2 else None
        rows.append((float(load / mean), float(mean), latency, backlog))
    return rows


@pytest.mark.parametrize(("name", "largest"), [("mm1", 30.0), ("mmc", 300.0)])
def test_staffing_is_what_a_scan_finds(name: str, largest: float) -> None:
    model = queue_models.get(name)
    for rate, mean, latency, backlog in cases(1_200, seed=1, largest=largest):
        service = ServiceTime(mean=mean)
        staffing = Staffing(model, service, Targets(p95_latency=latency, max_backlog=backlog))
        if not staffing.achievable:
            continue
        found = staffing.fewest(rate)
        assert found == scan(model, service, rate, latency, backlog), (rate, mean, latency, backlog)
        assert staffing.excess(rate, found) <= 0
        assert staffing.excess(rate, found - 1) > 0


@pytest.mark.parametrize("spread", [0.0, 0.5, 1.5, 3.0])
def test_staffing_is_what_a_scan_finds_for_general_service(spread: float) -> None:
    model = queue_models.get("mgc")
    for rate, mean, latency, backlog in cases(12, seed=2, largest=30.0):
        service = ServiceTime(mean=mean, std=spread * mean)
        generous = None if latency is None else latency * (1.0 + spread)
        staffing = Staffing(model, service, Targets(p95_latency=generous, max_backlog=backlog))
        if staffing.achievable:
            assert staffing.fewest(rate) == scan(model, service, rate, generous, backlog)


def evaluations(name: str, load: float, slack: float, spread: float | None = None) -> int:
    """How often the model is asked when the target is ``slack`` mean service times above the p95 of the service."""
    spent = []
    model, service = queue_models.get(name), ServiceTime(mean=2.0, std=None if spread is None else 2.0 * spread)
    target = model.service_law(service).quantile(0.95) + 2.0 * slack
    staffing = Staffing(model, service, Targets(p95_latency=target), lambda: spent.append(1))
    staffing.fewest(load / 2.0)
    return len(spent)


@pytest.mark.parametrize("load", [0.1, 1.0, 7.3, 51.0, 1e3, 1e4, 1e5, 1e6])
@pytest.mark.parametrize("slack", [1e-3, 0.1, 1.0, 10.0])
def test_a_handful_of_evaluations_is_enough(load: float, slack: float) -> None:
    assert evaluations("mmc", load, slack) <= 12


@pytest.mark.parametrize("load", [0.1, 51.0, 1e3, 1e6])
@pytest.mark.parametrize("spread", [0.5, 1.5])
def test_a_handful_of_evaluations_is_enough_for_general_service(load: float, spread: float) -> None:
    assert evaluations("mgc", load, 0.1, spread) <= 12


@pytest.mark.parametrize(
    "spread",
    [
        0.0,
        0.5,
        3.0,
    ],
)
def test_a_handful_of_evaluations_is_enough_for_a_tight_target(spread: float) -> None:
    assert evaluations("mgc", 1e6, 1e-3, spread) <= 12


@pytest.mark.parametrize("load", [0.1, 51.0, 1e3, 1e6])
def test_a_partitioned_queue_needs_no_more_than_gallop_and_bisection(load: float) -> None:
    assert evaluations("mm1", load, 1.0) <= 2 * math.log2(load + 2) + 8


def test_a_partitioned_queue_has_a_closed_form() -> None:
    """P(W > t) = exp(-(μ - λ/c)t) ≤ 1/20 ⇔ c ≥ λ/(μ - ln 20/t): λ = 9, μ = 1, t = 6: 9/(1 - 2.9957/6) = 17.97."""
    staffing = Staffing(queue_models.get("mm1"), ServiceTime(mean=1.0), Targets(p95_latency=6.0))
    assert staffing.fewest(9.0) == 18


def test_an_answer_is_not_worked_out_twice() -> None:
    spent = []
    staffing = Staffing(
        queue_models.get("mmc"), ServiceTime(mean=1.0), Targets(p95_latency=4.0), lambda: spent.append(1)
    )
    first = staffing.fewest(10.0)
    count = len(spent)
    assert staffing.fewest(10.0) == first
    assert len(spent) == count


def test_nothing_arrives_and_nobody_is_needed() -> None:
    staffing = Staffing(queue_models.get("mmc"), ServiceTime(mean=1.0), Targets(p95_latency=4.0))
    assert staffing.fewest(0.0) == 0
    assert staffing.excess(0.0, 0) <= 0
    assert staffing.excess(1e-9, 0) > 0
    assert staffing.largest_rate(0) == 0.0


def test_without_a_target_stability_is_enough() -> None:
    staffing = Staffing(queue_models.get("mmc"), ServiceTime(mean=2.0), Targets())
    assert staffing.fewest(25.5) == 52  # a = 51 on 51 servers is no steady state
    assert staffing.fewest(25.4) == 51


def test_a_target_below_the_p95_of_service_is_replaced_by_what_is_within_one_percent() -> None:
    """Exponential service of 2 s: p95 = 2 ln 20 = 5.99146 s, above 5 s; staffed to 5.99146/0.99 = 6.05198 s."""
    staffing = Staffing(queue_models.get("mmc"), ServiceTime(mean=2.0), Targets(p95_latency=5.0))
    assert not staffing.achievable
    assert staffing.least_p95 == pytest.approx(2 * math.log(20), rel=1e-12)
    assert staffing.latency == pytest.approx(6.05198, rel=1e-5)
    assert staffing.fewest(25.5) == scan(
        queue_models.get("mmc"), ServiceTime(mean=2.0), 25.5, 2 * math.log(20) / 0.99, None
    )


def test_a_target_above_the_p95_of_service_is_kept_as_it_is() -> None:
    staffing = Staffing(queue_models.get("mmc"), ServiceTime(mean=3.0), Targets(p95_latency=10.0))
    assert staffing.achievable
    assert staffing.latency == 10.0


@pytest.mark.parametrize("name", ["mm1", "mmc"])
@pytest.mark.parametrize("servers", [1, 2, 10, 170, 5000])
def test_the_largest_rate_is_the_inverse_of_the_fewest_servers(name: str, servers: int) -> None:
    staffing = Staffing(queue_models.get(name), ServiceTime(mean=2.0), Targets(p95_latency=8.0))
    rate = staffing.largest_rate(servers)
    assert staffing.fewest(rate) <= servers
    assert staffing.fewest(rate * 1.0002) > servers


@given(load=st.floats(1e-6, 1e4), more=st.floats(1.0, 2.0), slack=st.floats(1e-3, 50.0), relaxed=st.floats(1.0, 5.0))
def test_more_load_needs_more_and_a_relaxed_target_fewer(
    load: float, more: float, slack: float, relaxed: float
) -> None:
    model, service = queue_models.get("mmc"), ServiceTime(mean=1.0)
    target = math.log(20.0) + slack
    staffing = Staffing(model, service, Targets(p95_latency=target))
    assert staffing.fewest(load * more) >= staffing.fewest(load) > load
    assert Staffing(model, service, Targets(p95_latency=target * relaxed)).fewest(load) <= staffing.fewest(load)


@given(load=st.floats(1e-3, 1e3), scale=st.floats(1e-6, 1e6))
def test_the_unit_of_time_does_not_matter(load: float, scale: float) -> None:
    model = queue_models.get("mmc")
    one = Staffing(model, ServiceTime(mean=1.0), Targets(p95_latency=4.5))
    other = Staffing(model, ServiceTime(mean=scale), Targets(p95_latency=4.5 * scale))
    assert abs(one.fewest(load) - other.fewest(load / scale)) <= (1 if load == round(load) else 0)


@pytest.mark.parametrize("load", [1e15, 1e18, 1e300])
def test_a_load_beyond_counting_has_an_answer(load: float) -> None:
    staffing = Staffing(queue_models.get("mmc"), ServiceTime(mean=1.0), Targets(p95_latency=4.5))
    assert staffing.fewest(load) >= min(load, 2.0**53)


@pytest.mark.parametrize("servers", [1, 2, 10, 75, 5_000])
@pytest.mark.parametrize("target", [3.1, 5.0, 10.0, 1e3])
def test_the_largest_rate_of_a_partitioned_queue_has_a_closed_form(servers: int, target: float) -> None:
    """P(T > t) = exp(-(μ - λ/c)t) = 1/20 ⇔ λ = c(μ - ln 20/t)."""
    staffing = Staffing(queue_models.get("mm1"), ServiceTime(mean=1.0), Targets(p95_latency=target))
    assert staffing.largest_rate(servers) == pytest.approx(servers * (1.0 - math.log(20.0) / target), rel=1e-4)
