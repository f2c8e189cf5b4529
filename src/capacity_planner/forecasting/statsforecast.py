"""Models of the library statsforecast, by the name of their class; an extra, imported when one is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from capacity_planner.forecasting._borrowed import LONGEST, Kind, library, no_such, refused, usable_models
from capacity_planner.forecasting._discount import filled
from capacity_planner.registry import forecast_models

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.series import ForecastTask

_FEWEST = 10
_REFIT, _REFIT_FOLLOWED = 0.4, 1.0
_FOLLOWS = 96


@forecast_models.register("statsforecast")
class Statsforecast:
    """A model of statsforecast, such as ``statsforecast:AutoETS``: for comparison, and to check our own models against.

    ``auto`` is the better choice on arrival rates: it forecasts them better, learns from every rate and takes
    milliseconds, where a fit takes up to a second.

    A model is fitted to the newest four cycles of the first season or more (672 to 2 016 rates), on the rates as they
    are; a gap is taken for the last rate before it, and a forecast below zero for zero. It has the season as soon as
    two cycles are at hand; models of several seasons have all of them. Before there are ten rates, and while all are
    the same, the newest rate goes on; so it does while a model that needs a season (``HoltWinters``, ``MSTL``) has
    none.

    Because of the cost it is not fitted anew after every rate. It is after the last rate of every call, when a season
    comes to hand, and when there are 40 % more rates than it was fitted to. Models that can follow a series with the
    parameters they have do so in between, and are fitted when there are twice as many rates; of the others, the last
    forecast goes on. Those that take a millisecond are fitted each time. Hence, other than with our own models, how
    the rates are cut into calls makes a difference; and bounds are wider than they need be until forecasts of fits to
    the newest rate, one an interval, have come to make up the record.

    ``AutoARIMA`` goes without the season, with which a fit takes half a minute. ``AutoETS`` and ``HoltWinters`` refuse
    a season of more than 96 intervals, of which a fit takes many seconds: a day of intervals shorter than 15 minutes.

    Args:
        variant: name of a class in ``statsforecast.models`` that needs no parameter but the season.

    Raises:
        PlannerError: ``MODEL_NOT_SUPPORTED`` when there is no such class, or the library is not installed.

    References:
        Garza, Mergenthaler Canseco, Challú & Olivares (2022), StatsForecast: lightning fast forecasting with
        statistical and econometric models, PyCon Salt Lake City.
    """

    variants: ClassVar[str] = "MODEL"
    name: str
    minimum_samples = 1

    def __init__(self, variant: str) -> None:
        self.name = f"statsforecast:{variant}"
        models = library(self.name)
        if variant not in (usable := usable_models(models)):
            raise no_such(variant, self.name, usable)
        self._kind = Kind(variant, getattr(models, variant))
        self.seasonal = self._kind.seasonal
        try:
            self._kind.make(())
        except ImportError as error:
            message = f"forecast_model is {self.name!r}, which needs a library that is not installed: {error}"
            raise refused(message, self.name, cause=error) from None

    def start(self, task: ForecastTask) -> _Fitted:
        """Nothing read yet.

        Raises:
            ValueError: a fit with this season would take longer than a forecast may.
        """
        period = (*task.periods, 1)[0]
        if self._kind.short and period > LONGEST:
            message = f"a fit with a season of {period} intervals takes too long, {LONGEST} are the most"
            raise ValueError(message)
        return _Fitted(task, self._kind)


class _Fitted:
    def __init__(self, task: ForecastTask, kind: Kind) -> None:
        self._ahead = np.array(task.ahead)
        self._each = [_One(kind, task.periods, max(task.ahead)) for _ in range(task.series)]

    def read(self, rates: FloatArray, weights: FloatArray, origins: NDArray[np.intp] | None = None) -> FloatArray:
        """What the newest fit or forecast says at each origin."""
        del weights
        wanted = np.arange(rates.shape[1]) if origins is None else origins
        made = np.empty((len(rates), len(wanted), len(self._ahead)))
        for one, row, values in zip(self._each, made, rates, strict=True):
            row[:] = one.read(values, wanted, self._ahead)
        return made

    def predict(self, ahead: Sequence[int]) -> FloatArray:
        """What a fit to the newest rates says."""
        steps = np.array(ahead)
        return np.stack([one.predict(steps) for one in self._each])


class _One:
    """One series: its newest rates, the newest fit, and the path that it forecast.

    Places count rates from the first that is known.
    """

    def __init__(self, kind: Kind, periods: tuple[int, ...], longest: int) -> None:
        self._kind, self._longest = kind, longest
        self._periods = periods if kind.seasonal else ()
        self._most = kind.kept(self._periods)
        self._refit = _REFIT_FOLLOWED if kind.followed else _REFIT
        self._stale = 1 if kind.followed_at_once else max(1, self._most // _FOLLOWS)
        self._values, self._begin = np.empty(0), 0
        self._model: Any = None
        self._from = self._fitted = self._due = self._told = 0
        self._path = np.empty(0)

    def read(self, rates: FloatArray, origins: NDArray[np.intp], ahead: NDArray[np.intp]) -> FloatArray:
        """Read on, and forecast after some of the rates, shape (origins, horizons)."""
        before = self._begin + len(self._values)
        newest = self._values[-1] if before else np.nan
        values = filled(rates, np.asarray(newest))
        unknown = int(np.isnan(values).sum())
        self._values = np.concatenate([self._values, values[unknown:]])
        made = np.full((len(origins), len(ahead)), np.nan)
        for row, origin in zip(made, origins, strict=True):
            if (end := before + int(origin) - unknown + 1) > 0:
                self._look(end, last=bool(origin == len(rates) - 1))
                row[:] = self._path[end - self._told + ahead - 1]
        kept = max(0, min(len(self._values) - self._most, self._from - self._begin))
        self._values, self._begin = self._values[kept:].copy(), self._begin + kept
        return made

    def predict(self, ahead: NDArray[np.intp]) -> FloatArray:
        """Forecasts from now, shape (horizons,)."""
        end = self._begin + len(self._values)
        if not end:
            return np.full(len(ahead), np.nan)
        if len(ahead) and max(ahead) > self._longest:
            self._longest, self._fitted = int(max(ahead)), 0
        self._look(end, last=True)
        path: FloatArray = self._path[ahead - 1]
        return path

    def _look(self, end: int, *, last: bool) -> None:
        """See to it that the path is new enough after ``end`` rates."""
        if self._fitted == end:
            return
        if last or self._kind.at_once or end >= self._due:
            self._fit(end, last=last)
        elif self._model is not None and self._kind.followed and end - self._told >= self._stale:
            known = self._values[self._from - self._begin : end - self._begin]
            path = _tried(lambda: self._model.forward(y=known, h=self._reach(known)), last=False)
            if path is not None:
                self._path, self._told = path, end

    def _fit(self, end: int, *, last: bool) -> None:
        begin = max(self._begin, end - self._most)
        known = self._values[begin - self._begin : end - self._begin].copy()
        seasons = self._kind.seasons(self._periods, len(known))
        path = None
        self._model, self._from, self._fitted, self._told = None, begin, end, end
        self._due = end + self._wait(known)
        if len(known) < _FEWEST or known.min() == known.max() or (self._kind.season_alone and not seasons):
            self._due = end + 1
        else:
            model = self._kind.make(seasons)
            path = _tried(lambda: model.fit(y=known).predict(h=self._reach(known)), last=last)
            self._model = model if path is not None else None
        self._path = np.full(self._reach(known), known[-1]) if path is None else path

    def _wait(self, known: FloatArray) -> int:
        """How many rates later the next fit is due: no later than another season is at hand."""
        wait = max(1, int(self._refit * min(len(known), self._most)))
        doubles = (2 * period for period in self._periods)
        return min([wait, *(double - len(known) for double in doubles if len(known) < double <= self._most)])

    def _reach(self, known: FloatArray) -> int:
        """How far a path has to go: to the farthest horizon of the last origin that may need it."""
        return self._longest + self._wait(known)


def _tried(said: Callable[[], Any], *, last: bool) -> FloatArray | None:
    """A path that a model says [jobs/s]; when it fails, ``None``, but an error where it is the newest."""
    try:
        with np.errstate(all="ignore"):
            path: FloatArray = np.maximum(np.asarray(said()["mean"], dtype=float), 0.0)
    except Exception:
        if last:
            raise
        return None
    if np.isfinite(path).all():
        return path
    if last:
        raise ValueError("it forecast a rate that is not finite")
    return None
