"""The API server of a Kubernetes cluster: the few questions that a scaler has, and what its refusals mean."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from capacity_planner.errors import WorldError

if TYPE_CHECKING:
    from collections.abc import Callable

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_UNKNOWN, _FORBIDDEN, MISSING = 401, 403, 404
_NOT_NOW = frozenset({0, _UNKNOWN, 408, 409, 429})
_SERVER = 500


class ApiError(WorldError):
    """The API server refused.

    Args:
        message: what went wrong, and the remedy.
        status: HTTP's.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message, temporary=status in _NOT_NOW or status >= _SERVER)
        self.status = status


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object as the API's addresses have it, ``plural`` such as ``deployments``."""

    group: str
    version: str
    plural: str

    def rule(self, *verbs: str, part: str = "") -> str:
        """The rule of a Role that allows something."""
        quoted = ", ".join(f'"{verb}"' for verb in verbs)
        return f'apiGroups: ["{self.group}"], resources: ["{self.plural}{part}"], verbs: [{quoted}]'


class Cluster:
    """Asks the API server; connected at the first question, safe to share between threads.

    Args:
        kubeconfig: a file; empty is the pod's own account, or else the user's file.
        context: of the file; empty is the current one.
        timeout: seconds that a question may take.
    """

    def __init__(self, kubeconfig: str, context: str, timeout: float) -> None:
        self._kubeconfig, self._context, self._timeout = kubeconfig, context, timeout
        self._lock = Lock()
        self._api: Any = None
        self._namespace = "default"

    def namespace(self) -> str:
        """The namespace that goes without saying.

        Raises:
            WorldError: no cluster is configured.
        """
        self._connected()
        return self._namespace

    def scale(self, resource: Resource, namespace: str, name: str) -> dict[str, Any]:
        """The scale subresource of an object."""
        where = (resource.group, resource.version, namespace, resource.plural, name)
        return dict(self._ask("get_namespaced_custom_object_scale", *where, rule=resource.rule("get", part="/scale")))

    def patch_scale(self, resource: Resource, namespace: str, name: str, replicas: int) -> dict[str, Any]:
        """Order replicas; the scale subresource afterwards."""
        where = (resource.group, resource.version, namespace, resource.plural, name)
        body, rule = {"spec": {"replicas": replicas}}, resource.rule("get", "patch", part="/scale")
        return dict(self._ask("patch_namespaced_custom_object_scale", *where, body, rule=rule))

    def objects(self, resource: Resource, namespace: str) -> list[dict[str, Any]]:
        """All objects of a kind in a namespace."""
        where = (resource.group, resource.version, namespace, resource.plural)
        items = self._ask("list_namespaced_custom_object", *where, rule=resource.rule("list"))["items"]
        return list(items)

    def kinds(self, group: str, version: str) -> dict[str, str]:
        """Plural → kind of what a group serves, subresources such as ``deployments/scale`` among them."""
        found = self._ask("get_api_resources", group, version, rule="nonResourceURLs of ClusterRole system:discovery")
        return {item.name: item.kind for item in found.resources}

    def _ask(self, method: str, *arguments: Any, rule: str) -> Any:
        from kubernetes.client.exceptions import ApiException  # noqa: PLC0415 - an extra
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 - comes with it

        call: Callable[..., Any] = getattr(self._connected(), method)
        try:
            return call(*arguments, _request_timeout=(self._timeout, self._timeout))
        except ApiException as error:
            if error.status == _UNKNOWN:
                self._forget()
            raise _refusal(error.status or 0, str(error.reason), error.body, rule) from error
        except (HTTPError, OSError) as error:
            raise WorldError(f"The API server does not answer: {type(error).__name__}.") from error

    def _connected(self) -> Any:
        with self._lock:
            if self._api is None:
                self._api = self._connect()
            return self._api

    def _forget(self) -> None:
        """Read the settings anew for the next question: a token may have been renewed in its file."""
        with self._lock:
            self._api = None

    def _connect(self) -> Any:
        from kubernetes import client, config  # noqa: PLC0415 - an extra

        settings = client.Configuration()
        try:
            self._namespace = self._configure(config, settings)
        except (config.ConfigException, OSError) as error:  # temporary: the file may be about to be written anew
            remedy = "Set the option kubeconfig, or run in a pod with an account."
            raise WorldError(f"No cluster is configured: {error} {remedy}") from error
        except Exception as error:  # the library lets through whatever a file that is none makes it raise
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            raise WorldError(f"The kubeconfig cannot be read: {reason}. Mend it, or set another.") from error
        settings.retries = False
        api: Any = client.ApiClient(settings)
        api.set_default_header("Content-Type", "application/merge-patch+json")  # the older client would send another
        return client.CustomObjectsApi(api)

    def _configure(self, config: Any, settings: Any) -> str:
        """Read the account or the file; the namespace that goes with it."""
        if not self._kubeconfig and not self._context and (_ACCOUNT / "token").exists():
            config.load_incluster_config(client_configuration=settings)
            return (_ACCOUNT / "namespace").read_text(encoding="utf-8").strip()
        file, context = self._kubeconfig or None, self._context or None
        config.load_kube_config(file, context, client_configuration=settings, persist_config=False)
        contexts, active = config.list_kube_config_contexts(file)
        chosen = next((item for item in contexts if item["name"] == context), active)
        return str(chosen["context"].get("namespace") or "default")


def _refusal(status: int, reason: str, body: Any, rule: str) -> ApiError:
    said = _message(body) or reason
    if status == _FORBIDDEN:
        return ApiError(f"The API server forbids it: {said}. The planner's Role needs the rule {rule}.", status)
    if status == _UNKNOWN:
        return ApiError(f"The API server does not know who asks: {said}. Renew the credentials.", status)
    return ApiError(f"The API server answered {status}: {said}.", status)


def _message(body: Any) -> str:
    try:
        return str(json.loads(body)["message"]).rstrip(".")[:500]
    except (ValueError, KeyError, TypeError):
        return ""
