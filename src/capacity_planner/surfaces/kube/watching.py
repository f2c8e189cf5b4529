"""Watching the cluster by kopf, in a thread of its own: what is told goes into the view."""

from __future__ import annotations

import asyncio
import logging
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import kopf

from capacity_planner.surfaces.kube.objects import Object

if TYPE_CHECKING:
    from collections.abc import Iterable

    from capacity_planner.surfaces.kube.client import Cluster
    from capacity_planner.surfaces.kube.names import Kind
    from capacity_planner.surfaces.kube.view import View

_LOG = logging.getLogger("capacity_planner.kube")
_KOPF = logging.getLogger("kopf")
_AGAIN, _GRACE = 5.0, 2.0
_SERVER_TIMEOUT, _CLIENT_TIMEOUT, _REQUEST_TIMEOUT = 240, 300.0, 30.0  # the first one must be whole in addresses


class Watching:
    """Watches some kinds from its making until `stop`, and begins anew after whatever went wrong.

    Args:
        cluster: where.
        view: what is told.
        kinds: which; all of them must be there.
        namespaces: where; empty is everywhere.
    """

    def __init__(self, cluster: Cluster, view: View, kinds: Iterable[Kind], namespaces: tuple[str, ...]) -> None:
        self._cluster, self._view = cluster, view
        self.kinds, self._namespaces = frozenset(kinds), namespaces
        self._stop = Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._flag: asyncio.Event | None = None
        self._thread = Thread(target=self._run, name="capacity-planner-kube-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, within a while."""
        self._stop.set()
        loop, flag = self._loop, self._flag
        if loop is not None and flag is not None:
            try:
                loop.call_soon_threadsafe(flag.set)
            except RuntimeError:
                _LOG.debug("the watch has ended already")
        self._thread.join(_GRACE)

    def _run(self) -> None:
        _KOPF.setLevel(logging.CRITICAL)  # what ends it is told below, in one line
        while not self._stop.is_set():
            try:
                asyncio.run(self._watch())
            except Exception as error:  # noqa: BLE001 - nothing may end the watch but its stop
                facts = {"reason": f"{type(error).__name__}: {error}"}
                _LOG.warning("the watch begins anew after a failure", extra=facts)
            self._stop.wait(_AGAIN)

    async def _watch(self) -> None:
        self._flag, self._loop = asyncio.Event(), asyncio.get_running_loop()
        if self._stop.is_set():
            return
        where: dict[str, Any] = {"namespaces": self._namespaces} if self._namespaces else {"clusterwide": True}
        await kopf.operator(
            registry=self._registry(), settings=_settings(), standalone=True, stop_flag=self._flag, **where
        )

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry)(self._login)
        for kind in self.kinds:
            kopf.on.event(kind.group, kind.version, kind.plural, registry=registry)(self._handler(kind))
        return registry

    def _handler(self, kind: Kind) -> Any:
        async def told(event: Any, **_: Any) -> None:
            self._view.told(Object(kind, dict(event["object"])), gone=event["type"] == "DELETED")

        return told

    async def _login(self, **_: Any) -> kopf.ConnectionInfo:
        return await asyncio.to_thread(credentials_of, self._cluster.settings)


def credentials_of(settings: Any) -> kopf.ConnectionInfo:
    """The client library's address and credentials as kopf has them; a token that has run out is renewed."""
    header = settings.get_api_key_with_prefix("BearerToken") or settings.get_api_key_with_prefix("authorization")
    scheme, _, token = (header or "").rpartition(" ")
    return kopf.ConnectionInfo(
        server=settings.host,
        ca_path=settings.ssl_ca_cert,
        insecure=not settings.verify_ssl,
        username=settings.username or None,
        password=settings.password or None,
        scheme=scheme or None,
        token=token or None,
        certificate_path=settings.cert_file,
        private_key_path=settings.key_file,
        **({"proxy_url": settings.proxy} if settings.proxy else {}),  # older versions have no such thing
    )


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False  # events are told by ourselves
    settings.scanning.disabled = True  # it would need to read all namespaces and definitions
    settings.process.ultimate_exiting_timeout = None  # it would kill the whole process
    settings.watching.server_timeout = _SERVER_TIMEOUT
    settings.watching.client_timeout = _CLIENT_TIMEOUT
    settings.networking.request_timeout = _REQUEST_TIMEOUT
    return settings
