"""One queue and one target for each resource, the older one first; another autoscaler is never fought."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capacity_planner.domain.queues import Mode, QueueSettings, ServiceConfig
from capacity_planner.domain.slo import SLO
from capacity_planner.surfaces.kube.names import AUTOSCALER, POOL, SCALED_OBJECT, Kind
from capacity_planner.surfaces.kube.objects import Object, Target
from capacity_planner.surfaces.kube.reading import Rules
from capacity_planner.surfaces.kube.rivals import rivals_of
from capacity_planner.surfaces.kube.settling import Settling

from ._wishes import SERVICE, SPEC, resource

if TYPE_CHECKING:
    from collections.abc import Iterable

    from capacity_planner.surfaces.kube.settling import Verdict


def _settled(
    *resources: Object, rivals: Iterable[Object] = (), fixed: Iterable[QueueSettings] = ()
) -> dict[str, Verdict]:
    verdicts = Settling(fixed, Rules()).settle(resources, rivals_of(rivals), SERVICE)
    return {verdict.found.name: verdict for verdict in verdicts}


def _spec(queue: str, target: str, **more: Any) -> dict[str, Any]:
    return SPEC | {"queueName": queue, "targetRef": {"name": target}} | more


def test_the_older_one_has_the_queue() -> None:
    young = resource(name="young", made=5, spec=_spec("emails", "a"))
    old = resource(name="old", made=1, spec=_spec("emails", "b"))
    found = _settled(young, old)
    assert found["old"].accepted
    assert found["young"].reason == "QueueTaken"
    assert found["young"].message == "The queue emails belongs to CapacityPolicy jobs/old already."
    assert found["young"].queue is None


def test_the_older_one_has_the_target() -> None:
    old = resource(name="old", made=1, spec=_spec("emails", "workers"))
    young = resource(name="young", made=5, spec=_spec("invoices", "workers"))
    found = _settled(young, old)
    assert found["young"].reason == "TargetTaken"
    assert found["young"].message == "Deployment jobs/workers is scaled for CapacityPolicy jobs/old already."


def test_nobody_scales_the_deployment_of_a_pool_but_the_pool() -> None:
    pool = resource(POOL, "reports", made=1)
    young = resource(name="young", made=5, spec=_spec("emails", "reports"))
    found = _settled(pool, young)
    assert (found["reports"].accepted, found["young"].reason) == (True, "TargetTaken")


def test_of_two_that_were_made_at_once_the_one_that_was_accepted_stays() -> None:
    status = {"conditions": [{"type": "Accepted", "status": "True"}]}
    first = resource(name="z-first", spec=_spec("emails", "a"), status=status)
    second = resource(name="a-second", spec=_spec("emails", "b"))
    assert _settled(first, second)["z-first"].accepted


def test_one_that_is_refused_or_leaves_stands_in_nobody_s_way() -> None:
    bad = resource(name="bad", made=1, spec=_spec("emails", "a", mode="never"))
    gone = resource(name="gone", made=2, spec=_spec("emails", "a"))
    gone.body["metadata"]["deletionTimestamp"] = "2026-01-31T00:01:00Z"
    good = resource(name="good", made=3, spec=_spec("emails", "a"))
    found = _settled(bad, gone, good)
    assert set(found) == {"bad", "good"}
    assert (found["bad"].reason, found["good"].reason) == ("Invalid", "Accepted")


def test_queues_of_the_settings_file_are_nobody_else_s() -> None:
    fixed = [QueueSettings(queue_name="emails", slo=SLO(max_backlog=9))]
    assert (
        _settled(resource(), fixed=fixed)["emails"].message == "The queue emails belongs to the settings file already."
    )


def _autoscaler(which: Kind, **ref: str) -> Object:
    metadata = {"name": "rival", "namespace": "jobs", "uid": "uid-rival"}
    return Object(which, {"metadata": metadata, "spec": {"scaleTargetRef": ref}})


def test_where_another_autoscaler_has_the_target_the_queue_is_advisory() -> None:
    rival = _autoscaler(AUTOSCALER, apiVersion="apps/v1beta2", kind="Deployment", name="workers")
    verdict = _settled(resource(spec=SPEC | {"mode": "auto"}), rivals=[rival])["emails"]
    assert verdict.accepted
    assert verdict.rival == "The HorizontalPodAutoscaler rival scales Deployment jobs/workers"
    assert verdict.queue is not None
    assert verdict.queue.mode is Mode.ADVISORY


def test_a_scaled_object_means_a_deployment_where_it_says_no_kind() -> None:
    found = rivals_of([_autoscaler(SCALED_OBJECT, name="workers")])
    assert found == {Target("apps", "Deployment", "jobs", "workers"): "KEDA's ScaledObject rival"}


def test_an_autoscaler_of_something_else_or_elsewhere_is_no_rival() -> None:
    elsewhere = Object(
        AUTOSCALER,
        {
            "metadata": {"name": "x", "namespace": "shop"},
            "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "workers"}},
        },
    )
    rivals = [
        _autoscaler(AUTOSCALER, apiVersion="apps/v1", kind="StatefulSet", name="workers"),
        _autoscaler(AUTOSCALER, apiVersion="apps/v1", kind="Deployment", name="others"),
        Object(AUTOSCALER, {"metadata": {"name": "broken", "namespace": "jobs"}, "spec": None}),
        elsewhere,
    ]
    assert _settled(resource(), rivals=rivals)["emails"].rival == ""


def test_an_autoscaler_of_the_pool_and_one_of_its_deployment_are_told_apart() -> None:
    of_pool = _autoscaler(AUTOSCALER, apiVersion="capacity-planner.io/v1alpha1", kind="WorkerPool", name="reports")
    of_deployment = _autoscaler(AUTOSCALER, apiVersion="apps/v1", kind="Deployment", name="reports")
    for rival, kind in ((of_pool, "WorkerPool"), (of_deployment, "Deployment")):
        target = _settled(resource(POOL, "reports"), rivals=[rival])["reports"].rival_target
        assert target is not None
        assert target.kind == kind


def test_a_spec_that_changed_is_read_again_and_so_is_one_whose_defaults_did() -> None:
    settling = Settling((), Rules())
    spec = {name: value for name, value in SPEC.items() if name != "slo"}
    bare = resource(spec=spec)
    assert settling.settle([bare], {}, SERVICE)[0].message.startswith("spec.slo sets no target.")
    service = ServiceConfig(slo=SLO(max_backlog=9))
    assert settling.settle([bare], {}, service)[0].accepted
    changed = Object(
        bare.kind, {**bare.body, "metadata": {**bare.metadata, "generation": 2}, "spec": spec | {"mode": "x"}}
    )
    assert settling.settle([changed], {}, service)[0].reason == "Invalid"
