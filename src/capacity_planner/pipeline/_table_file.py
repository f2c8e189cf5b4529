"""A TOML or YAML file → its tables, and the file that is taken when none is named."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from capacity_planner.errors import ErrorCode, PlannerError

if TYPE_CHECKING:
    from pathlib import Path

_DEFAULTS = ("capacity-planner.toml", "capacity-planner.yaml", "capacity-planner.yml")
_YAML = (".yaml", ".yml")


def find_file(explicit: Path | None, directory: Path) -> Path | None:
    """The named file, or the default one in the directory, or none."""
    if explicit is not None:
        return explicit
    return next((path for name in _DEFAULTS if (path := directory / name).is_file()), None)


def read_tables(path: Path, *, remedy: str = "") -> dict[str, Any]:
    """The top-level tables of a file.

    Args:
        path: the file.
        remedy: what the caller advises where there is no such file.

    Raises:
        PlannerError: ``CONFIG_INVALID``: it cannot be read, or is no mapping of names.
    """
    if path.suffix.lower() not in (".toml", *_YAML):
        raise refuse(path, f"is neither .toml nor .yaml. Rename it.{remedy}")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise refuse(path, "is not UTF-8 text.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise refuse(path, f"cannot be read: {reason}.{remedy}") from None
    tables = _yaml(path, text) if path.suffix.lower() in _YAML else _toml(path, text)
    if isinstance(tables, list):
        raise refuse(path, f"has no tables, but a list. Write it under a name, such as scenarios.{remedy}")
    if not isinstance(tables, dict) or not all(isinstance(name, str) for name in tables):
        raise refuse(path, f"has no tables.{remedy}")
    return tables


def refuse(path: Path, sentence: str) -> PlannerError:
    """The error that names the file."""
    return PlannerError(ErrorCode.CONFIG_INVALID, f"{path} {sentence}", details={"field": str(path), "file": str(path)})


def _toml(path: Path, text: str) -> Any:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        hint = ' Write durations in quotes, such as "1h30m".' if _is_bare(text, str(error)) else ""
        raise refuse(path, f"is no TOML: {error}.{hint}") from None


def _is_bare(text: str, error: str) -> bool:
    """Whether the line that an error names has a duration without quotes."""
    number = re.search(r"at line (\d+)", error)
    lines = text.splitlines()
    line = lines[int(number[1]) - 1] if number and int(number[1]) <= len(lines) else ""
    return re.search(r"=\s*\d+(\.\d+)?(ns|us|µs|ms|s|m|h)", line) is not None


def _yaml(path: Path, text: str) -> Any:
    import yaml  # noqa: PLC0415 - most files are TOML

    class Loader(yaml.SafeLoader):
        """Refuses a key that is written twice, as TOML does, instead of taking the last."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
            """The mapping of a node."""
            keys = [str(key.value) for key, _ in node.value]
            if twice := next((key for key in keys if keys.count(key) > 1), None):
                raise yaml.constructor.ConstructorError(None, None, f"{twice} is written twice", node.start_mark)
            return super().construct_mapping(node, deep=deep)

    try:
        return yaml.load(text, Loader) or {}  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        sentence = " ".join(str(error).split())
        raise refuse(path, f"is no YAML: {sentence}.") from None
