"""The tables brought up to what this version needs, once, whoever opens the store first."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.store._tables import metadata

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from capacity_planner.store._database import Database

_HERE = Path(__file__).parent / "migrations"
_SCRIPTS = ScriptDirectory(str(_HERE), version_locations=[str(_HERE / "versions")])
_TABLE = "capacity_planner_version"  # the database may hold tables of others, with versions of their own
_PROXY = Lock()  # Alembic's steps reach their connection through a global


def migrate(database: Database) -> None:
    """Bring the tables up; others who open the store at the same time wait.

    Raises:
        PlannerError: ``CONFIG_INVALID``: a newer version of the package has been here.
        UnavailableError: the database does not answer.
    """
    with database.read() as connection:
        if _revision(connection) == _SCRIPTS.get_current_head():
            return
    with database.write() as connection:
        database.dialect.lock(connection, "migrations")
        try:
            with _PROXY:
                _upgrade(connection)
        except CommandError as error:
            raise PlannerError(
                ErrorCode.CONFIG_INVALID,
                "store was brought up by a newer version of capacity-planner. Install that version, or use another "
                "store.",
                cause=error,
                details={"field": "store"},
            ) from None


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": _TABLE}).get_current_revision()


def _upgrade(connection: Connection) -> None:
    def steps(revision: Any, context: Any) -> Any:
        del context
        return _SCRIPTS._upgrade_revs("head", revision)  # noqa: SLF001 - as Alembic's own command does

    with EnvironmentContext(Config(), _SCRIPTS, fn=steps) as environment:
        environment.configure(connection=connection, target_metadata=metadata, version_table=_TABLE)
        environment.run_migrations()
