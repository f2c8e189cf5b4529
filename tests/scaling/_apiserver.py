"""A Kubernetes API that keeps its objects, in a thread of its own, with the failures that a test asks for."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest
import yaml

kmock = pytest.importorskip("kmock")

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEPLOYMENTS = "apps/v1/deployments"
STATEFUL_SETS = "apps/v1/statefulsets"
POOLS = "queue.example.com/v1/workerpools"
PLAIN = "queue.example.com/v1/plains"
AUTOSCALERS = "autoscaling/v1/horizontalpodautoscalers"
SCALED_OBJECTS = "keda.sh/v1alpha1/scaledobjects"
_KINDS = {
    DEPLOYMENTS: ("Deployment", {"scale"}),
    STATEFUL_SETS: ("StatefulSet", {"scale"}),
    POOLS: ("WorkerPool", {"scale", "status"}),
    PLAIN: ("Plain", set()),
    AUTOSCALERS: ("HorizontalPodAutoscaler", set()),
}


@dataclass
class ApiServer:
    """What a test sees of the API server.

    Attributes:
        port: where it listens.
        emulator: its objects.
        failures: (method, end of the path, status, message), each once.
        requests: method, path and content type of all that came.
        tokens: of their senders.
        delay: seconds until it answers.
    """

    port: int = 0
    emulator: Any = None
    failures: list[tuple[str, str, int, str]] = field(default_factory=list)
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    delay: float = 0.0

    def add(self, resource: str, name: str, namespace: str = "shop", **content: Any) -> None:
        """Add an object."""
        whole = {"metadata": {"name": name, "namespace": namespace}, **content}
        self.emulator.objects[kmock.resource(resource), namespace, name] = whole

    def remove(self, resource: str, name: str, namespace: str = "shop") -> None:
        """Remove an object."""
        self.emulator.objects[kmock.resource(resource), namespace, name].delete()

    def serve(self, resource: str, kind: str, subresources: set[str] | None = None) -> None:
        """Serve objects of a kind."""
        info = {"kind": kind, "namespaced": True, "subresources": subresources or set(), "verbs": {"get", "patch"}}
        self.emulator.resources[kmock.resource(resource)] = info

    def replicas(self, resource: str, name: str, namespace: str = "shop") -> int:
        """What an object has been ordered to have."""
        return int(self.emulator.objects[kmock.resource(resource), namespace, name].raw["spec"]["replicas"])

    def asked(self, method: str, ending: str) -> int:
        """How many requests of a kind came."""
        return sum(request[0] == method and request[1].endswith(ending) for request in self.requests)


def _emulator(server: ApiServer) -> Any:
    class Emulator(kmock.KubernetesEmulator):  # type: ignore[misc, name-defined]
        async def _handle(self, request: Any) -> Any:
            method, path = request.method.value.upper(), request.url.path
            server.requests.append((method, path, request.headers.get("Content-Type", "")))
            server.tokens.append(request.headers.get("Authorization", "").removeprefix("Bearer "))
            await asyncio.sleep(server.delay)
            for failure in server.failures:
                if method == failure[0] and path.endswith(failure[1]):
                    server.failures.remove(failure)
                    raise kmock.KubernetesError(status=failure[2], message=failure[3])
            return await super()._handle(request)

    return Emulator()


@contextmanager
def api_server() -> Iterator[ApiServer]:
    """An API server with Deployments, StatefulSets, and a kind of somebody's own."""
    server, ready, loop = ApiServer(), Event(), asyncio.new_event_loop()
    end = asyncio.Event()

    async def run() -> None:
        server.emulator = _emulator(server)
        async with server.emulator, kmock.Server(server.emulator) as listening:
            server.port = listening.port
            ready.set()
            await end.wait()

    thread = Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    try:
        assert ready.wait(20)
        for resource, (kind, subresources) in _KINDS.items():
            server.serve(resource, kind, subresources)
        yield server
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(20)
        loop.close()


def kubeconfig(server: ApiServer, folder: Path, namespace: str = "shop") -> str:
    """A file for the server with two contexts: the current one, and ``bare`` without a namespace."""
    user = {"name": "planner", "user": {"token": "token-of-the-planner"}}
    cluster = {"name": "local", "cluster": {"server": f"http://127.0.0.1:{server.port}"}}
    contexts = [
        {"name": "local", "context": {"cluster": "local", "user": "planner", "namespace": namespace}},
        {"name": "bare", "context": {"cluster": "local", "user": "planner"}},
    ]
    whole = {"apiVersion": "v1", "kind": "Config", "clusters": [cluster], "users": [user], "contexts": contexts}
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(whole | {"current-context": "local"}))
    return str(path)
