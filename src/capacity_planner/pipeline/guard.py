"""A forecast model kept within its promise and its time: one that breaks them is found out before it matters."""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import numpy as np

from capacity_planner.errors import PlannerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from capacity_planner.contracts import ForecastModel, ForecastState
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.series import ForecastTask


class FailedError(Exception):
    """A model took too long, or failed; the message says which.

    Args:
        problem: what went wrong, to be read after the model's name.
        late: whether it was the time.
    """

    def __init__(self, problem: str, *, late: bool = False) -> None:
        super().__init__(problem)
        self.late = late


class Held:
    """A model that is held to its promise, so that a plug-in which breaks it is found out before a plan rests on it."""

    def __init__(self, model: ForecastModel) -> None:
        self._model = model
        self.name, self.minimum_samples, self.seasonal = model.name, model.minimum_samples, model.seasonal

    def start(self, task: ForecastTask) -> _HeldState:
        """A follower that starts with the first rates, within the time limit of reading them."""
        return _HeldState(self._model, task)


class _HeldState:
    def __init__(self, model: ForecastModel, task: ForecastTask) -> None:
        self._model, self._task = model, task
        self._inner: ForecastState | None = None
        self._count = 0

    def read(self, rates: FloatArray, weights: FloatArray, origins: NDArray[np.intp] | None = None) -> FloatArray:
        """What the model says, when it can be used."""
        if self._inner is None:
            self._inner = self._model.start(self._task)
        wanted = np.arange(rates.shape[1]) if origins is None else origins
        made = self._inner.read(rates, weights, wanted)
        _checked(made, (len(rates), len(wanted), len(self._task.ahead)))
        due = made[:, self._count + wanted >= self._model.minimum_samples]
        self._count += rates.shape[1]
        _usable(due if np.isnan(due).all() else due[~np.isnan(due)])
        return made

    def predict(self, ahead: Sequence[int]) -> FloatArray:
        """What the model says, when it can be used."""
        if self._inner is None:
            self._inner = self._model.start(self._task)
        return _usable(_checked(self._inner.predict(ahead), (self._task.series, len(ahead))))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def _checked(made: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    if np.shape(made) != shape:
        raise FailedError(f"gave forecasts of shape {np.shape(made)}, where {shape} was due")
    return made


def _usable(made: FloatArray) -> FloatArray:
    if not (np.isfinite(made) & (made >= 0.0)).all():
        wrong = made[~(np.isfinite(made) & (made >= 0.0))][0]
        raise FailedError(f"forecast a rate of {wrong:.6g}, which is no rate: rates are finite and not negative")
    return made


def limited(work: Callable[[Event], None], limit: float) -> None:
    """Do some work in a thread of its own, and do not wait for it longer than ``limit`` seconds.

    Args:
        work: what to do; it should end soon once the event that it is given is set.
        limit: the time [s].

    Raises:
        FailedError: the time is up, or the work failed.
        PlannerError: as the work raised it.
    """
    stop = Event()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work(stop)
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            failures.append(error)

    thread = Thread(target=run, name="forecast", daemon=True)
    thread.start()
    thread.join(limit)
    if thread.is_alive():
        stop.set()
        raise FailedError(f"took longer than {limit:.3g} s", late=True)
    for error in failures:
        if isinstance(error, (PlannerError, FailedError)) or not isinstance(error, Exception):
            raise error
        raise FailedError(f"failed with {type(error).__name__}: {error}") from error
