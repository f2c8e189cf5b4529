"""One leads at a time, and another takes over when the leader is not heard of any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from capacity_planner.surfaces.kube.client import Cluster
from capacity_planner.surfaces.kube.leases import Election
from capacity_planner.surfaces.kube.names import LEASE

from ._cluster import kubeconfig

if TYPE_CHECKING:
    from pathlib import Path

    from ._cluster import Api


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def cluster(api: Api, tmp_path: Path) -> Cluster:
    return Cluster(kubeconfig(api, tmp_path), timeout=2.0)


def _standing(cluster: Cluster, holder: str, clock: Clock) -> Election:
    return Election(cluster, "planner", "capacity-planner", holder, duration=15, clock=clock)


def _holder(api: Api) -> str:
    return str(api.get(LEASE, "capacity-planner", "planner")["spec"]["holderIdentity"])


def test_the_first_one_leads_and_the_second_waits(api: Api, cluster: Cluster) -> None:
    one, two = _standing(cluster, "one", Clock()), _standing(cluster, "two", Clock())
    assert (one.attempt(), two.attempt()) == (True, False)
    assert (one.leads, two.leads, _holder(api)) == (True, False, "one")


def test_a_leader_that_is_not_heard_of_is_followed_when_its_time_is_up_and_not_sooner(
    api: Api, cluster: Cluster
) -> None:
    mine, theirs = Clock(), Clock(5_000.0)
    one, two = _standing(cluster, "one", mine), _standing(cluster, "two", theirs)
    assert one.attempt()
    assert not two.attempt()
    theirs.now += 14.9
    assert not two.attempt()
    theirs.now += 0.2
    assert two.attempt()
    assert (_holder(api), api.get(LEASE, "capacity-planner", "planner")["spec"]["leaseTransitions"]) == ("two", 1)
    assert not one.attempt()


def test_a_leader_that_renews_stays(cluster: Cluster) -> None:
    mine, theirs = Clock(), Clock()
    one, two = _standing(cluster, "one", mine), _standing(cluster, "two", theirs)
    one.attempt()
    for _ in range(5):
        mine.now += 10.0
        theirs.now += 10.0
        assert one.attempt()
        assert not two.attempt()


def test_who_cannot_renew_stops_leading_before_another_one_may_begin(api: Api, cluster: Cluster) -> None:
    clock = Clock()
    one = _standing(cluster, "one", clock)
    one.attempt()
    api.refuse = lambda method, path: (503, "away") if path.endswith("/leases/capacity-planner") else None
    clock.now += 9.9
    assert one.attempt()
    clock.now += 0.2
    assert not one.attempt()
    api.refuse = lambda method, path: None
    assert one.attempt()


def test_who_is_released_is_followed_at_once(cluster: Cluster) -> None:
    one, two = _standing(cluster, "one", Clock()), _standing(cluster, "two", Clock())
    one.attempt()
    one.release()
    assert not one.leads
    assert two.attempt()


def test_of_two_that_come_at_once_one_leads(api: Api, cluster: Cluster) -> None:
    one, two = _standing(cluster, "one", Clock()), _standing(cluster, "two", Clock())
    one.attempt()
    one.release()
    lease = cluster.get(LEASE, "planner", "capacity-planner")
    assert lease is not None
    assert one.attempt()
    real, cluster.get = cluster.get, lambda *_: lease  # type: ignore[method-assign]
    assert not two.attempt()
    cluster.get = real  # type: ignore[method-assign]
    assert _holder(api) == "one"


def test_somebody_who_writes_on_the_lease_does_not_end_the_term(api: Api, cluster: Cluster) -> None:
    one = _standing(cluster, "one", Clock())
    one.attempt()
    lease = cluster.get(LEASE, "planner", "capacity-planner")
    api.change(LEASE, "capacity-planner", {"metadata": {"annotations": {"note": "seen"}}}, namespace="planner")
    real, cluster.get = cluster.get, lambda *_: lease  # type: ignore[method-assign]
    assert one.attempt()
    cluster.get = real  # type: ignore[method-assign]
    assert one.attempt()


def test_what_the_operator_may_not_do_is_said_in_one_sentence(
    api: Api, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    api.refuse = lambda method, path: (403, "leases is forbidden") if method == "GET" else None
    assert not _standing(cluster, "one", Clock()).attempt()
    said = [getattr(record, "reason", "") for record in caplog.records]
    assert said == ["The API server forbids it: leases is forbidden. The operator's role lacks it."]


def test_why_it_cannot_lead_is_known_until_it_can(api: Api, cluster: Cluster) -> None:
    one = _standing(cluster, "one", Clock())
    api.refuse = lambda method, path: (403, "leases is forbidden") if method == "GET" else None
    one.attempt()
    assert "leases is forbidden" in one.problem
    api.refuse = lambda method, path: None
    one.attempt()
    assert one.problem == ""
