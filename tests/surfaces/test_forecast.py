"""``forecast``: on the shipped examples; as text, as JSON, as a picture; and the ranking of models."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from capacity_planner import codec
from capacity_planner.domain.forecast import Forecast
from tests.surfaces._made import cli, history, process

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
REQUESTS = str(EXAMPLES / "nab_elb_requests" / "elb_request_count_8c0756.csv")
TAXI = str(EXAMPLES / "nyc_taxi" / "nyc_taxi.csv")


def told(*arguments: str) -> dict[str, Any]:
    result = cli("forecast", *arguments, "--json")
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


@pytest.mark.parametrize("arguments", [(REQUESTS,), (TAXI, "--horizon", "24h", "--at", "2014-10-15T12:00:00Z")])
def test_the_examples_are_forecast(arguments: tuple[str, ...]) -> None:
    result = cli("forecast", *arguments)
    assert result.exit_code == 0, result.output
    assert "note: " in result.stderr
    for words in ("90 % between", "auto; from 2014-", "seasons: 1d and 7d", "now"):
        assert words in " ".join(result.stdout.split())
    for words in ("median", "99 %", "Why: share of each model", "ridge", "naive", "half of the outcomes"):
        assert words in result.stdout


def test_every_line_fits_80_columns() -> None:
    for arguments in ((REQUESTS,), (REQUESTS, "--horizon", "48h"), (REQUESTS, "--compare", "--model", "holt_winters")):
        text = cli("forecast", *arguments, env={"COLUMNS": "80"}).stdout
        assert max(len(line) for line in text.splitlines()) <= 80
        assert "…" not in text


def test_json_has_the_whole_forecast() -> None:
    answer = told(REQUESTS, "--queue-name", "elb", "--horizon", "30m")
    rows = [codec.validate(Forecast, item) for item in answer["forecast"]]
    assert len(rows) == 6
    assert all(row.lower <= row.arrival_rate <= row.upper for row in rows)
    assert rows[-1].model.startswith("auto (")
    assert (answer["queue_name"], answer["model"], answer["horizon"]) == ("elb", "auto", "1800s")
    assert (answer["history"]["interval"], answer["warnings"], answer["anomaly"]) == ("300s", [], None)
    assert len(answer["shares"]) == 6
    assert sum(part["share"] for part in answer["shares"][0]["models"]) == pytest.approx(1.0)
    nanoseconds = told(REQUESTS, "--horizon", "30m", "--durations", "ns")
    assert nanoseconds["horizon"] == 1_800_000_000_000


def test_intervals_follow_the_samples_unless_they_are_given() -> None:
    answer = told(TAXI, "--horizon", "2h")
    assert (len(answer["forecast"]), answer["history"]["interval"]) == (4, "1800s")
    assert len(told(TAXI, "--horizon", "2h", "--interval", "1h")["forecast"]) == 2
    assert len(told(TAXI, "--horizon", "10m")["forecast"]) == 1


def test_the_default_history_shows_the_week(tmp_path: Path) -> None:
    assert told(TAXI)["history"]["samples"] == 28 * 48
    assert told(TAXI, "--history-window", "48h")["history"]["samples"] == 96
    settings = tmp_path / "some.toml"
    settings.write_text('[planner]\nhistory_window = "72h"\nforecast_model = "ewma"\n', encoding="utf-8")
    answer = told(TAXI, "--config", str(settings))
    assert (answer["history"]["samples"], answer["model"], answer["shares"]) == (144, "ewma", [])
    assert told(TAXI, "--config", str(settings), "--model", "naive")["model"] == "naive"


def test_an_anomaly_is_told(tmp_path: Path) -> None:
    path = history(tmp_path / "history.csv", 900)
    text = path.read_text(encoding="utf-8").splitlines()
    text[-1] = text[-1].rpartition(",")[0] + ",30000"
    path.write_text("\n".join(text), encoding="utf-8")
    result = cli("forecast", str(path))
    assert "The newest traffic is off" in result.stdout
    assert "jobs/s came where" in " ".join(result.stdout.split())
    assert told(str(path))["anomaly"]["came"] == 100.0


def test_warnings_are_told(tmp_path: Path) -> None:
    result = cli("forecast", str(history(tmp_path / "history.csv", 100)), "--model", "seasonal")
    assert result.exit_code == 0
    assert "INSUFFICIENT_HISTORY" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((REQUESTS, "--model", "emwa"), "MODEL_NOT_SUPPORTED: forecast_model is 'emwa'"),
        ((REQUESTS, "--model", "emwa"), "(forecast_model comes from: --model)"),
        ((REQUESTS, "--compare", "--model", "ewma,nope"), "MODEL_NOT_SUPPORTED"),
        (("nothing.csv",), "does not exist"),
        ((REQUESTS, "--horizon", "0s"), "--horizon is '0s', which must be above zero"),
        ((REQUESTS, "--horizon", "-1h"), "--horizon is '-1h'"),
        ((REQUESTS, "--horizon", "5"), "--horizon is '5', which has no unit"),
        ((REQUESTS, "--horizon", "1000h"), "more than 2016 intervals of 5m. Make --interval longer"),
        ((REQUESTS, "--interval", "1ms"), "--interval is"),
        ((REQUESTS, "--value-column", "nope"), "nope"),
        ((REQUESTS, "--at", "2000-01-01T00:00:00Z"), "before the first sample"),
        ((REQUESTS, "--plot", "forecast.gif"), "forecast.gif"),
        ((REQUESTS, "--unit", "furlongs"), "--unit"),
        ((REQUESTS, "--compare", "--plot", "forecast.png"), "--compare makes none"),
        ((REQUESTS, "--compare", "--at", "2014-04-10T02:00:00Z"), "INSUFFICIENT_HISTORY"),
    ],
)
def test_invalid_input_is_a_sentence_and_exit_code_2(arguments: tuple[str, ...], words: str) -> None:
    result = cli("forecast", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_help_names_the_models_and_recommends_one() -> None:
    text = " ".join(cli("forecast", "--help").stdout.split())
    for words in ("auto", "ewma", "holt_winters", "linear", "seasonal", "ridge", "naive", "recommended", "672h"):
        assert words in text
    assert "recommended" in cli("plan", "--help").stdout


@pytest.mark.parametrize(("name", "magic"), [("a.png", b"\x89PNG\r\n"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF")])
def test_plot_makes_a_picture(tmp_path: Path, name: str, magic: bytes) -> None:
    pytest.importorskip("matplotlib")
    result = cli("forecast", REQUESTS, "--plot", str(tmp_path / name))
    assert result.exit_code == 0, result.output
    content = (tmp_path / name).read_bytes()
    assert content.startswith(magic)
    if name == "a.svg":
        for words in ("arrivals [jobs/s]", "90 % of outcomes", "median", "measured", "time [UTC]", "99 % below"):
            assert words in content.decode()


def test_compare_ranks_the_models() -> None:
    flags = ("--compare", "--model", "seasonal,linear", "--history-window", "1008h", "--at", "2014-10-15T12:00:00Z")
    result = cli("forecast", TAXI, *flags)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("seasonal forecasts best up to 1h ahead")
    assert 'Set forecast_model = "seasonal"' in " ".join(result.stdout.split())
    answer = told(TAXI, *flags)
    assert answer["best"] == "seasonal"
    assert {row["model"] for row in answer["models"]} == {"naive", "seasonal", "linear"}
    assert answer["models"][0]["coverage"]["0.95"] > 0.8
    assert answer["ranked_by"]["relative_to"] == "naive"


def test_compare_takes_all_models_whatever_the_settings_name(tmp_path: Path) -> None:
    settings = tmp_path / "some.toml"
    settings.write_text('[planner]\nforecast_model = "ewma"\n', encoding="utf-8")
    answer = told(TAXI, "--compare", "--config", str(settings), "--history-window", "168h")
    assert {"auto", "ridge", "ewma", "naive", "holt_winters"} <= {row["model"] for row in answer["models"]}


def test_ascii_terminals_and_no_color_are_served(tmp_path: Path) -> None:
    done = process("forecast", REQUESTS, cwd=tmp_path, PYTHONIOENCODING="ascii", NO_COLOR="1", PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr
    assert "\x1b[" not in done.stdout
    assert "?" not in done.stdout
    assert "o median" in done.stdout
    assert "* measured" in done.stdout


def test_a_forecast_loads_no_more_than_it_needs(tmp_path: Path) -> None:
    heavy = ("scipy", "pandas", "numba", "matplotlib", "pydantic")
    code = (
        "import sys, atexit\n"
        f"atexit.register(lambda: print([m for m in {heavy} if m in sys.modules], file=sys.stderr))\n"
        f"sys.argv = ['capacity-planner', 'forecast', {REQUESTS!r}]\n"
        "from capacity_planner.surfaces.cli.main import run\nrun()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stderr.splitlines()[-1] == "[]"
