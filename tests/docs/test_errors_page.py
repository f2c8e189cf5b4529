"""The page on errors provokes every code."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

from capacity_planner import ErrorCode

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs"))
examples: Any = importlib.import_module("_blocks")

# What DESIGN section 5 says: a blocked plan still informs.
CARRY_A_PLAN = (
    ErrorCode.SLO_UNACHIEVABLE,
    ErrorCode.CAPACITY_LIMIT_EXCEEDED,
    ErrorCode.COOLDOWN_ACTIVE,
    ErrorCode.ANOMALY_DETECTED,
)


def _provoked() -> dict[str, list[Any]]:
    """The fences below the heading of each code."""
    page = (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    _, *parts = re.split(r"^### (\w+)$", page, flags=re.MULTILINE)
    return {code: list(examples.blocks(part)) for code, part in zip(parts[::2], parts[1::2], strict=True)}


def test_errors_of_every_code_are_provoked() -> None:
    found = _provoked()
    assert list(found) == list(ErrorCode)
    for code, fences in found.items():
        assert any(fence.mark == "output" and fence.body.startswith(f"{code}: ") for fence in fences), code


def test_errors_that_carry_a_plan_show_it() -> None:
    found = _provoked()
    for code in CARRY_A_PLAN:
        shown = "".join(fence.body for fence in found[code] if fence.kind == "python")
        assert "error.response.plan" in shown, code
