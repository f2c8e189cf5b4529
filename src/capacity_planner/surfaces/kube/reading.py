"""A resource → what is wished: a queue's settings, and what is scaled; or a refusal that names the field."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from capacity_planner import codec
from capacity_planner.domain.queues import Chosen, QueueSettings, ServiceConfig
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.frozen import FrozenOptions
from capacity_planner.service.checking import checked_service
from capacity_planner.surfaces.kube.names import DEPLOYMENT, POOL
from capacity_planner.surfaces.kube.objects import Object, Target
from capacity_planner.surfaces.kube.pool_words import Said, said_by_pool
from capacity_planner.surfaces.kube.pools import WorkerPoolSpec
from capacity_planner.surfaces.kube.specs import CapacityPolicySpec, Planned, TargetRef

if TYPE_CHECKING:
    from collections.abc import Mapping

_API_VERSION, _KIND = re.compile(r"[a-z0-9.-]+/[a-z0-9]+"), re.compile(r"[A-Z][A-Za-z0-9]*")
_UNSCALED = {"apps": {"DaemonSet", "Job", "CronJob", "Pod"}, "batch": {"Job", "CronJob"}}
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_LONGEST_LABEL = 63
_FILES, _FILES_OF_URLS = re.compile(r"(^|_)(file|path)$"), re.compile(r"(file|path|certs)$")
_EVERYBODY = "_all"
_PLACES = {"config": "spec.capacityConfig", "source": "spec.source", "queues[.]0": "spec"}
_SOURCES = Path("/etc/capacity-planner/sources")


@dataclass(frozen=True, slots=True)
class Rules:
    """What resources may not say.

    Attributes:
        files: the directory whose files options of sources may name: ``NAMESPACE.NAME`` is for the resources of one
            namespace, ``_all.NAME`` for those of all.
        cluster: options of the scaler that say which cluster this is; empty in a pod.
    """

    files: Path = _SOURCES
    cluster: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """What a resource asks for.

    Attributes:
        queue: the queue's settings.
        targets: what it claims to scale; the first is what it scales.
        unused: what it says that is not used, in sentences.
        pool: the pool's spec, where it is one.
        replicas: of a pool, those of its Deployment, within the queue's limits.
    """

    queue: QueueSettings
    targets: tuple[Target, ...]
    unused: tuple[str, ...] = ()
    pool: WorkerPoolSpec | None = None
    replicas: int = 0


def wish_of(found: Object, service: ServiceConfig, rules: Rules) -> Wish:
    """What a resource asks for, checked as the service checks it.

    Args:
        found: the resource.
        service: whose settings stand where the resource says none.
        rules: what it may not say.

    Raises:
        PlannerError: ``CONFIG_INVALID`` or ``MODEL_NOT_SUPPORTED``; the field, its value and the remedy.
    """
    wish = _pool(found, rules) if found.kind == POOL else _policy(found, rules)
    _check_files(wish.queue.source, found.namespace, rules)
    if not (wish.queue.slo or service.slo).has_target:
        raise _invalid("spec.slo", "sets no target. Set p95_latency, max_backlog or drain_time.")
    try:
        checked_service(replace(service, queues=(wish.queue,)))
    except PlannerError as error:
        message = error.message.removeprefix(f"{error.details.get('at', '')}: ")
        raise PlannerError(error.code, _placed(message), details=error.details) from None
    return wish if wish.pool is None else _within_limits(wish, wish.pool.replicas, service)


def _policy(found: Object, rules: Rules) -> Wish:
    spec = codec.validate(CapacityPolicySpec, found.spec, at="spec")
    if not spec.queueName:
        raise _invalid("spec.queueName", "is empty. Name the queue as its source knows it.")
    target = _target(spec.targetRef, found)
    options = {"api_version": spec.targetRef.apiVersion, "kind": target.kind}
    said = Said(spec.queueName, spec.slo, dict(spec.capacityConfig))
    return Wish(_queue(spec, said, target, rules, options), (target,))


def _pool(found: Object, rules: Rules) -> Wish:
    spec = codec.validate(WorkerPoolSpec, found.spec, at="spec")
    if len(found.name) > _LONGEST_LABEL:
        raise _invalid("metadata.name", f"is longer than {_LONGEST_LABEL} characters, which a label cannot hold.")
    said = said_by_pool(spec)
    own, made = (Target(kind.group, kind.kind, found.namespace, found.name) for kind in (POOL, DEPLOYMENT))
    options = {"api_version": POOL.api_version, "kind": POOL.kind, "plural": POOL.plural}
    return Wish(_queue(spec, said, own, rules, options), (own, made), said.unused, spec)


def _within_limits(wish: Wish, said: int, service: ServiceConfig) -> Wish:
    config = wish.queue.config(service.planner)
    kept = min(max(said, config.min_workers), config.max_workers)
    if kept == said:
        return replace(wish, replicas=said)
    limit = "min_workers" if kept > said else "max_workers"
    note = f"replicas is {said}, but {limit} is {kept}, so that {kept} run."
    return replace(wish, replicas=kept, unused=(*wish.unused, note))


def _queue(spec: Planned, said: Said, target: Target, rules: Rules, options: Mapping[str, str]) -> QueueSettings:
    said.take("autoScaleThreshold", "confidence_threshold", spec.autoScaleThreshold)
    where = {"namespace": target.namespace, "name": target.name}
    return QueueSettings(
        queue_name=said.queue_name,
        mode=spec.mode,
        slo=said.slo,
        planner=FrozenOptions(said.planner),
        source=spec.source,
        scaler=Chosen(name="kubernetes", options=FrozenOptions({**options, **where, **dict(rules.cluster)})),
        stale_after=spec.staleAfter,
        best_effort=spec.bestEffort,
    )


def _target(ref: TargetRef, found: Object) -> Target:
    if not _API_VERSION.fullmatch(ref.apiVersion):
        raise _invalid("spec.targetRef.apiVersion", f"is {ref.apiVersion!r}, which is no group and version: apps/v1.")
    group = ref.apiVersion.partition("/")[0]
    if not _KIND.fullmatch(ref.kind):
        raise _invalid("spec.targetRef.kind", f"is {ref.kind!r}, which is no kind. Write it as in Deployment.")
    if ref.kind in _UNSCALED.get(group, ()):
        problem = f"is {ref.kind!r}, which cannot be scaled. Name a Deployment, a StatefulSet, or what has a scale."
        raise _invalid("spec.targetRef.kind", problem)
    if not _NAME.fullmatch(ref.name):
        raise _invalid("spec.targetRef.name", f"is {ref.name!r}, which is no name of an object.")
    if ref.namespace not in {"", found.namespace}:
        problem = f"is {ref.namespace!r}. A resource scales only what is in its own namespace, {found.namespace}."
        raise _invalid("spec.targetRef.namespace", problem)
    return Target(group, ref.kind, found.namespace, ref.name)


def _check_files(source: Chosen, namespace: str, rules: Rules) -> None:
    """A resource must not have the operator send somewhere what it alone may read, such as its account's token."""
    for name, value in source.options.items():
        if _FILES.search(name) and value != "" and not _is_for(namespace, value, rules.files):
            kept = f"{rules.files}/{namespace}.NAME, or {rules.files}/{_EVERYBODY}.NAME"
            problem = f"is {value!r}. A resource may only name files that are kept for it, as {kept}."
            raise _invalid(f"spec.source.options.{name}", problem)
        # A URL may hold a password, so that it is not shown.
        if isinstance(value, str) and "://" in value and (named := _file_in(value)):
            problem = f"names a file by {named}, which a resource may not. Use host and port, and leave {named} out."
            raise _invalid(f"spec.source.options.{name}", problem)


def _file_in(url: str) -> str:
    """What of a URL names a file: its scheme, or a parameter; empty where nothing does."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme.startswith(("unix", "file")):
        return parts.scheme
    return next((name for name, _ in parse_qsl(parts.query) if _FILES_OF_URLS.search(name)), "")


def _is_for(namespace: str, value: Any, folder: Path) -> bool:
    try:
        path = Path(value)
        inside = path.parent == folder and path.resolve().is_relative_to(folder.resolve())
    except (TypeError, ValueError, OSError, RuntimeError):
        return False
    return inside and path.name.partition(".")[0] in {namespace, _EVERYBODY}


def _placed(message: str) -> str:
    """A message of the service, with its fields where the resource has them."""
    for ours, theirs in _PLACES.items():
        message = re.sub(rf"^{ours}\b", theirs, message)
    return message


def _invalid(field: str, problem: str) -> PlannerError:
    return PlannerError(ErrorCode.CONFIG_INVALID, f"{field} {problem}", details={"field": field})
