"""A pass makes good whatever others did meanwhile."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.domain.request import PlanRequest
from capacity_planner.domain.slo import SLO
from capacity_planner.errors import ConflictError
from capacity_planner.service.service import Service
from capacity_planner.surfaces.kube.client import ApiError, Cluster
from capacity_planner.surfaces.kube.keeper import Keeper, keep_quietly
from capacity_planner.surfaces.kube.names import APPLY, AUTOSCALER, EVENT, POLICY, POOL
from capacity_planner.surfaces.kube.reading import Rules
from capacity_planner.surfaces.kube.view import View
from tests.service._told import SAMPLE

from ._cluster import kubeconfig
from ._running import settings
from ._wishes import POOL_SPEC, SPEC

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from capacity_planner.domain.queues import QueueSettings

    from ._cluster import Api


class Stage:
    """A service and a keeper whose passes a test calls for."""

    def __init__(self, service: Service, cluster: Cluster) -> None:
        self.service, self.cluster, self.view = service, cluster, View()
        self.keeper = Keeper(service, cluster, self.view, Rules(cluster=cluster.options), ())

    def keep(self) -> None:
        """List, and pass."""
        for kind in (POLICY, POOL, AUTOSCALER):
            self.view.listed(kind, self.cluster.objects(kind) or (), self.view.ids(kind))
        self.keeper.keep()

    def queue(self) -> QueueSettings:
        """The only queue."""
        (found,) = self.service.desk.config().config.queues
        return found


@pytest.fixture
def stage(api: Api, tmp_path: Path) -> Iterator[Stage]:
    with Service(settings(tmp_path / "kept.db")) as service:
        yield Stage(service, Cluster(kubeconfig(api, tmp_path), timeout=5.0))


def test_a_configuration_that_somebody_else_set_is_put_right(api: Api, stage: Stage) -> None:
    api.create(POLICY, "emails", spec=SPEC)
    stage.keep()
    desk = stage.service.desk
    version = desk.config()
    desk.put_config(replace(version.config, queues=()), expected=None, by="somebody")
    stage.keep()
    assert stage.queue().queue_name == "emails"


def test_a_change_that_comes_between_is_not_lost(api: Api, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    api.create(POLICY, "emails", spec=SPEC)
    desk, put, times = stage.service.desk, stage.service.desk.put_config, iter(range(2))

    def after_somebody_else(config: object, *, expected: int | None, by: str, digest: str = "") -> object:
        if next(times, None) is not None:
            planner = replace(desk.config().config.planner, max_workers=77)
            put(replace(desk.config().config, planner=planner), expected=None, by="somebody")
        return put(config, expected=expected, by=by, digest=digest)  # type: ignore[arg-type]

    monkeypatch.setattr(desk, "put_config", after_somebody_else)
    stage.keep()
    assert desk.config().config.planner.max_workers == 77
    assert stage.queue().queue_name == "emails"


def test_one_who_is_always_late_gives_up_and_tries_again_in_the_next_pass(
    api: Api, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.create(POLICY, "emails", spec=SPEC)

    def late(*_: object, **__: object) -> None:
        raise ConflictError("Another version came first.")

    with monkeypatch.context() as patched:
        patched.setattr(stage.service.desk, "put_config", late)
        with pytest.raises(ConflictError):
            stage.keep()
        assert not keep_quietly(stage.keeper)
    stage.keep()
    assert stage.queue().queue_name == "emails"


def test_nothing_is_written_where_nothing_changed(api: Api, stage: Stage) -> None:
    api.create(POLICY, "emails", spec=SPEC)
    stage.keep()
    version = stage.service.desk.config().version
    api.requests.clear()
    stage.keep()
    assert stage.service.desk.config().version == version
    assert {method for method, _ in api.requests} == {"GET"}


def _planned(stage: Stage) -> str:
    """A plan of now that adds workers."""
    sample = replace(SAMPLE, timestamp=stage.service.store.now(), arrival_rate=20.0, current_workers=2)
    request = PlanRequest(current_metrics=sample, slo=SLO(p95_latency=timedelta(seconds=8)), queue_name="emails")
    return stage.service.desk.plan(request, by="test").plan.id


def _orders(stage: Stage, plan_id: str) -> set[str]:
    return {str(order.status) for order in stage.service.desk.orders(plan_id)}


def _annotate(api: Api, plan_id: str) -> None:
    api.change(POLICY, "emails", {"metadata": {"annotations": {APPLY: plan_id}}})


def _told(api: Api) -> list[str]:
    return [item["note"] for item in api.objects(EVENT) if item["reason"] in {"Applied", "NotApplied"}]


def test_a_plan_that_an_annotation_names_is_carried_out_once(api: Api, stage: Stage) -> None:
    api.create(POLICY, "emails", spec=SPEC | {"mode": "manual"})
    stage.keep()
    plan_id = _planned(stage)
    _annotate(api, plan_id)
    for _ in range(3):
        stage.keep()
    assert _orders(stage, plan_id) == {"pending"}
    assert _told(api) == [f"The plan {plan_id} is carried out, as the annotation asks."]


def test_a_plan_that_may_not_be_carried_out_is_not_and_that_is_told(api: Api, stage: Stage) -> None:
    api.create(POLICY, "emails", spec=SPEC | {"mode": "manual"})
    api.create(POLICY, "others", spec=SPEC | {"queueName": "others", "targetRef": {"name": "others"}, "mode": "manual"})
    stage.keep()
    plan_id = _planned(stage)
    api.change(POLICY, "others", {"metadata": {"annotations": {APPLY: plan_id}}})
    _annotate(api, "plan-of-nobody")
    stage.keep()
    api.change(POLICY, "emails", {"spec": {"mode": "advisory"}, "metadata": {"annotations": {APPLY: plan_id}}})
    stage.keep()
    assert _orders(stage, plan_id) == set()
    other, nobody, advisory = sorted(_told(api), key=lambda note: ("another" not in note, "no plan" not in note))
    assert other == f"The plan {plan_id} is of another queue."
    assert nobody.startswith("There is no plan 'plan-of-nobody'")
    assert advisory == "The mode is advisory, which scales nothing. Set it to manual."


def test_what_came_of_an_annotation_is_told_though_the_status_cannot_be_written(
    api: Api, stage: Stage, tmp_path: Path
) -> None:
    def silent(method: str, path: str) -> tuple[int, str] | None:
        if not path.endswith("/status"):
            return None
        time.sleep(1.0)
        return 503, "too late"

    stage = Stage(stage.service, Cluster(kubeconfig(api, tmp_path), timeout=0.5))
    api.create(POLICY, "emails", spec=SPEC)
    stage.keep()
    _annotate(api, "plan-of-nobody")
    api.refuse = silent
    with pytest.raises(ApiError, match="does not answer"):
        stage.keep()
    time.sleep(1.0)
    api.refuse = lambda method, path: None
    stage.keep()
    (note,) = _told(api)
    assert note.startswith("There is no plan 'plan-of-nobody'")


def test_what_the_api_server_drops_of_a_status_is_not_written_again(api: Api, stage: Stage) -> None:
    def pruned(body: dict[str, Any]) -> dict[str, Any]:
        if isinstance(body.get("status"), dict):
            body["status"].pop("lastApply", None)
        return body

    api.written = pruned
    api.create(POLICY, "emails", spec=SPEC)
    stage.keep()
    _annotate(api, "plan-of-nobody")
    stage.keep()
    api.requests.clear()
    for _ in range(3):
        stage.keep()
    assert "PATCH" not in {method for method, _ in api.requests}
    api.change(POLICY, "emails", {"spec": {"staleAfter": "2m"}})
    stage.keep()
    assert api.get(POLICY, "emails")["status"]["observedGeneration"] == 2


@pytest.mark.parametrize("change", ["target", "rival", "deletion"])
def test_orders_do_not_reach_what_is_not_the_queue_s_any_more(api: Api, stage: Stage, change: str) -> None:
    api.create(POLICY, "emails", spec=SPEC | {"mode": "manual"})
    stage.keep()
    plan_id = _planned(stage)
    stage.service.desk.apply(plan_id, by="test")
    assert _orders(stage, plan_id) == {"pending"}
    if change == "target":
        api.change(POLICY, "emails", {"spec": {"targetRef": {"name": "others"}}})
    elif change == "deletion":
        api.delete(POLICY, "emails")
    else:
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "workers"}
        api.create(AUTOSCALER, "by-cpu", spec={"scaleTargetRef": target})
    stage.keep()
    assert _orders(stage, plan_id) == {"superseded"}


def test_an_api_server_that_is_silent_ends_the_pass_at_once(api: Api, stage: Stage) -> None:
    for name in ("a", "b", "c"):
        api.create(POLICY, name, spec=SPEC | {"queueName": name, "targetRef": {"name": name}})
    stage.view.listed(POLICY, stage.cluster.objects(POLICY) or (), set())
    api.stop()
    with pytest.raises(ApiError):
        stage.keeper.keep()
    assert len(stage.service.desk.config().config.queues) == 3
    api.start()
    stage.keeper.keep()
    assert [item["reason"] for item in api.objects(EVENT)].count("Accepted") == 3


def test_a_status_that_is_refused_does_not_keep_the_others_from_theirs(api: Api, stage: Stage) -> None:
    for name in ("a", "b"):
        api.create(POLICY, name, spec=SPEC | {"queueName": name, "targetRef": {"name": name}})
    api.refuse = lambda method, path: (422, "no") if path.endswith("/a/status") else None
    stage.keep()
    assert "status" not in api.get(POLICY, "a")
    assert api.get(POLICY, "b")["status"]["conditions"]


def test_pools_that_may_not_be_run_keep_nobody_from_being_planned_for(api: Api, stage: Stage) -> None:
    api.create(POOL, "reports", spec=POOL_SPEC)
    api.create(POLICY, "emails", spec=SPEC)
    api.refuse = lambda method, path: (403, "deployments.apps is forbidden") if path.endswith("/deployments") else None
    stage.keep()
    conditions = {item["type"]: item for item in api.get(POOL, "reports")["status"]["conditions"]}
    assert (conditions["Accepted"]["status"], conditions["Deployed"]["status"]) == ("True", "False")
    assert "deployments.apps is forbidden" in conditions["Deployed"]["message"]
    assert "replicas" not in api.get(POOL, "reports")["status"]
    assert api.get(POLICY, "emails")["status"]["conditions"]


def test_a_plan_that_was_named_is_not_seen_to_again_by_another_leader(api: Api, stage: Stage) -> None:
    api.create(POLICY, "emails", spec=SPEC | {"mode": "manual"})
    stage.keep()
    _annotate(api, "plan-of-nobody")
    stage.keep()
    assert api.get(POLICY, "emails")["status"]["lastApply"] == "plan-of-nobody"
    Stage(stage.service, stage.cluster).keep()
    assert len(_told(api)) == 1
    _annotate(api, "plan-of-another" * 100)
    for _ in range(2):
        Stage(stage.service, stage.cluster).keep()
    assert len(_told(api)) == 2


def test_a_pass_that_goes_on_is_seen_to(api: Api, stage: Stage) -> None:
    began = stage.keeper.moved
    api.create(POLICY, "emails", spec=SPEC)
    stage.keep()
    assert stage.keeper.moved > began


def test_the_orders_of_a_queue_that_left_say_so(api: Api, stage: Stage) -> None:
    api.create(POLICY, "emails", spec=SPEC | {"mode": "manual"})
    stage.keep()
    plan_id = _planned(stage)
    stage.service.desk.apply(plan_id, by="test")
    api.delete(POLICY, "emails")
    stage.keep()
    assert {order.note for order in stage.service.desk.orders(plan_id)} == {"The queue left the configuration."}


def test_a_target_that_there_is_not_is_told_in_every_mode(api: Api, stage: Stage) -> None:
    api.create(POLICY, "emails", spec=SPEC)
    stage.keep()
    conditions = {item["type"]: item for item in api.get(POLICY, "emails")["status"]["conditions"]}
    assert (conditions["TargetFound"]["status"], conditions["TargetFound"]["reason"]) == ("False", "NoTarget")
    assert [item["type"] for item in api.objects(EVENT) if item["reason"] == "NoTarget"] == ["Warning"]
