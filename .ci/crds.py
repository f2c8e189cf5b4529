"""Writes the operator's CustomResourceDefinitions, for kubectl and kustomize, and for the Helm chart.

Run it with the development environment's Python: ``.venv/bin/python .ci/crds.py`` renews them, ``--check`` tells
whether they are what the types say.
"""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from capacity_planner.surfaces.kube.crds import definitions

ROOT = Path(__file__).resolve().parent.parent / "deploy"
FOLDERS = (ROOT / "kubernetes/crds", ROOT / "helm/capacity-planner/crds")
HEAD = "# Made by .ci/crds.py of the types in src/capacity_planner/surfaces/kube; do not edit.\n"


def generated() -> dict[Path, str]:
    """Every file and what should stand in it."""
    return {
        folder / f"{definition['metadata']['name']}.yaml": HEAD
        + yaml.safe_dump(definition, sort_keys=False, width=120, allow_unicode=True)
        for folder in FOLDERS
        for definition in definitions()
    }


if __name__ == "__main__":
    files = generated()
    if "--check" not in sys.argv:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    elif stale := [str(path) for path, text in files.items() if not path.exists() or path.read_text("utf-8") != text]:
        sys.exit(f"{', '.join(stale)}: not what the types say. Run: .venv/bin/python .ci/crds.py")
