"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from capacity_planner.errors import ErrorCode, PlannerError


def write_whole(path: Path, content: bytes, *, replace: bool = True) -> None:
    """Write beside the file, then rename, so that a reader never sees half of it.

    Raises:
        PlannerError: ``CONFIG_INVALID``: it is there already, or cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".capacity-planner.")
    except OSError as error:
        raise _refuse(path, f"cannot be written: {error.strerror}.") from None
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        _place(beside, path, replace=replace)
    finally:
        beside.unlink(missing_ok=True)


def _place(beside: Path, path: Path, *, replace: bool) -> None:
    beside.chmod(0o666 & ~_umask())
    try:
        if replace:
            beside.replace(path)
        else:
            path.hardlink_to(beside)
    except FileExistsError:
        raise _refuse(path, "exists. Give --force to replace it.") from None
    except OSError as error:
        raise _refuse(path, f"cannot be written: {error.strerror}.") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _refuse(path: Path, sentence: str) -> PlannerError:
    return PlannerError(ErrorCode.CONFIG_INVALID, f"{path} {sentence}", details={"file": str(path)})
