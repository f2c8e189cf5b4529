"""How right forecasts were, by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from capacity_planner import codec
from capacity_planner.domain.forecast import Forecast, ForecastAccuracy
from capacity_planner.domain.series import Series
from capacity_planner.frozen import FrozenMap
from capacity_planner.pipeline import accuracy
from capacity_planner.pipeline.accuracy import Ledger

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
FIVE = timedelta(minutes=5)
NAN = float("nan")


def forecast(at: int, median: float, upper: float | None = None) -> Forecast:
    """For the interval that ends ``at`` times five minutes after noon."""
    quantiles = {0.5: median, 0.9: median + 2.0 if upper is None else upper}
    return Forecast(
        timestamp=NOON + at * FIVE,
        arrival_rate=median,
        lower=0.0,
        upper=quantiles[0.9],
        confidence=0.9,
        model="ewma",
        quantiles=FrozenMap(quantiles),
    )


def series(end: int, *rates: float, interval: float = 300.0) -> Series:
    return Series(end=NOON + end * FIVE, interval=interval, rates=np.array(rates))


def judged(*pairs: tuple[float, float]) -> Ledger:
    """One forecast an interval, one step ahead, and what came."""
    ledger = Ledger()
    for at, (made, _) in enumerate(pairs):
        ledger.write("ewma", NOON + (at - 1) * FIVE, [forecast(at, made)])
    ledger.settle(series(len(pairs) - 1, *(came for _, came in pairs)))
    return ledger


def test_before_any_forecast_nothing_is_known() -> None:
    ledger = Ledger()
    ledger.settle(series(0, 1.0, 2.0))
    assert ledger.rows() == ()
    assert ledger.accuracy("ewma") == 0.0


def test_the_measures_by_hand() -> None:
    """Forecast 10, 12, 8, 9 (90 %: 2 more); came 11, 9, 8, 14: missed by -1, 3, 0, -5.

    MAE 9/4; WAPE 9/42; bias -3/4; rates changed by 2, 1 and 6, so MASE (9/4)/3. Pinball at the median is half of MAE;
    at 0.9, where it lay 1, 5 and 2 above what came and 3 below: (0.1·(1 + 5 + 2) + 0.9·3)/4. Covered: 2/4 and 3/4.
    """
    (row,) = judged((10.0, 11.0), (12.0, 9.0), (8.0, 8.0), (9.0, 14.0)).rows()
    assert (row.model, row.horizon, row.outcomes) == ("ewma", FIVE, 4)
    assert row.mae == pytest.approx(2.25)
    assert row.wape == pytest.approx(9.0 / 42.0)
    assert row.mase == pytest.approx(0.75)
    assert row.bias == pytest.approx(-0.75)
    assert dict(row.pinball) == pytest.approx({0.5: 1.125, 0.9: 3.5 / 4.0})
    assert dict(row.coverage) == {0.5: 0.5, 0.9: 0.75}


def test_accuracy_is_one_less_wape_and_never_below_zero() -> None:
    assert judged((10.0, 11.0), (12.0, 9.0)).accuracy("ewma") == pytest.approx(1.0 - 4.0 / 20.0)
    assert judged((100.0, 1.0)).accuracy("ewma") == 0.0
    assert judged((10.0, 10.0)).accuracy("ridge") == 0.0


def test_silence_that_was_forecast_is_accurate() -> None:
    silent = judged((0.0, 0.0), (0.0, 0.0))
    assert silent.accuracy("ewma") == 1.0
    assert (silent.rows()[0].wape, silent.rows()[0].mase) == (0.0, 0.0)
    assert judged((1.0, 0.0)).accuracy("ewma") == 0.0


def test_the_yardstick_of_mase_is_the_day_before_once_a_day_is_known() -> None:
    """Hourly rates that are 6 above those of the day before and 1 above those of the hour before: 3/6."""
    hours = [float(hour % 24) + 6.0 * (hour // 24) for hour in range(48)]
    ledger = Ledger()
    ledger.write("ewma", NOON - timedelta(hours=1), [forecast(0, hours[-1] - 3.0)])
    ledger.settle(series(0, *hours, interval=3600.0))
    assert ledger.rows()[0].mase == pytest.approx(0.5)


def test_a_gap_is_not_judged() -> None:
    assert judged((10.0, NAN), (12.0, 9.0)).rows()[0].outcomes == 1


def test_a_gap_that_is_filled_late_is_not_judged_either() -> None:
    ledger = judged((10.0, NAN))
    ledger.settle(series(1, 10.0, 10.0))
    assert ledger.rows() == ()


def test_what_lies_before_the_series_is_not_judged() -> None:
    ledger = Ledger()
    ledger.write("ewma", NOON, [forecast(1, 10.0), forecast(2, 10.0)])
    ledger.settle(series(20, 10.0, 10.0))
    assert ledger.rows() == ()


def test_a_forecast_waits_for_its_time() -> None:
    ledger = Ledger()
    ledger.write("ewma", NOON, [forecast(1, 10.0), forecast(2, 10.0)])
    ledger.settle(series(1, 8.0, 10.0))
    assert [row.horizon for row in ledger.rows()] == [FIVE]
    ledger.settle(series(2, 8.0, 10.0, 13.0))
    assert [(row.horizon, row.mae) for row in ledger.rows()] == [(FIVE, 0.0), (2 * FIVE, 3.0)]


def test_a_forecast_that_is_asked_for_twice_is_judged_once() -> None:
    ledger = Ledger()
    for _ in range(3):
        ledger.write("ewma", NOON, [forecast(1, 10.0)])
    ledger.settle(series(1, 8.0, 10.0))
    assert ledger.rows()[0].outcomes == 1


def test_models_and_horizons_are_judged_apart_and_in_order() -> None:
    ledger = Ledger()
    ledger.write("ridge", NOON, [forecast(2, 11.0), forecast(1, 10.0)])
    ledger.write("ewma", NOON, [forecast(1, 12.0)])
    ledger.settle(series(2, 8.0, 10.0, 10.0))
    rows = [(row.model, row.horizon, row.mae) for row in ledger.rows()]
    assert rows == [("ewma", FIVE, 2.0), ("ridge", FIVE, 0.0), ("ridge", 2 * FIVE, 1.0)]


def test_only_so_many_wait_and_the_newest_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accuracy, "_MOST_OPEN", 3)
    ledger = Ledger()
    ledger.write("ewma", NOON, [forecast(at, 10.0) for at in range(1, 6)])
    ledger.settle(series(5, *[10.0] * 6))
    assert [row.horizon for row in ledger.rows()] == [3 * FIVE, 4 * FIVE, 5 * FIVE]


def test_a_row_survives_json() -> None:
    (row,) = judged((10.0, 11.0), (12.0, 9.0)).rows()
    assert codec.decode(ForecastAccuracy, codec.dumps(row)) == row
