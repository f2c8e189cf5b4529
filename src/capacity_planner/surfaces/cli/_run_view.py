"""What ``run --once`` shows: a row for every queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from capacity_planner.domain.scaling import QueueStatus
    from capacity_planner.service.service import Service


def rows_of(service: Service) -> list[dict[str, Any]]:
    """What was decided last for every queue of the configuration, as JSON has it."""
    names = {queue.queue_name for queue in service.desk.config().config.queues}
    return [_row(service, status) for status in service.desk.statuses() if status.queue_name in names]


def _row(service: Service, status: QueueStatus) -> dict[str, Any]:
    row: dict[str, Any] = {
        "queue_name": status.queue_name,
        "decision": status.last_decision,
        "reason": status.last_reason,
        "gap": status.gap,
    }
    if not status.last_plan_id:
        return row
    record = service.desk.record(status.last_plan_id)
    plan = record.response.plan
    return row | {
        "plan_id": plan.id,
        "current_workers": plan.current_workers,
        "target_workers": plan.target_workers,
        "confidence": plan.confidence,
        "slo_achievable": plan.slo_achievable,
        "explanation": record.explanation,
    }


def run_view(rows: list[dict[str, Any]]) -> Table:
    """The rows as a table."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("queue", "workers", "confidence", "decision", "why"):
        table.add_column(name, overflow="fold")
    for row in rows:
        planned = "plan_id" in row
        table.add_row(
            row["queue_name"],
            f"{row['current_workers']} → {row['target_workers']}" if planned else "",
            f"{row['confidence']:.0%}" if planned else "",
            row["decision"] or "no plan",
            row.get("explanation") or row["gap"],
        )
    return table
