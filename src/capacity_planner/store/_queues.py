"""Queues by name, and the lock of each."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.store._tables import configs, queues
from capacity_planner.store._values import chunks

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection, Row

    from capacity_planner.store._database import Database

_NEW: dict[str, Any] = {"epoch": 0, "owner": "", "gap": "", "last_reason": "", "last_plan_id": ""}


def number(queue_name: str) -> int:
    """The queue's number, from 0 to 2^63.

    >>> number("emails")
    8644523273673004917
    """
    return int.from_bytes(blake2b(queue_name.encode(), digest_size=8).digest(), "big") >> 1


def ensure(database: Database, connection: Connection, names: Collection[str]) -> dict[str, int]:
    """See to it that the queues are there.

    Returns:
        How often each was reset, by its name.

    Raises:
        PlannerError: ``CONFIG_INVALID``: two names have one number, once in 10^9 sets of 100 000 names.
    """
    known = _epochs(connection, names)
    if lacking := sorted(set(names) - known.keys()):
        rows = [{"id": number(name), "name": name, **_NEW} for name in lacking]
        connection.execute(database.dialect.insert(queues).on_conflict_do_nothing(), rows)
        known |= _epochs(connection, lacking)
    for name in lacking:
        if name not in known:
            raise PlannerError(
                ErrorCode.CONFIG_INVALID,
                f"queue_name is {name!r}, which cannot be told from another queue's. Choose another name.",
                details={"field": "queue_name", "value": name},
            )
    return known


def locked(connection: Connection, queue_name: str) -> Row[Any] | None:
    """The queue, which nobody else changes until the transaction ends; ``None`` where there is none."""
    statement = select(queues).where(queues.c.id == number(queue_name)).with_for_update(key_share=True)
    return connection.execute(statement).one_or_none()


def held(database: Database, connection: Connection, queue_name: str, replica: str) -> Row[Any] | None:
    """As `locked`, where the replica holds the queue's lease now."""
    row = locked(connection, queue_name)
    if row is None or row.owner != replica or row.owned_until is None:
        return None
    return row if row.owned_until > database.now(connection) else None


def is_version(connection: Connection, version: int | None) -> bool:
    """Whether a configuration is the newest; ``None`` is."""
    newest = select(func.max(configs.c.version))
    return version is None or version == (connection.execute(newest).scalar_one() or 0)


def _epochs(connection: Connection, names: Collection[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in chunks(names):
        chosen = queues.c.id.in_([number(name) for name in part])
        for row in connection.execute(select(queues.c.name, queues.c.epoch).where(chosen)):
            found[row.name] = row.epoch
    return {name: found[name] for name in names if name in found}
