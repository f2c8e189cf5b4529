"""PromQL with places to fill in: the queue, the step and what else a query needs to know."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from capacity_planner.sources._options import wrong

if TYPE_CHECKING:
    from datetime import timedelta

_PLACES = ("queue", "queue_regex", "step", "seconds", "window", "fine", "concurrency", "labels")
_PLACE = re.compile(r"\{([a-z_]+)\}")
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*\s*(?:=~|!~|!=|=)\s*"(?:[^"\\\n]|\\.)*"'
_LABELS = re.compile(rf"\s*{_LABEL}\s*(?:,\s*{_LABEL}\s*)*,?\s*")
_PLAIN = re.compile(r"[^A-Za-z0-9_.:/+-]", re.ASCII)
_FINEST, _PARTS = 1_000, 12


@dataclass(frozen=True, slots=True)
class Places:
    """What is filled in.

    Attributes:
        step: distance of two samples.
        window: over which a service time is a mean; a step at least.
        concurrency: jobs that one worker serves at once.
        labels: matchers that every selector of a preset has, each with a comma behind.
    """

    step: timedelta
    window: timedelta
    concurrency: int
    labels: str

    def fill(self, template: str, queue_name: str) -> str:
        """The query for a queue."""
        values = {
            "queue": literal(queue_name),
            "queue_regex": literal(re.escape(queue_name)),
            "step": _duration(self.step),
            "seconds": f"{self.step.total_seconds():g}",
            "window": _duration(max(self.window, self.step)),
            "fine": _fine(self.step),
            "concurrency": str(self.concurrency),
            "labels": self.labels,
        }
        return _PLACE.sub(lambda match: values[match[1]], template)


def literal(text: str) -> str:
    r"""A text as it stands within quotes of PromQL, whichever they are.

    >>> literal('a "b" größe')
    'a\\x20\\x22b\\x22\\x20größe'
    """
    return _PLAIN.sub(lambda match: f"\\x{ord(match[0]):02x}" if match[0].isascii() else match[0], text)


def checked(name: str, template: str) -> str:
    """A template all of whose places are known.

    Raises:
        PlannerError: ``CONFIG_INVALID``; one is not.
    """
    for place in _PLACE.findall(template):
        if place not in _PLACES:
            known = ", ".join(f"{{{known}}}" for known in _PLACES)
            raise wrong(name, template, f"has {{{place}}}, which nothing fills. Known are {known}.")
    return template


def matchers(name: str, text: str) -> str:
    """Label matchers with a comma behind, so that others can follow.

    >>> matchers("labels", 'namespace="prod", job=~"celery.*"')
    'namespace="prod", job=~"celery.*",'

    Raises:
        PlannerError: ``CONFIG_INVALID``; they are none.
    """
    if text and not _LABELS.fullmatch(text):
        raise wrong(name, text, 'is no list of label matchers. Write it as namespace="prod", job="celery".')
    return f"{text.strip().rstrip(',')}," if text else ""


def _duration(step: timedelta) -> str:
    milliseconds = round(step.total_seconds() * 1_000)
    return f"{milliseconds}ms" if milliseconds % 1_000 else f"{milliseconds // 1_000}s"


def _fine(step: timedelta) -> str:
    """A twelfth of a step, but no finer than a second: how often to look within it."""
    milliseconds = round(step.total_seconds() * 1_000)
    return f"{max(min(milliseconds, _FINEST), milliseconds // _PARTS)}ms"
