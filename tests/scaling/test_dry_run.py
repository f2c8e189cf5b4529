"""The scaler that scales nothing keeps a journal that says what it was told, once each."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from capacity_planner.domain.scaling import Order
from capacity_planner.errors import ErrorCode, PlannerError, WorldError
from capacity_planner.registry import scalers

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def order(sequence: int, to: int, queue: str = "emails") -> Order:
    return Order(
        id=f"plan-1/{sequence}",
        plan_id="plan-1",
        queue_name=queue,
        sequence=sequence,
        due=NOW,
        expires=NOW + timedelta(hours=1),
        from_workers=1,
        to_workers=to,
    )


def test_without_a_journal_it_cannot_tell_what_runs() -> None:
    scaler = scalers.make("dry_run", {})
    assert scaler.scale(order(1, 5)) is None
    assert scaler.current("emails") is None


def test_a_journal_survives_a_restart_and_knows_each_queue(tmp_path: Path) -> None:
    options = {"journal": str(tmp_path / "orders.jsonl")}
    assert scalers.make("dry_run", options).scale(order(1, 5)) == 5
    assert scalers.make("dry_run", options).scale(order(2, 8)) == 8
    assert scalers.make("dry_run", options).scale(order(3, 2, "reports")) == 2
    again = scalers.make("dry_run", options)
    assert [again.current(name) for name in ("emails", "reports", "other")] == [8, 2, None]


def test_an_order_that_comes_twice_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "orders.jsonl"
    for _ in range(3):
        scalers.make("dry_run", {"journal": str(path)}).scale(order(1, 5))
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == ["plan-1/1"]


def test_a_torn_last_line_is_no_order(tmp_path: Path) -> None:
    path = tmp_path / "orders.jsonl"
    scaler = scalers.make("dry_run", {"journal": str(path)})
    scaler.scale(order(1, 5))
    with path.open("a") as file:
        file.write('{"id": "plan-1/2", "to_wor')
    assert scaler.current("emails") == 5
    assert scaler.scale(order(2, 8)) == 8
    assert scaler.current("emails") == 8


@pytest.mark.parametrize("line", ['{"level": "info"}', '{"id": "a/1", "queue_name": "emails", "to_workers": null}'])
def test_a_file_of_somebody_elses_is_no_journal(tmp_path: Path, line: str) -> None:
    path = tmp_path / "app.log"
    path.write_text(f"{line}\n")
    scaler = scalers.make("dry_run", {"journal": str(path)})
    with pytest.raises(WorldError, match=r"app\.log has lines that are no orders. Set another file."):
        scaler.current("emails")
    with pytest.raises(WorldError, match="has lines that are no orders"):
        scaler.scale(order(1, 5))
    assert path.read_text() == f"{line}\n"


def test_a_journal_that_cannot_be_written_is_a_failure_of_the_world(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="cannot be written"):
        scalers.make("dry_run", {"journal": str(tmp_path / "no" / "orders.jsonl")}).scale(order(1, 5))


@pytest.mark.parametrize(
    ("name", "options", "code", "words"),
    [
        ("dry_run", {"jurnal": "x"}, ErrorCode.CONFIG_INVALID, "Did you mean journal?"),
        ("dry_runn", {}, ErrorCode.MODEL_NOT_SUPPORTED, "Did you mean 'dry_run'?"),
        ("dry_run", {"journal": 5}, ErrorCode.CONFIG_INVALID, "do not make the scaler dry_run"),
    ],
)
def test_what_makes_no_scaler_is_refused_by_name(
    name: str, options: dict[str, object], code: ErrorCode, words: str
) -> None:
    with pytest.raises(PlannerError, match=words) as caught:
        scalers.make(name, options)
    assert caught.value.code is code
