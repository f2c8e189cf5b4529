"""What the user set: arguments before environment before file, and checked that the values fit each other."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capacity_planner import units
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.pipeline.settings import Settings, find_file, load_settings
from capacity_planner.surfaces.cli._options import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta


def settings_of(options: Mapping[str, Any]) -> Settings:
    """The settings that a command's options, the environment and the file say together.

    Raises:
        PlannerError: ``CONFIG_INVALID`` or ``MODEL_NOT_SUPPORTED``, with the key and where it came from.
    """
    settings = loaded(options)
    check_together(settings)
    return settings


def loaded(options: Mapping[str, Any], names: Mapping[str, str] | None = None) -> Settings:
    """The same, each value checked alone: without pydantic, which takes longer to import than most questions.

    Args:
        options: a command's options.
        names: field name → the option's name in this command, where it is not the usual one.

    Raises:
        PlannerError: ``CONFIG_INVALID``, with the key and where it came from.
    """
    file = find_file(options.get("config"), Path.cwd())
    arguments = {name: options[name] for name in SETTINGS if name in options}
    return load_settings(file, os.environ, arguments, option_names={**SETTINGS, **(names or {})})


def check_together(settings: Settings) -> None:
    """Hold the values against each other; an error says where the value came from."""
    from capacity_planner.pipeline.validation import checked_config  # noqa: PLC0415 - imports pydantic

    try:
        checked_config(settings.config)
    except PlannerError as error:
        raise originated(error, settings) from None


def originated(error: PlannerError, settings: Settings) -> PlannerError:
    """The same error about a setting, which also says where its value came from."""
    name = str(error.details.get("field", "")).removeprefix("config.")
    origin = settings.origins.get(f"planner.{name}", "default")
    message = f"{error.message.removeprefix('config.')} ({name} comes from: {origin})"
    return PlannerError(error.code, message, details={**error.details, "origin": origin})


def duration_of(options: Mapping[str, Any], name: str, option: str) -> timedelta | None:
    """The duration that an option says.

    Raises:
        PlannerError: ``INVALID_METRICS``, naming the option.
    """
    text = options.get(name)
    if text is None:
        return None
    try:
        value = units.parse_duration(text, wire=False)
    except ValueError as error:
        raise _refuse(option, text, str(error)) from None
    if value < units.parse_duration("0s"):
        raise _refuse(option, text, "must not be negative.")
    return value


def _refuse(option: str, value: object, sentence: str) -> PlannerError:
    details = {"field": option, "value": repr(value)}
    return PlannerError(ErrorCode.INVALID_METRICS, f"{option} is {value!r}, which {sentence}", details=details)
