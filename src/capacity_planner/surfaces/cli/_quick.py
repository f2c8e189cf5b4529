"""Parameters that need no reading: Typer builds a pydantic adapter for each, which takes longer than most forecasts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Quick:
    """Reads what is plain, and leaves the rest to Typer.

    Args:
        parameter: one of Typer's.
    """

    parameter: Any

    def __call__(self) -> Quick:
        """Stand in for Typer's own, which is made when it is asked for."""
        return self

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value of a parameter: nothing, a text, a path, or what has the right type already."""
        wanted = self.parameter.type_descriptor.annotation
        several = self.parameter.multiple or self.parameter.nargs != 1
        if not several and (value is None or (isinstance(wanted, type) and isinstance(value, wanted))):
            return value
        if not several and wanted is Path and isinstance(value, str):
            return Path(value)
        return type(self.parameter).get_runtime_param(self.parameter).coerce(value, param=param, ctx=ctx)


def quicken(parameters: list[Any]) -> None:
    """Let parameters be read without pydantic where that is possible; a Typer that does so anyway is left alone."""
    for parameter in parameters:
        if hasattr(parameter, "get_runtime_param") and hasattr(parameter, "type_descriptor"):
            parameter.get_runtime_param = Quick(parameter)
