"""A Kubernetes API with a memory, in a thread of its own: what kmock leaves out of it is added here.

Objects get a uid, a resource version, a generation and a time; custom resources are held against their schemas, as the
real API server does; a status is written by its sub-resource only; and a change that came too late is a conflict.
"""

from __future__ import annotations

import asyncio
import itertools
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import kmock
import yaml
from aiohttp import web

from capacity_planner.surfaces.kube.crds import definitions
from capacity_planner.surfaces.kube.names import AUTOSCALER, DEPLOYMENT, EVENT, LEASE, POLICY, POOL, SCALED_OBJECT, Kind
from tests.services._servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_KINDS = {POLICY: {"status"}, POOL: {"status", "scale"}, DEPLOYMENT: {"status", "scale"}}
_PLAIN = (AUTOSCALER, LEASE, EVENT)
SCHEMAS = {
    item["spec"]["names"]["kind"]: item["spec"]["versions"][0]["schema"]["openAPIV3Schema"] for item in definitions()
}


def problems(body: dict[str, Any]) -> list[str]:
    """What a custom resource's schema says against an object."""
    return [f"{'.'.join(map(str, error.instance_path))}: {error.message}" for error in _errors(body)]


def _errors(body: dict[str, Any]) -> Iterator[jsonschema_rs.ValidationError]:
    schema = _closed(SCHEMAS[body["kind"]])
    yield from jsonschema_rs.Draft4Validator(schema, validate_formats=True).iter_errors(body)


def _closed(schema: Any) -> Any:
    """A schema that refuses fields it does not know, as ``kubectl apply`` does with ``--validate=strict``."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(item) for name, item in schema.items()}
    if isinstance(schema.get("properties"), dict) and "type" in schema:
        closed["additionalProperties"] = False
    return closed


def at(kind: Kind) -> kmock.resource:
    """A kind as kmock has it."""
    return kmock.resource(kind.group, kind.version, kind.plural)


@dataclass
class Api:
    """The API server as a test sees it.

    Attributes:
        port: where it listens.
        emulator: its objects.
        refuse: asked of every request: a status and a message to refuse it, or nothing.
        written: what becomes of an object's body when it is stored, as by defaults and webhooks.
        requests: method and path of all that came.
        watched: paths of the watches that were begun.
    """

    port: int
    emulator: Any = None
    refuse: Callable[[str, str], tuple[int, str] | None] = lambda method, path: None
    written: Callable[[dict[str, Any]], dict[str, Any]] = lambda body: body
    requests: list[tuple[str, str]] = field(default_factory=list)
    watched: set[str] = field(default_factory=set)
    _versions: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _loop: asyncio.AbstractEventLoop | None = None
    _thread: Thread | None = None
    _end: asyncio.Event | None = None

    def start(self) -> None:
        """Listen; objects are as they were."""
        ready = Event()
        self._thread = Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(20)

    def stop(self) -> None:
        """Go away."""
        if self._loop is not None and self._end is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(20)
            self._loop = None

    async def _serve(self, ready: Event) -> None:
        before = self.emulator
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        self.emulator = Emulator()
        self.emulator.api = self
        if before is not None:
            for key, item in before.objects.items():
                if not item.deleted:
                    self.emulator.objects[key] = item.raw
        for kind, parts in {**_KINDS, **{kind: set() for kind in _PLAIN}}.items():
            self.serve(kind, parts)
        async with self.emulator, kmock.Server(self.emulator, port=self.port):
            ready.set()
            await self._end.wait()

    def serve(self, kind: Kind, parts: set[str] | None = None) -> None:
        """Serve a kind."""
        info = {"kind": kind.kind, "namespaced": True, "subresources": parts or set()}
        self.emulator.resources[at(kind)] = info | {"verbs": {"get", "list", "watch", "patch", "create", "update"}}
        for name in ("customresourcedefinitions", "namespaces"):
            group, version = ("apiextensions.k8s.io", "v1") if name.startswith("custom") else ("", "v1")
            meta = {"kind": name, "namespaced": False, "verbs": {"list", "watch"}, "subresources": set()}
            self.emulator.resources[kmock.resource(group, version, name)] = meta

    def objects(self, kind: Kind) -> list[dict[str, Any]]:
        """All objects of a kind."""
        wanted = at(kind)
        return [item.raw for key, item in list(self.emulator.objects.items()) if key[0] == wanted and not item.deleted]

    def get(self, kind: Kind, name: str, namespace: str = "jobs") -> dict[str, Any]:
        """An object."""
        found: dict[str, Any] = self.emulator.objects[at(kind), namespace, name].raw
        return found

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        """A request as somebody else makes it, such as kubectl."""

        async def ask() -> tuple[int, dict[str, Any]]:
            headers = {"Content-Type": "application/merge-patch+json" if method == "PATCH" else "application/json"}
            async with self.emulator.clients[0].request(method, path, json=body, headers=headers) as answer:
                return answer.status, await answer.json()

        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(ask(), self._loop).result(20)

    def create(self, kind: Kind, name: str, namespace: str = "jobs", **content: Any) -> tuple[int, dict[str, Any]]:
        """Make an object; the answer's status and body."""
        body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name, "namespace": namespace}}
        return self.call("POST", _path(kind, namespace), body | content)

    def change(self, kind: Kind, name: str, change: Any, part: str = "", namespace: str = "jobs") -> int:
        """Change an object, or a sub-resource of it."""
        where = f"{_path(kind, namespace)}/{name}{f'/{part}' if part else ''}"
        return self.call("PATCH", where, change)[0]

    def delete(self, kind: Kind, name: str, namespace: str = "jobs") -> int:
        """Delete an object."""
        return self.call("DELETE", f"{_path(kind, namespace)}/{name}")[0]

    def next_version(self) -> str:
        """The next resource version."""
        return str(next(self._versions))


def _path(kind: Kind, namespace: str) -> str:
    return f"/apis/{kind.group}/{kind.version}/namespaces/{namespace}/{kind.plural}"


class Emulator(kmock.KubernetesEmulator):
    """Kmock's emulator, and what it leaves out."""

    api: Any = None

    async def _handle(self, request: Any) -> Any:
        method, path = request.method.value.upper(), request.url.path
        self.api.requests.append((method, path))
        if request.url.query.get("watch"):
            self.api.watched.add(path)
        if refusal := self.api.refuse(method, path):
            raise kmock.KubernetesError(status=refusal[0], message=refusal[1])
        if request.resource is None or method not in {"POST", "PUT", "PATCH"} or request.data is None:
            return await super()._handle(request)
        admitted = self._made(dict(request.data)) if method == "POST" else self._changed(request, method)
        admitted = self.api.written(admitted)
        request.data.clear()
        request.data.update(admitted)
        if method == "PUT":
            return await self._replaced(request)
        answer = await super()._handle(request)
        return web.json_response(request.data, status=201) if method == "POST" else answer

    async def _replaced(self, request: Any) -> Any:
        """What kmock has no answer to."""
        found = self.objects[request.resource, request.namespace, request.name]
        found.create(request.data)
        await self._buses[request.resource].put({"type": "MODIFIED", "object": found.raw})
        return web.json_response(found.raw)

    def _made(self, data: dict[str, Any]) -> Any:
        _validate(data)
        if data.get("kind") == POOL.kind:
            data["spec"] = {"replicas": 1, **data["spec"]}
        now, version = datetime.now(UTC).replace(microsecond=0).isoformat(), self.api.next_version()
        meta = {"uid": f"uid-{version}", "creationTimestamp": now.replace("+00:00", "Z"), "generation": 1}
        whole = {**data, "metadata": {**data["metadata"], **meta, "resourceVersion": version}}
        return _without(whole, "status")

    def _changed(self, request: Any, method: str) -> Any:
        found = self.objects[request.resource, request.namespace, request.name]
        if found.deleted:
            raise kmock.KubernetesObjectNotFoundError
        known, data, part = dict(found.raw), dict(request.data), request.subresource
        meta, given = dict(known["metadata"]), data.get("metadata") or {}
        if given.get("resourceVersion") not in {None, meta["resourceVersion"]}:
            raise kmock.KubernetesError(status=409, reason="Conflict", message="the object has been modified")
        change = {"status": data.get("status")} if part == "status" else _without(data, "status")
        if part == "scale":
            change = {"spec": {"replicas": data["spec"]["replicas"]}}
        after = {**known, **change} if method == "PUT" else merged(known, change)
        _validate(after)
        generation = meta["generation"] + (after.get("spec") != known.get("spec"))
        own = {"resourceVersion": self.api.next_version(), "generation": generation, "uid": meta["uid"]}
        whole = {**known, **change} if method == "PUT" else change
        return {**whole, "metadata": {**(change.get("metadata") or {}), **own}}


def merged(known: Any, change: Any) -> Any:
    """A merge patch carried out (RFC 7396)."""
    if not isinstance(change, dict):
        return change
    made = dict(known) if isinstance(known, dict) else {}
    for name, value in change.items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = merged(made.get(name), value)
    return made


def _without(data: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key != name}


def _validate(body: dict[str, Any]) -> None:
    if body.get("kind") in SCHEMAS and (found := problems(body)):
        name = body["metadata"]["name"]
        message = f'{body["kind"]} "{name}" is invalid: {"; ".join(found)}'
        raise kmock.KubernetesError(status=422, reason="Invalid", message=message)


@contextmanager
def api_server() -> Iterator[Api]:
    """An API server with the kinds that the operator knows, but without KEDA's."""
    api = Api(port=free_port())
    api.start()
    try:
        yield api
    finally:
        api.stop()


def kubeconfig(api: Api, folder: Path, namespace: str = "planner") -> str:
    """A file for the server."""
    whole = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "local",
        "clusters": [{"name": "local", "cluster": {"server": f"http://127.0.0.1:{api.port}"}}],
        "users": [{"name": "planner", "user": {"token": "token-of-the-planner"}}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": "planner", "namespace": namespace}}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(whole))
    return str(path)


__all__ = ["SCALED_OBJECT", "Api", "api_server", "kubeconfig", "problems"]
