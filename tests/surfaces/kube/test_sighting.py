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


def _seen(sighting: Sighting, verdict: Verdict) -> tuple[str, str]:
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
    first, second = _verdicts("a", "b")
    api.refuse = lambda method, path: (503, "no") if path.endswith("/scale") else None
    sighting = Sighting(cluster)
    assert _seen(sighting, first)[0] == "Unknown"
    assert sighting.of(second) is None
    sighting.keep({first.found.uid, second.found.uid})
    assert _seen(sighting, second)[0] == "Unknown"


def test_one_pass_asks_for_ten(api: Api, cluster: Cluster) -> None:
    verdicts, sighting = _verdicts(*"abcdefghijkl"), Sighting(cluster)
    assert [sighting.of(verdict) is not None for verdict in verdicts].count(True) == 10
    sighting.keep({verdict.found.uid for verdict in verdicts})
    assert all(sighting.of(verdict) is not None for verdict in verdicts)


def test_a_pool_is_its_own_target(cluster: Cluster) -> None:
    (verdict,) = Settling((), Rules()).settle([resource(POOL, "reports", spec=POOL_SPEC)], {}, SERVICE)
    assert Sighting(cluster).of(verdict) is None
