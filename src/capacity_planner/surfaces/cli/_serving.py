"""What ``serve`` and ``run`` have in common: their settings, their logs, and the service they start."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.pipeline.settings import Settings, find_file, load_settings
from capacity_planner.surfaces.cli._service_options import FLAGS
from capacity_planner.surfaces.cli._settings import check_together

if TYPE_CHECKING:
    from collections.abc import Mapping

    from capacity_planner.service.service import Service


def service_settings(options: Mapping[str, Any]) -> tuple[Settings, str]:
    """The settings, and what they are said to come from.

    Raises:
        PlannerError: ``CONFIG_INVALID`` or ``MODEL_NOT_SUPPORTED``, with the key and where it came from.
    """
    file = find_file(options.get("config"), Path.cwd())
    arguments = {name: options[name] for name in FLAGS if name in options}
    settings = load_settings(file, os.environ, arguments, option_names=FLAGS)
    check_together(settings)
    return settings, str(file) if file else "settings"


def started(settings: Settings, origin: str) -> Service:
    """The service, with its logs going.

    Raises:
        PlannerError: ``CONFIG_INVALID``, also where the extra is not installed.
        UnavailableError: the store does not answer.
    """
    try:
        from capacity_planner.service import logs  # noqa: PLC0415 - an extra
        from capacity_planner.service.service import Service  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise lacking(error) from None
    logs.configure(settings.server.log_format, settings.server.log_level)
    return Service(settings, origin=origin)


def lacking(error: ModuleNotFoundError) -> PlannerError:
    """The error that says what to install."""
    if (error.name or "").partition(".")[0] == "capacity_planner":
        raise error
    message = "the service needs an extra: pip install 'capacity-planner[server]'"
    return PlannerError(ErrorCode.CONFIG_INVALID, message, details={"field": "server", "missing": error.name})
