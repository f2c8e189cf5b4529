"""The store of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from capacity_planner.store import _engine
from capacity_planner.store._attempts import Attempts
from capacity_planner.store._leases import Leases
from capacity_planner.store._migrate import migrate
from capacity_planner.store._orders import Orders
from capacity_planner.store._outcomes import Outcomes
from capacity_planner.store._plans import Plans
from capacity_planner.store._retention import Retention
from capacity_planner.store._samples import Samples
from capacity_planner.store._scalings import Scalings
from capacity_planner.store._statuses import Statuses
from capacity_planner.store._tables import counters
from capacity_planner.store._values import instant

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from typing import Self

    from capacity_planner.store._database import Database


class Store(Samples, Plans, Orders, Attempts, Scalings, Outcomes, Statuses, Leases, Retention):
    """All that the service keeps, in SQLite or PostgreSQL; safe to share between threads.

    Every call is one transaction, and what a call wrote is durable when it returns. A call that finds the database
    gone raises `UnavailableError`; the next one works again as soon as the database does.
    """

    def __init__(self, database: Database, url_shown: str) -> None:
        super().__init__(database)
        self.url_shown = url_shown

    @classmethod
    def open(cls, url: str, *, clock: Callable[[], datetime] | None = None) -> Self:
        """Open a store, and bring its tables up to this version.

        Args:
            url: ``sqlite:///FILE`` or ``postgresql://USER:PASSWORD@HOST/DATABASE``.
            clock: instead of the database's clock, or for SQLite the machine's.

        Raises:
            PlannerError: ``CONFIG_INVALID``: the address, the missing driver, or a store of a newer version.
            UnavailableError: the database does not answer.
        """
        database = _engine.connect(url, clock)
        try:
            migrate(database)
        except BaseException:
            database.close()
            raise
        return cls(database, _engine.shown(url))

    def close(self) -> None:
        """Let the connections go."""
        self._db.close()

    def check(self) -> None:
        """See whether the database answers.

        Raises:
            UnavailableError: it does not.
        """
        with self._db.read() as connection:
            connection.execute(select(counters.c.value)).all()

    def now(self) -> datetime:
        """The time by the clock that all replicas share.

        Raises:
            UnavailableError: the store does not answer.
        """
        with self._db.read() as connection:
            return instant(self._db.now(connection))
