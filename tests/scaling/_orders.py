"""Orders as the planner gives them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from capacity_planner.domain.scaling import Order

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def order(to: int, sequence: int = 1, *, queue: str = "emails", plan: str = "plan-1", from_workers: int = 1) -> Order:
    """An order to have so many workers."""
    return Order(
        id=f"{plan}/{sequence}",
        plan_id=plan,
        queue_name=queue,
        sequence=sequence,
        due=NOON,
        expires=NOON + timedelta(hours=1),
        from_workers=from_workers,
        to_workers=to,
    )
