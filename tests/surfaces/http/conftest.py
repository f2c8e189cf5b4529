"""One server for the tests that do not mind what others left in its store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.surfaces.http._served import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.surfaces.http._served import Served


@pytest.fixture(scope="package")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server."""
    with served(tmp_path_factory.mktemp("shared")) as made:
        yield made


@pytest.fixture
def client(shared: Served) -> httpx.Client:
    """A client of it."""
    return shared.client
