"""The API server: the few questions and changes that the operator has, and what its refusals mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from capacity_planner.errors import ErrorCode, PlannerError, WorldError
from capacity_planner.surfaces.kube.objects import Object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from capacity_planner.surfaces.kube.names import Kind

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_MERGE = "application/merge-patch+json"
_PAGE, _TIMEOUT = 500, 10.0
_FORBIDDEN, NOT_FOUND, CONFLICT, _SERVER = 403, 404, 409, 500
_LATER = frozenset({401, 408, 409, 429})


class ApiError(WorldError):
    """The API server refused, or did not answer.

    Args:
        message: what went wrong, and the remedy.
        status: HTTP's; 0 where there was no answer.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message, temporary=not status or status in _LATER or status >= _SERVER)
        self.status = status


class Cluster:
    """Asks the API server; safe to share between threads.

    Args:
        kubeconfig: a file; empty is the account of the pod, or else the user's file.
        context: of the file; empty is the current one.
        timeout: seconds that a question may take.

    Attributes:
        settings: address and credentials, as the client library has them.
        namespace: that of the pod, or of the context.

    Raises:
        PlannerError: ``CONFIG_INVALID``: no cluster is configured.
    """

    def __init__(self, kubeconfig: str = "", context: str = "", *, timeout: float = _TIMEOUT) -> None:
        self.options = tuple(
            (name, value) for name, value in (("kubeconfig", kubeconfig), ("context", context)) if value
        )
        self.settings: Any = client.Configuration()
        self._limit = (timeout, timeout)
        try:
            self.namespace = self._configure(kubeconfig or None, context or None)
        except (config.ConfigException, OSError) as error:
            why = str(error).rstrip(".")
            message = f"No cluster is configured: {why}. Give --kubeconfig, or run in a pod with an account."
            raise PlannerError(ErrorCode.CONFIG_INVALID, message, details={"field": "--kubeconfig"}) from error
        self.settings.retries = False
        api: Any = client.ApiClient(self.settings)
        api.set_default_header("Content-Type", _MERGE)  # older versions of the library would send another one
        self._api: Any = client.CustomObjectsApi(api)
        self._plain: Any = client.CustomObjectsApi(client.ApiClient(self.settings))

    def objects(self, kind: Kind, namespaces: tuple[str, ...] = (), *, labels: str = "") -> list[Object] | None:
        """All objects of a kind; ``None`` where there is no such kind, by the list of all kinds, too.

        Args:
            kind: the kind.
            namespaces: where; empty is everywhere.
            labels: that they must have; empty asks for none.

        Raises:
            ApiError: it refused, or did not answer.
        """
        try:
            return [item for namespace in namespaces or ("",) for item in self._pages(kind, namespace, labels)]
        except ApiError as error:
            # One that starts may answer so for a kind that it does know.
            if error.status == NOT_FOUND and kind.plural not in self.kinds(kind.group, kind.version):
                return None
            raise

    def kinds(self, group: str, version: str) -> dict[str, str]:
        """Plural → kind of what a group serves, sub-resources such as ``deployments/scale`` among them.

        Raises:
            ApiError: it refused, or did not answer.
        """
        try:
            found = self._ask(self._plain, "get_api_resources", group, version)
        except ApiError as error:
            if error.status == NOT_FOUND:
                return {}
            raise
        return {item.name: item.kind for item in found.resources}

    def _pages(self, kind: Kind, namespace: str, labels: str) -> Iterator[Object]:
        more: dict[str, str] = {"label_selector": labels} if labels else {}
        where = (kind.group, kind.version, *((namespace,) if namespace else ()), kind.plural)
        method = "list_namespaced_custom_object" if namespace else "list_cluster_custom_object"
        while True:
            found = self._ask(self._plain, method, *where, limit=_PAGE, **more)
            yield from (Object(kind, item) for item in found.get("items") or ())
            token = (found.get("metadata") or {}).get("continue")
            if not token:
                return
            more["_continue"] = token

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """An object; ``None`` where there is none.

        Raises:
            ApiError: it refused, or did not answer.
        """
        where = (kind.group, kind.version, namespace, kind.plural, name)
        try:
            return Object(kind, self._ask(self._plain, "get_namespaced_custom_object", *where))
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def has_scale(self, kind: Kind, namespace: str, name: str) -> bool:
        """Whether there is an object that can be scaled.

        Raises:
            ApiError: it refused, or did not answer.
        """
        where = (kind.group, kind.version, namespace, kind.plural, name)
        try:
            self._ask(self._plain, "get_namespaced_custom_object_scale", *where)
        except ApiError as error:
            if error.status == NOT_FOUND:
                return False
            raise
        return True

    def create(self, kind: Kind, namespace: str, body: Mapping[str, Any]) -> Object:
        """Make an object.

        Raises:
            ApiError: it refused, or did not answer.
        """
        whole = {"apiVersion": kind.api_version, "kind": kind.kind, **body}
        where = (kind.group, kind.version, namespace, kind.plural, whole)
        return Object(kind, self._ask(self._plain, "create_namespaced_custom_object", *where))

    def replace(self, found: Object) -> Object:
        """Put an object in the place of the one that it was made from.

        Raises:
            ApiError: it refused, or did not answer; status 409 where another change came first.
        """
        kind = found.kind
        where = (kind.group, kind.version, found.namespace, kind.plural, found.name, found.body)
        return Object(kind, self._ask(self._plain, "replace_namespaced_custom_object", *where))

    def patch(self, found: Object, change: Mapping[str, Any], *, status: bool = False) -> Object:
        """Change some fields of an object, or of its status.

        Raises:
            ApiError: it refused, or did not answer.
        """
        kind, method = (
            found.kind,
            "patch_namespaced_custom_object_status" if status else "patch_namespaced_custom_object",
        )
        where = (kind.group, kind.version, found.namespace, kind.plural, found.name, dict(change))
        return Object(kind, self._ask(self._api, method, *where))

    def scale(self, found: Object, replicas: int) -> None:
        """Set the replicas of an object, as long as it is as it was seen.

        Raises:
            ApiError: it refused, or did not answer; status 409 where another change came first.
        """
        kind = found.kind
        change = {"metadata": {"resourceVersion": found.metadata["resourceVersion"]}, "spec": {"replicas": replicas}}
        where = (kind.group, kind.version, found.namespace, kind.plural, found.name, change)
        self._ask(self._api, "patch_namespaced_custom_object_scale", *where)

    def _ask(self, api: Any, method: str, *arguments: Any, **options: Any) -> Any:
        call: Callable[..., Any] = getattr(api, method)
        try:
            return call(*arguments, **options, _request_timeout=self._limit)
        except ApiException as error:
            raise _refusal(error.status or 0, str(error.reason), error.body) from error
        except (HTTPError, OSError) as error:
            raise ApiError(f"The API server does not answer: {type(error).__name__}.") from error

    def _configure(self, file: str | None, context: str | None) -> str:
        """Read the account or the file; the namespace that goes with it."""
        configure: Any = config
        if file is None and context is None and (_ACCOUNT / "token").exists():
            configure.load_incluster_config(client_configuration=self.settings)
            return (_ACCOUNT / "namespace").read_text(encoding="utf-8").strip()
        configure.load_kube_config(file, context, client_configuration=self.settings, persist_config=False)
        contexts, active = configure.list_kube_config_contexts(file)
        chosen = next((item for item in contexts if item["name"] == context), active)
        return str(chosen["context"].get("namespace") or "default")


def _refusal(status: int, reason: str, body: Any) -> ApiError:
    said = _message(body) or reason
    if status == _FORBIDDEN:
        return ApiError(f"The API server forbids it: {said}. The operator's role lacks it.", status)
    return ApiError(f"The API server answered {status}: {said}.", status)


def _message(body: Any) -> str:
    try:
        return str(json.loads(body)["message"]).rstrip(".")[:500]
    except (ValueError, KeyError, TypeError):
        return ""
