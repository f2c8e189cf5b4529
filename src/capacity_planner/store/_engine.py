"""From an address to a database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import ArgumentError

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.store._database import Database
from capacity_planner.store._dialect import Postgres, Sqlite

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import URL

    from capacity_planner.store._dialect import Dialect

_REMEDY = "Give sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE."
_POSTGRES = {"postgresql", "postgres", "postgresql+psycopg"}
_KEEPALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}
_POOL: dict[str, Any] = {"pool_size": 10, "max_overflow": 0, "pool_timeout": 3, "pool_use_lifo": True}


def connect(url: str, clock: Callable[[], datetime] | None) -> Database:
    """The database at an address; nothing is asked of it yet.

    Raises:
        PlannerError: ``CONFIG_INVALID``: the address is none that the store understands, or PostgreSQL's driver is not
            installed.
    """
    address = _parsed(url)
    dialect: Dialect
    options: dict[str, Any]
    if address.drivername == "sqlite":
        _make(address)
        dialect, options = Sqlite(), {"connect_args": {"timeout": 5}}
    else:
        ours = {"connect_timeout": 3, "application_name": "capacity-planner", **_KEEPALIVE}
        given = {name: value for name, value in ours.items() if name not in address.query}
        dialect, options = Postgres(), {"connect_args": given, "pool_pre_ping": True}
    try:
        engine = create_engine(address, hide_parameters=True, **_POOL, **options)
    except ImportError as error:
        raise PlannerError(
            ErrorCode.CONFIG_INVALID,
            "store is a PostgreSQL address, and its driver is not installed: pip install 'capacity-planner[postgres]'.",
            cause=error,
            details={"field": "store"},
        ) from None
    return Database(engine, dialect, clock)


def shown(url: str) -> str:
    """The address without what may be secret.

    >>> shown("postgresql://ada:secret@db/planner?sslpassword=secret")
    'postgresql://ada:***@db/planner'
    """
    address = _parsed(url)
    name = "sqlite" if address.drivername == "sqlite" else "postgresql"
    return address.set(drivername=name, query={}).render_as_string(hide_password=True)


def _parsed(url: str) -> URL:
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise _invalid("is no address of a database.") from None
    if address.drivername in _POSTGRES:
        return address.set(drivername="postgresql+psycopg")
    if address.drivername != "sqlite":
        raise _invalid(f"is the address of a {address.drivername} database, which the store does not know.")
    if not address.database or address.database == ":memory:" or address.query:
        raise _invalid("is an SQLite address that names no plain file.")
    if not Path(address.database).absolute().parent.is_dir():
        raise _invalid(f"names the file {address.database!r} in a directory that is not there.")
    return address


def _make(address: URL) -> None:
    """Make the file, for the owner's eyes alone: options of sources and scalers may hold passwords."""
    path = Path(str(address.database))
    try:
        if not path.exists():
            path.touch(mode=0o600)
    except OSError as error:
        raise _invalid(f"names the file {str(path)!r}, which cannot be made: {error.strerror}.") from None


def _invalid(what: str) -> PlannerError:
    return PlannerError(ErrorCode.CONFIG_INVALID, f"store {what} {_REMEDY}", details={"field": "store"})
