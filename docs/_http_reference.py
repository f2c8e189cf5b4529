"""The HTTP reference: every operation that there is, as the application has it, with its example."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING

import _http_examples

from capacity_planner.units import words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from capacity_planner.surfaces.http.operations import Operation, Parameter

_EVERYWHERE = {"durations"}  # the page says it once
_TITLES = {"questions": "Forecasts and queueing theory", "config": "Configuration", "health": "Health, metrics, links"}


def operations() -> str:
    """All operations, by what they are about."""
    from capacity_planner.surfaces.http.app import OPERATIONS  # noqa: PLC0415 - an extra that only this page needs

    parts = []
    for tag, group in groupby(OPERATIONS, key=lambda item: item.tag):
        parts.append(f"## {_TITLES.get(tag, tag.capitalize())}")
        parts += [part for item in group for part in _operation(item)]
    return "\n\n".join(parts)


def _operation(item: Operation) -> Iterator[str]:
    yield f"### {item.method} {item.path}"
    yield f"{item.summary}. {item.said}".strip()
    yield _needs(item)
    rows = [_row(parameter) for parameter in item.parameters if parameter.name not in _EVERYWHERE]
    if rows:
        yield "\n".join(["| parameter | default | what it says |", "| --- | --- | --- |", *rows])
    yield _http_examples.example(item.name)


def _needs(item: Operation) -> str:
    body = f"Body: {_type(item.body)}{', or a list of them' if item.batch else ''}. " if item.body else ""
    answers = "; ".join(f"{status} {_type(answer.cls)}" for status, answer in item.answers.items())
    token = "No token." if item.needs is None else f"Token: `{item.needs}`."
    return f"{body}Answers: {answers}. {token}".replace(" .", ".").replace(" ;", ";")


def _type(cls: type[Any] | None) -> str:
    return "" if cls is None or cls is dict else f"`{cls.__name__}`"


def _row(item: Parameter) -> str:
    default = item.default
    shown = "" if default is None else f"`{words(default) if isinstance(default, timedelta) else default}`"
    choices = f" One of: {', '.join(f'`{choice}`' for choice in item.choices)}." if item.choices else ""
    return f"| `{item.name}` | {shown} | {item.said}{choices} |"
