"""The tables. `migrations` makes them; a test holds the two against each other.

Instants and durations are whole microseconds. A queue is known by a number that derives from its name, so that no key
grows with the name's length and no number has to be looked up or remembered.
"""

from __future__ import annotations

import zlib
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
}
NUMBER = BigInteger().with_variant(Integer, "sqlite")
metadata = MetaData(naming_convention=NAMING)


class Packed(TypeDecorator[str]):
    """Text that is kept compressed: the JSON of a plan shrinks to less than a third."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> bytes | None:
        """The bytes to keep."""
        del dialect
        return None if value is None else zlib.compress(value.encode(), 1)

    def process_result_value(self, value: bytes | None, dialect: Any) -> str | None:
        """The text that was kept."""
        del dialect
        return None if value is None else zlib.decompress(value).decode()


def _given(name: str, kind: Any) -> Column[Any]:
    return Column(name, kind, nullable=False)


queues = Table(
    "queues",
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    _given("name", Text),
    _given("epoch", Integer),  # how often it was reset
    _given("owner", Text),
    Column("owned_until", BigInteger),
    Column("planned_slot", BigInteger),
    _given("gap", Text),
    Column("last_decision", Text),
    _given("last_reason", Text),
    _given("last_plan_id", Text),
)


def _measured() -> list[Column[Any]]:
    return [
        _given("arrival_rate", Double),
        _given("service_time", BigInteger),
        Column("service_time_p95", BigInteger),
        Column("service_time_std", BigInteger),
        _given("current_workers", BigInteger),
        _given("utilization", Double),
        _given("backlog", BigInteger),
        _given("active_jobs", BigInteger),
    ]


samples = Table(
    "samples",
    metadata,
    _given("queue_id", BigInteger),
    _given("epoch", Integer),
    _given("at", BigInteger),
    _given("stamp", BigInteger),  # when it was stored, in the database's own order
    *_measured(),
    PrimaryKeyConstraint("queue_id", "epoch", "at"),
    Index(None, "queue_id", "stamp"),
    sqlite_with_rowid=False,
)

bins = Table(  # means of samples that were too old to be kept
    "bins",
    metadata,
    _given("queue_id", BigInteger),
    _given("epoch", Integer),
    _given("at", BigInteger),  # its end
    _given("span", BigInteger),  # its length
    *_measured(),
    PrimaryKeyConstraint("queue_id", "epoch", "at"),
    sqlite_with_rowid=False,
)

plans = Table(
    "plans",
    metadata,
    Column("id", Text, primary_key=True),
    _given("queue_id", BigInteger),
    _given("recorded_at", BigInteger),
    _given("window_end", BigInteger),
    _given("judged", Boolean),  # or not to be judged any more
    _given("decision", Text),
    _given("reason", Text),
    _given("explanation", Text),
    _given("made_by", Text),
    _given("applied_by", Text),
    Column("applied_at", BigInteger),
    _given("response", Packed),
    Index(None, "queue_id", "recorded_at"),
    Index(None, "recorded_at"),
    Index(None, "judged", "window_end"),
)

orders = Table(
    "orders",
    metadata,
    Column("id", Text, primary_key=True),
    _given("plan_id", Text),
    _given("queue_id", BigInteger),
    _given("sequence", BigInteger),
    _given("due", BigInteger),
    _given("expires", BigInteger),
    _given("from_workers", BigInteger),
    _given("to_workers", BigInteger),
    _given("status", Text),
    _given("attempts", BigInteger),
    Column("retry_at", BigInteger),
    Column("settled_at", BigInteger),
    Column("observed_workers", BigInteger),
    _given("note", Text),
    _given("outdated", Boolean),  # a newer plan came while it ran
    Index(None, "queue_id", "status"),
    Index(None, "status", "due"),
    Index(None, "plan_id"),
)

scalings = Table(
    "scalings",
    metadata,
    Column("id", NUMBER, primary_key=True),
    _given("queue_id", BigInteger),
    _given("at", BigInteger),
    _given("from_workers", BigInteger),
    _given("to_workers", BigInteger),
    _given("plan_id", Text),
    Column("order_id", Text),
    _given("scaler", Text),
    _given("by", Text),
    UniqueConstraint("order_id"),
    Index(None, "queue_id", "at"),
    Index(None, "at"),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("plan_id", Text, primary_key=True),
    _given("queue_id", BigInteger),
    _given("generated_at", BigInteger),
    _given("outcome", Text),
    Index(None, "queue_id", "generated_at"),
    Index(None, "generated_at"),
)

configs = Table(
    "configs",
    metadata,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    _given("document", Text),
    _given("changed_at", BigInteger),
    _given("changed_by", Text),
    _given("digest", Text),
)

replicas = Table(
    "replicas",
    metadata,
    Column("name", Text, primary_key=True),
    _given("alive_until", BigInteger),
)

turns = Table(
    "turns",
    metadata,
    Column("task", Text, primary_key=True),
    _given("replica", Text),
    _given("taken_at", BigInteger),
)

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    _given("value", BigInteger),
)
