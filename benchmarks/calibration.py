"""Whether plans keep what they say: stated confidence against SLOs kept, on traces; prints Markdown.

From rolling origins, each with the forecast as it was then (model ``auto``), a queue is drawn: service time, spread,
start-up delay, latency, window, error budget. Two plans are made from one state of it: the planner's, and one that is
staffed at a quantile drawn from .2 to .99. Each is carried out job by job on the counts that came. Plans are open loop:
nobody replans. Recalibration is walk-forward: a plan knows those of its trace whose window is over.

Run it as ``python benchmarks/calibration.py --data FOLDER``, where the folder has CSV files of a timestamp and a count;
without it the shipped traces are used alone.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with traces")
    parser.add_argument("--origins", type=int, default=400, help="per trace")
    parser.add_argument("--seed", type=int, default=1, help="of all that is drawn")
    arguments = parser.parse_args()
    for variable in THREADS:  # before NumPy is imported, which reads them once
        os.environ[variable] = "1"
    print(f"Python {platform.python_version()}, {platform.machine()}")
    folder = arguments.data if arguments.data.is_dir() else None
    if folder is None:
        print(f"\nNo folder {arguments.data}: the shipped traces alone are used.")
    importlib.import_module("_calibration_fate").run(folder, arguments.origins, arguments.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
