"""The names of things in Kubernetes."""

from __future__ import annotations

from dataclasses import dataclass

GROUP, VERSION = "capacity-planner.io", "v1alpha1"
OPERATOR = "capacity-planner"
POOL_LABEL = f"{GROUP}/worker-pool"
MADE_OF = f"{GROUP}/made-of"
APPLY = f"{GROUP}/apply"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object.

    Attributes:
        group: the group of its API.
        version: that is asked for.
        plural: as addresses have it.
        kind: as objects have it.
    """

    group: str
    version: str
    plural: str
    kind: str

    @property
    def api_version(self) -> str:
        """Group and version in one, as objects have it."""
        return f"{self.group}/{self.version}"


POLICY = Kind(GROUP, VERSION, "capacitypolicies", "CapacityPolicy")
POOL = Kind(GROUP, VERSION, "workerpools", "WorkerPool")
DEPLOYMENT = Kind("apps", "v1", "deployments", "Deployment")
AUTOSCALER = Kind("autoscaling", "v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
SCALED_OBJECT = Kind("keda.sh", "v1alpha1", "scaledobjects", "ScaledObject")
LEASE = Kind("coordination.k8s.io", "v1", "leases", "Lease")
EVENT = Kind("events.k8s.io", "v1", "events", "Event")
