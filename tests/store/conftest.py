"""A store on each kind of database, empty at first."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, delete, update

from capacity_planner.store._tables import counters, metadata
from capacity_planner.store.store import Store
from tests.services import _servers
from tests.store._kept import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """One PostgreSQL database for all tests that do not need one of their own."""
    with _servers.database() as url:
        Store.open(url).close()
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store without anything in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    found: str = request.getfixturevalue("postgres")
    _empty(found)
    return found


@pytest.fixture
def clock() -> Clock:
    """The clock of all stores of a test."""
    return Clock()


@pytest.fixture
def another(url: str, clock: Clock) -> Iterator[Callable[[], Store]]:
    """Opens the same store once more, as another replica does."""
    with ExitStack() as stack:

        def opened() -> Store:
            store = Store.open(url, clock=clock)
            stack.callback(store.close)
            return store

        yield opened


@pytest.fixture
def store(another: Callable[[], Store]) -> Store:
    """A store."""
    return another()


def _empty(url: str) -> None:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            if table is not counters:
                connection.execute(delete(table))
        connection.execute(update(counters).values(value=0))
    engine.dispose()
