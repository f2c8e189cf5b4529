"""Prints the settings beside this file with the shift that makes now a day of the trace, ten weeks after its begin.

Whole weeks, so that a Monday stays a Monday. The replay then goes on for twenty weeks; print it again afterwards.
"""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

SETTINGS = Path(__file__).with_name("capacity-planner.toml")
NOW_IS_AFTER = datetime(2014, 9, 6, tzinfo=UTC)


def replayed(now: datetime) -> str:
    """The settings, for a replay that begins now."""
    weeks = (now - NOW_IS_AFTER) // timedelta(weeks=1)
    return re.sub(r'shift = "P\d+W"', f'shift = "P{weeks}W"', SETTINGS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.stdout.write(replayed(datetime.now(UTC)))
