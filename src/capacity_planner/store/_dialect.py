"""What SQLite and PostgreSQL do differently; all other SQL is the same for both."""

from __future__ import annotations

import sqlite3
import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from sqlalchemy import BigInteger, cast, event, func, literal_column, select, update
from sqlalchemy.dialects import postgresql, sqlite

from capacity_planner.errors import UnavailableError
from capacity_planner.store._tables import counters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection, Engine, Table
    from sqlalchemy.sql import ColumnElement

Upsert: TypeAlias = sqlite.Insert | postgresql.Insert

_BUSY = 5.0
_STAMP = counters.c.name == "stamp"


class Dialect(Protocol):
    """What the rest of the store asks of a database.

    Attributes:
        snapshot: options by which all that a transaction reads is of one moment.
    """

    snapshot: Mapping[str, Any]

    def prepare(self, engine: Engine) -> None:
        """See to it that every connection is set as it must be."""

    def turn(self) -> AbstractContextManager[None]:
        """The right to write, where one process should not compete with itself."""

    def lock(self, connection: Connection, name: str) -> None:
        """Hold all others who lock the same name, until the transaction ends."""

    def insert(self, table: Table) -> Upsert:
        """An insert that can say what happens on a conflict."""

    def stamp(self, connection: Connection) -> Any:
        """The order in which this transaction's rows become visible: a number, or SQL for one."""

    def horizon(self) -> tuple[ColumnElement[int], ColumnElement[int]]:
        """Below the first, all rows that will ever bear such a stamp are visible; no visible row has the second."""

    def now(self, connection: Connection) -> int:
        """The clock that all replicas share [µs]."""


class Sqlite:
    """One file, one writer at a time."""

    snapshot: Mapping[str, Any] = MappingProxyType({})  # as it is anyway

    def __init__(self) -> None:
        self._writing = Lock()

    def prepare(self, engine: Engine) -> None:
        """Transactions as we say, not as the driver guesses; every commit is on the disk before it is told."""
        event.listen(engine, "connect", self._connected)
        event.listen(engine, "begin", self._begin)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Writers of one process queue up here: SQLite would let them sleep and poll."""
        if not self._writing.acquire(timeout=_BUSY):
            raise UnavailableError("The store is busy: other writes have taken it for 5 s.")
        try:
            yield
        finally:
            self._writing.release()

    def lock(self, connection: Connection, name: str) -> None:
        """A writer is alone as it is."""

    def insert(self, table: Table) -> Upsert:
        """SQLite's insert."""
        return sqlite.insert(table)

    def stamp(self, connection: Connection) -> Any:
        """One more than the last: writers come one after the other."""
        connection.execute(update(counters).where(_STAMP).values(value=counters.c.value + 1))
        return connection.execute(select(counters.c.value).where(_STAMP)).scalar_one()

    def horizon(self) -> tuple[ColumnElement[int], ColumnElement[int]]:
        """Beyond the newest stamp."""
        beyond = select(counters.c.value + 1).where(_STAMP).scalar_subquery()
        return beyond, beyond

    def now(self, connection: Connection) -> int:
        """The machine's clock: all who share the file run on it."""
        del connection
        return time.time_ns() // 1000

    @staticmethod
    def _connected(connection: sqlite3.Connection, record: Any) -> None:
        del record
        connection.isolation_level = None
        _use_wal(connection)
        connection.execute("PRAGMA synchronous=FULL")

    @staticmethod
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Let readers read while one writes; the file remembers it. SQLite does not wait by itself for others here."""
    last_try = time.monotonic() + _BUSY
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            if connection.execute("PRAGMA journal_mode=WAL").fetchone() != ("wal",):
                return  # a file system that cannot; all else holds without
        except sqlite3.OperationalError:
            if time.monotonic() > last_try:
                raise
            time.sleep(0.02)


_CONNECTED = """SELECT set_config('statement_timeout', '10000', false),
    set_config('idle_in_transaction_session_timeout', '60000', false),
    CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', false) END"""
_NOW = "extract(epoch FROM clock_timestamp()) * 1000000"


class Postgres:
    """A server that replicas share."""

    snapshot: Mapping[str, Any] = MappingProxyType({"isolation_level": "REPEATABLE READ"})

    def prepare(self, engine: Engine) -> None:
        """No statement hangs for ever, and every commit is on the disk before it is told."""
        event.listen(engine, "connect", self._connected)

    def turn(self) -> AbstractContextManager[None]:
        """Rows are locked one by one."""
        return nullcontext()

    def lock(self, connection: Connection, name: str) -> None:
        """An advisory lock."""
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"capacity-planner {name}"))))

    def insert(self, table: Table) -> Upsert:
        """PostgreSQL's insert."""
        return postgresql.insert(table)

    def stamp(self, connection: Connection) -> Any:
        """The number of the transaction."""
        del connection
        return func.txid_current()

    def horizon(self) -> tuple[ColumnElement[int], ColumnElement[int]]:
        """The oldest transaction that still runs, and the first that has not begun."""
        snapshot = func.txid_current_snapshot()
        return func.txid_snapshot_xmin(snapshot), func.txid_snapshot_xmax(snapshot)

    def now(self, connection: Connection) -> int:
        """The server's clock."""
        return int(connection.execute(select(cast(literal_column(_NOW), BigInteger))).scalar_one())

    @staticmethod
    def _connected(connection: Any, record: Any) -> None:
        del record
        connection.execute(_CONNECTED)
        connection.commit()
