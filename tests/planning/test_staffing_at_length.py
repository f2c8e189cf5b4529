"""The inverse of M/G/c against trying every number of servers, on many random cases."""

from __future__ import annotations

import math

import numpy as np
import pytest

from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.planning.staffing import PERCENTILE, Staffing, Targets
from capacity_planner.registry import queue_models

MODEL = queue_models.get("mgc")


def scanned(service: ServiceTime, rate: float, latency: float) -> int:
    servers = math.floor(rate * service.mean) + 1
    while float(MODEL.response_tail(latency, rate, servers, service)) > 1.0 - PERCENTILE:
        servers += 1
    return servers


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_staffing_for_general_service_is_what_a_scan_finds(seed: int) -> None:
    dice = np.random.default_rng(seed)
    for _ in range(40):
        mean, spread = float(10 ** dice.uniform(-2, 3)), float(dice.choice([0.0, 0.3, 0.7, 1.0, 1.5, 3.0]))
        service = ServiceTime(mean=mean, std=spread * mean)
        rate = float(10 ** dice.uniform(-1, 2)) / mean
        staffing = Staffing(MODEL, service, Targets(p95_latency=dice.uniform(1.01, 3.0) * _least(service)))
        assert staffing.latency is not None
        assert staffing.fewest(rate) == scanned(service, rate, staffing.latency)


def _least(service: ServiceTime) -> float:
    return Staffing(MODEL, service, Targets(p95_latency=1.0)).least_p95
