"""A cluster for the tests that do not stop it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("kmock")

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.surfaces.kube._cluster import Api


@pytest.fixture
def api() -> Iterator[Api]:
    """An API server that is empty."""
    from tests.surfaces.kube._cluster import api_server  # noqa: PLC0415 - needs kmock

    with api_server() as found:
        yield found
