"""Help in panels, as plain text: Typer's own panels import half of Rich, which takes longer than all the rest."""

from __future__ import annotations

import os
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from capacity_planner.surfaces.cli._quick import quicken

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
_ARGUMENTS, _OPTIONS = "Arguments", "Options"


class Command(TyperCommand):
    """A command whose options stand under the headings of their panels, and are read without pydantic."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, quickly."""
        quicken(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the panels."""
        write_panels(self, ctx, formatter)


class Group(TyperGroup):
    """A group of commands, with its commands first."""

    _passes_on = False

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, noting whether a subcommand comes first, so that no option of the group can have been given."""
        self._passes_on = bool(args) and not args[0].startswith("-")
        return super().parse_args(ctx, args)

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters; none where none was given, for Typer would load pydantic to read what is not there."""
        return [] if self._passes_on else list(super().get_params(ctx))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, then the panels."""
        self.format_commands(ctx, formatter)
        write_panels(self, ctx, formatter)


def write_panels(command: Any, ctx: Any, formatter: Any) -> None:
    """Every parameter under its panel's heading; what has no panel comes last, with ``--help``."""
    panels: dict[str, list[tuple[str, str]]] = {_ARGUMENTS: []}
    plain: list[tuple[str, str]] = []
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None:
            _panel(parameter, panels, plain).append(record)
    for name, records in {**panels, _OPTIONS: plain}.items():
        if records:
            with formatter.section(_heading(name)):
                formatter.write_dl(records)


def _panel(
    parameter: Any, panels: dict[str, list[tuple[str, str]]], plain: list[tuple[str, str]]
) -> list[tuple[str, str]]:
    if parameter.param_type_name == "argument":
        return panels[_ARGUMENTS]
    name = getattr(parameter, "rich_help_panel", None)
    return plain if name is None else panels.setdefault(name, [])


def _heading(name: str) -> str:
    return name if os.environ.get("NO_COLOR") else typer.style(name, bold=True)
