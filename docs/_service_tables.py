"""The reference tables of the service's settings, taken from the code."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from capacity_planner.domain.queues import Chosen, QueueSettings
from capacity_planner.pipeline.settings import toml_value

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOMS = {"sources": "source", "scaling": "scaler"}
_FACT = re.compile(r"^ +(\w+): (.*(?:\n {12,}.*|\n {8}(?! )\S.*)*)", re.MULTILINE)


def queue_settings() -> str:
    """A table of every field of `QueueSettings`."""
    rows = []
    for field in fields(QueueSettings):
        given = QueueSettings(queue_name="x")
        default = "" if field.name == "queue_name" else _default(getattr(given, field.name))
        rows.append(f"| `{field.name}` | {default} | {said(QueueSettings)[field.name]} |")
    return "\n".join(["| key | default | what it says |", "| --- | --- | --- |", *rows])


def members(room: str) -> str:
    """What there is of sources or scalers, each with its options."""
    return "\n\n".join("\n".join(_member(ROOMS[room], found)) for found in classes(room))


def classes(room: str) -> list[type[Any]]:
    """The members of a room of ours, whatever else is registered."""
    package = importlib.import_module(f"capacity_planner.{room}")
    files = [
        importlib.import_module(f"{package.__name__}.{item.name}") for item in pkgutil.iter_modules(package.__path__)
    ]
    found = [item for file in files for item in vars(file).values() if _is_member(item, file.__name__)]
    return sorted(found, key=lambda item: str(item.name))


def said(cls: type[Any]) -> dict[str, str]:
    """The sentence of every attribute or argument of a class's docstring."""
    found = _FACT.findall(inspect.getdoc(cls) or "")
    return {name: _cell(text) for name, text in found}


def _is_member(item: Any, module: str) -> bool:
    return inspect.isclass(item) and item.__module__ == module and isinstance(vars(item).get("name"), str)


def _member(kind: str, cls: type[Any]) -> Iterator[str]:
    sentence = (inspect.getdoc(cls) or "").partition("\n\n")[0]
    yield f"**{kind} `{cls.name}`**: {' '.join(sentence.split()).replace('``', '`')}\n"
    options = [item for item in inspect.signature(cls).parameters.values() if item.kind is item.KEYWORD_ONLY]
    if not options:
        yield "It takes no options."
        return
    yield "| option | default | what it says |"
    yield "| --- | --- | --- |"
    for item in options:
        default = "required" if item.default is item.empty else _default(item.default)
        yield f"| `{item.name}` | {default} | {said(cls)[item.name]} |"


def _default(value: Any) -> str:
    if value is None or value in ("", ()):
        return "not set"
    if isinstance(value, Chosen):
        return f'`{{name = "{value.name}"}}`'
    return f"`{str(value).lower() if isinstance(value, bool) else toml_value(_plain(value))}`"


def _plain(value: Any) -> Any:
    """An enumeration's text; options as a table."""
    return str(value) if isinstance(value, str) else dict(value) if isinstance(value, Mapping) else value


def _cell(text: str) -> str:
    line = " ".join(text.split()).replace("``", "`").replace("|", "\\|")
    return f"{line[:1].upper()}{line[1:]}"
