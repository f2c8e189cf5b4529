"""The command of a worker: a template, filled for each worker, never read by a shell unless that is asked for."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from capacity_planner.scaling._options import flag, refuse, text, texts

SHELL = "/bin/sh"
_OURS = "CAPACITY_PLANNER_"
_KNOWN = ("queue", "number")
_PLACE = re.compile(r"\{([A-Za-z_]+)\}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=", re.ASCII)


@dataclass(frozen=True, slots=True)
class Command:
    """How a worker is started.

    Args:
        arguments: program and arguments, with places for ``{queue}`` and ``{number}``; one line for a shell.
        shell: whether a shell reads it.
        directory: where it runs; empty is where the planner runs.
        environment: further variables as ``NAME=value``, with the same places.
    """

    arguments: tuple[str, ...]
    shell: bool
    directory: str
    environment: tuple[str, ...]

    @classmethod
    def of(cls, command: object, *, shell: object, directory: object, environment: object) -> Command:
        """The command that options say.

        Raises:
            PlannerError: ``CONFIG_INVALID``.
        """
        read = flag("shell", shell)
        made = cls(_arguments(command, shell=read), read, _directory(directory), texts("environment", environment))
        for item in made.environment:
            if not _VARIABLE.match(item):
                raise refuse("environment", item.partition("=")[0], "is not followed by = and a value: NAME=value.")
        return made

    def filled(self, queue_name: str, number: int) -> list[str]:
        """Program and arguments of one worker.

        >>> Command(("rq", "worker", "{queue}"), False, "", ()).filled("emails", 1)
        ['rq', 'worker', 'emails']
        """
        if self.shell:
            return [SHELL, "-c", _filled(self.arguments[0], shlex.quote(queue_name), number)]
        return [_filled(part, queue_name, number) for part in self.arguments]

    def variables(self, queue_name: str, number: int) -> dict[str, str]:
        """The environment of one worker: the planner's, without the planner's own settings."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        own = (item.partition("=") for item in self.environment)
        return inherited | {name: _filled(value, queue_name, number) for name, _, value in own}


def _filled(template: str, queue_name: str, number: int) -> str:
    values = {"queue": queue_name, "number": str(number)}
    return _PLACE.sub(lambda found: values.get(found[1], found[0]), template)


def _arguments(command: object, *, shell: bool) -> tuple[str, ...]:
    parts = (text("command", command),) if shell else _words(command)
    if not parts or not parts[0].strip():
        raise refuse("command", command, 'is empty. Write a command, such as "rq worker {queue}".')
    for place in () if shell else _PLACE.findall(" ".join(parts)):
        if place not in _KNOWN:  # the rest of it may hold a password
            raise refuse("command", f"{parts[0]} …", f"has a place {{{place}}}. There are {{queue}} and {{number}}.")
    return parts


def _words(command: object) -> tuple[str, ...]:
    if not isinstance(command, str):
        return texts("command", command)
    try:
        return tuple(shlex.split(command))
    except ValueError as error:
        shown = f"{command.split()[0]} …"
        raise refuse("command", shown, f"cannot be split into words: {error}.") from None


def _directory(value: object) -> str:
    path = text("directory", value)
    if path and not Path(path).is_dir():
        raise refuse("directory", path, "is no directory.")
    return path
