"""``plan``: from flags, from a history, from both; as text, as JSON, as a picture."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner import codec
from capacity_planner.domain.request import PlanRequest, PlanResponse
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.pipeline.planner import CapacityPlanner
from capacity_planner.surfaces.cli import plan as command
from tests.surfaces._made import FLAGS, NOW, cli, history, response

if TYPE_CHECKING:
    from pathlib import Path

Asked = list[PlanRequest]


@pytest.fixture(name="asked")
def asked_fixture(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What the planner is asked; it answers with a hand-made response."""
    requests: Asked = []

    def answer(request: PlanRequest) -> PlanResponse:
        requests.append(request)
        return response()

    monkeypatch.setattr(command, "_planned", answer)
    return requests


def refusing(monkeypatch: pytest.MonkeyPatch, error: PlannerError) -> None:
    def refuse(request: PlanRequest) -> Any:
        raise error

    monkeypatch.setattr(command, "_planned", refuse)


def test_flags_alone_make_the_request(asked: Asked) -> None:
    result = cli(
        "plan", *FLAGS, "--backlog", "150", "--queue-name", "mail", "--service-time-std", "1s", "--force", "--strict"
    )
    assert result.exit_code == 0, result.output
    metrics = asked[0].current_metrics
    assert (metrics.arrival_rate, metrics.service_time, metrics.current_workers) == (3.0, timedelta(seconds=1), 6)
    assert (metrics.backlog, metrics.queue_name, metrics.service_time_std) == (150, "mail", timedelta(seconds=1))
    assert (asked[0].force_regen, asked[0].strict, asked[0].history) == (True, True, ())
    assert asked[0].slo.p95_latency == timedelta(seconds=8)


def test_every_setting_has_its_flag(asked: Asked) -> None:
    durations = "--cooldown 1m --scale-up-cooldown 0s --startup-delay 30s --forecast-window 2h --plan-interval 10m"
    more = "--history-window 48h --seasonal-period 24h --drain-time 5m"
    numbers = "--min-workers 2 --max-workers 50 --max-step-size 5 --concurrency 4 --safety-margin 0.2 --confidence 0.9"
    names = "--model ewma --queueing-model mgc --service-time-model general --worker-cost 1.5 --violation-cost 10"
    slo = "--max-backlog 9 --error-budget 0.02 --availability 0.99"
    assert cli("plan", *FLAGS, *f"{durations} {more} {numbers} {names} {slo}".split()).exit_code == 0
    config, target = asked[0].config, asked[0].slo
    assert config is not None
    assert (config.cooldown_period, config.cooldown_up) == (timedelta(minutes=1), timedelta(0))
    assert (config.min_workers, config.max_workers, config.max_step_size, config.worker_concurrency) == (2, 50, 5, 4)
    assert (config.queueing_model, config.service_time_model, config.worker_cost_per_hour) == ("mgc", "general", 1.5)
    assert (config.safety_margin, config.confidence_threshold) == (0.2, 0.9)
    assert (target.max_backlog, target.error_budget, target.availability) == (9, 0.02, 0.99)


def test_a_history_alone_assumes_the_workers_that_are_needed(asked: Asked, tmp_path: Path) -> None:
    path = history(tmp_path / "history.csv")
    result = cli("plan", str(path), "--service-time", "1s", "--p95", "8s")
    assert result.exit_code == 0
    assert "300 samples" in result.stderr
    assert "taken as jobs per 5m, divided by it" in result.stderr
    assert "--workers is not given: assuming 2" in result.stderr
    request = asked[0]
    assert request.current_metrics.timestamp == NOW
    assert len(request.history or ()) == 287
    stamps = [item.timestamp for item in request.history or ()]
    assert (min(stamps), max(stamps)) == (NOW - timedelta(hours=23, minutes=55), NOW - timedelta(minutes=5))


def test_the_assumption_stays_within_the_limits(asked: Asked) -> None:
    flags = ("--arrival-rate", "100", "--service-time", "1s")
    result = cli("plan", *flags, "--p95", "8s", "--max-workers", "50")
    assert "it needs 101; the limits say 50" in result.stderr
    cli("plan", *flags, "--max-backlog", "9", "--max-workers", "500", "--concurrency", "2")
    cli("plan", *flags, "--p95", "1s", "--max-workers", "500")
    assert [request.current_metrics.current_workers for request in asked][:2] == [50, 63]
    assert asked[2].current_metrics.current_workers > 100


def test_flags_override_the_last_sample(asked: Asked, tmp_path: Path) -> None:
    cli("plan", str(history(tmp_path / "history.csv")), *FLAGS)
    assert asked[0].current_metrics.arrival_rate == 3.0
    assert asked[0].current_metrics.timestamp == NOW


def test_workers_may_stand_in_the_history(asked: Asked, tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text("ts,rate,service_time,current_workers\n2026-01-31T12:00:00Z,1,1s,0\n", encoding="utf-8")
    result = cli("plan", str(path), "--p95", "8s")
    assert "assuming" not in result.stderr
    assert asked[0].current_metrics.current_workers == 0


def test_at_takes_only_what_was_known(asked: Asked, tmp_path: Path) -> None:
    path = str(history(tmp_path / "history.csv"))
    cli("plan", path, *FLAGS, "--at", "2026-01-31T11:02:00Z")
    assert asked[0].current_metrics.timestamp == NOW - timedelta(hours=1)
    early = cli("plan", path, *FLAGS, "--at", "2020-01-01T00:00:00Z")
    assert early.exit_code == 2
    assert "before the first sample" in early.stderr
    cli("plan", *FLAGS, "--at", "2026-01-31T12:00:00Z")
    assert asked[1].current_metrics.timestamp == NOW


def test_naive_times_are_read_with_their_zone(asked: Asked, tmp_path: Path) -> None:
    path = str(history(tmp_path / "history.csv", zone=""))
    refused = cli("plan", path, *FLAGS)
    assert (refused.exit_code, asked) == (2, [])
    assert "--timezone UTC" in refused.stderr
    assert cli("plan", path, *FLAGS, "--timezone", "UTC").exit_code == 0
    assert asked[0].current_metrics.timestamp == NOW


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--service-time", "1s", "--p95", "8s"), "arrival rate is not known"),
        (("--arrival-rate", "1", "--p95", "8s"), "service time is not known"),
        (("--arrival-rate", "1", "--service-time", "1s"), "No target is set"),
        ((*FLAGS, "--service-time", "2"), "--service-time is '2', which has no unit"),
        ((*FLAGS, "--service-time", "-2s"), "must not be negative"),
        ((*FLAGS, "--p95", "5"), "--p95 is '5', which has no unit"),
        ((*FLAGS, "--arrival-rate", "nan"), "must be a finite number"),
        ((*FLAGS, "--at", "yesterday"), "--at is 'yesterday', which is not an instant"),
        ((*FLAGS, "--min-workers", "9", "--max-workers", "5"), "(min_workers comes from: --min-workers)"),
        ((*FLAGS, "--model", "emwa"), "Did you mean 'ewma'?"),
        ((*FLAGS, "--plot", "plan.gif"), "plan.gif"),
        ((*FLAGS, "--plot", "nowhere/plan.png"), "directory that exists"),
        (("nothing.csv", *FLAGS), "does not exist"),
    ],
)
def test_invalid_input_is_a_sentence_and_exit_code_2(arguments: tuple[str, ...], words: str) -> None:
    result = cli("plan", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_json_decodes_to_an_equal_response(asked: Asked) -> None:
    result = cli("plan", *FLAGS, "--json")
    assert codec.decode(PlanResponse, result.stdout) == response()
    nanoseconds = cli("plan", *FLAGS, "--json", "--durations", "ns")
    assert json.loads(nanoseconds.stdout)["plan"]["service_time"] == 2_000_000_000
    assert codec.decode(PlanResponse, nanoseconds.stdout) == response()
    assert asked


def test_the_real_planner_answers(tmp_path: Path) -> None:
    path = str(history(tmp_path / "history.csv"))
    result = cli("plan", path, "--service-time", "1s", "--workers", "3", "--p95", "8s", "--json")
    assert result.exit_code in {0, 3}
    told = codec.decode(PlanResponse, result.stdout)
    assert (told.plan.current_workers, told.plan.generated_at) == (3, NOW)
    assert len(told.forecast) == len(told.plan.required) == 12


def test_an_unachievable_plan_is_printed_with_exit_code_3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_planned", lambda _: response(achievable=False))
    result = cli("plan", *FLAGS)
    assert result.exit_code == 3
    assert "SLO not achievable" in result.stdout


def test_a_target_below_the_service_time_is_exit_code_3() -> None:
    result = cli("plan", *FLAGS, "--p95", "500ms", "--json")
    assert result.exit_code == 3
    assert not codec.decode(PlanResponse, result.stdout).plan.slo_achievable


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [(ErrorCode.COOLDOWN_ACTIVE, 4), (ErrorCode.ANOMALY_DETECTED, 4), (ErrorCode.SLO_UNACHIEVABLE, 3)],
)
def test_a_blocked_plan_is_still_printed(monkeypatch: pytest.MonkeyPatch, code: ErrorCode, exit_code: int) -> None:
    refusing(monkeypatch, PlannerError(code, "Not now.", details={"field": "x"}, response=response()))
    text, wire = cli("plan", *FLAGS), cli("plan", *FLAGS, "--json")
    assert text.exit_code == wire.exit_code == exit_code
    assert f"{code}: Not now." in text.stderr
    assert "10 → 40 workers" in text.stdout
    assert codec.decode(PlanResponse, wire.stdout) == response()
    assert json.loads(wire.stderr) == {"code": code, "message": "Not now.", "details": {"field": "x"}}


def test_an_anomaly_in_the_history_blocks(tmp_path: Path) -> None:
    path = str(history(tmp_path / "history.csv"))
    with pytest.raises(PlannerError) as caught:
        CapacityPlanner().generate_plan(anomalous(path))
    assert caught.value.code is ErrorCode.ANOMALY_DETECTED
    result = cli("plan", path, "--service-time", "1s", "--workers", "3", "--p95", "8s", "--arrival-rate", "50")
    assert result.exit_code == 4
    assert "ANOMALY_DETECTED" in result.stderr
    assert "workers" in result.stdout


def anomalous(path: str) -> PlanRequest:
    from dataclasses import replace  # noqa: PLC0415 - used here only

    from capacity_planner.domain.slo import SLO  # noqa: PLC0415 - used here only
    from capacity_planner.sources.table import read_table  # noqa: PLC0415 - used here only

    samples = read_table(path).metrics
    now = replace(samples[-1], arrival_rate=50.0, service_time=timedelta(seconds=1), current_workers=3)
    return PlanRequest(current_metrics=now, slo=SLO(p95_latency=timedelta(seconds=8)), history=samples[:-1])


@pytest.mark.parametrize(("name", "magic"), [("a.png", b"\x89PNG\r\n"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF")])
def test_plot_makes_a_picture(asked: Asked, tmp_path: Path, name: str, magic: bytes) -> None:
    pytest.importorskip("matplotlib")
    path = history(tmp_path / "history.csv")
    result = cli("plan", str(path), *FLAGS, "--plot", str(tmp_path / name))
    assert result.exit_code == 0, result.output
    content = (tmp_path / name).read_bytes()
    assert content.startswith(magic)
    assert [item.name for item in tmp_path.iterdir() if item.name.startswith(".")] == []
    assert asked


def test_the_picture_says_the_headline_and_the_axes(asked: Asked, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    cli("plan", *FLAGS, "--plot", str(tmp_path / "a.svg"))
    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    for words in ("10 → 40 workers", "arrivals [jobs/s]", "90 % band", "required", "planned", "time [UTC]"):
        assert words in text
    assert asked


def test_plot_without_its_extra_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    from capacity_planner.surfaces.cli import _picture  # noqa: PLC0415 - used here only

    monkeypatch.setattr(_picture, "find_spec", lambda _: None)
    result = cli("plan", *FLAGS, "--plot", "a.png")
    assert result.exit_code == 2
    assert "pip install 'capacity-planner[plot]'" in result.stderr
