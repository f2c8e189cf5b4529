"""``capacity-planner token``: make the tokens that callers of the service need."""
# ruff: noqa: PLC0415, T201, ARG001 - imports when it runs; a command speaks; `guarded` reads ``debug``.

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from capacity_planner.surfaces.cli import _options as opt
from capacity_planner.surfaces.cli import _service_options as srv
from capacity_planner.surfaces.cli._exits import OK, guarded
from capacity_planner.surfaces.cli._help import Command, Group

app = typer.Typer(
    help="Make the tokens that callers of the service need.",
    short_help="Make the tokens that callers of the service need.",
    no_args_is_help=True,
    cls=Group,
    rich_markup_mode=None,
)


class RoleName(StrEnum):
    """What a token allows."""

    READ = "read"
    APPLY = "apply"


RoleOption = Annotated[
    RoleName, typer.Option("--role", help="read: look, and calculate. apply: also plan, push samples, set and scale.")
]


@app.callback()
def _root() -> None:
    """Keep ``new`` a subcommand, though it is the only one."""


@app.command(cls=Command)
@guarded
def new(
    name: srv.NewToken,
    *,
    role: RoleOption = RoleName.READ,
    file: srv.Tokens = Path("tokens.toml"),
    debug: opt.Debug = False,
) -> int:
    """Print a new token, once: the file keeps only its hash. Callers send it as Authorization: Bearer TOKEN."""
    from capacity_planner.service.access import Role, new_token
    from capacity_planner.surfaces.cli._console import note

    print(new_token(str(file), name, Role(role)))
    note([f"its hash was added to {file}; it is not shown again."])
    return OK
