"""The page on monitoring lists what is exported, as it is exported."""

from __future__ import annotations

import json
import logging
import re

from capacity_planner.service.logs import LEVELS, JsonFormatter, TextFormatter
from capacity_planner.units import parse_instant
from tests.deploy._promql import PAGE, exported, known, strange
from tests.service._told import families, told

TEXT = PAGE.read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(capacity_planner_\w+)` \| (\w+) \| (.*?) \| (.*?) \|$", re.MULTILINE)


def _expected() -> dict[str, str]:
    """Metric → the row that the page should have."""
    return {
        name: f"| `{name}` | {kind} | {', '.join(f'`{label}`' for label in labels)} | {said} |"
        for name, (kind, said, labels) in families(told()).items()
        if name.startswith("capacity_planner_")
    }


def test_the_table_has_every_metric_with_its_type_labels_and_words() -> None:
    rows = {found[1]: found[0] for found in ROW.finditer(TEXT)}
    expected = _expected()
    assert rows == expected, "The table should be:\n" + "\n".join(expected.values())


def test_every_metric_that_the_text_speaks_of_there_is() -> None:
    names = set(re.findall(r"\bcapacity_planner_\w+", TEXT))
    assert names <= {*_expected(), *exported(), *(name.split(":")[1] for name in known() if ":" in name)}


def test_every_query_of_the_page_can_be_asked() -> None:
    queries = re.findall(r"^```promql\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert len(queries) >= 5
    for query in queries:
        assert strange(query, known()) == [], query


def test_the_line_of_the_log_is_what_would_be_written() -> None:
    (as_json,) = re.findall(r"^```json\n(.*?)\n```$", TEXT, re.MULTILINE | re.DOTALL)
    (as_text,) = re.findall(r"^```text\n(.*?)\n```$", TEXT, re.MULTILINE | re.DOTALL)
    facts = json.loads(as_json)
    time, level, name, message = (facts.pop(key) for key in ("time", "level", "logger", "message"))
    said = {"created": parse_instant(time).timestamp(), "levelname": level.upper(), "name": name, "msg": message}
    record = logging.makeLogRecord({**said, "levelno": LEVELS[level], **facts})
    assert JsonFormatter().format(record) == as_json
    assert TextFormatter().format(record) == as_text
