"""The definitions are structural, say what every field is for, take the examples, and refuse what is wrong by name."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import assume, given, strategies

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.queues import ServiceConfig
from capacity_planner.domain.scaling import Reason
from capacity_planner.domain.slo import SLO
from capacity_planner.surfaces.kube.crds import definitions
from capacity_planner.surfaces.kube.names import POLICY, POOL
from capacity_planner.surfaces.kube.objects import Object
from capacity_planner.surfaces.kube.reading import Rules, wish_of
from capacity_planner.units import parse_duration

from ._cluster import SCHEMAS, problems
from ._wishes import POOL_SPEC, SPEC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._cluster import Api

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/how-to/run-in-kubernetes.md").read_text()
TEXTS = {path.stem: path.read_text() for path in sorted((ROOT / "examples/kubernetes").glob("*.yaml"))}
TEXTS |= {
    f"page-{place}": text for place, text in enumerate(re.findall(r"```yaml\n(apiVersion.*?)```", PAGE, re.DOTALL))
}
EXAMPLES = [pytest.param(yaml.safe_load(text), id=name) for name, text in TEXTS.items()]
KINDS = {POLICY.kind: POLICY, POOL.kind: POOL}
FREE = {"x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"}
KNOWN = FREE | {
    *("type", "description", "properties", "required", "items", "additionalProperties", "enum", "format", "default"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "maxLength", "pattern"),
    *("x-kubernetes-list-type", "x-kubernetes-list-map-keys"),
}

_NUMBERS, _UNITS = strategies.from_regex(r"[0-9.]{1,4}", fullmatch=True), ["h", "m", "s", "ms", "us", "µs", "μs", "ns"]
_PARTS = strategies.tuples(_NUMBERS, strategies.sampled_from([*_UNITS, "W", "D", "T", "H", "M", "S", "d", " ", ""]))
_WRITTEN = strategies.builds(
    "".join,
    strategies.tuples(
        strategies.sampled_from(["", "+", "P", "PT", "+PT"]),
        strategies.lists(_PARTS.map("".join), max_size=3).map("".join),
    ),
).filter(lambda text: text == text.strip())
DURATION = SCHEMAS[POLICY.kind]["properties"]["spec"]["properties"]["staleAfter"]["pattern"]


def _nodes(schema: dict[str, Any], at: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield at, schema
    for name, inner in schema.get("properties", {}).items():
        yield from _nodes(inner, f"{at}.{name}")
    for name in ("items", "additionalProperties"):
        if name in schema:
            yield from _nodes(schema[name], f"{at}[]")


NODES = [node for kind, schema in SCHEMAS.items() for node in _nodes(schema, kind)]


@pytest.mark.parametrize(("at", "node"), NODES, ids=[at for at, _ in NODES])
def test_every_part_of_a_schema_is_structural(at: str, node: dict[str, Any]) -> None:
    assert set(node) <= KNOWN
    assert "type" in node or FREE & set(node)
    assert not {"properties", "additionalProperties"} <= set(node)
    assert set(node.get("required", ())) <= set(node.get("properties", ()))
    assert ("items" in node) == (node.get("type") == "array")
    assert isinstance(node.get("exclusiveMinimum", True), bool)
    assert all(abs(node.get(bound, 0)) <= 2**53 for bound in ("minimum", "maximum")), "floats are not exact beyond"
    if at.count(".") > 1 and not at.endswith("[]"):
        assert len(node["description"]) > 5


def test_the_files_are_what_the_types_say() -> None:
    done = subprocess.run(
        [sys.executable, ".ci/crds.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_schema_that_is_not_renewed_is_noticed(tmp_path: Path) -> None:
    script = (ROOT / ".ci/crds.py").read_text()
    folder = tmp_path / ".ci"
    folder.mkdir()
    (folder / "crds.py").write_text(script)
    done = subprocess.run([sys.executable, folder / "crds.py", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "not what the types say. Run: .venv/bin/python .ci/crds.py" in done.stderr


def test_the_fields_of_the_planner_and_the_slo_are_all_there() -> None:
    for schema in SCHEMAS.values():
        spec = schema["properties"]["spec"]["properties"]
        assert set(spec["capacityConfig"]["properties"]) == set(PlannerConfig.__dataclass_fields__)
        assert set(spec["slo"]["properties"]) == set(SLO.__dataclass_fields__)


@pytest.mark.parametrize("body", EXAMPLES)
def test_the_schema_takes_an_example_and_so_does_the_operator(body: dict[str, Any]) -> None:
    assert problems(body) == []
    service = replace(ServiceConfig(), slo=SLO(max_backlog=100))
    assert wish_of(Object(KINDS[body["kind"]], body), service, Rules()).queue.queue_name


def _policy(**spec: Any) -> dict[str, Any]:
    return {"kind": POLICY.kind, "metadata": {"name": "x"}, "spec": SPEC | spec}


def _pool(**spec: Any) -> dict[str, Any]:
    return {"kind": POOL.kind, "metadata": {"name": "x"}, "spec": POOL_SPEC | spec}


BAD: list[tuple[dict[str, Any], str]] = [
    ({"kind": POLICY.kind, "metadata": {"name": "x"}}, ': "spec" is a required property'),
    (_policy() | {"spec": {"queueName": "emails"}}, 'spec: "targetRef" is a required property'),
    (_policy(queueName=5), 'spec.queueName: 5 is not of type "string"'),
    (_policy(queueNam="x"), "spec: Additional properties are not allowed ('queueNam' was unexpected)"),
    (_policy(mode="automatic"), 'spec.mode: "automatic" is not one of "auto", "manual" or "advisory"'),
    (_policy(autoScaleThreshold=1), "spec.autoScaleThreshold: 1 is greater than or equal to the maximum of 1"),
    (_policy(autoScaleThreshold=0), "spec.autoScaleThreshold: 0 is less than or equal to the minimum of 0"),
    (_policy(slo={"p95_latency": 8}), 'spec.slo.p95_latency: 8 is not of type "string"'),
    (_policy(slo={"p95_latency": "8"}), f'spec.slo.p95_latency: "8" does not match "{DURATION}"'),
    (_policy(slo={"error_budget": 2}), "spec.slo.error_budget: 2 is greater than the maximum of 1"),
    (_policy(capacityConfig={"max_workers": 0}), "spec.capacityConfig.max_workers: 0 is less than the minimum of 1"),
    (
        _policy(capacityConfig={"max_worker": 5}),
        "spec.capacityConfig: Additional properties are not allowed ('max_worker' was unexpected)",
    ),
    (_policy(targetRef={"kind": "Deployment"}), 'spec.targetRef: "name" is a required property'),
    (_policy(source={"options": {}}), 'spec.source: "name" is a required property'),
    (_pool(template={"spec": {}}), 'spec.template.spec: "image" is a required property'),
    (_pool(replicas=-1), "spec.replicas: -1 is less than the minimum of 0"),
    (
        _pool(autoScaling={"latencySLO": {"targetPercentile": 0.95}}),
        'spec.autoScaling.latencySLO: "targetLatencyMs" is a required property',
    ),
    (_pool(drainPolicy={"gracePeriod": "1d"}), f'spec.drainPolicy.gracePeriod: "1d" does not match "{DURATION}"'),
]


@pytest.mark.parametrize(("body", "message"), BAD, ids=[message for _, message in BAD])
def test_what_is_wrong_is_refused_by_name(body: dict[str, Any], message: str) -> None:
    assert problems(body) == [message]


def test_the_api_server_refuses_what_the_schema_refuses_and_takes_the_rest(api: Api) -> None:
    status, answer = api.create(POLICY, "emails", spec=SPEC | {"slo": {"p95_latency": "8"}})
    assert status == 422
    message = f'CapacityPolicy "emails" is invalid: spec.slo.p95_latency: "8" does not match "{DURATION}"'
    assert answer["message"] == message
    assert api.create(POLICY, "emails", spec=SPEC)[0] == 201
    assert api.change(POLICY, "emails", {"spec": {"mode": "never"}}) == 422


@pytest.mark.parametrize(
    "text", ["0", "0s", "90s", "1m30s", "1.5h", "250ms", "1h2m3.25s", "7us", "7µs", "7μs", ".5s", "+5s", "PT90S"]
)
def test_a_duration_that_the_schema_takes_is_taken_by_the_operator(text: str) -> None:
    assert problems(_policy(staleAfter=text)) == []
    parse_duration(text)


@pytest.mark.parametrize("text", ["1d", "2 weeks", "8 s", "-5s", "5", "", "1m 30s", "5s\n", "1e3s", "s"])
def test_a_duration_that_the_operator_would_refuse_is_refused_by_the_schema(text: str) -> None:
    assert problems(_policy(staleAfter=text))


@given(strategies.from_regex(DURATION, fullmatch=True) | _WRITTEN)
def test_the_schema_takes_the_durations_that_the_operator_takes(text: str) -> None:
    try:
        taken = parse_duration(text) is not None
    except ValueError as error:
        assume("292 years" not in str(error))
        taken = False
    assume(len(text) <= 64)
    # Without a look ahead, which the API server has not, those that say no number at all cannot be told.
    assert (problems(_policy(staleAfter=text)) == []) == taken or text.endswith(("P", "T"))


def test_a_seed_is_taken(api: Api) -> None:
    assert api.create(POLICY, "emails", spec=SPEC | {"capacityConfig": {"seed": 7}})[0] == 201


def test_what_kubectl_shows_stands_in_the_status() -> None:
    for definition in definitions():
        version = definition["spec"]["versions"][0]
        status = version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]
        for column in version["additionalPrinterColumns"]:
            path = column["jsonPath"].removeprefix(".status.").partition("[")[0]
            assert path in status or column["jsonPath"].startswith(".metadata.")


def test_a_pool_can_be_scaled_and_a_policy_cannot() -> None:
    subresources = {
        item["spec"]["names"]["kind"]: item["spec"]["versions"][0]["subresources"] for item in definitions()
    }
    assert subresources["CapacityPolicy"] == {"status": {}}
    assert subresources["WorkerPool"]["scale"]["specReplicasPath"] == ".spec.replicas"


def test_the_page_explains_every_field_condition_and_reason() -> None:
    fields = SCHEMAS[POLICY.kind]["properties"]["spec"]["properties"]
    pool = SCHEMAS[POOL.kind]["properties"]["spec"]["properties"]["autoScaling"]["properties"]
    reasons = [
        "".join(part.capitalize() for part in reason.split("_")) for reason in Reason if reason != Reason.ON_REQUEST
    ]
    conditions = ("Accepted", "TargetFound", "Measured", "Planned", "Applied", "Conflicted", "Deployed")
    for word in (*fields, *pool, *conditions, *filter(None, reasons), "capacity-planner.io/apply"):
        assert word in PAGE, word
