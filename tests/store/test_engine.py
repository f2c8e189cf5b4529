from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from capacity_planner.errors import ErrorCode, PlannerError, UnavailableError
from capacity_planner.store.store import Store
from tests.services import _servers
from tests.store._kept import SECOND, sample

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("planner.db", "is no address"),
        ("mysql://ada:secret@db/planner", "is the address of a mysql database"),
        ("postgresql+psycopg2://ada:secret@db/planner", "is the address of a postgresql\\+psycopg2 database"),
        ("sqlite://", "is an SQLite address that names no plain file"),
        ("sqlite:///:memory:", "is an SQLite address that names no plain file"),
        ("sqlite:///planner.db?mode=ro", "is an SQLite address that names no plain file"),
        ("sqlite:////nowhere/at/all/planner.db", "names the file .* in a directory that is not there"),
        ("postgresql://ada:secret@db:port/planner", "is no address"),
    ],
)
def test_an_address_that_cannot_be_is_refused_without_its_password(url: str, said: str) -> None:
    with pytest.raises(PlannerError, match=f"store {said}") as caught:
        Store.open(url)
    assert caught.value.code is ErrorCode.CONFIG_INVALID
    assert "secret" not in str(caught.value)
    assert "postgresql://USER:PASSWORD@HOST/DATABASE" in str(caught.value)


def test_the_missing_driver_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(PlannerError, match=r"pip install 'capacity-planner\[postgres\]'") as caught:
        Store.open("postgresql://ada:secret@127.0.0.1/planner")
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_told_soon_and_without_the_password() -> None:
    began = datetime.now(UTC)
    with pytest.raises(UnavailableError, match="The store does not answer") as caught:
        Store.open(f"postgresql://ada:secret@127.0.0.1:{_servers.free_port()}/planner")
    assert datetime.now(UTC) - began < 4 * SECOND
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.retry_after > 0


def test_a_wrong_database_is_told_without_the_password() -> None:
    with _servers.database() as url, pytest.raises(UnavailableError, match="does not exist") as caught:
        Store.open(url.replace("postgres@", "postgres:secret@") + "_not_there")
    assert "secret" not in str(caught.value)


def test_the_store_tells_where_it_is_and_no_password(tmp_path: Path) -> None:
    file = Store.open(f"sqlite:///{tmp_path}/a b.db")
    assert file.url_shown == f"sqlite:///{tmp_path}/a b.db"
    file.close()
    with _servers.database() as url:
        server = Store.open(url.replace("postgres@", "postgres:s3cret@") + "?application_name=mine")
        assert server.url_shown == url.replace("postgres@", "postgres:***@")
        server.close()


def test_the_other_names_of_postgresql_are_understood() -> None:
    with _servers.database() as url:
        for name in ("postgres", "postgresql+psycopg"):
            store = Store.open(url.replace("postgresql", name))
            store.check()
            store.close()


def test_the_store_answers_what_time_it_is(store: Store, url: str) -> None:
    assert store.now() == datetime(2026, 11, 23, 12, tzinfo=UTC)
    store.check()
    real = Store.open(url)
    try:
        assert abs(real.now() - datetime.now(UTC)) < timedelta(seconds=30)
        assert real.now() <= real.now()
    finally:
        real.close()


def test_a_closed_store_can_be_opened_again(another: Callable[[], Store]) -> None:
    another().close()
    another().check()


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("These are notes, and no database. " * 100)
    with pytest.raises(UnavailableError, match="file is not a database"):
        Store.open(f"sqlite:///{path}")


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    store.add_samples([sample(0)])
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    store.close()


def test_a_file_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(PlannerError, match="which cannot be made: File name too long"):
        Store.open(f"sqlite:///{tmp_path}/{'x' * 300}.db")
