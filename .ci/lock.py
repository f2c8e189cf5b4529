"""Writes requirements.lock: what development needs, pinned, for all supported Pythons and platforms.

The extra ``forecast`` is left out: it is half a gigabyte, and its tests have golden numbers to go by.

Run it with the development environment's Python: ``.venv/bin/python .ci/lock.py`` renews the pins, ``--check`` tells
whether the pins satisfy pyproject.toml (offline, without renewing anything).
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
UV = ("uv==0.13.9",)
UNLOCKED = {"forecast"}


def renew() -> None:
    """Resolve anew and write the file."""
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", *UV], check=True)
    subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--upgrade"),
            *("--python-version", "3.11", "--extra", "dev", "--no-annotate", "--no-header"),
            *("--no-emit-package", "capacity-planner", "--output-file", str(LOCK), str(ROOT / "pyproject.toml")),
        ],
        check=True,
    )


def missing() -> list[str]:
    """Requirements of pyproject.toml that the lock file does not pin to a version they allow."""
    from packaging.requirements import Requirement  # noqa: PLC0415 - a dependency of the development tools
    from packaging.version import Version  # noqa: PLC0415 - as above

    pins = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", LOCK.read_text(), re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [part for name, part in project["optional-dependencies"].items() if name not in UNLOCKED]
    wanted = [*project["dependencies"], *(line for part in extras for line in part)]
    requirements = [Requirement(line) for line in wanted if not line.startswith("capacity-planner")]
    return [
        str(item)
        for item in requirements
        if item.name not in pins or not item.specifier.contains(Version(pins[item.name]), prereleases=True)
    ]


if __name__ == "__main__":
    if "--check" not in sys.argv:
        renew()
    elif lacking := missing():
        sys.exit(f"requirements.lock lacks {', '.join(lacking)}. Run: .venv/bin/python .ci/lock.py")
