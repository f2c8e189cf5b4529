"""Parameters of the query and the path, read as strictly as bodies are."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from capacity_planner import codec
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.fields import CountMark, TextMark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.datastructures import QueryParams

    from capacity_planner.surfaces.http.operations import Parameter

_WHOLE = re.compile(r"[+-]?\d{1,30}", re.ASCII)
_SEGMENT = TextMark()


def read_query(query: QueryParams, parameters: Sequence[Parameter]) -> dict[str, Any]:
    """Every parameter's value, or its default.

    Raises:
        PlannerError: ``CONFIG_INVALID``: one is not known, given twice, or out of bounds.
    """
    known = {parameter.name: parameter for parameter in parameters}
    values = {name: parameter.default for name, parameter in known.items()}
    for name, text in query.multi_items():
        if name not in known:
            raise _unknown(name, list(known))
        if len(query.getlist(name)) > 1:
            raise _invalid(name, text, "is given more than once.")
        values[name] = _value(known[name], text)
    return values


def read_segment(name: str, text: str) -> str:
    """A part of the path, without its percent encoding.

    Raises:
        PlannerError: ``CONFIG_INVALID``: it is no printable text.
    """
    try:
        return _SEGMENT.checked(unquote(text, errors="strict"))  # type: ignore[no-any-return]
    except UnicodeDecodeError:
        raise _invalid(name, text, f"is {codec.shown(text)}, which is no UTF-8.") from None
    except ValueError as error:
        raise _invalid(name, text, f"is {codec.shown(unquote(text))}, which {error}") from None


def _value(parameter: Parameter, text: str) -> Any:
    try:
        if isinstance(parameter.mark, CountMark) and not _WHOLE.fullmatch(text):
            raise ValueError("is not a whole number.")  # noqa: TRY301 - told like all other findings
        value = parameter.mark.checked(int(text) if isinstance(parameter.mark, CountMark) else text)
        if parameter.choices and value not in parameter.choices:
            raise ValueError(f"is none of: {', '.join(parameter.choices)}.")  # noqa: TRY301 - as above
    except ValueError as error:
        raise _invalid(parameter.name, text, f"is {codec.shown(text)}, which {error}") from None
    return value


def _unknown(name: str, known: list[str]) -> PlannerError:
    near = difflib.get_close_matches(name, known, n=1)
    there = f"There are: {', '.join(known)}." if known else "There is none."
    hint = f"Did you mean {near[0]}?" if near else there
    return _invalid(name[:80], "", f"is no parameter here. {hint}")


def _invalid(name: str, text: str, problem: str) -> PlannerError:
    details = {"field": name, "value": codec.shown(text)}
    return PlannerError(ErrorCode.CONFIG_INVALID, f"{name} {problem}", details=details)
