"""What a queueing model is told and what it answers, in float seconds and NumPy arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTime:
    """What is known of the service time S.

    Args:
        mean: E[S] [s], positive.
        std: standard deviation [s]; 0 is deterministic service; ``None`` when it was not measured.
        p95: 95th percentile [s]; ``None`` when it was not measured.
    """

    mean: float
    std: float | None = None
    p95: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Congestion:
    """A queue in its steady state; every field is an array of one broadcast shape.

    An unstable queue (ρ ≥ 1) has an infinite queue, wait and response, waits with probability 1, and passes on c·μ.

    Attributes:
        utilization: ρ = λ/(c·μ); may exceed 1.
        probability_of_wait: P(W_q > 0).
        queue_length: L_q, mean number of waiting jobs.
        wait: mean W_q [s].
        response: mean W = W_q + S [s].
        p95_response: 95th percentile of W_q + S [s].
        throughput: min(λ, c·μ) [jobs/s].
    """

    utilization: FloatArray
    probability_of_wait: FloatArray
    queue_length: FloatArray
    wait: FloatArray
    response: FloatArray
    p95_response: FloatArray
    throughput: FloatArray
