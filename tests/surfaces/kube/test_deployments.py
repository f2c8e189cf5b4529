"""Deployments of pools are made, kept, and never taken from anybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.surfaces.kube.client import Cluster
from capacity_planner.surfaces.kube.deployments import Deployed, Deployments
from capacity_planner.surfaces.kube.names import AUTOSCALER, DEPLOYMENT, POOL
from capacity_planner.surfaces.kube.reading import Rules
from capacity_planner.surfaces.kube.rivals import rivals_of
from capacity_planner.surfaces.kube.settling import Settling

from ._cluster import kubeconfig
from ._wishes import POOL_SPEC, SERVICE

if TYPE_CHECKING:
    from pathlib import Path

    from ._cluster import Api


@pytest.fixture
def cluster(api: Api, tmp_path: Path) -> Cluster:
    return Cluster(kubeconfig(api, tmp_path), timeout=2.0)


def _kept(cluster: Cluster) -> Deployed:
    pools, autoscalers = (cluster.objects(kind) or [] for kind in (POOL, AUTOSCALER))
    verdicts = Settling((), Rules()).settle(pools, rivals_of(autoscalers), SERVICE)
    return Deployments(cluster, ()).keep(verdicts)[pools[0].uid]


def _spec(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = api.get(DEPLOYMENT, "reports")["spec"]
    return found


def test_one_is_made_and_follows_the_pool_s_replicas(api: Api, cluster: Cluster) -> None:
    api.create(POOL, "reports", spec=POOL_SPEC)
    assert _kept(cluster).ok
    assert _spec(api)["replicas"] == 1
    api.change(POOL, "reports", {"spec": {"replicas": 5}}, "scale")
    assert _kept(cluster).ok
    assert _spec(api)["replicas"] == 5


def test_what_somebody_else_scaled_is_put_right(api: Api, cluster: Cluster) -> None:
    api.create(POOL, "reports", spec=POOL_SPEC)
    _kept(cluster)
    api.change(DEPLOYMENT, "reports", {"spec": {"replicas": 9}}, "scale")
    _kept(cluster)
    assert _spec(api)["replicas"] == 1


def test_a_new_template_replaces_the_old_one_and_keeps_what_others_wrote(api: Api, cluster: Cluster) -> None:
    selector = {"spec": {"template": {"spec": {"nodeSelector": {"disk": "ssd"}}}}}
    api.create(
        POOL,
        "reports",
        spec=POOL_SPEC | {"template": {"spec": {"image": "worker:1", **selector["spec"]["template"]["spec"]}}},
    )
    _kept(cluster)
    api.change(DEPLOYMENT, "reports", {"metadata": {"annotations": {"deployment.kubernetes.io/revision": "3"}}})
    api.change(POOL, "reports", {"spec": {"template": {"spec": {"image": "worker:2", "nodeSelector": None}}}})
    assert _kept(cluster).ok
    pod = _spec(api)["template"]["spec"]
    assert pod["containers"][0]["image"] == "worker:2"
    assert "nodeSelector" not in pod
    annotations = api.get(DEPLOYMENT, "reports")["metadata"]["annotations"]
    assert annotations["deployment.kubernetes.io/revision"] == "3"


def test_nothing_is_written_where_nothing_changed(api: Api, cluster: Cluster) -> None:
    api.create(POOL, "reports", spec=POOL_SPEC)
    _kept(cluster)
    api.requests.clear()
    _kept(cluster)
    assert {method for method, _ in api.requests} == {"GET"}


def test_a_deployment_of_somebody_else_is_left_alone(api: Api, cluster: Cluster) -> None:
    api.create(DEPLOYMENT, "reports", spec={"replicas": 3})
    api.create(POOL, "reports", spec=POOL_SPEC)
    told = _kept(cluster)
    assert (told.ok, told.reason) == (False, "NameTaken")
    assert told.message.startswith("There is a Deployment jobs/reports already that is not this pool's.")
    assert _spec(api) == {"replicas": 3}


def test_replicas_are_left_to_an_autoscaler_of_the_deployment_but_the_template_is_kept(
    api: Api, cluster: Cluster
) -> None:
    api.create(POOL, "reports", spec=POOL_SPEC)
    _kept(cluster)
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "reports"}
    api.create(AUTOSCALER, "by-cpu", spec={"scaleTargetRef": target})
    api.change(DEPLOYMENT, "reports", {"spec": {"replicas": 9}}, "scale")
    api.change(POOL, "reports", {"spec": {"template": {"spec": {"image": "worker:2"}}}})
    assert _kept(cluster).ok
    assert _spec(api)["replicas"] == 9
    assert _spec(api)["template"]["spec"]["containers"][0]["image"] == "worker:2"


def test_what_the_api_server_refuses_is_said(api: Api, cluster: Cluster) -> None:
    api.create(POOL, "reports", spec=POOL_SPEC)
    api.refuse = lambda method, path: (422, "spec.template is bad") if method == "POST" else None
    told = _kept(cluster)
    assert (told.ok, told.reason) == (False, "Refused")
    assert told.message == "The Deployment cannot be kept: The API server answered 422: spec.template is bad."


def test_the_deployment_of_a_pool_that_is_refused_is_left_as_it_is(api: Api, cluster: Cluster) -> None:
    api.create(POOL, "reports", spec=POOL_SPEC)
    _kept(cluster)
    api.change(DEPLOYMENT, "reports", {"status": {"replicas": 2, "readyReplicas": 1}}, "status")
    api.change(POOL, "reports", {"spec": {"capacityConfig": {"min_workers": 9, "max_workers": 3}, "replicas": 4}})
    told = _kept(cluster)
    assert (told.ok, told.reason, told.replicas, told.ready) == (False, "NotAccepted", 2, 1)
    assert _spec(api)["replicas"] == 1
