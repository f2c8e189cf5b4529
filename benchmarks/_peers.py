"""The quantiles of a library refitted at every origin, beside ours on the same origins, and what each costs."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from _tables import print_bar, print_table
from _traces import DAY, INTERVAL, Trace, generated, in_folder, shipped
from capacity_planner.domain.series import ForecastTask
from capacity_planner.forecasting import _season
from capacity_planner.forecasting._follower import Follower
from capacity_planner.forecasting._residuals import LEVELS
from capacity_planner.registry import forecast_models
from queueing import interpreter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray

PEER = "statsforecast"
AHEAD = (1, 3, 6, 9, 12, 24)
JUDGED = (0.9, 0.95, 0.99)
HISTORY, SCORED = 14, 4  # days
ORIGINS = 24
GENERATED = ("over-dispersed 1", "growth 1", "regime change 1")
BINS = round(DAY / INTERVAL)
DRIVER = """
import json, sys, time, warnings
import numpy as np
from statsforecast.models import AutoETS, AutoTheta, MSTL
warnings.filterwarnings("ignore")
asked = json.load(open(sys.argv[1]))
models = {
    "AutoETS": lambda: AutoETS(season_length=1),
    "AutoTheta": lambda: AutoTheta(season_length=asked["bins"]),
    "MSTL": lambda: MSTL(season_length=[asked["bins"]]),
}
two_sided = {0.9: 80, 0.95: 90, 0.99: 98}
found = {}
for name, model in models.items():
    model().forecast(np.array(asked["traces"][0][: asked["history"]]), h=24, level=[80])
    began, quantiles = time.process_time(), []
    for rates in asked["traces"]:
        rows = []
        for origin in asked["origins"]:
            past = np.array(rates[origin + 1 - asked["history"] : origin + 1])
            said = model().forecast(past, h=max(asked["ahead"]), level=list(two_sided.values()))
            highs = [said[f"hi-{two_sided[level]}"] for level in asked["levels"]]
            rows.append([[float(high[step - 1]) for high in highs] for step in asked["ahead"]])
        quantiles.append(rows)
    found[name] = [quantiles, time.process_time() - began]
print(json.dumps(found))
"""


def run(folder: Path | None, cache: Path) -> None:
    """Print the table."""
    traces = _chosen(folder)
    length = min(len(trace.rates) for trace in traces)
    rates = np.stack([trace.rates[-length:] for trace in traces]) * INTERVAL
    steps = SCORED * BINS // ORIGINS
    origins = np.arange(length - max(AHEAD) - 1 - steps * (ORIGINS - 1), length - max(AHEAD), steps)
    history = int(min(origins[0] + 1, HISTORY * BINS))
    print(
        f"\n{ORIGINS} origins in the last {SCORED} days of {', '.join(trace.name for trace in traces)}; horizons "
        f"{', '.join(map(str, AHEAD))} bins of five minutes. The peers are refitted on the last {history / BINS:.1f} "
        "days at each origin, after a first fit that is not counted; ours reads the same days from cold, which is "
        "counted, and then only what is new. Processor time on one thread, over the number of forecasts."
    )
    python = interpreter(PEER, cache)
    if python is None:
        return
    filled = [_filled(row) for row in rates]
    asked = {
        "traces": [row.tolist() for row in filled],
        "origins": origins.tolist(),
        "ahead": AHEAD,
        "levels": JUDGED,
        "bins": BINS,
        "history": history,
    }
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "asked.json"
        path.write_text(json.dumps(asked), encoding="utf-8")
        ran = subprocess.run([python, "-c", DRIVER, path], check=False, capture_output=True, text=True)
    if ran.returncode:
        print(f"\n{PEER} failed and is left out: {ran.stderr.strip().splitlines()[-1]}")
        return
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    _print({"ours": _ours(rates, origins, history), **found}, rates, origins)


def _chosen(folder: Path | None) -> list[Trace]:
    """The shipped requests, generated traffic, and two traces of the folder: the busiest and a usual one."""
    own = [shipped()[0], *(trace for trace in generated() if trace.name in GENERATED)]
    counts = [trace for trace in in_folder(folder) if trace.group == "counts"] if folder else []
    busy = sorted(counts, key=lambda trace: -trace.mean)
    return own + busy[:: max(1, len(busy) // 2)][:2]


def _filled(counts: FloatArray) -> FloatArray:
    """Gaps joined by straight lines: the peers take none."""
    known = np.flatnonzero(np.isfinite(counts))
    whole: FloatArray = np.interp(np.arange(len(counts)), known, counts[known])
    return whole


def _ours(counts: FloatArray, origins: NDArray[np.intp], history: int) -> tuple[FloatArray, float]:
    """Quantiles (traces, origins, horizons, judged) of ``auto``, and seconds."""
    places, began, made = [LEVELS.index(level) for level in JUDGED], time.process_time(), []
    for row in counts:
        rates = row[origins[0] + 1 - history :] / INTERVAL
        periods = _season.periods(rates[:history], INTERVAL)
        task = ForecastTask(ahead=AHEAD, interval=INTERVAL, periods=periods)
        follower = Follower(forecast_models.get("auto"), task, threshold=3.0, spike=2.0)
        read, rows = 0, []
        for origin in origins - origins[0] + history:
            follower.read(rates[None, read:origin])
            read = int(origin)
            rows.append(follower.quantiles(AHEAD)[0][:, places] * INTERVAL)
        made.append(rows)
    return np.array(made), time.process_time() - began


def _print(found: dict[str, Any], counts: FloatArray, origins: NDArray[np.intp]) -> None:
    came = counts[:, origins[:, None] + np.array(AHEAD)]
    levels, losses, costs, rows = np.array(JUDGED), {}, {}, []
    for name, (quantiles, seconds) in found.items():
        missed = came[..., None] - np.array(quantiles)
        loss = np.nanmean(np.maximum(levels * missed, (levels - 1.0) * missed), axis=(1, 2))
        covered = [float((off[np.isfinite(off)] <= 1e-9).mean()) for off in np.moveaxis(missed, -1, 0)]
        losses[name], costs[name] = loss, seconds / came[..., 0].size
        over = np.exp(np.log(loss / losses["ours"]).mean(axis=0))
        cells = [f"{ratio:.2f}" for ratio in over] + [f"{100 * share:.1f}" for share in covered]
        rows.append([name, *cells, f"{1e3 * costs[name]:.1f}", f"{costs[name] / costs['ours']:.1f}"])
    head = [f"pinball {level} over ours" for level in JUDGED] + [f"coverage {level}" for level in JUDGED]
    print_table(["", *head, "ms a forecast", "time over ours"], rows)
    print()
    for name in list(found)[1:]:
        over = np.exp(np.log(losses[name] / losses["ours"]).mean(axis=0))
        print_bar(f"pinball of {name} over ours, least of the levels", float(over.min()), 1.0, at_least=True)
        print_bar(f"time of {name} over ours", costs[name] / costs["ours"], 20.0, at_least=True)
