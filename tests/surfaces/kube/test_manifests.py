"""The Deployment of a pool is what the pool says."""

from __future__ import annotations

from typing import Any

from capacity_planner.surfaces.kube.manifests import deployment_of
from capacity_planner.surfaces.kube.names import MADE_OF, POOL, POOL_LABEL

from ._wishes import POOL_SPEC, pool, resource


def _made(**spec: Any) -> dict[str, Any]:
    wish = pool(**spec)
    assert wish.pool is not None
    return deployment_of(resource(POOL, "reports", spec=POOL_SPEC | spec), wish, wish.pool)


def _pod(**spec: Any) -> dict[str, Any]:
    found: dict[str, Any] = _made(**spec)["spec"]["template"]["spec"]
    return found


def test_a_bare_pool_is_one_container_that_knows_its_queue() -> None:
    made = _made()
    assert made["spec"]["replicas"] == 1
    assert made["spec"]["selector"]["matchLabels"] == {POOL_LABEL: "reports"}
    assert made["spec"]["template"]["metadata"]["labels"] == {POOL_LABEL: "reports"}
    assert _pod() == {
        "containers": [{"name": "worker", "image": "worker:1", "env": [{"name": "WORKER_QUEUE", "value": "reports"}]}]
    }


def test_the_pool_owns_it() -> None:
    owner = _made()["metadata"]["ownerReferences"]
    assert owner == [
        {
            "apiVersion": "capacity-planner.io/v1alpha1",
            "kind": "WorkerPool",
            "name": "reports",
            "uid": "uid-reports",
            "controller": True,
        }
    ]


def test_what_workers_of_go_redis_work_queue_read_is_told_to_them_unless_the_pool_says_otherwise() -> None:
    template = {
        "spec": {
            "image": "worker:1",
            "concurrency": 20,
            "maxInFlight": 200,
            "env": [{"name": "WORKER_MAX_IN_FLIGHT", "value": "7"}, {"name": "LOG_LEVEL", "value": "info"}],
        }
    }
    env = _pod(template=template, queueSelector={"queue": "reports", "priorities": ["high", "low"]})["containers"][0][
        "env"
    ]
    assert {item["name"]: item["value"] for item in env} == {
        "WORKER_QUEUE": "reports",
        "WORKER_CONCURRENCY": "20",
        "WORKER_PRIORITIES": "high,low",
        "WORKER_MAX_IN_FLIGHT": "7",
        "LOG_LEVEL": "info",
    }


def test_the_rest_of_a_worker_goes_where_kubernetes_has_it() -> None:
    template = {
        "metadata": {"labels": {"team": "a"}, "annotations": {"prometheus.io/scrape": "true"}},
        "spec": {
            "image": "worker:1",
            "imagePullPolicy": "Always",
            "command": ["run"],
            "resources": {"limits": {"memory": "1Gi"}},
            "serviceAccountName": "worker",
            "tolerations": [{"key": "workload"}],
            "nodeSelector": {"disk": "ssd"},
        },
    }
    made = _made(template=template)["spec"]["template"]
    assert made["metadata"] == {
        "labels": {"team": "a", POOL_LABEL: "reports"},
        "annotations": {"prometheus.io/scrape": "true"},
    }
    pod = made["spec"]
    assert (pod["serviceAccountName"], pod["tolerations"], pod["nodeSelector"]) == (
        "worker",
        [{"key": "workload"}],
        {"disk": "ssd"},
    )
    container = pod["containers"][0]
    assert (container["imagePullPolicy"], container["command"]) == ("Always", ["run"])
    assert container["resources"] == {"limits": {"memory": "1Gi"}}


def test_a_worker_has_the_longer_of_its_two_periods_to_finish() -> None:
    assert _pod(drainPolicy={"gracePeriod": "60s", "timeoutPeriod": "1m30.5s"})["terminationGracePeriodSeconds"] == 91
    assert "terminationGracePeriodSeconds" not in _pod()


def test_a_strategy_is_handed_on() -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "20%", "maxSurge": 2}}
    assert _made(updateStrategy=strategy)["spec"]["strategy"] == strategy
    assert _made(updateStrategy={"type": "Recreate"})["spec"]["strategy"] == {"type": "Recreate"}


def test_its_mark_changes_with_the_template_and_not_with_the_replicas() -> None:
    def mark(**spec: Any) -> str:
        return str(_made(**spec)["metadata"]["annotations"][MADE_OF])

    assert mark() == mark(replicas=7)
    assert mark() != mark(template={"spec": {"image": "worker:2"}})


def test_a_container_can_be_what_a_restricted_namespace_asks_for() -> None:
    restricted = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    pod = _pod(
        template={
            "spec": {
                "image": "worker:1",
                "securityContext": {"runAsNonRoot": True},
                "containerSecurityContext": restricted,
            }
        }
    )
    assert pod["containers"][0]["securityContext"] == restricted
    assert pod["securityContext"] == {"runAsNonRoot": True}
