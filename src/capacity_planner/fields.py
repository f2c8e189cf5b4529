"""Field types of the domain: what a value may be, how it is read and written; all that speaks pydantic's tongue.

The domain annotates plain dataclasses with these; pydantic reads the marks when the codec builds an adapter, so that
importing the domain does not import pydantic.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, get_args, get_type_hints

from capacity_planner import units
from capacity_planner.frozen import FrozenMap

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

CONFIG = {"extra": "forbid", "revalidate_instances": "always"}
LARGEST = 1.7976931348623157e308


@dataclass(frozen=True)
class Mark:
    """A field's rule: bounds, what stands for "not set", and how it travels."""

    ge: Any = None
    gt: Any = None
    le: Any = None
    lt: Any = None
    zero_means: Any = None

    def read(self, value: Any) -> Any:
        """The field's value for what was given."""
        raise NotImplementedError

    def write(self, value: Any, context: Mapping[str, Any] | None) -> Any:
        """The field's JSON value."""
        del context
        return value

    def schema(self) -> dict[str, Any]:
        """The field's JSON schema, without bounds."""
        raise NotImplementedError

    def checked(self, value: Any) -> Any:
        """Read, replace Go's zero value where that means "not set", and hold against the bounds."""
        result = self.read(value)
        if self.zero_means is not None and not result:
            return self.zero_means
        for limit, holds, sentence in self._limits:
            if not holds(result, limit):
                raise ValueError(f"must be {sentence} {_shown(limit)}.")
        return result

    @cached_property
    def _limits(self) -> list[tuple[Any, Callable[[Any, Any], bool], str]]:
        limits = ((getattr(self, bound), holds, sentence) for bound, holds, sentence in _BOUNDS)
        return [item for item in limits if item[0] is not None]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema  # noqa: PLC0415 - the domain must import without pydantic

        del source, handler
        write = core_schema.plain_serializer_function_ser_schema(
            lambda value, info: self.write(value, info.context), info_arg=True, when_used="json"
        )
        return core_schema.no_info_plain_validator_function(self.checked, serialization=write)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        del schema, handler
        return {**self.schema(), **self._bounds()}

    def _bounds(self) -> dict[str, Any]:
        names = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
        limits = ((names[bound], getattr(self, bound)) for bound, *_ in _BOUNDS)
        return {name: limit for name, limit in limits if isinstance(limit, int | float)}


_BOUNDS: tuple[tuple[str, Callable[[Any, Any], bool], str], ...] = (
    ("ge", operator.ge, "at least"),
    ("gt", operator.gt, "above"),
    ("le", operator.le, "at most"),
    ("lt", operator.lt, "below"),
)


def _is_real(value: Any) -> bool:
    """Whether a value is a number on the real line; a text that says one is not."""
    if isinstance(value, bool | str | bytes) or not hasattr(value, "__float__"):
        return False
    return isinstance(value, numbers.Real) or not isinstance(value, numbers.Complex)


def _is_flag(value: Any) -> bool:
    """Whether this is NumPy's bool, which must be known without importing NumPy."""
    return type(value).__name__ in {"bool", "bool_"}


def _shown(limit: Any) -> str:
    if isinstance(limit, datetime):
        return units.format_instant(limit)
    return units.words(limit) if isinstance(limit, timedelta) else str(limit)


@dataclass(frozen=True)
class DurationMark(Mark):
    """A ``timedelta``, written ``"0.350s"``, or integer nanoseconds with ``durations=ns``."""

    def read(self, value: Any) -> timedelta:
        return units.parse_duration(value)

    def write(self, value: Any, context: Mapping[str, Any] | None) -> Any:
        if (context or {}).get("durations") == "ns":
            return units.nanoseconds(value)
        return units.format_duration(value)

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "integer"], "examples": ["5s", "0.350s", "1m30s", "PT90S", 5_000_000_000]}


@dataclass(frozen=True)
class InstantMark(Mark):
    """An aware UTC ``datetime``, written as RFC 3339."""

    def read(self, value: Any) -> datetime:
        return units.parse_instant(value)

    def write(self, value: Any, context: Mapping[str, Any] | None) -> str:
        del context
        return units.format_instant(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


@dataclass(frozen=True)
class RealMark(Mark):
    """A finite number; with ``unbounded`` also infinity, which travels as the largest double (JSON has no infinity)."""

    unbounded: bool = False

    def read(self, value: Any) -> float:
        if type(value) is float and -LARGEST < value < LARGEST:
            return value  # what nearly all are; measured jobs come by the million
        if not _is_real(value) or _is_flag(value):
            raise ValueError("is not a number.")
        try:
            number = float(value)
        except (OverflowError, TypeError, ValueError):
            raise ValueError("is not a number that a double can hold.") from None
        if self.unbounded and number >= LARGEST:
            return math.inf
        if not math.isfinite(number):
            raise ValueError("must be a finite number.")
        return number

    def write(self, value: Any, context: Mapping[str, Any] | None) -> Any:
        del context
        return LARGEST if value == math.inf else value

    def schema(self) -> dict[str, Any]:
        return {"type": "number"}


@dataclass(frozen=True)
class CountMark(Mark):
    """A whole number; ``5.0`` is one, ``5.5`` and ``True`` are not."""

    def read(self, value: Any) -> int:
        if isinstance(value, bool) or _is_flag(value):
            raise ValueError("is not a whole number.")
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        try:
            return operator.index(value)
        except TypeError:
            raise ValueError("is not a whole number.") from None

    def schema(self) -> dict[str, Any]:
        return {"type": "integer"}


@dataclass(frozen=True)
class TextMark(Mark):
    """Printable text of at most ``longest`` characters; ``prose`` may have lines."""

    longest: int = 1000
    prose: bool = False

    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("is not a text.")  # noqa: TRY004 - pydantic collects ValueErrors
        if len(value) > self.longest:
            raise ValueError(f"is longer than {self.longest} characters.")
        if not (value.replace("\n", " ") if self.prose else value).isprintable():
            raise ValueError("has characters that cannot be printed.")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": self.longest}


class Slice:
    """The mark of a tuple field that may be ``null``, as Go writes a slice without elements."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema  # noqa: PLC0415 - the domain must import without pydantic

        return core_schema.no_info_before_validator_function(_never_null, handler(source))


class YesOrNo:
    """The mark of a field that is true or false, and no text or number that could be meant for it."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema  # noqa: PLC0415 - the domain must import without pydantic

        del source, handler
        return core_schema.bool_schema(strict=True)


def _never_null(value: Any) -> Any:
    return () if value is None else value


@dataclass(frozen=True)
class QuantilesMark(Mark):
    """Quantile levels in (0, 1) → values; the levels travel as JSON keys."""

    def read(self, value: Any) -> FrozenMap:
        if not isinstance(value, Mapping):
            raise ValueError('is not a map of levels to rates, such as {"0.95": 12.5}.')  # noqa: TRY004
        try:
            pairs = {float(level): RealMark().read(rate) for level, rate in value.items()}
        except (TypeError, ValueError):
            raise ValueError('is not a map of levels to rates, such as {"0.95": 12.5}.') from None
        if not all(0 < level < 1 for level in pairs):
            raise ValueError("has a level outside (0, 1).")
        return FrozenMap(pairs)

    def write(self, value: Any, context: Mapping[str, Any] | None) -> dict[str, float]:
        del context
        return {repr(level): rate for level, rate in value.items()}

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": {"type": "number"}}


def marks_of(cls: type[Any]) -> dict[str, Mark]:
    """The rule of every field of a domain type that has one, by the field's name."""
    hints = get_type_hints(cls, include_extras=True)
    return {name: mark for name, hint in hints.items() if (mark := _mark(hint)) is not None}


def _mark(hint: Any) -> Mark | None:
    """The mark of a type or of what it is optional of."""
    found = (part for part in getattr(hint, "__metadata__", ()) if isinstance(part, Mark))
    inner = (_mark(part) for part in get_args(hint) if hasattr(part, "__metadata__"))
    return next(found, None) or next(inner, None)


_NONE = timedelta(0)
Duration: TypeAlias = Annotated[timedelta, DurationMark(ge=_NONE)]
PositiveDuration: TypeAlias = Annotated[timedelta, DurationMark(gt=_NONE)]
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
Instant: TypeAlias = Annotated[datetime, InstantMark()]
MEASURED = InstantMark(ge=datetime(1970, 1, 1, tzinfo=UTC), le=LATEST)
Measured: TypeAlias = Annotated[datetime, MEASURED]
Real: TypeAlias = Annotated[float, RealMark()]
NonNegative: TypeAlias = Annotated[float, RealMark(ge=0)]
Rate: TypeAlias = Annotated[float, RealMark(ge=0, le=1e15)]
Unbounded: TypeAlias = Annotated[float, RealMark(ge=0, unbounded=True)]
Share: TypeAlias = Annotated[float, RealMark(ge=0, le=1)]
Count: TypeAlias = Annotated[int, CountMark(ge=0, le=10**15)]
Whole: TypeAlias = Annotated[int, CountMark(ge=-(10**15), le=10**15)]
Text: TypeAlias = Annotated[str, TextMark()]
Flag: TypeAlias = Annotated[bool, YesOrNo()]
Prose: TypeAlias = Annotated[str, TextMark(longest=20_000, prose=True)]
Quantiles: TypeAlias = Annotated[FrozenMap, QuantilesMark()]
