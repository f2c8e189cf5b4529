"""The first tables."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    column,
    table,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_NUMBER = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    """From nothing."""
    _queues()
    _samples()
    _plans()
    _orders()
    _scalings()
    _outcomes()
    _process()


def _given(name: str, kind: Any) -> Column[Any]:
    return Column(name, kind, nullable=False)


def _queues() -> None:
    op.create_table(
        "queues",
        Column("id", _NUMBER, autoincrement=False),
        _given("name", Text()),
        _given("epoch", Integer()),
        _given("owner", Text()),
        Column("owned_until", BigInteger()),
        Column("planned_slot", BigInteger()),
        _given("gap", Text()),
        Column("last_decision", Text()),
        _given("last_reason", Text()),
        _given("last_plan_id", Text()),
        PrimaryKeyConstraint("id", name="pk_queues"),
    )


def _samples() -> None:
    op.create_table(
        "samples",
        _given("queue_id", BigInteger()),
        _given("epoch", Integer()),
        _given("at", BigInteger()),
        _given("stamp", BigInteger()),
        *_measured(),
        PrimaryKeyConstraint("queue_id", "epoch", "at", name="pk_samples"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_samples_queue_id_stamp", "samples", ["queue_id", "stamp"])
    op.create_table(
        "bins",
        _given("queue_id", BigInteger()),
        _given("epoch", Integer()),
        _given("at", BigInteger()),
        _given("span", BigInteger()),
        *_measured(),
        PrimaryKeyConstraint("queue_id", "epoch", "at", name="pk_bins"),
        sqlite_with_rowid=False,
    )
    op.create_table("counters", _given("name", Text()), _given("value", BigInteger()), _key("counters", "name"))
    op.bulk_insert(table("counters", column("name"), column("value")), [{"name": "stamp", "value": 0}])


def _measured() -> list[Column[Any]]:
    return [
        _given("arrival_rate", Double()),
        _given("service_time", BigInteger()),
        Column("service_time_p95", BigInteger()),
        Column("service_time_std", BigInteger()),
        _given("current_workers", BigInteger()),
        _given("utilization", Double()),
        _given("backlog", BigInteger()),
        _given("active_jobs", BigInteger()),
    ]


def _plans() -> None:
    op.create_table(
        "plans",
        _given("id", Text()),
        _given("queue_id", BigInteger()),
        _given("recorded_at", BigInteger()),
        _given("window_end", BigInteger()),
        _given("judged", Boolean()),
        _given("decision", Text()),
        _given("reason", Text()),
        _given("explanation", Text()),
        _given("made_by", Text()),
        _given("applied_by", Text()),
        Column("applied_at", BigInteger()),
        _given("response", LargeBinary()),
        _key("plans", "id"),
    )
    op.create_index("ix_plans_queue_id_recorded_at", "plans", ["queue_id", "recorded_at"])
    op.create_index("ix_plans_recorded_at", "plans", ["recorded_at"])
    op.create_index("ix_plans_judged_window_end", "plans", ["judged", "window_end"])


def _orders() -> None:
    op.create_table(
        "orders",
        _given("id", Text()),
        _given("plan_id", Text()),
        _given("queue_id", BigInteger()),
        _given("sequence", BigInteger()),
        _given("due", BigInteger()),
        _given("expires", BigInteger()),
        _given("from_workers", BigInteger()),
        _given("to_workers", BigInteger()),
        _given("status", Text()),
        _given("attempts", BigInteger()),
        Column("retry_at", BigInteger()),
        Column("settled_at", BigInteger()),
        Column("observed_workers", BigInteger()),
        _given("note", Text()),
        _given("outdated", Boolean()),
        _key("orders", "id"),
    )
    op.create_index("ix_orders_queue_id_status", "orders", ["queue_id", "status"])
    op.create_index("ix_orders_status_due", "orders", ["status", "due"])
    op.create_index("ix_orders_plan_id", "orders", ["plan_id"])


def _scalings() -> None:
    op.create_table(
        "scalings",
        Column("id", _NUMBER),
        _given("queue_id", BigInteger()),
        _given("at", BigInteger()),
        _given("from_workers", BigInteger()),
        _given("to_workers", BigInteger()),
        _given("plan_id", Text()),
        Column("order_id", Text()),
        _given("scaler", Text()),
        _given("by", Text()),
        _key("scalings", "id"),
        UniqueConstraint("order_id", name="uq_scalings_order_id"),
    )
    op.create_index("ix_scalings_queue_id_at", "scalings", ["queue_id", "at"])
    op.create_index("ix_scalings_at", "scalings", ["at"])


def _outcomes() -> None:
    op.create_table(
        "outcomes",
        _given("plan_id", Text()),
        _given("queue_id", BigInteger()),
        _given("generated_at", BigInteger()),
        _given("outcome", Text()),
        _key("outcomes", "plan_id"),
    )
    op.create_index("ix_outcomes_queue_id_generated_at", "outcomes", ["queue_id", "generated_at"])
    op.create_index("ix_outcomes_generated_at", "outcomes", ["generated_at"])


def _process() -> None:
    op.create_table(
        "configs",
        Column("version", BigInteger(), autoincrement=False),
        _given("document", Text()),
        _given("changed_at", BigInteger()),
        _given("changed_by", Text()),
        _given("digest", Text()),
        _key("configs", "version"),
    )
    op.create_table("replicas", _given("name", Text()), _given("alive_until", BigInteger()), _key("replicas", "name"))
    op.create_table(
        "turns",
        _given("task", Text()),
        _given("replica", Text()),
        _given("taken_at", BigInteger()),
        _key("turns", "task"),
    )


def _key(of: str, name: str) -> PrimaryKeyConstraint:
    return PrimaryKeyConstraint(name, name=f"pk_{of}")
