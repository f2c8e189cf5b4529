"""What the operator says of a resource: the types that the status is written from, and its schema is made of."""
# ruff: noqa: N815, TC001 - the fields are Kubernetes' own, and the codec reads the annotations when it runs.

from __future__ import annotations

from dataclasses import dataclass

from capacity_planner.domain.queues import Mode
from capacity_planner.domain.scaling import Decision
from capacity_planner.fields import CONFIG, Count, Duration, Instant, NonNegative, Prose, Share, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One thing that is so, or is not.

    Attributes:
        type: which.
        status: True, False, or Unknown.
        reason: why, in one word.
        message: why, in a sentence.
        observedGeneration: the generation of the spec that this is about.
        lastTransitionTime: since when.
    """

    __pydantic_config__ = CONFIG

    type: Text
    status: Text
    reason: Text
    message: Prose
    observedGeneration: Count
    lastTransitionTime: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleStatus:
    """The newest sample.

    Attributes:
        at: when it was measured.
        arrivalRate: jobs per second.
        serviceTime: mean time that a job is served.
        backlog: jobs that wait.
        workers: workers that ran.
    """

    __pydantic_config__ = CONFIG

    at: Instant
    arrivalRate: NonNegative
    serviceTime: Duration
    backlog: Count
    workers: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStatus:
    """A step of the plan.

    Attributes:
        at: when to order it.
        fromWorkers: workers before.
        toWorkers: workers after.
        rationale: why, in a sentence.
    """

    __pydantic_config__ = CONFIG

    at: Instant
    fromWorkers: Count
    toWorkers: Count
    rationale: Prose


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStatus:
    """The newest plan.

    Attributes:
        id: by which the API knows it.
        generatedAt: when it was made.
        validUntil: when the next one is due.
        currentWorkers: workers then.
        targetWorkers: workers at the end of its first ramp.
        confidence: probability that the SLO holds if it is carried out.
        sloAchievable: whether it keeps the SLO within all limits.
        decision: applied, recommended, or unchanged.
        rationale: why, with the numbers that decided.
        steps: its first ten steps.
    """

    __pydantic_config__ = CONFIG

    id: Text
    generatedAt: Instant
    validUntil: Instant
    currentWorkers: Count
    targetWorkers: Count
    confidence: Share
    sloAchievable: bool
    decision: Decision
    rationale: Prose
    steps: tuple[StepStatus, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingStatus:
    """The newest scaling.

    Attributes:
        at: when it was ordered.
        fromWorkers: workers before.
        toWorkers: workers ordered.
        planId: the plan; empty where none was.
        by: loop, or who told that it was scaled.
    """

    __pydantic_config__ = CONFIG

    at: Instant
    fromWorkers: Count
    toWorkers: Count
    planId: Text
    by: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyStatus:
    """How the queue of a resource is doing.

    Attributes:
        observedGeneration: the generation of the spec that this is about.
        conditions: Accepted, Measured, Planned, Applied, Conflicted; of a policy also TargetFound, of a pool Deployed.
        queueName: the queue.
        mode: the mode in effect: advisory while another autoscaler has the target.
        currentWorkers: workers that ran when the newest plan was made.
        targetWorkers: workers that it wants.
        confidence: probability that the SLO holds if it is carried out.
        recommendation: what it wants, in a sentence.
        whyNotApplied: why it was not carried out by itself; left out where it was, or changes nothing.
        lastSample: the newest sample.
        lastPlan: the newest plan.
        lastScaling: the newest scaling.
        lastApply: the plan that the annotation capacity-planner.io/apply named last, and that was seen to.
    """

    __pydantic_config__ = CONFIG

    observedGeneration: Count
    conditions: tuple[Condition, ...]
    queueName: Text | None = None
    mode: Mode | None = None
    currentWorkers: Count | None = None
    targetWorkers: Count | None = None
    confidence: Share | None = None
    recommendation: Prose | None = None
    whyNotApplied: Prose | None = None
    lastSample: SampleStatus | None = None
    lastPlan: PlanStatus | None = None
    lastScaling: ScalingStatus | None = None
    lastApply: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStatus(PolicyStatus):
    """How a pool is doing.

    Attributes:
        replicas: pods that there are; left out where that cannot be told.
        readyReplicas: pods that are ready; left out as above.
        selector: the pods' labels, for the scale sub-resource.
    """

    replicas: Count | None = None
    readyReplicas: Count | None = None
    selector: Text = ""
