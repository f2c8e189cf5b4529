"""The spec of a worker pool: workers that the operator runs itself, in the shape that go-redis-work-queue gave it."""
# ruff: noqa: N815 - the fields are Kubernetes' own, and the codec reads the annotations when it runs.

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from capacity_planner.fields import CONFIG, CountMark, Duration, Prose, RealMark, Text
from capacity_planner.surfaces.kube.specs import Name, Own, OwnAmount, OwnList, Planned, Replicas


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSelector:
    """Which queue the workers serve.

    Attributes:
        queue: the queue; the same as queueName.
        priorities: levels that the workers serve, told to them as WORKER_PRIORITIES; the plan is for the whole queue.
        matchLabels: not used: a pool serves one queue.
    """

    __pydantic_config__ = CONFIG

    queue: Name = ""
    priorities: tuple[Text, ...] = ()
    matchLabels: Own | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencySLO:
    """A promise about latency.

    Attributes:
        targetPercentile: the percentile; the planner promises the 95th, and another one is refused. Unset, 0.95.
        targetLatencyMs: the same as slo.p95_latency, in milliseconds.
    """

    __pydantic_config__ = CONFIG

    targetPercentile: Annotated[float, RealMark(gt=0, lt=1)] = 0.95
    targetLatencyMs: Annotated[int, CountMark(ge=1, le=10**9)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoScaling:
    """Limits of scaling.

    Attributes:
        minReplicas: the same as capacityConfig.min_workers.
        maxReplicas: the same as capacityConfig.max_workers.
        targetBacklogPerWorker: not used: how many workers a backlog needs follows from the SLO.
        latencySLO: the promise about latency.
        scaleUpCooldown: the same as capacityConfig.scale_up_cooldown.
        scaleDownCooldown: the same as capacityConfig.cooldown_period.
    """

    __pydantic_config__ = CONFIG

    minReplicas: Replicas | None = None
    maxReplicas: Replicas | None = None
    targetBacklogPerWorker: Annotated[int, CountMark(ge=1, le=10**9)] | None = None
    latencySLO: LatencySLO | None = None
    scaleUpCooldown: Duration | None = None
    scaleDownCooldown: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPodSpec:
    """One worker. What is not here needs a Deployment of your own, and a CapacityPolicy for it.

    Attributes:
        image: the image of the container.
        imagePullPolicy: when it is pulled.
        command: instead of the image's entry point.
        args: its arguments.
        env: variables. WORKER_QUEUE, WORKER_CONCURRENCY and what else the pool says come before them.
        envFrom: variables from ConfigMaps and Secrets.
        resources: what a worker asks for.
        concurrency: jobs that a worker serves at once; the same as capacityConfig.worker_concurrency.
        maxInFlight: jobs that a worker holds, told to it as WORKER_MAX_IN_FLIGHT.
        serviceAccountName: the account of the pods.
        imagePullSecrets: secrets for the image's registry.
        securityContext: of the pods.
        containerSecurityContext: of the container, where Kubernetes has it as its securityContext.
        nodeSelector: where pods may run.
        tolerations: where pods may run.
        affinity: where pods may run.
        volumes: of the pods.
        volumeMounts: of the container.
    """

    __pydantic_config__ = CONFIG

    image: Text
    imagePullPolicy: Text = ""
    command: tuple[Prose, ...] = ()
    args: tuple[Prose, ...] = ()
    env: OwnList | None = None
    envFrom: OwnList | None = None
    resources: Own | None = None
    concurrency: Annotated[int, CountMark(ge=1, le=10_000)] | None = None
    maxInFlight: Annotated[int, CountMark(ge=1, le=10**9)] | None = None
    serviceAccountName: Name = ""
    imagePullSecrets: OwnList | None = None
    securityContext: Own | None = None
    containerSecurityContext: Own | None = None
    nodeSelector: Own | None = None
    tolerations: OwnList | None = None
    affinity: Own | None = None
    volumes: OwnList | None = None
    volumeMounts: OwnList | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PodMetadata:
    """What is written on the pods.

    Attributes:
        labels: labels.
        annotations: annotations.
    """

    __pydantic_config__ = CONFIG

    labels: Own | None = None
    annotations: Own | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPodTemplate:
    """The workers' pods.

    Attributes:
        metadata: what is written on them.
        spec: one worker.
    """

    __pydantic_config__ = CONFIG

    metadata: PodMetadata | None = None
    spec: WorkerPodSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingUpdate:
    """How many pods are exchanged at once.

    Attributes:
        maxUnavailable: pods that may be missing, as a number or a percentage.
        maxSurge: pods that may be there in addition, as a number or a percentage.
    """

    __pydantic_config__ = CONFIG

    maxUnavailable: OwnAmount | None = None
    maxSurge: OwnAmount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateStrategy:
    """How a new template replaces the old one.

    Attributes:
        type: RollingUpdate or Recreate.
        rollingUpdate: how many at once.
    """

    __pydantic_config__ = CONFIG

    type: Text = "RollingUpdate"
    rollingUpdate: RollingUpdate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainPolicy:
    """The time that a worker has to finish its jobs when it is told to stop; then it is killed.

    Attributes:
        gracePeriod: the time.
        timeoutPeriod: the time, where it is the longer one.
        waitForCompletion: true, or left out: a worker is never killed before its time.
    """

    __pydantic_config__ = CONFIG

    gracePeriod: Duration | None = None
    timeoutPeriod: Duration | None = None
    waitForCompletion: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPoolSpec(Planned):
    """A queue, and workers for it that the operator runs as a Deployment.

    Attributes:
        replicas: workers, of which no fewer than min_workers and no more than max_workers run; the planner sets it
            through the scale sub-resource. Leave it out of what you apply.
        queueSelector: which queue, as an alternative to queueName.
        template: the workers' pods.
        autoScaling: limits, as an alternative to slo and capacityConfig.
        updateStrategy: how a new template replaces the old one.
        drainPolicy: the time that a worker has to finish its jobs.
    """

    replicas: Replicas = 1
    queueSelector: QueueSelector | None = None
    template: WorkerPodTemplate
    autoScaling: AutoScaling | None = None
    updateStrategy: UpdateStrategy | None = None
    drainPolicy: DrainPolicy | None = None
