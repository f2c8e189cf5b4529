"""The operator at work: from a resource that is created to replicas that are ordered, and back."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from capacity_planner.surfaces.kube.client import Cluster
from capacity_planner.surfaces.kube.names import AUTOSCALER, DEPLOYMENT, EVENT, LEASE, POLICY, POOL, SCALED_OBJECT
from capacity_planner.surfaces.kube.term import Term

from ._cluster import kubeconfig
from ._running import condition, eventually, operating, push, settings

if TYPE_CHECKING:
    from ._cluster import Api

ROOT = Path(__file__).resolve().parents[3]
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
        scaled = eventually(
            lambda: (
                (found := api.get(POLICY, "emails")["status"]["lastScaling"])["toWorkers"] == _replicas(api) and found
            )
        )
        assert scaled["fromWorkers"] < scaled["toWorkers"]
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
        eventually(lambda: any(path.endswith("/capacitypolicies") for path in api.watched))
        for _ in range(3):
            api.create(POLICY, "invoices", spec=SPEC | {"queueName": "invoices", "targetRef": {"name": "invoices"}})
            eventually(lambda: _queues(operator) == {"emails", "invoices"})
            api.delete(POLICY, "invoices")
            eventually(lambda: _queues(operator) == {"emails"})


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
            api.requests.clear()
            eventually(lambda: len([path for _, path in api.requests if path.endswith("/leases/capacity-planner")]) > 4)
            assert (first.leads, second.leads) == (True, False)
            first.stop()
            assert not first.leads
            eventually(lambda: second.leads)
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


@pytest.mark.slow
@pytest.mark.parametrize("plural", ["capacitypolicies", "horizontalpodautoscalers"])
def test_a_list_that_fails_once_loses_nothing(api: Api, tmp_path: Path, plural: str) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "emails"}
    api.create(AUTOSCALER, "by-cpu", spec={"scaleTargetRef": target, "maxReplicas": 9})
    api.create(POLICY, "emails", spec=SPEC)
    with operating(api, tmp_path) as operator:
        eventually(lambda: condition(api, POLICY, "emails", "Conflicted")["status"] == "True")
        assert operator.term is not None
        version = operator.term.service.desk.config().version
        api.refuse = lambda method, path: (404, "404 page not found") if path.endswith(f"/{plural}") else None
        api.requests.clear()
        eventually(lambda: len([path for _, path in api.requests if path.endswith(f"/{plural}")]) > 1)
        api.refuse = lambda method, path: None
        api.change(POLICY, "emails", {"spec": {"staleAfter": "2m"}})
        eventually(lambda: condition(api, POLICY, "emails", "Accepted")["observedGeneration"] == 2)
        assert condition(api, POLICY, "emails", "Conflicted")["status"] == "True"
        (before, *_) = [item for item in operator.term.service.desk.config_versions() if item.version == version]
        kept = [item.config for item in operator.term.service.desk.config_versions() if item.version > version]
        assert all(len(config.queues) == len(before.config.queues) == 1 for config in kept)


def test_a_term_that_has_ended_watches_nothing_any_more(api: Api, tmp_path: Path) -> None:
    term = Term(Cluster(kubeconfig(api, tmp_path), timeout=2.0), settings(tmp_path / "kept.db"))
    eventually(lambda: term.synced)
    term.close()
    api.serve(SCALED_OBJECT)
    before = set(threading.enumerate())
    term._list()  # noqa: SLF001 - as one does that was under way at the end
    assert "capacity-planner-kube-watch" not in {thread.name for thread in set(threading.enumerate()) - before}


def test_a_term_can_end_at_the_moment_its_loop_begins(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begins = threading.Event()

    class Late(threading.Thread):
        """A thread that a busy machine is slow to start."""

        def start(self) -> None:
            if self.name == "capacity-planner-loop":
                begins.set()
                time.sleep(0.5)
            super().start()

    monkeypatch.setattr("capacity_planner.service.loop.Thread", Late)
    term = Term(Cluster(kubeconfig(api, tmp_path), timeout=2.0), settings(tmp_path / "kept.db"))
    assert begins.wait(10)
    term.close()
    assert "capacity-planner-loop" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.slow
def test_no_more_is_asked_of_the_api_server_than_the_role_allows(api: Api, tmp_path: Path) -> None:
    api.create(DEPLOYMENT, "emails", spec={"replicas": 2})
    pool = {name: value for name, value in SPEC.items() if name != "targetRef"}
    template = {"spec": {"image": "worker:1"}}
    with operating(api, tmp_path) as operator:
        eventually(lambda: operator.term is not None and operator.term.synced)
        api.requests.clear()
        api.create(POLICY, "emails", spec=SPEC)
        api.create(POOL, "reports", spec=pool | {"queueName": "reports", "template": template})
        eventually(lambda: condition(api, POOL, "reports", "Deployed"))
        push(operator, rate=6.0, workers=2)
        push(operator, rate=9.0, workers=1, queue="reports")
        eventually(lambda: _replicas(api) > 6 and _replicas(api, "reports") > 4)
        made = len(api.requests)
        api.change(POOL, "reports", {"spec": {"template": {"spec": {"image": "worker:2"}}}})
        eventually(lambda: ("PUT", f"{_OF_JOBS}/deployments/reports") in api.requests[made:])
    by_others = {("POST", "capacitypolicies"), ("POST", "workerpools"), ("PATCH", "workerpools")}
    asked = {(method, path) for method, path in api.requests if _REQUEST.fullmatch(path)}
    wanted = {_rule(method, path) for method, path in asked}
    assert wanted - _allowed() == {("capacity-planner.io", plural, _VERBS[method]) for method, plural in by_others}
    assert ("apps", "deployments/scale", "patch") in wanted


_OF_JOBS = "/apis/apps/v1/namespaces/jobs"
_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch"}
_REQUEST = re.compile(r"/apis/([^/]+)/v[^/]+/(?:namespaces/[^/]+/)?([a-z]+)(?:/([^/]+))?(/[a-z]+)?")


def _rule(method: str, path: str) -> tuple[str, str, str]:
    match = _REQUEST.fullmatch(path)
    assert match is not None
    group, plural, name, part = match.groups()
    return group, f"{plural}{part or ''}", _VERBS[method] if name or method != "GET" else "list"


def _allowed() -> set[tuple[str, str, str]]:
    """What the account of the kustomization may do."""
    bodies = yaml.safe_load_all((ROOT / "deploy/kustomize/base/rbac.yaml").read_text())
    rules = [
        rule
        for body in bodies
        if body["metadata"]["name"] in {"capacity-planner", "capacity-planner-lease"}
        for rule in body.get("rules", ())
    ]
    return {
        (group, plural, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for plural in rule["resources"]
        for verb in rule["verbs"]
    }
