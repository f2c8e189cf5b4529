"""``review``: files of plans, its table and verdict, its picture, its JSON and its exit codes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner import PlanReview, codec
from capacity_planner.domain.review import PlanOutcome, ReliabilityBin
from capacity_planner.surfaces.cli._review_words import headline, meaning, unjudged
from tests.surfaces._made import MINUTE, NOW, cli, response

if TYPE_CHECKING:
    from pathlib import Path

    from capacity_planner import PlanResponse

pytestmark = pytest.mark.slow

HOUR = 60 * MINUTE
PAIR = ((20.0, "mail"), (90.0, "web"))


def made(hours: int = 0, workers: int = 60, **rest: Any) -> PlanResponse:
    """A plan for an hour that stays at so many workers; a load of 40 erlang comes."""
    whole = response()
    changes = {"id": f"p{hours}-{workers}", "generated_at": NOW + hours * HOUR, "current_workers": workers}
    plan = replace(whole.plan, **{**changes, "steps": (), "target_workers": workers, **rest})
    return replace(whole, plan=plan)


def came(path: Path, hours: int = 3, rows: str = "") -> Path:
    """A file of one-minute counts: 20 jobs/s from the first plan on."""
    lines = [f"{NOW + index * MINUTE:%Y-%m-%dT%H:%M:%SZ},1200" for index in range(hours * 60)]
    path.write_text("\n".join(["timestamp,count", *lines, rows]), encoding="utf-8")
    return path


@pytest.fixture
def history(tmp_path: Path) -> str:
    return str(came(tmp_path / "came.csv"))


def files(folder: Path, *plans: PlanResponse) -> str:
    """A directory of plans, as ``plan --json`` writes them."""
    folder.mkdir(exist_ok=True)
    for number, item in enumerate(plans):
        (folder / f"{number}.json").write_text(codec.dumps(item, indent=2), encoding="utf-8")
    return str(folder)


def answer(*arguments: str, code: int = 0, **options: Any) -> PlanReview:
    result = cli("review", *arguments, "--json", **options)
    assert result.exit_code == code, result.output
    return codec.decode(PlanReview, result.stdout)


def refused(*arguments: str, **options: Any) -> str:
    result = cli("review", *arguments, **options)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert "Traceback" not in result.stderr
    return result.stderr


def test_a_directory_of_plans_is_reviewed(tmp_path: Path, history: str) -> None:
    plans = files(tmp_path / "plans", made(1), made(0), made(2, 45))
    (tmp_path / "plans" / "notes.txt").write_text("not a plan")
    found = answer(plans, "--history", history)
    assert [item.plan_id for item in found.outcomes] == ["p0-60", "p1-60", "p2-45"]
    assert [item.kept for item in found.outcomes] == [True, True, True]
    assert (found.judged, found.kept) == (3, 3)


def test_every_way_to_write_plans_says_the_same(tmp_path: Path, history: str) -> None:
    several = [made(0), made(1)]
    texts = {
        "list.json": f"[{', '.join(codec.dumps(item) for item in several)}]",
        "lines.jsonl": "\n".join(codec.dumps(item) for item in several),
        "appended.json": "\n".join(codec.dumps(item, indent=2) for item in several),
        "bare.ndjson": "".join(f"{codec.dumps(item.plan)}\n\n" for item in several),
        "bom.json": f"\ufeff{codec.dumps(several[0])}",
        "ns.json": codec.dumps(several[0], durations="ns"),
    }
    found = {}
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        found[name] = answer(str(tmp_path / name), "--history", history).outcomes
    assert len({*(found[name] for name in ("list.json", "lines.jsonl", "appended.json", "bare.ndjson"))}) == 1
    assert [len(items) for items in found.values()] == [2, 2, 2, 2, 1, 1]
    assert found["bom.json"] == found["ns.json"] == found["list.json"][:1]
    assert answer("-", "--history", history, input=texts["lines.jsonl"]).outcomes == found["list.json"]
    twice = answer(str(tmp_path / "list.json"), str(tmp_path / "lines.jsonl"), "--history", history)
    assert twice.outcomes == found["list.json"]


def test_what_a_failed_plan_left_behind_is_left_out(tmp_path: Path, history: str) -> None:
    plans = files(tmp_path / "plans", made(0))
    (tmp_path / "plans" / "9.json").write_text("\n")
    result = cli("review", plans, "--history", history)
    assert result.exit_code == 0
    assert "9.json: empty, and left out." in result.stderr
    nothing = cli("review", str(tmp_path / "plans" / "9.json"), "--history", history)
    assert (nothing.exit_code, nothing.stdout.strip()) == (0, "There is no plan to review.")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.json", "{", "a.json is no JSON:"),
        ("a.json", '{"id": 1, "id": 2}', "a.json is no JSON: id is written twice"),
        ("a.json", "5", "a.json is no plan. Give plans as"),
        ("a.json", '{"forecast": []}', "a.json is no plan."),
        ("a.json", '[{"current_workers": 1}, 5]', "a.json [1]: plan."),
        ("a.csv", b"\xff\xfe", "a.csv is not UTF-8 text."),
        ("a", None, "a is a directory without .json, .jsonl, .ndjson files."),
        ("", None, "none.json cannot be read: No such file or directory."),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, history: str, name: str, text: str | bytes | None, told: str
) -> None:
    path = tmp_path / (name or "none.json")
    if isinstance(text, str):
        path.write_text(text, encoding="utf-8")
    elif text is not None:
        path.write_bytes(text)
    elif name:
        path.mkdir()
    assert told in refused(str(path), "--history", history)


def test_a_field_that_does_not_fit_is_named_with_its_file(tmp_path: Path, history: str) -> None:
    body = codec.encode(made(0).plan)
    body["confidence"] = 2
    (tmp_path / "a.json").write_text(json.dumps(body))
    told = refused(str(tmp_path / "a.json"), "--history", history)
    assert "a.json: plan.confidence is 2, which must be at most 1." in told


def test_the_table_says_what_became_of_each_plan(tmp_path: Path, history: str) -> None:
    plans = files(tmp_path / "plans", made(0), made(1, 20), made(3))
    result = cli("review", plans, "--history", history, "--hindsight", env={"COLUMNS": "120"})
    assert result.exit_code == 0, result.output  # of two plans at 87 % chance alone brings one down
    lines = result.stdout.splitlines()
    assert lines[0].startswith("Of 2 plans that said 87 % on average, 1 (50 %) kept their SLO; forecasts were ")
    assert lines[1].startswith("2 of 3 plans judged, made 2026-01-31T12:00:00Z to 2026-01-31T15:00:00Z")
    (first, second, third) = (line for line in lines if line.startswith(("12:00", "13:00", "15:00")))
    assert "yes" in first
    assert "no x" in second
    assert third.count("–") >= 5
    assert "• 1 plan: The history ends at 2026-01-31T15:00:00Z, before its window is over." in result.stdout
    assert re.search(r"80 to 90 % +2 +87 % +50 %  █{20}·+┊", result.stdout)
    assert "That is less often than said, but within sampling error" in result.stdout
    assert "is not known yet: 2 are too few; it takes 20 or more." in result.stdout
    assert "needed: fewest workers" in result.stdout


def test_plans_that_promised_too_much_end_with_3(tmp_path: Path, history: str) -> None:
    plans = files(tmp_path / "plans", *(made(hours, 20) for hours in range(3)))
    result = cli("review", plans, "--history", history)
    assert result.exit_code == 3
    assert "The confidence was too high." in result.stdout
    assert answer(plans, "--history", history, code=3).chance == pytest.approx((1 - 0.874) ** 3)


def test_options_reach_the_review(tmp_path: Path, history: str) -> None:
    plans = files(tmp_path / "plans", made(0))
    (one,) = answer(plans, "--history", history, "--worker-cost", "2", "--replications", "2").outcomes
    assert one.worker_cost == pytest.approx(120.0)
    (other,) = answer(plans, "--history", history, "--seed", "7").outcomes
    assert other.p95_latency != one.p95_latency
    assert one.required_in_hindsight is None
    (hindsight,) = answer(plans, "--history", history, "--hindsight").outcomes
    assert hindsight.required_in_hindsight is not None
    late = cli("review", plans, "--history", history, "--timeout", "0s")
    assert (late.exit_code, "--timeout is 0s, and the review took longer." in late.stderr) == (1, True)
    assert "--seed" in refused(plans, "--history", history, "--seed", "-1")
    assert "--replications" in refused(plans, "--history", history, "--replications", "0")
    written = cli("review", plans, "--history", history, "--json", "--durations", "ns")
    assert json.loads(written.stdout)["outcomes"][0]["forecast_window"] == 3_600_000_000_000


def test_the_history_is_read_as_in_other_commands(tmp_path: Path) -> None:
    plans = files(tmp_path / "plans", made(0))
    rows = [f"{NOW + index * MINUTE:%Y-%m-%d %H:%M:%S};{20 if index else ''}" for index in range(62)]
    path = tmp_path / "rates.csv"
    path.write_text("\n".join(["when,jobs_per_s", *rows]).replace(";", ","), encoding="utf-8")
    flags = ("--history", str(path), "--time-column", "when", "--value-column", "jobs_per_s", "--unit", "rate")
    assert "--timezone" in refused(plans, *flags)
    (found,) = answer(plans, *flags, "--timezone", "UTC").outcomes
    assert found.arrival_rate == pytest.approx(20.0)
    assert "history" in refused(plans).lower()
    assert "no.csv" in refused(plans, "--history", str(tmp_path / "no.csv"))


def test_several_queues_are_reviewed_against_their_own_rows(tmp_path: Path) -> None:
    plans = files(tmp_path / "plans", made(0), made(0, 59, queue_name="web"))
    path = tmp_path / "both.csv"
    rows = [f"{NOW + (at + 1) * MINUTE:%Y-%m-%dT%H:%M:%SZ},{rate},{name}" for at in range(60) for rate, name in PAIR]
    path.write_text("\n".join(["timestamp,arrival_rate,queue_name", *rows]), encoding="utf-8")
    found = answer(plans, "--history", str(path))
    assert {item.queue_name: item.kept for item in found.outcomes} == {"mail": True, "web": False}
    assert [item.queue_name for item in answer(plans, "--history", str(path), "--queue-name", "mail").outcomes] == [
        "mail"
    ]
    assert "the plans are of 'mail', 'web'" in refused(plans, "--history", str(path), "--queue-name", "sms")
    shown = cli("review", plans, "--history", str(path))
    assert "queue 'web', " in shown.stderr
    assert " web " in shown.stdout
    unnamed = came(tmp_path / "came.csv")
    assert "history has no queue_name, but the plans are of 2 queues" in refused(plans, "--history", str(unnamed))


@pytest.mark.parametrize("name", ["a.png", "a.svg"])
def test_the_picture_is_drawn(tmp_path: Path, history: str, name: str) -> None:
    pytest.importorskip("matplotlib")
    plans = files(tmp_path / "plans", made(0), made(1, 20), made(5))
    result = cli("review", plans, "--history", history, "--plot", str(tmp_path / name))
    assert f"picture written to {tmp_path / name}." in result.stderr
    content = (tmp_path / name).read_bytes()
    assert len(content) > 5_000
    if name.endswith("svg"):
        assert all(word in content.decode() for word in ("confidence that plans said", "not judged", "broke its SLO"))
    empty = cli("review", plans, "--history", str(came(tmp_path / "short.csv", 1)), "--plot", str(tmp_path / name))
    assert empty.exit_code == 0


@pytest.mark.parametrize("columns", ["40", "60", "200"])
def test_it_fits_the_terminal(tmp_path: Path, history: str, columns: str) -> None:
    plans = files(tmp_path / "plans", *(made(0, 60 + number, id=str(number)) for number in range(45)))
    result = cli("review", plans, "--history", history, "--replications", "1", env={"COLUMNS": columns})
    assert max(map(len, result.stdout.splitlines())) <= int(columns)
    assert " ".join(result.stdout.split()).count("5 earlier plans are in --json.") == 1
    said = " ".join(result.stdout.replace("•", " ").split())
    assert "their windows overlap, so that they count as 1 independent ones" in said


def reviewed(**rest: Any) -> PlanReview:
    """A review of plans that said 90 %."""
    fields = {
        "id": "r",
        "plans": 48,
        "judged": 48,
        "independent_plans": 48.0,
        "kept": 44,
        "kept_share": 44 / 48,
        "mean_confidence": 0.91,
        "chance": 0.6,
        "brier": 0.07,
        "brier_of_base_rate": 0.076,
        "reliability": (ReliabilityBin(low=0.9, high=0.95, plans=48, stated=0.91, kept=44 / 48),),
        "forecast_wape": 0.2,
        "bias": -0.03,
        "band_coverage": 0.95,
        "created_at": NOW,
    }
    return PlanReview(**{**fields, **rest})


def test_the_verdict_is_one_sentence() -> None:
    said = "Of 48 plans that said 91 % on average, 44 (92 %) kept their SLO; forecasts were 3 % low."
    assert headline(reviewed()) == said
    assert headline(reviewed(kept_share=0.85, bias=None)).endswith(
        "44 kept their SLO in most of their runs, and 85 % of all runs did."
    )
    assert headline(reviewed(bias=0.2)).endswith("forecasts were 20 % high.")
    assert headline(reviewed(bias=0.001)).endswith("forecasts were right on average.")
    one = reviewed(plans=1, judged=1, kept=1, kept_share=0.8, bias=None)
    assert headline(one) == "One plan that said 91 % kept its SLO, in 80 % of its runs."
    assert headline(reviewed(plans=0, judged=0)) == "There is no plan to review."
    assert headline(reviewed(plans=1, judged=0)) == "The plan cannot be judged."
    assert headline(reviewed(judged=0)) == "None of 48 plans can be judged."


def test_the_meaning_is_told_as_far_as_it_is_known() -> None:
    first, brier, forecast = meaning(reviewed())
    assert first == "The SLO was kept at least as often as the plans said."
    assert brier.startswith("Brier score 0.070 against 0.076 of always saying 92 %: ")
    assert "good plans from bad ones better than that would" in brier
    assert forecast.startswith("The median forecasts were off by 20 % of what came; in 95 % of the intervals")
    few = meaning(reviewed(independent_plans=19.0, judged=19))
    assert any(part.endswith("is not known yet: 19 are too few; it takes 20 or more.") for part in few)
    assert not any("Brier" in part for part in few)
    assert "Their windows overlap, so that they count as 30 independent ones." in meaning(
        reviewed(independent_plans=30.0)
    )
    low = meaning(reviewed(kept_share=0.6, chance=0.001))[0]
    assert low.endswith("chance alone brings so few in 0.1 % of cases. The confidence was too high.")
    assert meaning(reviewed(judged=0)) == []


def test_reasons_are_counted() -> None:
    told = [
        PlanOutcome(
            plan_id=str(number),
            queue_name="",
            generated_at=NOW,
            forecast_window=timedelta(hours=1),
            confidence=0.9,
            target_workers=1,
            slo_achievable=True,
            judged=False,
            reason="Early." if number else "Late.",
        )
        for number in range(3)
    ]
    assert unjudged(reviewed(outcomes=tuple(told))) == ["2 plans: Early.", "1 plan: Late."]


def test_the_help_teaches() -> None:
    told = " ".join(cli("review", "--help").stdout.split())
    for words in ("of the plans that say 90 %, 90 % keep their SLO", "Brier score", "Examples:", "Exit codes: 0"):
        assert words in told
