"""The examples are what KEDA and Kubernetes take, they agree with each other, and keep clear of KEDA's traps."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from capacity_planner.domain.queues import Mode
from capacity_planner.pipeline.settings import load_settings
from capacity_planner.service.checking import service_of
from capacity_planner.surfaces.keda.asked import asked_by
from tests.services._frameworks import node_with

EXAMPLES = Path(__file__).parents[3] / "examples/keda"
DOCUMENTS = [
    (path.name, document)
    for path in sorted(EXAMPLES.glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
]
KEDA = [(name, item) for name, item in DOCUMENTS if item["apiVersion"] == "keda.sh/v1alpha1"]
OBJECTS = [(name, item["spec"]) for name, item in KEDA if item["kind"] == "ScaledObject"]
# KEDA's own types, as Go declares them, made into validators: behaviours of fallback are among them.
SCHEMAS = "@kubernetes-models/keda@2.0.0"
CHECK = """
import * as models from "@kubernetes-models/keda/keda.sh/v1alpha1";
let text = ""; for await (const part of process.stdin) text += part;
for (const item of JSON.parse(text)) {
  try { new models[item.kind](item).validate(); console.log("valid"); } catch (error) { console.log(String(error)); }
}
"""


def queue_settings() -> Any:
    config = service_of(load_settings(EXAMPLES / "capacity-planner.toml"))
    (queue,) = config.queues
    return queue, queue.config(config.planner)


def verdicts(items: list[Any]) -> list[str]:
    folder = node_with(SCHEMAS)
    done = subprocess.run(
        ["node", "--input-type=module", "-e", CHECK],
        cwd=folder,
        input=json.dumps(items),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.splitlines()


def test_there_are_examples_of_every_way() -> None:
    types = {trigger["type"] for _, spec in OBJECTS for trigger in spec["triggers"]}
    assert types == {"external", "external-push", "metrics-api", "redis"}
    assert "HorizontalPodAutoscaler" in {item["kind"] for _, item in DOCUMENTS}


@pytest.mark.slow
def test_keda_takes_them_and_would_refuse_others() -> None:
    bad = json.loads(json.dumps([item for _, item in KEDA if item["kind"] == "ScaledObject"][:2]))
    bad[0]["spec"]["fallback"]["behavior"] = "hold"
    bad[1]["spec"]["triggers"][0]["metadata"]["ahead"] = 15
    found = verdicts([*(item for _, item in KEDA), *bad])
    assert found[: len(KEDA)] == ["valid"] * len(KEDA)
    assert "fallback/behavior" in found[-2]
    assert "metadata/ahead must be string" in found[-1]


@pytest.mark.parametrize(("name", "item"), [pair for pair in DOCUMENTS if pair not in KEDA])
def test_kubernetes_takes_the_others(name: str, item: Any) -> None:
    library: Any = pytest.importorskip("kubernetes_validate")
    library.validate(item, "1.31", strict=True)


@pytest.mark.parametrize(("name", "spec"), OBJECTS)
def test_limits_are_the_planners(name: str, spec: Any) -> None:
    _, config = queue_settings()
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (config.min_workers, config.max_workers)


def test_the_queue_is_asked_for() -> None:
    queue, _ = queue_settings()
    assert (queue.scaler.name, queue.mode) == ("pull", Mode.AUTO)


@pytest.mark.parametrize(("name", "spec"), OBJECTS)
def test_the_metadata_are_what_the_scaler_reads(name: str, spec: Any) -> None:
    queue, _ = queue_settings()
    for trigger in spec["triggers"]:
        if trigger["type"].startswith("external"):
            assert asked_by(trigger["metadata"]).queue_name == queue.queue_name
        elif trigger["type"] == "metrics-api":
            assert f"/v1/queues/{queue.queue_name}/workers" in trigger["metadata"]["url"]
            assert (trigger["metadata"]["valueLocation"], trigger["metadata"]["targetValue"]) == ("workers", "1")


@pytest.mark.parametrize(("name", "spec"), OBJECTS)
def test_an_error_never_scales_to_zero(name: str, spec: Any) -> None:
    """With a fallback of 0 replicas KEDA goes on to scale an object to zero while its triggers only fail."""
    assert spec["fallback"]["replicas"] > 0
    assert spec["fallback"]["behavior"] == "currentReplicas"


@pytest.mark.parametrize(("name", "spec"), OBJECTS)
def test_the_hpa_does_not_slow_down_what_the_planner_decided(name: str, spec: Any) -> None:
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    alone = len(spec["triggers"]) == 1
    for direction in ("scaleUp", "scaleDown"):
        rules = behavior[direction]
        assert max(policy["value"] for policy in rules["policies"]) >= spec["maxReplicaCount"]
        assert rules["stabilizationWindowSeconds"] == 0 or not alone


@pytest.mark.parametrize(("name", "spec"), OBJECTS)
def test_a_single_push_is_not_taken_for_idleness(name: str, spec: Any) -> None:
    if any(trigger["type"] == "external-push" for trigger in spec["triggers"]):
        assert spec["cooldownPeriod"] > spec["pollingInterval"]


def test_the_hpa_asks_for_the_metric_that_is_served() -> None:
    (hpa,) = (item["spec"] for _, item in DOCUMENTS if item["kind"] == "HorizontalPodAutoscaler")
    (metric,) = (item["external"] for item in hpa["metrics"])
    assert metric["metric"] == {"name": "workers", "selector": {"matchLabels": {"queue": "emails"}}}
    assert metric["target"] == {"type": "AverageValue", "averageValue": "1"}
    assert hpa["maxReplicas"] == queue_settings()[1].max_workers
