"""Which metrics, with which labels, an expression of PromQL uses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.service._told import samples, told

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy" / "prometheus" / "capacity-planner.rules.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "capacity-planner.json"
PAGE = ROOT / "docs" / "how-to" / "monitor.md"
OF_THE_TARGET = frozenset({"job", "instance", "pod"})

_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}")
_RANGE = re.compile(r"\[[^\]]*\]")
_WORD = re.compile(r"(?<![\w:$.])([a-zA-Z_:][\w:]*)(?!\s*\(|[\w:])")
_KEYWORDS = frozenset({"and", "or", "unless", "offset", "bool", "inf", "nan"})


def used(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Every metric of an expression with the labels that are matched; what is grouped by goes with each of them."""
    text = _TEXT.sub('""', re.sub(r"#.*", "", expression))
    grouped = {label.strip() for found in _GROUPING.findall(text) for label in found.split(",") if label.strip()}
    text = _RANGE.sub("", _GROUPING.sub(" ", text))
    for name, matchers in _SELECTOR.findall(text):
        yield name, {part.split("=")[0].strip(" !~") for part in matchers.split(",") if part.strip()}
    for name in _WORD.findall(_SELECTOR.sub(" ", text)):
        if name.lower() not in _KEYWORDS:
            yield name, set()
    if grouped:
        yield "", grouped


def rules() -> list[dict[str, Any]]:
    """Every rule that is shipped."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def exported() -> dict[str, set[str]]:
    """Series name → labels, of a service that was told everything, and of a target that is scraped."""
    found: dict[str, set[str]] = {"up": set(OF_THE_TARGET)}
    for sample in samples(told()):
        found.setdefault(sample.name, set(OF_THE_TARGET)).update(sample.labels)
    return found


def known() -> dict[str, set[str]]:
    """The same, and what the rules record from it."""
    found = exported()
    for rule in rules():
        if "record" in rule:
            found[rule["record"]] = {label for name, _ in used(rule["expr"]) for label in found.get(name, ())}
    return found


def strange(expression: str, there: dict[str, set[str]]) -> list[str]:
    """Metrics and labels of an expression that there are not."""
    parts = list(used(expression))
    everything = {label for name, _ in parts for label in there.get(name, ())}
    wrong = [name for name, _ in parts if name and name not in there]
    return wrong + [
        f"{name}{{{label}}}"
        for name, labels in parts
        for label in labels
        if label not in (there.get(name, ()) if name else everything)
    ]
