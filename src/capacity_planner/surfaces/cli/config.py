"""``capacity-planner config``: show, check and write settings."""
# ruff: noqa: PLC0415, T201, ARG001 - imports when it runs; a command speaks; `guarded` reads ``debug``.

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from capacity_planner.surfaces.cli import _options as opt
from capacity_planner.surfaces.cli._exits import OK, guarded
from capacity_planner.surfaces.cli._help import Command, Group

_EPILOG = (
    "A file has the tables [planner], [slo] and [server], and one [[queues]] for each queue that the service plans "
    "for; durations carry their unit. "
    "Variables: CAPACITY_PLANNER_MAX_WORKERS=50, CAPACITY_PLANNER_SLO_P95_LATENCY=5s."
)
app = typer.Typer(
    help="Show the settings in effect, check a file, or write a commented one.",
    short_help="Show, check or write settings.",
    no_args_is_help=True,
    epilog=_EPILOG,
    cls=Group,
    rich_markup_mode=None,
)

CheckedFile = Annotated[Path, typer.Argument(help="TOML or YAML settings.", metavar="FILE")]
NewFile = Annotated[Path, typer.Argument(help="Where to write.", metavar="FILE")]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]


@app.command(cls=Command)
@guarded
def show(config: opt.ConfigFile = None, *, as_json: opt.Json = False, debug: opt.Debug = False) -> int:
    """Show every setting in effect and where its value came from."""
    from rich.table import Table
    from rich.text import Text

    from capacity_planner.surfaces.cli._console import print_json, results

    rows = _effective({"config": config})
    if as_json:
        print_json(json.dumps(rows, indent=2, ensure_ascii=False))
        return OK
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("setting", "value", "from"):
        table.add_column(name, overflow="fold")
    for key, row in rows.items():
        table.add_row(key, row["shown"], Text(row["from"], "dim" if row["from"] == "default" else "bold"))
    results().print(table)
    return OK


def _effective(options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    from capacity_planner import codec
    from capacity_planner.pipeline.settings import toml_value
    from capacity_planner.surfaces.cli._settings import settings_of

    settings = settings_of(options)
    server = replace(settings.server, store=settings.server.store_shown)
    parts: dict[str, Any] = {"planner": settings.config, "slo": settings.slo, "server": server}
    written = {table: codec.encode(part) for table, part in parts.items()}
    rows = {}
    for key, origin in settings.origins.items():
        table, _, name = key.partition(".")
        value = getattr(parts[table], name)
        shown = "not set" if value is None else toml_value(value)
        rows[key] = {"value": written[table][name], "from": origin, "shown": shown}
    return rows


@app.command(cls=Command, short_help="Check a settings file.")
@guarded
def check(file: CheckedFile, *, as_json: opt.Json = False, debug: opt.Debug = False) -> int:
    """Check a settings file: exit code 0 when every key and value holds, 2 with the key named when not."""
    from capacity_planner.pipeline.settings import load_settings
    from capacity_planner.surfaces.cli._settings import check_together

    settings = load_settings(file)
    check_together(settings)
    if settings.queues:
        from capacity_planner.service.checking import service_of

        service_of(settings)
    count = sum(origin != "default" for origin in settings.origins.values()) + len(settings.queues)
    print(json.dumps({"file": str(file), "settings": count}) if as_json else f"{file} is valid: {count} settings.")
    return OK


@app.command(cls=Command)
@guarded
def init(file: NewFile = Path("capacity-planner.toml"), *, force: Force = False, debug: opt.Debug = False) -> int:
    """Write a commented TOML file with every setting at its default."""
    from capacity_planner.pipeline.settings import default_file_text
    from capacity_planner.surfaces.cli._console import note
    from capacity_planner.surfaces.cli._files import write_whole

    write_whole(file, default_file_text().encode(), replace=force)
    note([f"wrote {file}. Set [slo] p95_latency, then: capacity-planner plan --config {file} ..."])
    return OK
