"""Problems of scenarios in the user's own words: the flag or file that says so, and plain sentences."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from capacity_planner import units
from capacity_planner.surfaces.cli._scenario_flags import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from capacity_planner.surfaces.cli._scenario_file import Draft
    from capacity_planner.surfaces.cli._scenario_findings import Problem

_REPEATED = {"plan.steps": "step", "traffic_pattern.spikes": "spike"}
_ITEM = re.compile(r"(plan\.steps|traffic_pattern\.spikes)\.(\d+)(?:\.\w+)*")
_NO_SERVICE = "No service time is known. Give --service-time, such as 2s."
_INSTANT = re.compile(r"datetime\.datetime\(([\d, ]+), tzinfo=datetime\.timezone\.utc\)")
_LOCAL = re.compile(r"datetime\.datetime\(([\d, ]+)\)")
_DATE = re.compile(r"datetime\.date\((\d+), (\d+), (\d+)\)")
_SPAN = re.compile(r"datetime\.timedelta\(((?:\w+=-?\d+(?:, )?)+)\)")
_PLAIN = (
    (re.compile(r": Input should be (?:a dictionary|an object) or an instance of \w+\.$"), ", which is no table."),
    (re.compile(r": Input should be a valid dictionary\.$"), ", which is no table."),
    (re.compile(r": Input should be a valid (?:tuple|list)\.$"), ", which is no list."),
    (re.compile(r": Input should be a valid string\.$"), ", which is not a text."),
    (re.compile(r": Input should be a valid boolean\.$"), ", which is neither true nor false."),
    (re.compile(r": Input should be a valid (integer|number)\b.*$"), ", which is no \\1."),
    (re.compile(r": Input should be ('.+)\.$"), ", which is unknown. There are: \\1."),
    (re.compile(r"Value error, "), ""),
)


def told(wrong: list[tuple[Draft, Problem]], flags: Mapping[str, Any], options: Mapping[str, Any]) -> Iterator[Problem]:
    """Problems by what the user typed: the flag that set the field, else the file, and which of its scenarios."""
    count = Counter((draft.file, item["message"]) for draft, item in wrong)
    for draft, item in wrong:
        several = count[draft.file, item["message"]] > 1
        yield _placed(_plain(item), draft.file if several else draft.where, flags, options)


def _placed(item: Problem, where: str, flags: Mapping[str, Any], options: Mapping[str, Any]) -> Problem:
    name = item["field"].removeprefix("scenario.")
    message = item["message"].replace(f"{item['field']} ", f"{name} ", 1)
    flag = next((option for known, option in _given(flags) if name == known or name.startswith(f"{known}.")), "")
    match = _ITEM.fullmatch(name)
    if flag and match and (texts := options[_REPEATED[match[1]]]) and int(match[2]) < len(texts):
        return _of_use(item, f"{flag} {texts[int(match[2])]}", message.removeprefix(f"{name} is {item['value']}, "))
    if flag and name in NAMES:
        return {**item, "field": flag, "message": message.replace(f"{name} ", f"{flag} ", 1)}
    where = flag or where
    shown = message if message.startswith(where) else f"{where}: {message}"
    return {**item, "field": f"{where}: {name}" if where else name, "message": shown}


def _of_use(item: Problem, use: str, sentence: str) -> Problem:
    """The problem of one use of a flag that can be repeated."""
    if sentence.startswith("which "):
        message = f"{use}: {item['value']} {sentence.removeprefix('which ')}"
    elif sentence.startswith("so that the spike "):
        message = f"{use} {sentence.removeprefix('so that the spike ')}"
    else:
        message = f"{use}: {sentence}"
    return {**item, "field": use, "message": message}


def _given(flags: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The fields that flags set, and the flags."""
    for name, value in flags.items():
        inner = [f"{name}.{part}" for part in value] if isinstance(value, dict) else []
        yield from ((known, NAMES[known]) for known in (*inner, name) if known in NAMES)


def _plain(item: Problem) -> Problem:
    """The problem without a library's wording."""
    if item["field"].endswith("service_time") and "which is not known" in item["message"]:
        return {**item, "message": _NO_SERVICE}
    message = _in_words(item["message"])
    for pattern, words in _PLAIN:
        message = pattern.sub(words, message)
    return {**item, "value": _in_words(item["value"]), "message": message}


def _in_words(text: str) -> str:
    """The text with instants and durations as people write them."""
    text = _INSTANT.sub(lambda match: _instant(match[1], "Z"), text)
    text = _LOCAL.sub(lambda match: _instant(match[1], ""), text)
    text = _DATE.sub(lambda match: f"{int(match[1]):04}-{int(match[2]):02}-{int(match[3]):02}", text)
    return _SPAN.sub(lambda match: _span(match[1]), text)


def _instant(numbers: str, zone: str) -> str:
    year, month, day, *clock = [int(number) for number in numbers.split(", ")]
    hour, minute, second, micro, *_ = [*clock, 0, 0, 0, 0]
    value = datetime(year, month, day, hour, minute, second, micro, tzinfo=UTC)
    return f"{value.replace(tzinfo=None).isoformat()}{zone}"


def _span(parts: str) -> str:
    fields = dict(part.split("=") for part in parts.split(", "))
    return units.words(timedelta(**{name: int(number) for name, number in fields.items()}))
