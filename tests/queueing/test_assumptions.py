"""The confidence falls with the distance from what a model assumes, and says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.queueing._assumptions import judge
from capacity_planner.queueing.mgc import MGC
from capacity_planner.queueing.mm1 import MM1
from capacity_planner.queueing.mmc import MMC

if TYPE_CHECKING:
    from capacity_planner.contracts import QueueModel

MODELS: dict[str, QueueModel] = {"mm1": MM1(), "mmc": MMC(), "mgc": MGC()}


def verdict(model: str, service: ServiceTime, **facts: Any) -> tuple[float, tuple[str, ...]]:
    law = MODELS[model].service_law(service)
    return judge(model, **{"utilization": 0.8, "servers": 4, "service": service, "law": law, **facts})


def test_nothing_to_remark() -> None:
    assert verdict("mmc", ServiceTime(mean=1.0, std=1.0)) == (1.0, ())
    assert verdict("mgc", ServiceTime(mean=1.0, std=0.0)) == (1.0, ())


@pytest.mark.parametrize(
    ("model", "service", "facts", "words"),
    [
        ("mmc", ServiceTime(mean=1.0), {}, "not measured"),
        ("mmc", ServiceTime(mean=1.0, std=0.45), {}, "overstated"),
        ("mmc", ServiceTime(mean=1.0, std=2.0), {}, "understated"),
        ("mgc", ServiceTime(mean=1.0, std=2.0), {}, "two usual laws"),
        ("mgc", ServiceTime(mean=1.0, std=2.0, p95=3.6), {"servers": 20}, "20 %"),
        ("mgc", ServiceTime(mean=1.0, p95=2.0), {}, "standard deviation"),
        ("mgc", ServiceTime(mean=1.0, p95=0.5), {}, "below its mean"),
        ("mgc", ServiceTime(mean=1.0, p95=9.0), {}, "9 times its mean"),
        ("mm1", ServiceTime(mean=1.0, std=1.0), {}, "4 separate queues"),
        ("mmc", ServiceTime(mean=1.0, std=1.0), {"utilization": 1.2}, "no steady state"),
        ("mmc", ServiceTime(mean=1.0, std=1.0), {"utilization": 0.99}, "small error"),
        ("mmc", ServiceTime(mean=1.0, std=1.0), {"reported": (0.5, 0.8)}, "report a utilisation of 50.0%"),
    ],
)
def test_every_distance_is_told(model: str, service: ServiceTime, facts: dict[str, float], words: str) -> None:
    confidence, sentences = verdict(model, service, **facts)
    assert 0.0 < confidence < 1.0
    assert any(words in sentence for sentence in sentences)
    assert all(sentence.endswith(".") for sentence in sentences)


def test_farther_is_less_sure() -> None:
    spreads = [verdict("mmc", ServiceTime(mean=1.0, std=std))[0] for std in (1.0, 0.8, 0.5, 0.2, 0.0)]
    heavy = [verdict("mmc", ServiceTime(mean=1.0, std=std))[0] for std in (1.0, 1.5, 3.0, 10.0)]
    loads = [verdict("mmc", ServiceTime(mean=1.0, std=1.0), utilization=rho)[0] for rho in (0.9, 0.96, 0.99, 1.0, 2.0)]
    stated = [verdict("mmc", ServiceTime(mean=1.0, std=1.0), reported=(rho, 0.8))[0] for rho in (0.8, 0.7, 0.5, 0.1)]
    for chain in (spreads, heavy, loads, stated):
        assert chain == sorted(chain, reverse=True)
