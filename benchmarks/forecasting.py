"""The forecasting room on traces, against its peers and the clock; prints Markdown.

Run it as ``python benchmarks/forecasting.py``, or with some of its parts by name. The parts ``arrivals``, ``peers`` and
``m4`` use the data of a folder where there is one (any CSV with arrivals; ``Hourly-train.csv`` and ``Hourly-test.csv``
of the M4 competition) beside the shipped examples and generated traffic. Times are processor time on one thread.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys
import tempfile
from pathlib import Path

PARTS = {"arrivals": "_arrivals", "m4": "_m4", "peers": "_peers", "speed": "_speed", "cold": "_cold"}
DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def main() -> int:
    """Print the tables of the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"any of {', '.join(PARTS)}; all when none is given")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with traces")
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(tempfile.gettempdir()) / "capacity-planner-peers",
        help="where peers are installed",
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    for variable in THREADS:  # before NumPy is imported, which reads them once
        os.environ[variable] = "1"
    print(f"Python {platform.python_version()}, {platform.machine()}")
    folder = arguments.data if arguments.data.is_dir() else None
    if folder is None:
        print(f"\nNo folder {arguments.data}: the parts below run on the shipped examples and on generated traffic.")
    for part in arguments.parts or PARTS:
        print(f"\n## {part}")
        importlib.import_module(PARTS[part]).run(folder, arguments.cache)
    return 0


if __name__ == "__main__":
    sys.exit(main())
