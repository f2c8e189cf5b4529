"""Transactions, the clock, and what it means when the database does not answer."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from capacity_planner.errors import UnavailableError
from capacity_planner.store._values import micros

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from capacity_planner.store._dialect import Dialect

_OURS = (DataError, IntegrityError, ProgrammingError)


class Database:
    """A database that answers, or says that it does not.

    Args:
        engine: its connections.
        dialect: what it does in its own way.
        clock: instead of the clock that the replicas share.
    """

    def __init__(self, engine: Engine, dialect: Dialect, clock: Callable[[], datetime] | None) -> None:
        self.dialect = dialect
        self._clock = clock
        self._engine = engine
        self._reading = engine.execution_options(**dialect.snapshot)
        self._writing = engine.execution_options(writes=True)
        self._rewriting = engine.execution_options(writes=True, **dialect.snapshot)
        dialect.prepare(engine)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads, and reads what was there at one moment.

        Raises:
            UnavailableError: the database does not answer.
        """
        with self._faults(), self._reading.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction; what it wrote is durable afterwards, or, on an error, never was.

        Raises:
            UnavailableError: the database does not answer; if it was lost during the commit, nobody knows.
        """
        with self._faults(), self.dialect.turn(), self._writing.begin() as connection:
            yield connection

    @contextmanager
    def rewrite(self) -> Iterator[Connection]:
        """As `write`, but what others write meanwhile is neither seen nor touched.

        Raises:
            UnavailableError: as `write`; or others changed what is changed here, and nothing was written.
        """
        with self._faults(), self.dialect.turn(), self._rewriting.begin() as connection:
            yield connection

    def now(self, connection: Connection) -> int:
        """The time [µs], by the clock that all replicas share."""
        return micros(self._clock()) if self._clock else self.dialect.now(connection)

    def close(self) -> None:
        """Let the connections go."""
        self._engine.dispose()

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeoutError:
            raise UnavailableError("The store is busy: all its connections are in use.") from None
        except DBAPIError as error:
            if isinstance(error, _OURS) and not error.connection_invalidated:
                raise
            raise UnavailableError(f"The store does not answer: {self._said(error)}") from None

    def _said(self, error: DBAPIError) -> str:
        """The first line of what the driver said, without the password, should it be in there."""
        lines = str(error.orig).strip().splitlines()
        said = lines[0] if lines else type(error.orig).__name__
        password = self._engine.url.password
        return said.replace(password, "***") if password else said
