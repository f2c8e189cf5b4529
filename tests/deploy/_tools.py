"""Programs that are not ours."""

from __future__ import annotations

import os
import shutil

import pytest


def tool(name: str, remedy: str = "apt-get install prometheus") -> str:
    """The path of a program; without it a test is skipped, but in CI it fails."""
    found = shutil.which(name)
    if found is None:
        reason = f"{name} is not installed."
        if os.environ.get("REQUIRE_SERVICES"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found
