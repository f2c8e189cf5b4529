"""What all tests share."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    import pytest

# Hundreds of processes are started; where bytecode is not kept, each compiles all of the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

settings.register_profile("tests", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
# Other examples every time, for a search by hand: `pytest --hypothesis-profile=wild`.
settings.register_profile("wild", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests of real servers mostly wait, for many seconds: CI runs them by themselves, many at a time."""
    for item in items:
        if item.path.parent.name in {"services", "faults"} and item.get_closest_marker("slow"):
            item.add_marker("live")


def pytest_xdist_auto_num_workers() -> int:
    """One process more than processors: many tests wait for a while."""
    return 1 + (os.cpu_count() or 1)
