"""The answer of a queueing calculation, in the types of the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from capacity_planner.fields import CONFIG, Duration, NonNegative, Prose, Share, Slice, Text, Unbounded


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueingResult:
    """A queue in its steady state; an unstable queue has an infinite queue and unbounded durations.

    Attributes:
        utilization: ρ = λ/(c·μ); above 1 the queue grows without end.
        queue_length: L_q, mean number of waiting jobs.
        wait_time: mean wait W_q.
        response_time: mean response W = W_q + S.
        p95_response_time: 95th percentile of the response.
        probability_of_wait: share of jobs that wait at all.
        throughput: jobs served per second, min(λ, c·μ).
        capacity: most jobs per second that the servers can serve, c·μ.
        model: the queueing model.
        confidence: how well the facts at hand fit the model's assumptions.
        assumptions: what was assumed, and how far the facts are from it.
    """

    __pydantic_config__ = CONFIG

    utilization: Unbounded
    queue_length: Unbounded
    wait_time: Duration
    response_time: Duration
    p95_response_time: Duration
    probability_of_wait: Share
    throughput: NonNegative
    capacity: NonNegative
    model: Text
    confidence: Share
    assumptions: Annotated[tuple[Prose, ...], Slice()] = ()
