"""What resources say becomes settings of queues, or is refused by the field's name."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.domain.queues import Mode
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.surfaces.kube.objects import Target
from capacity_planner.surfaces.kube.reading import Rules, wish_of

from ._wishes import SERVICE, SPEC, policy, pool, resource

if TYPE_CHECKING:
    from pathlib import Path


def test_a_policy_is_a_queue_and_what_is_scaled_for_it() -> None:
    wish = policy(mode="auto", staleAfter="90s", bestEffort=True)
    queue = wish.queue
    assert (queue.queue_name, queue.mode, queue.best_effort) == ("emails", Mode.AUTO, True)
    assert queue.stale_after == timedelta(seconds=90)
    assert queue.slo is not None
    assert queue.slo.p95_latency == timedelta(seconds=8)
    assert queue.scaler.name == "kubernetes"
    where = {"api_version": "apps/v1", "kind": "Deployment", "namespace": "jobs", "name": "workers"}
    assert dict(queue.scaler.options) == where
    assert wish.targets == (Target("apps", "Deployment", "jobs", "workers"),)


def test_a_policy_that_says_no_mode_scales_nothing() -> None:
    assert policy().queue.mode is Mode.ADVISORY


def test_the_threshold_is_the_planner_s() -> None:
    assert policy(autoScaleThreshold=0.9).queue.planner["confidence_threshold"] == 0.9
    assert policy(autoScaleThreshold=0.9, capacityConfig={"confidence_threshold": 0.9}).queue.planner is not None


def test_which_cluster_it_is_goes_to_the_scaler_where_it_does_not_go_without_saying() -> None:
    wish = wish_of(resource(), SERVICE, Rules(cluster=(("context", "staging"),)))
    assert wish.queue.scaler.options["context"] == "staging"


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"queueNam": "emails"}, "spec.queueNam is not a field here. Did you mean queueName?"),
    ({"queueName": ""}, "spec.queueName is empty. Name the queue as its source knows it."),
    ({"slo": {"p95_latency": "8"}}, "spec.slo.p95_latency is '8', which has no unit."),
    ({"slo": {}}, "spec.slo sets no target. Set p95_latency, max_backlog or drain_time."),
    ({"mode": "automatic"}, "spec.mode is 'automatic'"),
    (
        {"capacityConfig": {"max_worker": 3}},
        "spec.capacityConfig is {'max_worker': 3}, which has max_worker, which is no setting of the planner.",
    ),
    (
        {"capacityConfig": {"min_workers": 9, "max_workers": 3}},
        "spec.capacityConfig.min_workers is 9, which must not exceed max_workers 3.",
    ),
    (
        {"autoScaleThreshold": 0.9, "capacityConfig": {"confidence_threshold": 0.8}},
        "spec.autoScaleThreshold is 0.9, but spec.capacityConfig.confidence_threshold is 0.8. Set one of them.",
    ),
    ({"autoScaleThreshold": 1.5}, "spec.autoScaleThreshold is 1.5, which must be below 1."),
    ({"source": {"name": "sqs-of-mars"}}, "spec.source is 'sqs-of-mars', which is no source."),
    (
        {"source": {"name": "push", "options": {"url": "redis://x"}}},
        "spec.source.options.url is no option of the source push.",
    ),
    ({"targetRef": {"name": "Workers"}}, "spec.targetRef.name is 'Workers', which is no name of an object."),
    ({"targetRef": {"name": "{queue}"}}, "spec.targetRef.name is '{queue}', which is no name of an object."),
    (
        {"targetRef": {"name": "workers", "apiVersion": "v1"}},
        "spec.targetRef.apiVersion is 'v1', which is no group and version: apps/v1.",
    ),
    (
        {"targetRef": {"name": "workers", "apiVersion": "apps/v1/x"}},
        "spec.targetRef.apiVersion is 'apps/v1/x', which is no group and version: apps/v1.",
    ),
    (
        {"targetRef": {"name": "workers", "kind": "deployment"}},
        "spec.targetRef.kind is 'deployment', which is no kind. Write it as in Deployment.",
    ),
    (
        {"targetRef": {"name": "workers", "kind": "DaemonSet"}},
        "spec.targetRef.kind is 'DaemonSet', which cannot be scaled.",
    ),
    (
        {"targetRef": {"name": "workers", "kind": "Job", "apiVersion": "batch/v1"}},
        "spec.targetRef.kind is 'Job', which cannot be scaled. Name a Deployment, a StatefulSet, or what has a scale.",
    ),
    (
        {"targetRef": {"name": "workers", "namespace": "shop"}},
        "spec.targetRef.namespace is 'shop'. A resource scales only what is in its own namespace, jobs.",
    ),
    (
        {"source": {"name": "file", "options": {"path": "/var/run/secrets/token"}}},
        "spec.source.options.path is '/var/run/secrets/token'. A resource may only name files that are kept for it",
    ),
]


@pytest.mark.parametrize(("spec", "message"), WRONG, ids=[message for _, message in WRONG])
def test_what_is_wrong_is_refused_by_name(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(PlannerError) as refused:
        policy(**spec)
    assert refused.value.message.startswith(message)
    assert refused.value.code in {ErrorCode.CONFIG_INVALID, ErrorCode.MODEL_NOT_SUPPORTED}


def test_a_spec_that_is_no_table_is_refused() -> None:
    with pytest.raises(PlannerError):
        wish_of(resource(spec=["emails"]), SERVICE, Rules())


@pytest.mark.parametrize("name", ["bearer_token_file", "password_file", "ca_file", "path"])
def test_no_file_is_read_for_a_resource_that_is_not_kept_for_it(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "jobs.link").symlink_to("/etc/passwd")
    for path in (
        "/etc/passwd",
        f"{folder}/../jobs.secret",
        f"{folder}/shop.password",
        f"{folder}/password",
        f"{folder}/jobs.link",
        f"{folder}/jobs.sub/password",
        5,
    ):
        spec = SPEC | {"source": {"name": "push", "options": {name: path}}}
        with pytest.raises(PlannerError, match="A resource may only name files that are kept for it"):
            wish_of(resource(spec=spec), SERVICE, Rules(files=folder))


@pytest.mark.parametrize("name", ["jobs.emails.csv", "_all.emails.csv"])
def test_a_file_that_is_kept_for_a_resource_may_be_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / name).write_text("timestamp,arrival_rate\n2026-01-31T00:00:00Z,1\n")
    (tmp_path / name).symlink_to(f"..data/{name}")
    options = {"path": str(tmp_path / name), "service_time": "2s"}
    wish = wish_of(
        resource(spec=SPEC | {"source": {"name": "file", "options": options}}), SERVICE, Rules(files=tmp_path)
    )
    assert wish.queue.source.name == "file"


def test_a_pool_is_its_own_target_and_claims_its_deployment() -> None:
    wish = pool()
    assert wish.targets == (
        Target("capacity-planner.io", "WorkerPool", "jobs", "reports"),
        Target("apps", "Deployment", "jobs", "reports"),
    )
    options = dict(wish.queue.scaler.options)
    assert (options["kind"], options["plural"], options["name"]) == ("WorkerPool", "workerpools", "reports")
    assert wish.unused == ()


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("unix:///var/run/redis.sock", "unix"),
        ("rediss://redis:6379/0?ssl_ca_certs=/var/run/secrets/token", "ssl_ca_certs"),
        ("rediss://redis:6379/0?db=1&ssl%5Fkeyfile=key.pem", "ssl_keyfile"),
    ],
)
def test_no_file_is_read_that_a_url_names(url: str, named: str) -> None:
    with pytest.raises(PlannerError, match=rf"url names a file by {named}, which a resource may not"):
        policy(source={"name": "rq", "options": {"url": url}})


def test_a_url_that_names_no_file_is_taken() -> None:
    url = "rediss://redis:6379/0?ssl_cert_reqs=none"
    assert policy(source={"name": "rq", "options": {"url": url}}).queue.source.options["url"] == url


@pytest.mark.parametrize(
    ("said", "limits", "kept"),
    [(1, {"min_workers": 3}, 3), (500, {"max_workers": 20}, 20), (7, {"max_workers": 20}, 7)],
)
def test_replicas_beyond_the_limits_are_told(said: int, limits: dict[str, int], kept: int) -> None:
    wish = pool(replicas=said, capacityConfig=limits)
    (limit,) = limits
    note = f"replicas is {said}, but {limit} is {kept}, so that {kept} run."
    assert (wish.replicas, wish.unused) == (kept, () if said == kept else (note,))
