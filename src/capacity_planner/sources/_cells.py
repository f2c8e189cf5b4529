"""A file → a header and rows of cells: CSV (plain or gzipped) and Parquet."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from capacity_planner.errors import ErrorCode, PlannerError

if TYPE_CHECKING:
    from pathlib import Path

_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Table:
    """The cells of a file.

    Attributes:
        header: the column names.
        rows: row number (the line of a CSV file, whose header is line 1; the row of a Parquet file from 1) and cells.
    """

    header: list[str]
    rows: list[tuple[int, list[Any]]]


def read_cells(path: Path, *, growing: bool = False) -> Table:
    """The table in a file; what it is, is told by its first bytes.

    Args:
        path: the file.
        growing: whether something writes it just now: what stands after the last line end of a CSV may lack its end,
            and is left out.

    Raises:
        PlannerError: ``INVALID_METRICS`` when the file cannot be read as a table, ``CONFIG_INVALID`` when it is Parquet
            and the extra is missing.
    """
    head = _first_bytes(path)
    if head == _PARQUET:
        return _parquet(path)
    text = _text(path, gzipped=head.startswith(_GZIP))
    return _csv(path, text[: text.rfind("\n") + 1] if growing else text)


def refuse(path: Path, sentence: str, **details: Any) -> PlannerError:
    """The error that names the file."""
    return PlannerError(ErrorCode.INVALID_METRICS, f"{path} {sentence}", details={"file": str(path), **details})


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except IsADirectoryError:
        raise refuse(path, "is a directory. Name the CSV or Parquet file in it.") from None
    except FileNotFoundError:
        raise refuse(path, f"does not exist.{_near(path)}") from None
    except (OSError, ValueError) as error:
        raise refuse(path, f"cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    if not head:
        raise refuse(path, "is empty. Give a table with a header, such as 'timestamp,arrival_rate'.")
    return head


def _near(path: Path) -> str:
    import difflib  # noqa: PLC0415 - only a failure needs it

    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return f" Nor does the directory {path.parent}."
    near = difflib.get_close_matches(path.name, names, n=1)
    return f" Did you mean {path.parent / near[0]}?" if near else ""


def _text(path: Path, *, gzipped: bool) -> str:
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if gzipped else raw).decode("utf-8-sig")
    except (OSError, EOFError, zlib.error) as error:
        raise refuse(path, f"cannot be read: {error}.") from None
    except UnicodeDecodeError:
        raise refuse(path, "is neither UTF-8 text nor Parquet. Save it as CSV in UTF-8, or as Parquet.") from None


def _csv(path: Path, text: str) -> Table:
    if "\0" in text:
        raise refuse(path, "is binary, neither CSV text nor Parquet.")
    first = text.lstrip("\r\n").partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(_DELIMITERS, key=first.count))
    rows: list[tuple[int, list[Any]]] = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((reader.line_num, list(cells)))  # noqa: PERF401 - line_num moves with the reader
    except csv.Error as error:
        raise refuse(path, f"is no CSV at row {reader.line_num}: {error}.", row=reader.line_num) from None
    if not rows:
        raise refuse(path, "has no rows. Give a table with a header, such as 'timestamp,arrival_rate'.")
    return Table([cell.strip() for cell in rows[0][1]], rows[1:])


def _parquet(path: Path) -> Table:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        import pyarrow.parquet as pq  # noqa: PLC0415 - an extra
    except ImportError as error:
        message = f"{path} is Parquet, which needs an extra: pip install 'capacity-planner[parquet]'"
        raise PlannerError(ErrorCode.CONFIG_INVALID, message, cause=error) from None
    try:
        table = pq.read_table(path)
        columns = [_in_microseconds(pa, column).to_pylist() for column in table.columns]
    except (pa.ArrowException, OSError, ValueError) as error:
        raise refuse(path, f"cannot be read as Parquet: {str(error).splitlines()[0]}.") from None
    rows = [(number, list(cells)) for number, cells in enumerate(zip(*columns, strict=True), start=1)]
    return Table([str(name) for name in table.column_names], rows)


def _in_microseconds(pa: Any, column: Any) -> Any:
    """Python's clock ends at the microsecond; a nanosecond column would need pandas."""
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("us", tz=column.type.tz), safe=False)
    if pa.types.is_duration(column.type):
        return column.cast(pa.duration("us"), safe=False)
    return column
