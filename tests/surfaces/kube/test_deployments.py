"""Deployments of pools are made, kept, and never taken from anybody else."""

from __future__ import annotations

import time
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


@pytest.mark.parametrize(("limits", "replicas", "kept"), [({"min_workers": 2}, 1, 2), ({"max_workers": 20}, 500, 20)])
def test_no_more_and_no_fewer_run_than_the_limits_say(
    api: Api, cluster: Cluster, limits: dict[str, int], replicas: int, kept: int
) -> None:
    api.create(POOL, "reports", spec=POOL_SPEC | {"capacityConfig": limits, "replicas": replicas})
    assert _kept(cluster).ok
    assert _spec(api)["replicas"] == kept


def test_pods_that_somebody_changed_are_put_right(api: Api, cluster: Cluster) -> None:
    api.create(POOL, "reports", spec=POOL_SPEC)
    _kept(cluster)
    for containers in (
        [{"name": "worker", "image": "evil:9"}],
        [{"name": "worker", "image": "worker:1"}, {"name": "b"}],
    ):
        api.change(DEPLOYMENT, "reports", {"spec": {"template": {"spec": {"containers": containers}}}})
        assert _kept(cluster).ok
        assert [item["image"] for item in _spec(api)["template"]["spec"]["containers"]] == ["worker:1"]


def test_what_the_api_server_adds_and_writes_another_way_is_no_change(api: Api, cluster: Cluster) -> None:
    def written(body: dict[str, Any]) -> dict[str, Any]:
        for container in body.get("spec", {}).get("template", {}).get("spec", {}).get("containers", ()):
            container |= {"terminationMessagePath": "/dev/termination-log", "resources": {"limits": {"cpu": "1"}}}
        return body

    api.written = written
    template = {"spec": {"image": "worker:1", "resources": {"limits": {"cpu": "1000m"}}}}
    api.create(POOL, "reports", spec=POOL_SPEC | {"template": template})
    (pool,) = cluster.objects(POOL) or []
    deployments, verdicts = Deployments(cluster, ()), Settling((), Rules()).settle([pool], {}, SERVICE)
    for _ in range(2):
        assert deployments.keep(verdicts)[pool.uid].ok
    api.change(DEPLOYMENT, "reports", {"spec": {"template": {"metadata": {"annotations": {"restartedAt": "now"}}}}})
    api.requests.clear()
    assert deployments.keep(verdicts)[pool.uid].ok
    assert {method for method, _ in api.requests} == {"GET"}


def test_a_restart_outlasts_a_change_of_leader(api: Api, cluster: Cluster) -> None:
    def written(body: dict[str, Any]) -> dict[str, Any]:
        for container in body.get("spec", {}).get("template", {}).get("spec", {}).get("containers", ()):
            container["resources"] = {"limits": {"cpu": "1"}}
        return body

    api.written = written
    template = {"spec": {"image": "worker:1", "resources": {"limits": {"cpu": "1000m"}}}}
    api.create(POOL, "reports", spec=POOL_SPEC | {"template": {"metadata": {"annotations": {"a": "b"}}, **template}})
    assert _kept(cluster).ok
    api.change(DEPLOYMENT, "reports", {"spec": {"template": {"metadata": {"annotations": {"restartedAt": "now"}}}}})
    before = _spec(api)
    assert _kept(cluster).ok
    assert _spec(api) == before
    assert before["template"]["metadata"]["annotations"] == {"a": "b", "restartedAt": "now"}
    api.change(POOL, "reports", {"spec": {"template": {"metadata": None, "spec": {"image": "worker:2"}}}})
    assert _kept(cluster).ok
    assert "annotations" not in _spec(api)["template"]["metadata"]


def test_pods_that_somebody_keeps_changing_are_left_alone_for_a_while_and_scaled(api: Api, cluster: Cluster) -> None:
    api.create(POOL, "reports", spec=POOL_SPEC)
    now = [0.0]
    deployments = Deployments(cluster, (), lambda: now[0])

    def kept() -> Deployed:
        (pool,) = cluster.objects(POOL) or []
        return deployments.keep(Settling((), Rules()).settle([pool], {}, SERVICE))[pool.uid]

    def changed() -> tuple[str, str]:
        containers = [{"name": "worker", "image": "other:1"}]
        api.change(DEPLOYMENT, "reports", {"spec": {"template": {"spec": {"containers": containers}}}})
        return kept().reason, _spec(api)["template"]["spec"]["containers"][0]["image"]

    kept()
    assert [changed() for _ in range(4)] == [*[("Deployed", "worker:1")] * 3, ("ChangedByOthers", "other:1")]
    api.change(POOL, "reports", {"spec": {"replicas": 7}}, "scale")
    assert not kept().ok
    assert _spec(api)["replicas"] == 7
    now[0] += 600.0
    assert changed() == ("Deployed", "worker:1")
    assert [changed() for _ in range(3)][-1] == ("ChangedByOthers", "other:1")
    api.change(POOL, "reports", {"spec": {"template": {"spec": {"image": "worker:2"}}}})
    assert kept().ok
    assert _spec(api)["template"]["spec"]["containers"][0]["image"] == "worker:2"


def test_the_pool_says_how_many_run_where_its_limits_allow_no_other_number(api: Api, cluster: Cluster) -> None:
    api.create(POOL, "reports", spec=POOL_SPEC | {"capacityConfig": {"max_workers": 20}, "replicas": 500})
    assert _kept(cluster).ok
    assert api.get(POOL, "reports")["spec"]["replicas"] == 20


def test_a_number_that_was_set_meanwhile_or_is_another_autoscaler_s_stands(api: Api, cluster: Cluster) -> None:
    api.create(POOL, "reports", spec=POOL_SPEC | {"capacityConfig": {"max_workers": 20}, "replicas": 500})
    (before,) = cluster.objects(POOL) or []
    api.change(POOL, "reports", {"spec": {"replicas": 12}}, "scale")
    verdicts = Settling((), Rules()).settle([before], {}, SERVICE)
    assert Deployments(cluster, ()).keep(verdicts)[before.uid].ok
    assert api.get(POOL, "reports")["spec"]["replicas"] == 12
    target = {"apiVersion": POOL.api_version, "kind": POOL.kind, "name": "reports"}
    api.create(AUTOSCALER, "by-cpu", spec={"scaleTargetRef": target})
    api.change(POOL, "reports", {"spec": {"replicas": 300}}, "scale")
    _kept(cluster)
    assert api.get(POOL, "reports")["spec"]["replicas"] == 300


def test_an_api_server_that_is_silent_is_not_asked_for_every_pool(api: Api, tmp_path: Path) -> None:
    cluster = Cluster(kubeconfig(api, tmp_path), timeout=0.5)
    for name in "abc":
        api.create(POOL, name, spec=POOL_SPEC | {"queueName": name})
    verdicts = Settling((), Rules()).settle(cluster.objects(POOL) or [], {}, SERVICE)
    api.requests.clear()

    def late(method: str, path: str) -> None:
        if method == "POST":
            time.sleep(1.0)

    api.refuse = late
    told = Deployments(cluster, ()).keep(verdicts)
    assert [item.reason for item in told.values()] == ["TriedAgain"] * 3
    time.sleep(1.0)
    assert [method for method, _ in api.requests].count("POST") == 1


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ({"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"}, "FailedCreate"),
        ({"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "late"}, None),
    ],
)
def test_what_the_deployment_says_of_its_pods_is_handed_on(
    api: Api, cluster: Cluster, trouble: dict[str, str], reason: str | None
) -> None:
    api.create(POOL, "reports", spec=POOL_SPEC)
    _kept(cluster)
    fine = {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable", "message": "fine"}
    api.change(DEPLOYMENT, "reports", {"status": {"conditions": [fine, trouble], "replicas": 1}}, "status")
    told = _kept(cluster)
    assert (told.ok, told.reason, told.replicas) == (False, reason or "ProgressDeadlineExceeded", 1)
    assert told.message == f"The Deployment says: {trouble['message']}"


def test_a_change_that_another_one_came_before_is_no_failure(api: Api, cluster: Cluster) -> None:
    api.create(POOL, "reports", spec=POOL_SPEC)
    _kept(cluster)
    api.change(POOL, "reports", {"spec": {"template": {"spec": {"image": "worker:2"}}}})
    api.refuse = lambda method, path: (409, "the object has been modified") if method == "PUT" else None
    assert _kept(cluster).ok is None
    api.refuse = lambda method, path: None
    assert _kept(cluster).ok


def test_who_may_not_list_deployments_is_told_so(api: Api, cluster: Cluster) -> None:
    api.create(POOL, "reports", spec=POOL_SPEC)
    (pool,) = cluster.objects(POOL) or []
    verdicts = Settling((), Rules()).settle([pool], {}, SERVICE)
    api.refuse = lambda method, path: (403, "deployments.apps is forbidden") if "/deployments" in path else None
    told = Deployments(cluster, ()).keep(verdicts)[pool.uid]
    assert (told.ok, told.reason, told.replicas) == (False, "Refused", None)
    assert "deployments.apps is forbidden" in told.message
    api.stop()
    told = Deployments(cluster, ()).keep(verdicts)[pool.uid]
    assert (told.ok, told.replicas) == (None, None)
