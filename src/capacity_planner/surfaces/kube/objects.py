"""An object of the cluster, as it was seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from capacity_planner.surfaces.kube.names import Kind


@dataclass(frozen=True, slots=True)
class Object:
    """An object and what it is known by.

    Attributes:
        kind: its kind.
        body: all of it.
    """

    kind: Kind
    body: Mapping[str, Any]

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Its metadata."""
        return dict(self.body.get("metadata") or {})

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.metadata.get("name", ""))

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return str(self.metadata.get("namespace", ""))

    @property
    def uid(self) -> str:
        """What no other object is known by, now or later."""
        return str(self.metadata.get("uid") or f"{self.kind.plural}/{self.namespace}/{self.name}")

    @property
    def generation(self) -> int:
        """Which change of its spec this is."""
        return int(self.metadata.get("generation") or 0)

    @property
    def revision(self) -> int:
        """Which change this is; -1 where that cannot be told."""
        version = str(self.metadata.get("resourceVersion", ""))
        return int(version) if version.isdigit() else -1

    @property
    def age_key(self) -> tuple[str, str]:
        """Older objects come first."""
        return str(self.metadata.get("creationTimestamp", "")), self.uid

    @property
    def leaves(self) -> bool:
        """Whether it is being deleted."""
        return bool(self.metadata.get("deletionTimestamp"))

    @property
    def spec(self) -> Any:
        """What is wanted of it; anything, as nobody may have checked it."""
        return self.body.get("spec") or {}

    @property
    def status(self) -> Mapping[str, Any]:
        """What is said of it."""
        found = self.body.get("status")
        return found if isinstance(found, dict) else {}

    @property
    def shown(self) -> str:
        """What messages call it."""
        return f"{self.kind.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Target:
    """Something that can be scaled; the version of its API does not matter.

    Attributes:
        group: the group of its API.
        kind: its kind.
        namespace: its namespace.
        name: its name.
    """

    group: str
    kind: str
    namespace: str
    name: str

    @property
    def shown(self) -> str:
        """What messages call it."""
        return f"{self.kind} {self.namespace}/{self.name}"
