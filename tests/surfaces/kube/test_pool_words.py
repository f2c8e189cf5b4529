"""A pool in the words of go-redis-work-queue means what it means in ours; what has no meaning here is said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from capacity_planner.errors import PlannerError

from ._wishes import pool

SCALING = {
    "minReplicas": 2,
    "maxReplicas": 50,
    "scaleUpCooldown": "2m",
    "scaleDownCooldown": "5m",
    "latencySLO": {"targetPercentile": 0.95, "targetLatencyMs": 500},
}


def test_limits_become_settings_of_the_planner_and_the_slo() -> None:
    queue = pool(slo={"error_budget": 0.01}, autoScaling=SCALING).queue
    assert dict(queue.planner) == {
        "min_workers": 2,
        "max_workers": 50,
        "scale_up_cooldown": timedelta(minutes=2),
        "cooldown_period": timedelta(minutes=5),
    }
    assert queue.slo is not None
    assert (queue.slo.p95_latency, queue.slo.error_budget) == (timedelta(milliseconds=500), 0.01)


def test_a_worker_s_concurrency_is_the_planner_s() -> None:
    template = {"spec": {"image": "worker:1", "concurrency": 20}}
    assert pool(template=template).queue.planner["worker_concurrency"] == 20


def test_the_queue_may_be_named_in_either_place() -> None:
    assert pool(queueName="", queueSelector={"queue": "reports"}).queue.queue_name == "reports"
    assert pool(queueSelector={"queue": "reports"}).queue.queue_name == "reports"


def test_the_same_said_twice_is_no_quarrel() -> None:
    assert pool(autoScaling={"maxReplicas": 50}, capacityConfig={"max_workers": 50}).queue.planner["max_workers"] == 50


UNUSED: list[tuple[dict[str, Any], str]] = [
    ({"queueSelector": {"matchLabels": {"a": "b"}}}, "queueSelector.matchLabels is not used"),
    ({"queueSelector": {"priorities": ["high", "low"]}}, "queueSelector.priorities is told to the workers only"),
    ({"autoScaling": {"targetBacklogPerWorker": 25}}, "autoScaling.targetBacklogPerWorker is not used"),
    ({"drainPolicy": {"waitForCompletion": False}}, "drainPolicy.waitForCompletion is not used"),
]


@pytest.mark.parametrize(("spec", "sentence"), UNUSED, ids=[sentence for _, sentence in UNUSED])
def test_what_is_not_used_is_said(spec: dict[str, Any], sentence: str) -> None:
    unused = pool(**spec).unused
    assert len(unused) == 1
    assert unused[0].startswith(sentence)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"queueName": ""}, "spec.queueName is missing. Name the queue there, or in spec.queueSelector.queue."),
    (
        {"queueSelector": {"queue": "others"}},
        "spec.queueSelector.queue is 'others', but spec.queueName is 'reports'. Set one of them.",
    ),
    (
        {"autoScaling": {"maxReplicas": 50}, "capacityConfig": {"max_workers": 40}},
        "spec.autoScaling.maxReplicas is 50, but spec.capacityConfig.max_workers is 40. Set one of them.",
    ),
    (
        {"autoScaling": {"latencySLO": {"targetLatencyMs": 500}}},
        "spec.autoScaling.latencySLO.targetLatencyMs is 500ms, but spec.slo.p95_latency is 8s. Set one of them.",
    ),
    (
        {"slo": {}, "autoScaling": {"latencySLO": {"targetLatencyMs": 500, "targetPercentile": 0.99}}},
        "spec.autoScaling.latencySLO.targetPercentile is 0.99. The planner promises the 95th percentile",
    ),
    (
        {"autoScaling": {"scaleUpCooldown": "2m"}, "capacityConfig": {"scale_up_cooldown": "1m"}},
        "spec.autoScaling.scaleUpCooldown is 2m, but spec.capacityConfig.scale_up_cooldown is 1m. Set one of them.",
    ),
    ({"template": {"spec": {}}}, "spec.template.spec.image is missing."),
    ({"template": {"spec": {"image": "x", "env": {}}}}, "spec.template.spec.env is {}, which is no list."),
]


@pytest.mark.parametrize(("spec", "message"), WRONG, ids=[message for _, message in WRONG])
def test_what_contradicts_itself_is_refused_by_name(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(PlannerError) as refused:
        pool(**spec)
    assert refused.value.message.startswith(message)
