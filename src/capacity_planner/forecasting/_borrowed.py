"""What the library statsforecast has that can be used here, and what each of its models can do."""

from __future__ import annotations

import difflib
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from capacity_planner.errors import ErrorCode, PlannerError

if TYPE_CHECKING:
    from collections.abc import Callable

_CYCLES = 4
_USUALLY_KEPT, _MOST_KEPT = 672, 2_016
LONGEST = 96

_POINTLESS = frozenset({"ARCH", "ARIMA", "AutoTBATS", "GARCH", "NaNModel", "ZeroModel"})
_WITHOUT_SEASON = frozenset({"AutoARIMA", "Holt"})
_SEASON_ALONE = frozenset({"HoltWinters", "MSTL"})
_SHORT_SEASON = frozenset({"AutoETS", "HoltWinters"})
_AT_ONCE = frozenset(
    {
        "ADIDA",
        "ConformalSeasonalPool",
        "CrostonClassic",
        "CrostonOptimized",
        "CrostonSBA",
        "HistoricAverage",
        "IMAPA",
        "Naive",
        "RandomWalkWithDrift",
        "SeasonalExponentialSmoothingOptimized",
        "SeasonalNaive",
        "SimpleExponentialSmoothingOptimized",
    }
)
_FOLLOWED_AT_ONCE = frozenset({"AutoETS", "Holt", "HoltWinters"})
# Not AutoCES, which is unstable under parameters that were fitted to fewer rates.
_FOLLOWED = _FOLLOWED_AT_ONCE | {
    "AutoARIMA",
    "AutoTheta",
    "DynamicOptimizedTheta",
    "DynamicTheta",
    "OptimizedTheta",
    "Theta",
}


@dataclass(frozen=True)
class Kind:
    """A class of the library, and what it can do.

    Attributes:
        name: of the class.
        made: the class itself.
    """

    name: str
    made: Callable[..., Any]

    @property
    def seasonal(self) -> bool:
        """Whether it learns a season."""
        return "season_length" in _parameters(self.made) and self.name not in _WITHOUT_SEASON

    @property
    def short(self) -> bool:
        """Whether a fit with a long season takes too long."""
        return self.name in _SHORT_SEASON

    @property
    def season_alone(self) -> bool:
        """Whether it forecasts nothing without a season."""
        return self.name in _SEASON_ALONE

    @property
    def followed_at_once(self) -> bool:
        """Whether following costs next to nothing."""
        return self.name in _FOLLOWED_AT_ONCE

    @property
    def several(self) -> bool:
        """Whether it takes several seasons."""
        return self.seasonal and "list" in str(_parameters(self.made)["season_length"].annotation).lower()

    @property
    def at_once(self) -> bool:
        """Whether a fit costs next to nothing."""
        return self.name in _AT_ONCE

    @property
    def followed(self) -> bool:
        """Whether it can follow a series without a fit."""
        return self.name in _FOLLOWED

    def kept(self, periods: tuple[int, ...]) -> int:
        """To how many rates it is fitted at most."""
        period = (*periods, 1)[0]
        most = min(max(_CYCLES * period, _USUALLY_KEPT), max(_MOST_KEPT, 2 * period))
        return max([most, *(2 * other for other in periods if self.several and 2 * other <= _MOST_KEPT)])

    def seasons(self, periods: tuple[int, ...], length: int) -> tuple[int, ...]:
        """The seasons that can be learned from so many rates."""
        wanted = periods if self.several else periods[:1]
        return tuple(period for period in wanted if 2 * period <= length)

    def make(self, seasons: tuple[int, ...]) -> Any:
        """A new model."""
        if "season_length" not in _parameters(self.made):
            return self.made()
        return self.made(season_length=list(seasons) if len(seasons) > 1 else (*seasons, 1)[0])


def library(name: str) -> Any:
    try:
        import statsforecast.models  # noqa: PLC0415 - an extra, and slow
    except ImportError as error:
        message = f"forecast_model is {name!r}, which needs an extra: pip install 'capacity-planner[forecast]'"
        raise refused(message, name, cause=error) from None
    return statsforecast.models


def usable_models(models: Any) -> list[str]:
    """Classes of the library that need no parameter but the season, and forecast rates."""
    return sorted(
        name
        for name, made in vars(models).items()
        if inspect.isclass(made)
        and made.__module__ == models.__name__
        and not name.startswith("_")
        and name not in _POINTLESS
        and hasattr(made, "forecast")
        and not {key for key, one in _parameters(made).items() if one.default is one.empty} - {"season_length"}
    )


def _parameters(made: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(made).parameters)


def no_such(variant: str, name: str, usable: list[str]) -> PlannerError:
    near = difflib.get_close_matches(variant, usable, n=1)
    hint = f"Did you mean 'statsforecast:{near[0]}'? " if near else ""
    names = [f"statsforecast:{one}" for one in usable]
    message = (
        f"forecast_model is {name!r}, which names no model of statsforecast that can be used here. {hint}Use "
        f"statsforecast: and one of: {', '.join(usable)}."
    )
    return refused(message, name, supported=names)


def refused(message: str, name: str, *, cause: Exception | None = None, **details: Any) -> PlannerError:
    about = {"field": "forecast_model", "value": name, **details}
    return PlannerError(ErrorCode.MODEL_NOT_SUPPORTED, message, cause=cause, details=about)
