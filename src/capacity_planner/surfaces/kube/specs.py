"""What the custom resources say: the types that their schemas are made of and their specs are held against.

Fields of Kubernetes are in its camel case; inside ``slo`` and ``capacityConfig`` they are the specification's.
"""
# ruff: noqa: N815, TC001 - the fields are Kubernetes' own, and the codec reads the annotations when it runs.

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, Literal

from capacity_planner.domain.queues import Chosen, Mode, Overrides
from capacity_planner.domain.slo import SLO
from capacity_planner.fields import CONFIG, CountMark, Duration, Mark, RealMark, Text, TextMark
from capacity_planner.frozen import FrozenOptions

_MOST = 1_000_000
_FREE = {"x-kubernetes-preserve-unknown-fields": True}


@dataclass(frozen=True)
class OwnMark(Mark):
    """Fields of Kubernetes' own, handed on as they are."""

    shape: Literal["object", "array", "either"] = "object"

    def read(self, value: Any) -> Any:
        """The fields."""
        wanted = {"object": dict, "array": list, "either": int | str}[self.shape]
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise ValueError("is no list." if self.shape == "array" else f"is no {self.shape}.")  # noqa: TRY004
        return value

    def schema(self) -> dict[str, Any]:
        """The shape alone; the API server checks the rest where it is used."""
        if self.shape == "either":
            return {"x-kubernetes-int-or-string": True}
        return {"type": "array", "items": {"type": "object", **_FREE}} if self.shape == "array" else self._object()

    @staticmethod
    def _object() -> dict[str, Any]:
        return {"type": "object", **_FREE}


Own = Annotated[Any, OwnMark()]
OwnList = Annotated[Any, OwnMark(shape="array")]
OwnAmount = Annotated[Any, OwnMark(shape="either")]
Replicas = Annotated[int, CountMark(ge=0, le=_MOST)]
Name = Annotated[str, TextMark(longest=253)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRef:
    """What is scaled: anything that has a scale sub-resource.

    Attributes:
        apiVersion: its group and version. Unset, apps/v1.
        kind: its kind. Unset, Deployment.
        name: its name.
        namespace: its namespace, which must be that of the resource, and may be left out.
    """

    __pydantic_config__ = CONFIG

    apiVersion: Text = "apps/v1"
    kind: Text = "Deployment"
    name: Name
    namespace: Name = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """How a queue is planned for.

    Attributes:
        queueName: the queue, by the name that its source knows.
        slo: what must hold. Unset, the operator's.
        capacityConfig: settings of the planner that differ from the operator's.
        autoScaleThreshold: confidence that a plan must reach to be carried out by itself, and that it is made for: a
            lower one asks for fewer workers. The same as capacityConfig.confidence_threshold.
        mode: ``auto`` carries a plan out when it may be; ``manual`` waits for a person to apply it; ``advisory``
            never scales anything. Unset, advisory.
        source: where the queue is measured. Unset, push, which waits for samples at POST /v1/metrics.
        staleAfter: a sample older than this is not acted upon. Unset, three plan intervals.
        bestEffort: whether auto also carries out a plan that cannot keep the SLO within the limits.
    """

    __pydantic_config__ = CONFIG

    queueName: Annotated[str, TextMark(longest=200)] = ""
    slo: SLO | None = None
    capacityConfig: Overrides = field(default_factory=FrozenOptions)
    autoScaleThreshold: Annotated[float, RealMark(gt=0, lt=1)] | None = None
    mode: Mode = Mode.ADVISORY
    source: Chosen = field(default_factory=lambda: Chosen(name="push"))
    staleAfter: Duration = timedelta(0)
    bestEffort: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityPolicySpec(Planned):
    """How many workers a queue needs, for workers that are there already.

    Attributes:
        queueName: the queue, by the name that its source knows.
        targetRef: the workers.
    """

    queueName: Annotated[str, TextMark(longest=200)]
    targetRef: TargetRef
