"""Whether a policy's target is there is told, and asked for now and then only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.surfaces.kube.client import Cluster
from capacity_planner.surfaces.kube.names import DEPLOYMENT, POOL
from capacity_planner.surfaces.kube.reading import Rules
from capacity_planner.surfaces.kube.settling import Settling
from capacity_planner.surfaces.kube.sighting import Sighting

from ._cluster import kubeconfig
from ._wishes import POOL_SPEC, SERVICE, SPEC, resource

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from capacity_planner.surfaces.kube.settling import Verdict

    from ._cluster import Api


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def cluster(api: Api, tmp_path: Path) -> Cluster:
    return Cluster(kubeconfig(api, tmp_path), timeout=2.0)


def _verdicts(*names: str, **spec: Any) -> list[Verdict]:
    there = [
        resource(name=name, made=made, spec=SPEC | {"queueName": name, "targetRef": {"name": name}} | spec)
        for made, name in enumerate(names)
    ]
    return list(Settling((), Rules()).settle(there, {}, SERVICE))


def _pass(sighting: Sighting, verdicts: Sequence[Verdict]) -> list[str]:
    """What is known of each in a pass over all; a dash where nothing is."""
    sighting.keep(verdicts)
    return [found.status if (found := sighting.of(verdict)) else "-" for verdict in verdicts]


def _seen(sighting: Sighting, verdict: Verdict) -> tuple[str, str]:
    sighting.keep([verdict])
    found = sighting.of(verdict)
    assert found is not None
    return found.status, found.message


def test_a_target_that_there_is_not_is_told_until_there_is(api: Api, cluster: Cluster) -> None:
    clock = Clock()
    sighting, (verdict,) = Sighting(cluster, clock), _verdicts("emails")
    status, message = _seen(sighting, verdict)
    assert status == "False"
    assert message == "There is no Deployment jobs/emails. Name another one in spec.targetRef, or make it."
    api.create(DEPLOYMENT, "emails", spec={"replicas": 2})
    assert _seen(sighting, verdict)[0] == "False"
    clock.now += 60.0
    assert _seen(sighting, verdict) == ("True", "There is a Deployment jobs/emails.")


def test_a_kind_that_there_is_not_is_told(cluster: Cluster) -> None:
    (verdict,) = _verdicts("emails", targetRef={"name": "emails", "kind": "Deployments"})
    assert _seen(Sighting(cluster), verdict) == ("False", "apps/v1 has no kind Deployments with a scale.")


@pytest.mark.parametrize("status", [403, 503])
def test_no_answer_says_nothing_of_the_target(api: Api, cluster: Cluster, status: int) -> None:
    api.refuse = lambda method, path: (status, "no") if path.endswith("/scale") else None
    (verdict,) = _verdicts("emails")
    assert _seen(Sighting(cluster), verdict)[0] == "Unknown"


def test_who_is_silent_is_asked_once_in_a_pass(api: Api, cluster: Cluster) -> None:
    both, sighting = _verdicts("a", "b"), Sighting(cluster)
    api.refuse = lambda method, path: (503, "no") if path.endswith("/scale") else None
    assert _pass(sighting, both) == ["Unknown", "-"]
    assert _pass(sighting, both) == ["Unknown", "Unknown"]


def test_one_pass_asks_for_ten_and_the_next_for_those_that_waited(cluster: Cluster) -> None:
    verdicts, clock = _verdicts(*"abcdefghijklmnopqrstuvwxyz"), Clock()
    sighting = Sighting(cluster, clock)
    asked = []
    for _ in range(3):
        asked.append(_pass(sighting, verdicts).count("False"))
        clock.now += 61.0  # so that the first ones are due again, too
    assert asked == [10, 20, 26]


def test_what_an_earlier_leader_saw_stands_until_it_is_asked_again(cluster: Cluster) -> None:
    before = {"type": "TargetFound", "status": "True", "reason": "TargetFound", "message": "There is one."}
    names = "abcdefghijkl"

    def told(generation: int) -> list[str]:
        status = {"conditions": [before | {"observedGeneration": generation}]}
        there = [
            resource(name=name, made=made, spec=SPEC | {"queueName": name, "targetRef": {"name": name}}, status=status)
            for made, name in enumerate(names)
        ]
        return _pass(Sighting(cluster), Settling((), Rules()).settle(there, {}, SERVICE))

    assert told(1) == [*["False"] * 10, "True", "True"]
    assert told(0) == [*["False"] * 10, "-", "-"]


def test_a_pool_is_its_own_target(cluster: Cluster) -> None:
    (verdict,) = Settling((), Rules()).settle([resource(POOL, "reports", spec=POOL_SPEC)], {}, SERVICE)
    assert _pass(Sighting(cluster), [verdict]) == ["-"]
