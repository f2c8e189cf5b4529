"""Our exponential smoothing, held against statsmodels and statsforecast.

Their numbers are kept in ``tests/golden/smoothing.json``, so that they count where the libraries are not installed.
Where they are, they must say the same again; ``python tests/forecasting/test_oracles.py`` writes the file anew.

Ours is the error-correction form, e = x - (l + φb + s): l' = l + φb + αe, b' = φb + αβe, s' = s + γe. The state space
form of statsmodels (``ETSModel``) has our αβ as ``smoothing_trend`` and our γ as ``smoothing_seasonal``. Its
``ExponentialSmoothing`` in Holt's form, b' = β(l' - l) + (1 - β)φb and s' = γ(x - l - φb) + (1 - γ)s, has our β and γ
as they are, since l' - l - φb = αe and x - l - φb - s = e.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from capacity_planner.forecasting import holt_winters
from capacity_planner.forecasting._levels import Levels
from capacity_planner.forecasting.holt_winters import Smoothing

FILE = Path(__file__).resolve().parents[1] / "golden" / "smoothing.json"
GOLDEN: dict[str, Any] = json.loads(FILE.read_text())
PERIOD, CYCLES, FARTHEST = 24, 6, 30
ALPHAS = (0.05, 0.1, 0.3, 0.7)
TABLE = [
    {"alpha": float(alpha), "beta": float(beta), "gamma": float(gamma), "phi": float(phi)}
    for alpha, beta, gamma, phi in zip(
        holt_winters._ALPHA,  # noqa: SLF001 - the parameters that are in use are those to be checked
        holt_winters._BETA,  # noqa: SLF001 - as above
        holt_winters._GAMMA,  # noqa: SLF001 - as above
        holt_winters._PHI,  # noqa: SLF001 - as above
        strict=True,
    )
]
OTHERS = [{"alpha": 0.5, "beta": 0.4, "gamma": 0.2, "phi": 0.8}, {"alpha": 0.2, "beta": 0.9, "gamma": 0.7, "phi": 0.98}]


def written() -> dict[str, Any]:
    """What the file holds: the series, the states to start from, and what statsmodels says."""
    import statsmodels  # noqa: PLC0415 - in no extra

    places = np.arange(PERIOD * CYCLES)
    expected = 40.0 * np.exp(0.8 * np.sin(places * 2.0 * np.pi / PERIOD) + 0.004 * places)
    values = np.round(np.log1p(np.random.default_rng(7).poisson(expected)), 12)
    cycles = values[: 2 * PERIOD].reshape(2, PERIOD)
    start = {"level": cycles[1].mean(), "season": (cycles - cycles.mean(axis=1, keepdims=True)).mean(axis=0).tolist()}
    rates = np.round(np.random.default_rng(8).gamma(4.0, 2.5, 800), 12)
    return {
        "program": "tests/forecasting/test_oracles.py",
        "source": f"statsmodels {statsmodels.__version__}: ETSModel and SimpleExpSmoothing, parameters fixed",
        "about": "one_step: forecast of each value of the series after its first two cycles from those before it; "
        "ahead: forecasts from its end; parameters as in forecasting/holt_winters.py; no trend at the start",
        "seasonal": {
            "period": PERIOD,
            "values": values.tolist(),
            "start": start,
            "cases": [
                {**one, **dict(zip(("one_step", "ahead"), stated(values, start, one), strict=True))}
                for one in TABLE + OTHERS
            ],
        },
        "simple": {
            "values": rates.tolist(),
            "cases": [{"alpha": alpha, "level": simple(rates, alpha)} for alpha in ALPHAS],
        },
    }


def stated(values: Any, start: Any, one: dict[str, float]) -> tuple[list[float], list[float]]:
    """One-step forecasts and those from the end, by statsmodels in state space form."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel  # noqa: PLC0415 - in no extra

    damped = one["phi"] > 0.0
    model = ETSModel(
        np.asarray(values)[2 * PERIOD :],
        error="add",
        trend="add" if damped else None,
        damped_trend=damped,
        seasonal="add",
        seasonal_periods=PERIOD,
        initialization_method="known",
        initial_level=start["level"],
        initial_trend=0.0 if damped else None,
        initial_seasonal=start["season"],
    )
    given = {
        "smoothing_level": one["alpha"],
        "smoothing_trend": one["alpha"] * one["beta"],
        "smoothing_seasonal": one["gamma"],
        "damping_trend": one["phi"],
        "initial_level": start["level"],
        "initial_trend": 0.0,
    }
    # The newest of the seasons comes first there.
    given |= {f"initial_seasonal.{at}": value for at, value in enumerate(reversed(start["season"]))}
    result = model.smooth([given[name] for name in model.param_names])
    return result.fittedvalues.tolist(), result.forecast(FARTHEST).tolist()


def simple(rates: Any, alpha: float) -> float:
    """The level after the last rate, by statsmodels."""
    from statsmodels.tsa.holtwinters import SimpleExpSmoothing  # noqa: PLC0415 - in no extra

    model = SimpleExpSmoothing(np.asarray(rates), initialization_method="known", initial_level=rates[0])
    return float(model.fit(smoothing_level=alpha, optimized=False).forecast(1)[0])


def ours(case: dict[str, Any]) -> tuple[Any, Any]:
    """The same two as `stated`, by our recursion."""
    values = np.array(GOLDEN["seasonal"]["values"])[None]
    sets = (np.array([case[name]]) for name in ("alpha", "beta", "gamma", "phi"))
    smoothing = Smoothing(*sets, series=1, period=PERIOD)
    smoothing.begin(values[:, : 2 * PERIOD])
    first = smoothing.predict((1,))[0, 0]
    rest = values[:, 2 * PERIOD :]
    made = smoothing.read(rest, np.ones_like(rest), (1,), np.arange(rest.shape[1]))[0, :, 0, 0]
    return np.append(first, made[:-1]), smoothing.predict(range(1, FARTHEST + 1))[0, :, 0]


@pytest.mark.parametrize("case", GOLDEN["seasonal"]["cases"])
def test_holt_winters_is_that_of_statsmodels(case: dict[str, Any]) -> None:
    one_step, ahead = ours(case)
    np.testing.assert_allclose(one_step, case["one_step"], rtol=1e-8)
    np.testing.assert_allclose(ahead, case["ahead"], rtol=1e-8)


def test_every_set_of_parameters_in_use_was_asked_for() -> None:
    asked = [{name: case[name] for name in TABLE[0]} for case in GOLDEN["seasonal"]["cases"]]
    assert asked == TABLE + OTHERS
    assert len(GOLDEN["seasonal"]["values"]) == PERIOD * CYCLES


@pytest.mark.parametrize("case", GOLDEN["simple"]["cases"])
def test_a_level_is_that_of_statsmodels(case: dict[str, float]) -> None:
    """The two start apart; the difference has faded as (1 - α)^800."""
    rates = np.array([GOLDEN["simple"]["values"]])
    assert Levels((1,), (case["alpha"],)).read(rates)[0, -1, 0] == pytest.approx(case["level"], rel=1e-8)


def test_statsmodels_says_the_same_again() -> None:
    pytest.importorskip("statsmodels", reason="statsmodels is not installed; its numbers are in tests/golden")
    seasonal, rates = GOLDEN["seasonal"], GOLDEN["simple"]["values"]
    for case in seasonal["cases"]:
        one_step, ahead = stated(seasonal["values"], seasonal["start"], case)
        np.testing.assert_allclose(one_step, case["one_step"], rtol=1e-10)
        np.testing.assert_allclose(ahead, case["ahead"], rtol=1e-10)
    assert [simple(rates, case["alpha"]) for case in GOLDEN["simple"]["cases"]] == pytest.approx(
        [case["level"] for case in GOLDEN["simple"]["cases"]], rel=1e-10
    )


@pytest.mark.parametrize("case", [case for case in GOLDEN["seasonal"]["cases"] if case["phi"] > 0])
def test_holts_form_of_statsmodels_says_the_same(case: dict[str, Any]) -> None:
    """But for the horizon of one period, where it takes the season as it was before the last value (0.15 and earlier).

    Its own state space form has the season that the last value corrected, as ours.
    """
    holtwinters = pytest.importorskip("statsmodels.tsa.holtwinters", reason="statsmodels is not installed")
    start = GOLDEN["seasonal"]["start"]
    model = holtwinters.ExponentialSmoothing(
        np.array(GOLDEN["seasonal"]["values"])[2 * PERIOD :],
        trend="add",
        damped_trend=True,
        seasonal="add",
        seasonal_periods=PERIOD,
        initialization_method="known",
        initial_level=start["level"],
        initial_trend=0.0,
        initial_seasonal=start["season"],
    )
    result = model.fit(
        smoothing_level=case["alpha"],
        smoothing_trend=case["beta"],
        smoothing_seasonal=case["gamma"],
        damping_trend=case["phi"],
        optimized=False,
    )
    one_step, ahead = ours(case)
    np.testing.assert_allclose(one_step, result.fittedvalues, rtol=1e-8)
    others = np.arange(FARTHEST) != PERIOD - 1
    np.testing.assert_allclose(ahead[others], result.forecast(FARTHEST)[others], rtol=1e-8)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_a_level_is_that_of_statsforecast(alpha: float) -> None:
    models = pytest.importorskip("statsforecast.models", reason="statsforecast is not installed")
    rates = np.array(GOLDEN["simple"]["values"])
    said = models.SimpleExponentialSmoothing(alpha=alpha).forecast(y=rates, h=1)["mean"][0]
    assert Levels((1,), (alpha,)).read(rates[None])[0, -1, 0] == pytest.approx(said, rel=1e-8)


if __name__ == "__main__":
    FILE.write_text(json.dumps(written(), indent=1) + "\n")
