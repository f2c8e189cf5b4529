"""The operator at work: from a resource that is created to replicas that are ordered, and back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.surfaces.kube.names import AUTOSCALER, DEPLOYMENT, EVENT, LEASE, POLICY, POOL, SCALED_OBJECT

from ._running import condition, eventually, operating, push

if TYPE_CHECKING:
    from pathlib import Path

    from ._cluster import Api

SPEC: dict[str, Any] = {
    "queueName": "emails",
    "mode": "auto",
    "targetRef": {"name": "emails"},
    "slo": {"p95_latency": "4s"},
    "capacityConfig": {"max_workers": 30},
    "autoScaleThreshold": 0.3,
    "bestEffort": True,
    "staleAfter": "1m",
}


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kmock tells a watch nothing of what happened before it began, so that a list must make it good soon."""
    monkeypatch.setattr("capacity_planner.surfaces.kube.term._LIST_EVERY", 3.0)


def _replicas(api: Api, name: str = "emails") -> int:
    return int(api.get(DEPLOYMENT, name)["spec"]["replicas"])


def _reasons(api: Api, name: str = "emails") -> list[str]:
    return [item["reason"] for item in api.objects(EVENT) if item["regarding"]["name"] == name]


def test_a_policy_lives(api: Api, tmp_path: Path) -> None:
    api.create(DEPLOYMENT, "emails", spec={"replicas": 2})
    with operating(api, tmp_path) as operator:
        api.create(POLICY, "emails", spec=SPEC)
        accepted = eventually(lambda: condition(api, POLICY, "emails", "Accepted"))
        assert (accepted["status"], accepted["observedGeneration"]) == ("True", 1)
        push(operator, rate=6.0, workers=2)
        eventually(lambda: _replicas(api) > 6)
        scaled = eventually(lambda: api.get(POLICY, "emails")["status"]["lastScaling"])
        assert (scaled["fromWorkers"], scaled["toWorkers"]) == (2, _replicas(api))
        status = eventually(lambda: _with_condition(api, "Applied", "True"))
        assert status["queueName"] == "emails"
        assert status["lastPlan"]["id"].startswith("plan-")
        assert 0.0 < status["confidence"] <= 1.0
        assert "whyNotApplied" not in status
        eventually(lambda: {"Accepted", "Scaled"} <= set(_reasons(api)))


def _with_condition(api: Api, which: str, status: str) -> dict[str, Any] | None:
    found = api.get(POLICY, "emails")["status"]
    now = {item["type"]: item["status"] for item in found["conditions"]}
    return found if now.get(which) == status and "lastPlan" in found else None


@pytest.mark.slow
def test_a_policy_that_is_only_advisory_says_what_it_would_do_and_does_nothing(api: Api, tmp_path: Path) -> None:
    api.create(DEPLOYMENT, "emails", spec={"replicas": 2})
    api.create(POLICY, "emails", spec=SPEC | {"mode": "advisory"})
    with operating(api, tmp_path) as operator:
        eventually(lambda: condition(api, POLICY, "emails", "Accepted")["status"] == "True")
        push(operator, rate=6.0, workers=2)
        status = eventually(lambda: _with_condition(api, "Applied", "False"))
        assert "advisory" in status["whyNotApplied"]
        assert status["recommendation"].startswith("Go from 2 to ")
        time.sleep(1.5)
        assert _replicas(api) == 2


@pytest.mark.slow
def test_a_person_applies_a_plan_by_an_annotation(api: Api, tmp_path: Path) -> None:
    api.create(DEPLOYMENT, "emails", spec={"replicas": 2})
    api.create(POLICY, "emails", spec=SPEC | {"mode": "manual", "capacityConfig": {"plan_interval": "4s"}})
    with operating(api, tmp_path) as operator:
        eventually(lambda: condition(api, POLICY, "emails", "Accepted")["status"] == "True")
        push(operator, rate=6.0, workers=2)
        status = eventually(lambda: _with_condition(api, "Applied", "False"))
        assert _replicas(api) == 2
        _annotate(api, "plan-of-nobody")
        eventually(lambda: "NotApplied" in _reasons(api))
        _annotate(api, status["lastPlan"]["id"])
        eventually(lambda: _replicas(api) == status["targetWorkers"])
        eventually(lambda: {"Applied", "Scaled"} <= set(_reasons(api)))


def _annotate(api: Api, plan_id: str) -> None:
    api.change(POLICY, "emails", {"metadata": {"annotations": {"capacity-planner.io/apply": plan_id}}})


@pytest.mark.slow
def test_another_autoscaler_is_left_alone_until_it_is_gone(api: Api, tmp_path: Path) -> None:
    api.create(DEPLOYMENT, "emails", spec={"replicas": 2})
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "emails"}
    api.create(AUTOSCALER, "by-cpu", spec={"scaleTargetRef": target, "maxReplicas": 9})
    api.create(POLICY, "emails", spec=SPEC)
    with operating(api, tmp_path) as operator:
        conflict = eventually(lambda: condition(api, POLICY, "emails", "Conflicted"))
        assert conflict["status"] == "True"
        assert "HorizontalPodAutoscaler by-cpu scales Deployment jobs/emails" in conflict["message"]
        push(operator, rate=6.0, workers=2)
        status = eventually(lambda: _with_condition(api, "Applied", "False"))
        assert status["mode"] == "advisory"
        assert "by-cpu" in status["whyNotApplied"]
        time.sleep(1.5)
        assert _replicas(api) == 2
        api.delete(AUTOSCALER, "by-cpu")
        push(operator, rate=6.0, workers=2, minutes=0.01)
        eventually(lambda: _replicas(api) > 6)
        eventually(lambda: "ConflictGone" in _reasons(api))


@pytest.mark.slow
def test_a_scaled_object_of_keda_that_comes_later_is_left_alone(api: Api, tmp_path: Path) -> None:
    api.create(DEPLOYMENT, "emails", spec={"replicas": 2})
    api.create(POLICY, "emails", spec=SPEC)
    with operating(api, tmp_path):
        eventually(lambda: condition(api, POLICY, "emails", "Conflicted")["status"] == "False")
        api.serve(SCALED_OBJECT)
        api.create(SCALED_OBJECT, "by-length", spec={"scaleTargetRef": {"name": "emails"}})
        eventually(lambda: condition(api, POLICY, "emails", "Conflicted")["status"] == "True")


def test_a_resource_that_cannot_be_understood_says_why_and_changes_nothing(api: Api, tmp_path: Path) -> None:
    api.create(POLICY, "emails", spec=SPEC | {"capacityConfig": {"min_workers": 9, "max_workers": 3}})
    with operating(api, tmp_path) as operator:
        refused = eventually(lambda: condition(api, POLICY, "emails", "Accepted"))
        assert (refused["status"], refused["reason"]) == ("False", "Invalid")
        assert "spec.capacityConfig.min_workers is 9, which must not exceed max_workers 3" in refused["message"]
        assert operator.term is not None
        assert operator.term.service.desk.config().config.queues == ()
        api.change(POLICY, "emails", {"spec": {"capacityConfig": {"min_workers": 1}}})
        mended = eventually(
            lambda: (found := condition(api, POLICY, "emails", "Accepted"))["status"] == "True" and found
        )
        assert mended["observedGeneration"] == 2


def test_a_resource_that_is_deleted_takes_its_queue_with_it(api: Api, tmp_path: Path) -> None:
    api.create(POLICY, "emails", spec=SPEC)
    api.create(POLICY, "invoices", spec=SPEC | {"queueName": "invoices", "targetRef": {"name": "invoices"}})
    with operating(api, tmp_path) as operator:
        eventually(lambda: _queues(operator) == {"emails", "invoices"})
        api.delete(POLICY, "emails")
        eventually(lambda: _queues(operator) == {"invoices"})


@pytest.mark.slow
def test_what_the_watch_tells_is_acted_upon_at_once(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capacity_planner.surfaces.kube.term._LIST_EVERY", 60.0)
    api.create(POLICY, "emails", spec=SPEC)
    with operating(api, tmp_path) as operator:
        eventually(lambda: _queues(operator) == {"emails"})
        time.sleep(3)
        for _ in range(3):
            api.create(POLICY, "invoices", spec=SPEC | {"queueName": "invoices", "targetRef": {"name": "invoices"}})
            eventually(lambda: _queues(operator) == {"emails", "invoices"}, seconds=2)
            api.delete(POLICY, "invoices")
            eventually(lambda: _queues(operator) == {"emails"}, seconds=2)


def _queues(operator: Any) -> set[str]:
    return {queue.queue_name for queue in operator.term.service.desk.config().config.queues} if operator.term else set()


@pytest.mark.slow
def test_what_was_deleted_while_no_operator_ran_is_forgotten_and_the_settings_file_s_queues_stay(
    api: Api, tmp_path: Path
) -> None:
    file = '[[queues]]\nqueue_name = "own"\nslo = {p95_latency = "5s"}\n'
    api.create(POLICY, "emails", spec=SPEC)
    api.create(POLICY, "own", spec=SPEC | {"queueName": "own", "targetRef": {"name": "own"}})
    with operating(api, tmp_path, queues=file) as operator:
        eventually(lambda: _queues(operator) == {"own", "emails"})
        taken = eventually(lambda: condition(api, POLICY, "own", "Accepted"))
        assert taken["message"] == "The queue own belongs to the settings file already."
    api.delete(POLICY, "emails")
    with operating(api, tmp_path, queues=file) as operator:
        eventually(lambda: _queues(operator) == {"own"})


@pytest.mark.slow
def test_two_replicas_work_in_turn(api: Api, tmp_path: Path) -> None:
    api.create(POLICY, "emails", spec=SPEC)
    with operating(api, tmp_path, name="shared") as first:
        eventually(lambda: first.leads)
        with operating(api, tmp_path, name="shared") as second:
            time.sleep(2)
            assert not second.leads
            first.stop()
            assert not first.leads
            eventually(lambda: second.leads, seconds=4)
            assert api.get(LEASE, "capacity-planner", "planner")["spec"]["holderIdentity"] == second.holder
            eventually(lambda: _queues(second) == {"emails"})


@pytest.mark.slow
def test_an_api_server_that_goes_away_and_comes_back(api: Api, tmp_path: Path) -> None:
    api.create(DEPLOYMENT, "emails", spec={"replicas": 2})
    api.create(POLICY, "emails", spec=SPEC)
    with operating(api, tmp_path) as operator:
        eventually(lambda: condition(api, POLICY, "emails", "Accepted")["status"] == "True")
        api.stop()
        eventually(lambda: not operator.leads, seconds=15)
        api.start()
        eventually(lambda: operator.leads, seconds=15)
        api.change(POLICY, "emails", {"spec": {"autoScaleThreshold": 0.2}})
        eventually(lambda: condition(api, POLICY, "emails", "Accepted")["observedGeneration"] == 2)
        push(operator, rate=6.0, workers=2)
        eventually(lambda: _replicas(api) > 6)


@pytest.mark.slow
def test_a_pool_runs_its_workers_and_scales_them(api: Api, tmp_path: Path) -> None:
    api.create(
        POOL,
        "reports",
        spec={
            "queueSelector": {"queue": "reports"},
            "mode": "auto",
            "autoScaleThreshold": 0.3,
            "bestEffort": True,
            "template": {"spec": {"image": "worker:1", "concurrency": 2}},
            "autoScaling": {"maxReplicas": 20, "latencySLO": {"targetLatencyMs": 4000}, "targetBacklogPerWorker": 9},
        },
    )
    with operating(api, tmp_path) as operator:
        made = eventually(lambda: api.get(DEPLOYMENT, "reports"))
        assert made["metadata"]["ownerReferences"][0]["uid"] == api.get(POOL, "reports")["metadata"]["uid"]
        accepted = eventually(lambda: condition(api, POOL, "reports", "Accepted"))
        assert accepted["reason"] == "AcceptedInPart"
        assert "targetBacklogPerWorker is not used" in accepted["message"]
        push(operator, rate=9.0, workers=1, queue="reports")
        eventually(lambda: api.get(POOL, "reports")["spec"]["replicas"] > 4)
        eventually(lambda: _replicas(api, "reports") == api.get(POOL, "reports")["spec"]["replicas"])
        api.change(DEPLOYMENT, "reports", {"status": {"replicas": 7, "readyReplicas": 3}}, "status")
        eventually(lambda: api.get(POOL, "reports")["status"]["readyReplicas"] == 3)
