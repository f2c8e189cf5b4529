"""The chart and the kustomization make what Kubernetes takes, and ask for no more than the operator needs."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from capacity_planner.pipeline.settings import load_settings
from capacity_planner.service.checking import service_of
from capacity_planner.surfaces.cli import operate

from ._helm import CHART, invalid, lint, refusal, rendered
from ._tools import tool

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "deploy/kustomize/base"
OVERLAY = ROOT / "deploy/kustomize/overlays/postgres"
VERSIONS = ("1.28", "1.34", "1.37")
TOKENS = {"enabled": True, "tokenSecret": "tokens"}
POSTGRES = {"existingSecret": "store"}
VALUES: list[dict[str, Any]] = [
    {},
    {"namespaces": ["jobs", "shop"], "workerPools": False, "rbac": {"aggregate": False}},
    {"api": TOKENS, "sources": {"existingSecret": "cas"}, "persistence": {"enabled": False}},
    {"replicas": 2, "store": POSTGRES, "server": TOKENS, "settings": {"planner": {"max_workers": 40}}},
    {
        "scaleTargets": [{"apiGroups": ["queue.example.com"], "resources": ["workerpools/scale"]}],
        "image": {"repository": "r/p", "tag": "1", "pullSecrets": ["registry"]},
        "extraEnv": [{"name": "A", "value": "b"}],
        "podAnnotations": {"a": "b"},
        "podLabels": {"a": "b"},
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "workload", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "high",
        "serviceAccount": {"annotations": {"a": "b"}},
        "persistence": {"storageClass": "fast"},
    },
]


def _kustomized(folder: Path) -> list[dict[str, Any]]:
    done = subprocess.run([_kubectl(), "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def _kubectl() -> str:
    return tool("kubectl", "apt-get install kubernetes-client, or another kubectl from 1.21 on")


def _of(bodies: list[dict[str, Any]], kind: str, ending: str = "") -> dict[str, Any]:
    return next(body for body in bodies if body["kind"] == kind and body["metadata"]["name"].endswith(ending))


def _container(bodies: list[dict[str, Any]], ending: str = "") -> dict[str, Any]:
    found: dict[str, Any] = _of(bodies, "Deployment", ending)["spec"]["template"]["spec"]["containers"][0]
    return found


def test_the_values_are_what_their_schema_says_and_every_one_is_explained() -> None:
    text = (CHART / "values.yaml").read_text()
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load(text)
    jsonschema_rs.Draft7Validator(schema).validate(values)
    assert set(schema["properties"]) - {"global"} == set(values)
    for name, value in values.items():
        if isinstance(value, dict) and "properties" in schema["properties"][name]:
            assert set(value) == set(schema["properties"][name]["properties"]) or name == "settings"


def test_the_chart_is_of_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert chart["appVersion"] == version[1]


def test_the_image_has_extras_that_there_are() -> None:
    text = (ROOT / "deploy/docker/Dockerfile").read_text()
    extras = re.search(r"/source\[(.*)\]", text)
    assert extras is not None
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {"server", "postgres", "k8s"} <= set(extras[1].split(",")) <= set(known)
    assert "USER 10001:10001" in text


def test_every_option_that_a_manifest_gives_is_one_of_the_command_s() -> None:
    known = set(re.findall(r'"(--[a-z-]+)"', Path(operate.__file__).read_text())) | {
        "--config",
        "--http",
        "--grpc",
        "--token-file",
    }
    text = (CHART / "templates/operator.yaml").read_text() + (BASE / "operator.yaml").read_text()
    given = set(re.findall(r"- (--[a-z-]+)", text))
    assert len(given) >= 6
    assert given <= known


def test_the_settings_of_the_kustomization_are_settings() -> None:
    assert service_of(load_settings(BASE / "capacity-planner.yaml")).queues == ()


def test_the_kustomization_makes_one_operator_with_a_volume() -> None:
    bodies = _kustomized(BASE)
    spec = _of(bodies, "Deployment")["spec"]
    assert (spec["replicas"], spec["strategy"]["type"]) == (1, "Recreate")
    claims = [volume.get("persistentVolumeClaim") for volume in spec["template"]["spec"]["volumes"]]
    assert {"claimName": "capacity-planner"} in claims
    assert len([body for body in bodies if body["kind"] == "CustomResourceDefinition"]) == 2


def test_the_overlay_makes_two_on_postgresql_without_a_volume() -> None:
    bodies = _kustomized(OVERLAY)
    spec = _of(bodies, "Deployment")["spec"]
    assert (spec["replicas"], spec["strategy"]["type"]) == (2, "RollingUpdate")
    assert not [body for body in bodies if body["kind"] == "PersistentVolumeClaim"]
    assert [volume["name"] for volume in spec["template"]["spec"]["volumes"]] == ["settings", "tmp"]
    store = next(item for item in _container(bodies)["env"] if item["name"] == "CAPACITY_PLANNER_SERVER_STORE")
    assert store["valueFrom"]["secretKeyRef"] == {"name": "capacity-planner-store", "key": "url"}


@pytest.mark.parametrize("folder", [BASE, OVERLAY], ids=["base", "postgres"])
def test_a_pod_has_no_more_rights_than_it_needs(folder: Path) -> None:
    pod = _of(_kustomized(folder), "Deployment")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    context = pod["containers"][0]["securityContext"]
    assert (context["readOnlyRootFilesystem"], context["allowPrivilegeEscalation"]) == (True, False)
    assert context["capabilities"] == {"drop": ["ALL"]}


def test_the_operator_may_read_no_secret_and_write_nothing_but_what_it_scales_and_tells() -> None:
    rules = _of(_kustomized(BASE), "ClusterRole", "planner")["rules"]
    assert not [rule for rule in rules if "*" in (*rule["apiGroups"], *rule["resources"], *rule["verbs"])]
    writes = {
        (resource, verb)
        for rule in rules
        for resource in rule["resources"]
        for verb in rule["verbs"]
        if verb not in {"get", "list", "watch"}
    }
    assert writes == {
        ("capacitypolicies/status", "patch"),
        ("workerpools/status", "patch"),
        ("workerpools/scale", "patch"),
        ("deployments/scale", "patch"),
        ("statefulsets/scale", "patch"),
        ("replicasets/scale", "patch"),
        ("deployments", "create"),
        ("deployments", "update"),
        ("deployments", "patch"),
        ("events", "create"),
    }


def test_variables_of_services_do_not_look_like_settings_to_the_kustomization_s_pod() -> None:
    assert _of(_kustomized(BASE), "Deployment")["spec"]["template"]["spec"]["enableServiceLinks"] is False


@pytest.mark.slow
def test_variables_of_services_do_not_look_like_settings_to_the_chart_s_pods() -> None:
    bodies = rendered(replicas=2, store=POSTGRES, server=TOKENS)
    pods = [body["spec"]["template"]["spec"] for body in bodies if body["kind"] == "Deployment"]
    assert [pod["enableServiceLinks"] for pod in pods] == [False, False]


@pytest.mark.slow
def test_a_server_beside_the_operator_does_not_set_the_configuration() -> None:
    settings = {"planner": {"max_workers": 40}, "server": {"max_queues": 7}}
    bodies = rendered(replicas=2, store=POSTGRES, server=TOKENS, settings=settings)
    files = {name: yaml.safe_load(text) for name, text in _of(bodies, "ConfigMap")["data"].items()}
    assert files == {"capacity-planner.yaml": settings, "server.yaml": {"server": {"max_queues": 7}}}
    for ending, file in (("", "capacity-planner.yaml"), ("-server", "server.yaml")):
        (mount,) = [item for item in _container(bodies, ending)["volumeMounts"] if item["name"] == "settings"]
        assert mount["subPath"] == file


@pytest.mark.slow
@pytest.mark.parametrize("values", [{"api": TOKENS}, {"replicas": 2, "store": POSTGRES, "server": TOKENS}])
def test_keda_is_answered_where_the_api_is_served(values: dict[str, Any]) -> None:
    bodies = rendered(**values)
    services = [body["spec"] for body in bodies if body["kind"] == "Service"]
    (served,) = [spec for spec in services if {port["name"] for port in spec["ports"]} == {"http", "grpc"}]
    part = served["selector"]["app.kubernetes.io/component"]
    container = _container(bodies, "-server" if part == "server" else "")
    assert "--grpc=0.0.0.0:50051" in container["args"]
    assert {"name": "grpc", "containerPort": 50051, "protocol": "TCP"} in container["ports"]


@pytest.mark.slow
@pytest.mark.parametrize("values", VALUES)
def test_kubernetes_takes_what_the_chart_makes(values: dict[str, Any]) -> None:
    bodies = rendered(**values)
    assert len(bodies) > 5
    for version in VERSIONS:
        assert invalid(bodies, version) == []


@pytest.mark.slow
def test_the_schemas_would_notice() -> None:
    bodies = rendered()
    _of(bodies, "Deployment")["spec"]["replica"] = 3
    assert "replica" in invalid(bodies, VERSIONS[-1])[0]


@pytest.mark.slow
@pytest.mark.parametrize("folder", [BASE, OVERLAY], ids=["base", "postgres"])
def test_kubernetes_takes_what_the_kustomization_makes(folder: Path) -> None:
    bodies = [body for body in _kustomized(folder) if body["kind"] != "CustomResourceDefinition"]
    for version in VERSIONS:
        assert invalid(bodies, version) == []


@pytest.mark.slow
def test_kubernetes_takes_the_definitions() -> None:
    bodies = [yaml.safe_load(path.read_text()) for path in sorted((CHART / "crds").glob("*.yaml"))]
    assert len(bodies) == 2
    for version in VERSIONS:
        assert invalid(bodies, version) == []


@pytest.mark.slow
def test_helm_likes_the_chart() -> None:
    assert lint(image={"repository": "registry.example.com/planner"}) == []


@pytest.mark.slow
def test_chart_and_kustomization_give_the_same_rights() -> None:
    chart, kustomized = rendered(), _kustomized(BASE)
    assert _of(chart, "ClusterRole", "planner-cp")["rules"] == _of(kustomized, "ClusterRole", "planner")["rules"]
    assert _of(chart, "Role", "-lease")["rules"] == _of(kustomized, "Role", "-lease")["rules"]
    for which in ("-view", "-edit"):
        assert _of(chart, "ClusterRole", which)["rules"] == _of(kustomized, "ClusterRole", which)["rules"]


@pytest.mark.slow
def test_for_some_namespaces_no_right_reaches_beyond_them() -> None:
    bodies = rendered(namespaces=["jobs"], rbac={"aggregate": False})
    assert not [body for body in bodies if body["kind"].startswith("ClusterRole")]
    assert "--namespace=jobs" in _container(bodies)["args"]
    assert _of(bodies, "Role", "cp")["metadata"]["namespace"] == "jobs"


@pytest.mark.slow
def test_without_pools_no_deployment_may_be_made() -> None:
    rules = _of(rendered(workerPools=False), "ClusterRole", "planner-cp")["rules"]
    assert not [rule for rule in rules if "deployments" in rule["resources"]]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "image.repository: say where your image is"),
    ({"image": {"repository": "r"}, "replicas": 2}, "replicas: more than one needs PostgreSQL"),
    ({"image": {"repository": "r"}, "api": {"enabled": True}}, "api.tokenSecret: whoever reaches the API may scale"),
    (
        {"image": {"repository": "r"}, "api": TOKENS, "replicas": 2, "store": POSTGRES},
        "api.enabled: the API is the leader's alone",
    ),
    ({"image": {"repository": "r"}, "server": TOKENS}, "server.enabled: the server shares its store with the operator"),
    ({"image": {"repository": "r"}, "replica": 2}, "replica"),
    ({"image": {"repository": "r"}, "leaderElection": {"leaseSeconds": 1}}, "leaseSeconds"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("values", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_values_that_do_not_fit_each_other_are_refused_with_the_remedy(values: dict[str, Any], message: str) -> None:
    assert message in refusal(**values)


@pytest.mark.slow
def test_the_chart_s_settings_are_the_operator_s(tmp_path: Path) -> None:
    settings = {"planner": {"max_workers": 40, "plan_interval": "2m"}, "slo": {"p95_latency": "30s"}}
    text = _of(rendered(settings=settings), "ConfigMap")["data"]["capacity-planner.yaml"]
    file = tmp_path / "capacity-planner.yaml"
    file.write_text(text)
    assert load_settings(file).config.max_workers == 40
