"""The two tiers of the inner loop: one source, one stream of random numbers, bit-identical results."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

import numpy as np

from capacity_planner.simulation import _kernel

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.simulation._crew import Crew


_BREAK_EVEN = 4e6  # jobs that the plain tier simulates while the compiled one gets ready


@dataclass(frozen=True, slots=True)
class Tier:
    """A way to run the inner loop.

    Args:
        name: ``plain`` or ``compiled``.
        serve: `_kernel.serve`, as it is or compiled.
        box: makes of sorted numbers what ``serve`` takes.
    """

    name: str
    serve: Callable[..., int]
    box: Callable[[Any], Any]

    def begin(self, arrivals: FloatArray, services: FloatArray, crew: Crew, patience: float) -> FloatArray:
        """When the service of each job begins [s]; infinity for one that gives up or finds no server ever.

        Args:
            arrivals: arrival times, ascending and not before those of the last call [s].
            services: service times [s].
            crew: the servers, which change as time goes on.
            patience: the longest wait [s].
        """
        jobs = self.box(arrivals), self.box(services), self.box(np.empty(len(arrivals)))
        done = 0
        while (done := self.serve(*jobs, crew.free, crew.until, patience, done)) < len(arrivals):
            if not crew.change():
                jobs[2][done:] = self.box(np.full(len(arrivals) - done, math.inf))
                break
        return np.asarray(jobs[2])


def _as_list(numbers: Any) -> list[float]:
    """A list of Python's own floats, which its loops are quickest with."""
    return list(np.asarray(numbers, dtype=float).tolist())


def _as_array(numbers: Any) -> FloatArray:
    return np.require(numbers, float, ["C", "W"])


PLAIN = Tier("plain", _kernel.serve, _as_list)


class Compiler:
    """Compiles once a process, in a thread of its own, so that a caller with a deadline need not wait for the end."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._thread: Thread | None = None
        self._tier: Tier | None = None
        self._error: Exception | None = None
        self._asked = 0.0

    @property
    def tier(self) -> Tier | None:
        """The compiled tier, once it is there."""
        return self._tier

    @property
    def possible(self) -> bool:
        """Whether Numba is installed."""
        return find_spec("numba") is not None

    def pays(self, jobs: float) -> bool:
        """Whether so many jobs more are worth the compiled tier: with those before, it has earned its start by then."""
        return self._tier is None and self._asked + jobs >= _BREAK_EVEN and self.possible

    def count(self, jobs: float) -> None:
        """So many jobs are simulated now."""
        self._asked += jobs

    def wait(self, timeout: float | None = None) -> Tier | None:
        """The compiled tier, or ``None`` when it is not there in time or cannot be had.

        Args:
            timeout: the longest wait [s].
        """
        if self._tier is None and self.possible:
            with self._lock:
                if self._thread is None:
                    self._thread = Thread(target=self._compile, name="capacity-planner-compiler", daemon=True)
                    self._thread.start()
            self._thread.join(timeout)
            self._complain()
        return self._tier

    def _compile(self) -> None:
        try:
            from capacity_planner.simulation._compiled import compiled  # noqa: PLC0415 - an extra, and slow

            self._tier = Tier("compiled", compiled(), _as_array)
        except Exception as error:  # noqa: BLE001 - whatever ails Numba, the plain tier gives the same results
            self._error = error

    def _complain(self) -> None:
        """Say once why the compiled tier cannot be had."""
        error, self._error = self._error, None
        if error is not None:
            warnings.warn(f"Simulating without Numba, which failed: {error}", RuntimeWarning, stacklevel=3)


COMPILER = Compiler()
