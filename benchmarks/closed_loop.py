"""Scaling policies on real traces, job by job, in a closed loop; prints Markdown.

``python benchmarks/closed_loop.py`` compares costs at equal attainment, then what is delivered as shipped. The traces
are those of the folder ``--data`` (any CSV with arrivals, in bins of at most five minutes, over at least 13 days);
where there is none, the shipped one and generated traffic, which says less. Our planner decides every minute and, like
its rivals, without cooldown or step limit; the part ``limits`` repeats the table as shipped with the default limits.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path

PARTS = ("regret", "shipped", "limits")
DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


def main() -> int:
    """Print the tables of the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"any of {', '.join(PARTS)}; all when none is given")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with traces")
    parser.add_argument("--only", default="", help="scenarios whose name has this in it")
    parser.add_argument("--rivals", default="", help="names of rival policies with commas between; all when not given")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--plots", type=Path, help="folder for pictures")
    arguments = parser.parse_args()
    parts = arguments.parts or PARTS
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    folder = arguments.data if arguments.data.is_dir() else None
    print(f"Python {platform.python_version()}, {platform.machine()}")
    if folder is None:
        print(f"\nNo folder {arguments.data}: the tables below are of the shipped trace and of generated traffic.")
    import _closed_loop  # noqa: PLC0415 - --help needs no NumPy

    rivals = tuple(name for name in arguments.rivals.split(",") if name)
    asked = _closed_loop.Asked(only=arguments.only, rivals=rivals, processes=arguments.processes)
    _closed_loop.run(parts, folder, asked, arguments.plots)
    return 0


if __name__ == "__main__":
    sys.exit(main())
