"""The CustomResourceDefinitions, made of the types that resources are read into."""

from __future__ import annotations

from typing import Any

from capacity_planner.surfaces.kube.names import GROUP, POLICY, POOL, VERSION, Kind
from capacity_planner.surfaces.kube.pools import WorkerPoolSpec
from capacity_planner.surfaces.kube.schema import structural
from capacity_planner.surfaces.kube.specs import CapacityPolicySpec
from capacity_planner.surfaces.kube.statuses import PolicyStatus, PoolStatus

_COLUMNS = (
    ("Queue", "string", ".status.queueName", 0),
    ("Mode", "string", ".status.mode", 0),
    ("Workers", "integer", ".status.currentWorkers", 0),
    ("Target", "integer", ".status.targetWorkers", 0),
    ("Confidence", "number", ".status.confidence", 0),
    ("Accepted", "string", ".status.conditions[?(@.type=='Accepted')].status", 0),
    ("Applied", "string", ".status.conditions[?(@.type=='Applied')].reason", 0),
    ("Why", "string", ".status.whyNotApplied", 1),
    ("Age", "date", ".metadata.creationTimestamp", 0),
)
_ABOUT = {
    POLICY: "Plans ahead how many workers a queue needs, and scales them.",
    POOL: "Runs the workers of a queue, and plans ahead how many it needs.",
}


def definitions() -> list[dict[str, Any]]:
    """Both definitions."""
    pool = structural(WorkerPoolSpec)
    pool["properties"]["replicas"]["default"] = 1  # the scale sub-resource does not do without a number
    scale = {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    }
    return [
        _definition(POLICY, ["cpol"], structural(CapacityPolicySpec), structural(PolicyStatus)),
        _definition(POOL, ["wpool"], pool, structural(PoolStatus), scale=scale),
    ]


def _definition(
    kind: Kind, short: list[str], spec: dict[str, Any], status: dict[str, Any], **subresources: Any
) -> dict[str, Any]:
    status["properties"]["conditions"] |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}
    singular = kind.kind.lower()
    names = {"kind": kind.kind, "listKind": f"{kind.kind}List", "plural": kind.plural, "singular": singular}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {**names, "shortNames": short, "categories": ["capacity-planner"]},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": _root(kind, spec, status)},
                    "subresources": {"status": {}, **subresources},
                    "additionalPrinterColumns": [_column(*column) for column in _COLUMNS],
                }
            ],
        },
    }


def _root(kind: Kind, spec: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
    own = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}
    properties = {**own, "spec": spec, "status": status}
    return {"type": "object", "description": _ABOUT[kind], "required": ["spec"], "properties": properties}


def _column(name: str, kind: str, path: str, priority: int) -> dict[str, Any]:
    return {"name": name, "type": kind, "jsonPath": path, **({"priority": priority} if priority else {})}
