from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from subprocess import run
from sys import executable
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, text

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.store import _migrate
from capacity_planner.store._tables import metadata
from capacity_planner.store.store import Store
from tests.services import _servers
from tests.store._kept import NOON, QUEUE, sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPEN = "import sys; from capacity_planner.store.store import Store; Store.open(sys.argv[1]).close(); print('open')"


@pytest.fixture(params=["sqlite", "postgres"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database that no store was opened on."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/fresh.db"
        return
    with _servers.database() as url:
        yield url


@pytest.fixture
def engine(fresh: str) -> Iterator[Engine]:
    """The same database, without the store."""
    engine = create_engine(fresh.replace("postgresql:", "postgresql+psycopg:"))
    yield engine
    engine.dispose()


def test_the_steps_lead_to_the_tables_that_the_store_uses(fresh: str, engine: Engine) -> None:
    Store.open(fresh).close()
    with engine.connect() as connection:
        options = {"version_table": "capacity_planner_version", "compare_type": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
        assert set(inspect(connection).get_table_names()) == {*metadata.tables, "capacity_planner_version"}


def test_opening_again_changes_nothing(fresh: str) -> None:
    store = Store.open(fresh)
    store.add_samples([sample(0)])
    store.close()
    store = Store.open(fresh)
    assert store.samples(QUEUE, since=NOON) == [sample(0)]
    store.close()


def test_threads_that_open_a_new_store_at_once_all_get_it(fresh: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(Store.open, [fresh] * 8))
    for store in stores:
        store.add_samples([sample(0)])
        store.close()


@pytest.mark.slow
def test_processes_that_open_a_new_store_at_once_all_get_it(fresh: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        ended = list(
            pool.map(lambda _: run([executable, "-c", OPEN, fresh], capture_output=True, check=False), range(6))
        )
    assert [item.stdout for item in ended] == [b"open\n"] * 6, [item.stderr for item in ended]


def test_a_store_of_a_newer_version_is_left_alone(fresh: str, engine: Engine) -> None:
    Store.open(fresh).close()
    with engine.begin() as connection:
        connection.execute(text("UPDATE capacity_planner_version SET version_num = '9999'"))
    with pytest.raises(PlannerError, match="newer version of capacity-planner") as caught:
        Store.open(fresh)
    assert caught.value.code is ErrorCode.CONFIG_INVALID


def test_tables_of_others_may_be_there_with_a_version_of_their_own(fresh: str, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('abc')"))
    Store.open(fresh).close()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "abc"


def test_a_step_that_fails_leaves_nothing_behind(
    fresh: str, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "migrations"
    shutil.copytree(_migrate._HERE, broken)  # noqa: SLF001 - a further step, which fails
    step = "revision, down_revision = '0002', '0001'\ndef upgrade():\n    raise ArithmeticError\n"
    (broken / "versions" / "v0002_broken.py").write_text(step)
    monkeypatch.setattr(_migrate, "_SCRIPTS", ScriptDirectory(str(broken)))
    with pytest.raises(ArithmeticError):
        Store.open(fresh)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    monkeypatch.undo()
    Store.open(fresh).close()
