"""The operator on a real Kubernetes API server: of the kubeconfig that TEST_KUBECONFIG names.

The cluster needs no nodes. The definitions are installed, and stay; everything else is in a namespace that is deleted.
"""

from __future__ import annotations

import os
import secrets
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from kubernetes import client, config

from capacity_planner.domain.metrics import Metrics
from capacity_planner.pipeline.settings import load_settings
from capacity_planner.surfaces.kube.client import ApiError, Cluster
from capacity_planner.surfaces.kube.crds import definitions
from capacity_planner.surfaces.kube.names import AUTOSCALER, DEPLOYMENT, EVENT, LEASE, POLICY, POOL, Kind
from capacity_planner.surfaces.kube.operating import Operator, Where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KUBECONFIG = os.environ.get("TEST_KUBECONFIG", "")
EXAMPLES = Path(__file__).parents[2] / "examples/kubernetes"
KINDS = {kind.kind: kind for kind in (POLICY, POOL)}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not KUBECONFIG, reason="TEST_KUBECONFIG names no cluster"),
]
POD = {"metadata": {"labels": {"app": "emails"}}, "spec": {"containers": [{"name": "worker", "image": "worker"}]}}
SPEC: dict[str, Any] = {
    "mode": "auto",
    "slo": {"p95_latency": "4s"},
    "capacityConfig": {"plan_interval": "1s", "cooldown_period": "1s", "forecast_window": "20s"},
    "autoScaleThreshold": 0.3,
    "bestEffort": True,
    "staleAfter": "1m",
}


def _apis() -> tuple[Any, Any]:
    """What the operator itself may not ask of: definitions and namespaces."""
    configure: Any = config
    api: Any = configure.new_client_from_config(KUBECONFIG)
    return client.ApiextensionsV1Api(api), client.CoreV1Api(api)


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    """A namespace, in a cluster that knows the resources."""
    extensions, core = _apis()
    known = {item.metadata.name for item in extensions.list_custom_resource_definition().items}
    for body in definitions():
        name = body["metadata"]["name"]
        if name in known:
            extensions.patch_custom_resource_definition(name, body)
        else:
            extensions.create_custom_resource_definition(body)
    name = f"capacity-{secrets.token_hex(4)}"
    core.create_namespace({"metadata": {"name": name}})
    _eventually(lambda: _serves(POLICY) and _serves(POOL))
    yield name
    core.delete_namespace(name)


def _serves(kind: Kind) -> bool:
    return Cluster(KUBECONFIG).objects(kind) is not None


def _eventually(check: Callable[[], Any], seconds: float = 30.0) -> Any:
    end = time.monotonic() + seconds
    while True:
        try:
            found = check()
        except (AttributeError, KeyError, StopIteration):
            found = None
        if found:
            return found
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.1)


@pytest.fixture
def cluster() -> Cluster:
    """The cluster."""
    return Cluster(KUBECONFIG)


@pytest.fixture
def operator(cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[Operator]:
    """An operator of the namespace."""
    file = tmp_path / "capacity-planner.toml"
    file.write_text(f'[server]\nstore = "sqlite:///{tmp_path}/kept.db"\n')
    where = Where(namespaces=(namespace,), lease_namespace=namespace, lease_seconds=5)
    with Operator(cluster, Cluster(KUBECONFIG, timeout=1.0), load_settings(file), where) as found:
        _eventually(lambda: found.leads)
        yield found
    assert found.error is None


def _push(operator: Operator, queue: str) -> None:
    assert operator.term is not None
    now = datetime.now(UTC)
    samples = [
        Metrics(
            timestamp=now - timedelta(seconds=second),
            arrival_rate=6.0 + second % 3,
            service_time=timedelta(seconds=1),
            current_workers=1,
            queue_name=queue,
        )
        for second in range(300, -1, -1)
    ]
    operator.term.service.desk.push(samples)


def _condition(cluster: Cluster, kind: Kind, namespace: str, name: str, which: str) -> str:
    found = cluster.get(kind, namespace, name)
    assert found is not None
    return str(next(item["status"] for item in found.status["conditions"] if item["type"] == which))


def _replicas(cluster: Cluster, kind: Kind, namespace: str, name: str) -> int:
    found = cluster.get(kind, namespace, name)
    assert found is not None
    return int(found.spec["replicas"])


def test_the_definitions_are_structural(namespace: str) -> None:
    extensions, _ = _apis()
    for body in definitions():
        found = extensions.read_custom_resource_definition(body["metadata"]["name"])
        conditions = {item.type: item.status for item in found.status.conditions}
        assert conditions["Established"] == "True"
        assert "NonStructuralSchema" not in conditions


def test_what_is_wrong_is_refused_when_it_is_applied(cluster: Cluster, namespace: str) -> None:
    body = {
        "metadata": {"name": "bad"},
        "spec": {"queueName": "x", "targetRef": {"name": "x"}, "slo": {"p95_latency": "8"}},
    }
    with pytest.raises(ApiError, match=r"spec\.slo\.p95_latency: Invalid value") as refused:
        cluster.create(POLICY, namespace, body)
    assert refused.value.status == 422


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_examples_are_taken(path: Path, namespace: str) -> None:
    taken = [_tried(body, namespace) for body in yaml.safe_load_all(path.read_text()) if body["kind"] in KINDS]
    assert taken


@pytest.mark.parametrize(("field", "value"), [("seed", 5), ("seed", 2**53 - 1), ("plan_interval", "1h30m")])
def test_settings_at_their_limits_are_taken(field: str, value: Any, namespace: str) -> None:
    _tried(_policy(capacityConfig={field: value}), namespace)


@pytest.mark.parametrize("value", ["1d", "-5s", "2 weeks"])
def test_durations_that_the_planner_cannot_read_are_refused(value: str, namespace: str) -> None:
    with pytest.raises(client.ApiException, match=r"spec\.capacityConfig\.plan_interval: Invalid value"):
        _tried(_policy(capacityConfig={"plan_interval": value}), namespace)


def test_what_is_not_known_is_left_out_where_nobody_asks_for_more(namespace: str) -> None:
    taken = _tried(_policy(capacityConfig={"max_worker": 5, "max_workers": 6}), namespace)
    assert taken["spec"]["capacityConfig"] == {"max_workers": 6}


def _policy(**spec: Any) -> dict[str, Any]:
    what = {"apiVersion": POLICY.api_version, "kind": POLICY.kind, "metadata": {"name": "tried"}}
    return {**what, "spec": {"queueName": "tried", "targetRef": {"name": "tried"}, **spec}}


def _tried(body: dict[str, Any], namespace: str) -> dict[str, Any]:
    """The resource as the cluster would keep it."""
    configure: Any = config
    api = client.CustomObjectsApi(configure.new_client_from_config(KUBECONFIG))
    kind = KINDS[body["kind"]]
    where = (kind.group, kind.version, namespace, kind.plural)
    here = {**body, "metadata": {**body["metadata"], "namespace": namespace}}
    found: Any = api.create_namespaced_custom_object(*where, here, dry_run="All")
    return dict(found)


def test_a_policy_scales_a_deployment_until_another_autoscaler_has_it(
    cluster: Cluster, namespace: str, operator: Operator
) -> None:
    labels = {"matchLabels": {"app": "emails"}}
    cluster.create(
        DEPLOYMENT,
        namespace,
        {"metadata": {"name": "emails"}, "spec": {"replicas": 1, "selector": labels, "template": POD}},
    )
    spec = SPEC | {"queueName": "emails", "targetRef": {"name": "emails"}}
    cluster.create(POLICY, namespace, {"metadata": {"name": "emails"}, "spec": spec})
    _eventually(lambda: _condition(cluster, POLICY, namespace, "emails", "Accepted") == "True")
    _push(operator, "emails")
    _eventually(lambda: _replicas(cluster, DEPLOYMENT, namespace, "emails") > 6)
    _eventually(lambda: "Scaled" in {item.body["reason"] for item in cluster.objects(EVENT, (namespace,)) or ()})
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "emails"}
    cluster.create(
        AUTOSCALER, namespace, {"metadata": {"name": "by-cpu"}, "spec": {"scaleTargetRef": target, "maxReplicas": 99}}
    )
    _eventually(lambda: _condition(cluster, POLICY, namespace, "emails", "Conflicted") == "True")
    assert cluster.get(LEASE, namespace, "capacity-planner") is not None


def test_a_pool_runs_and_scales_its_workers(cluster: Cluster, namespace: str, operator: Operator) -> None:
    template = {"spec": {"image": "worker", "resources": {"requests": {"cpu": "100m"}}}}
    spec = SPEC | {"queueName": "reports", "template": template}
    cluster.create(POOL, namespace, {"metadata": {"name": "reports"}, "spec": spec})
    _eventually(lambda: _condition(cluster, POOL, namespace, "reports", "Deployed") == "True")
    _push(operator, "reports")
    _eventually(lambda: _replicas(cluster, POOL, namespace, "reports") > 6)
    _eventually(lambda: _replicas(cluster, DEPLOYMENT, namespace, "reports") > 6)
    pool = cluster.get(POOL, namespace, "reports")
    assert pool is not None
    cluster.patch(pool, {"spec": {"mode": "advisory"}})
    time.sleep(4)
    generation = _generation(cluster, namespace)
    time.sleep(7)
    assert _generation(cluster, namespace) == generation, "a Deployment that is as it should be is left alone"


def _generation(cluster: Cluster, namespace: str) -> int:
    found = cluster.get(DEPLOYMENT, namespace, "reports")
    assert found is not None
    return found.generation
