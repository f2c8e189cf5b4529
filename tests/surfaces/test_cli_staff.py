"""``staff``: workers against latency."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.surfaces._made import cli

if TYPE_CHECKING:
    from pathlib import Path

LOAD = ("--arrival-rate", "25.5", "--service-time", "2s")


def rows(*arguments: str) -> dict[str, Any]:
    result = cli("staff", *LOAD, *arguments, "--json")
    assert result.exit_code in {0, 3}, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def test_the_answer_is_the_fewest_that_keep_the_target() -> None:
    answer = rows("--p95", "8s")
    assert answer["workers"] == 53
    kept = {row["workers"]: row["meets_target"] for row in answer["rows"]}
    assert not kept[52]
    assert all(meets for workers, meets in kept.items() if workers >= 53)


def test_more_workers_never_wait_longer() -> None:
    waits = [row["probability_of_wait"] for row in rows("--from", "40", "--to", "70")["rows"]]
    assert waits == sorted(waits, reverse=True)
    assert len(waits) == 31


def test_concurrency_divides_the_workers() -> None:
    assert rows("--p95", "8s", "--concurrency", "4")["workers"] == 14


def test_named_numbers_are_shown_alone() -> None:
    answer = rows("--workers", "60", "--workers", "55", "--durations", "ns")
    assert [row["workers"] for row in answer["rows"]] == [55, 60]
    assert answer["workers"] is None
    assert isinstance(answer["rows"][0]["wait_time"], int)


def test_what_cannot_be_kept_tells_the_least_p95() -> None:
    result = cli("staff", *LOAD, "--p95", "5s")
    assert result.exit_code == 3
    assert "the least achievable p95 is 5.99" in result.stdout
    assert rows("--p95", "5s")["least_p95"].startswith("5.99")


def test_the_text_has_table_and_curve() -> None:
    text = cli("staff", *LOAD, "--p95", "8s").stdout
    for words in ("53 workers keep p95 within 8s", "utilisation", "keeps it", "┊", "$26.50/h", "exponential"):
        assert words in text


def test_an_unstable_queue_is_endless_and_an_empty_one_idle() -> None:
    assert "∞" in cli("staff", *LOAD, "--workers", "3").stdout
    assert cli("staff", "--arrival-rate", "0", "--service-time", "2s", "--p95", "8s").exit_code == 0
    assert cli("staff", *LOAD, "--from", "0", "--to", "2").exit_code == 0


def test_spread_matters_with_mgc() -> None:
    steady = rows("--queueing-model", "mgc", "--std", "0s", "--p95", "3s")["workers"]
    wild = rows("--queueing-model", "mgc", "--std", "2s", "--service-p95", "6s", "--p95", "8s")["workers"]
    assert steady
    assert wild


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", "9", "--to", "5"), "above --to 5"),
        (("--from", "0", "--to", "100000"), "more than anyone reads"),
        (("--service-time", "0s"), "no service time"),
        (("--service-time", "2"), "has no unit"),
        (("--arrival-rate", "inf"), "finite"),
        (("--queueing-model", "mmm"), "Did you mean"),
        (("--p95", "0.5"), "--p95 is '0.5'"),
    ],
)
def test_invalid_input_is_a_sentence(arguments: tuple[str, ...], words: str) -> None:
    result = cli("staff", *LOAD, *arguments)
    assert result.exit_code == 2
    assert words in result.stderr


@pytest.mark.parametrize("arguments", [("--p95", "8s"), ("--p95", "5s"), ()])
def test_plot_makes_a_picture(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "staff.svg"
    cli("staff", *LOAD, *arguments, "--plot", str(path))
    text = path.read_text(encoding="utf-8")
    assert "p95 response [s]" in text
    assert "cost [$/h]" in text
