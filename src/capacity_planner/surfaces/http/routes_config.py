"""``/v1/config`` and ``/v1/reset``: how the service is set, and how it forgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from capacity_planner.domain.queues import ConfigVersion, ServiceConfig
from capacity_planner.errors import ConflictError, ErrorCode, PlannerError
from capacity_planner.service.access import Role
from capacity_planner.surfaces.http._masks import masked_version
from capacity_planner.surfaces.http._problems import HttpError
from capacity_planner.surfaces.http.answers import ConfigVersions, ResetRequest
from capacity_planner.surfaces.http.operations import DURATIONS, Answer, Operation

if TYPE_CHECKING:
    from capacity_planner.surfaces.http._call import Call

_MASKED = "A token that may only `read` sees `***` in place of passwords in options of sources and scalers."
_ETAG = {"ETag": "The version in quotes, for If-Match."}


def show(call: Call) -> Response:
    """The configuration in effect."""
    return _versioned(call, _seen(call, call.desk.config()))


def change(call: Call) -> Response:
    """Another configuration, where nobody changed it meanwhile."""
    expected = _expected(call.request.headers.get("if-match"))
    try:
        return _versioned(call, call.desk.put_config(call.read(ServiceConfig), expected=expected, by=call.caller))
    except ConflictError as error:
        raise HttpError(412, error.message) from None


def versions(call: Call) -> Response:
    """The newest configurations."""
    return call.answer(ConfigVersions(versions=tuple(_seen(call, found) for found in call.desk.config_versions())))


def reset(call: Call) -> Response:
    """Nothing that was learned."""
    told = call.read(ResetRequest)
    if bool(told.queue_name) == told.all:
        raise _unclear(told)
    if told.queue_name:
        call.desk.status(told.queue_name)
    call.desk.reset(told.queue_name or None, by=call.caller)
    return Response(status_code=204)


def _unclear(told: ResetRequest) -> PlannerError:
    given = "is given beside all" if told.all else "is missing"
    return PlannerError(
        ErrorCode.CONFIG_INVALID,
        f'queue_name {given}. Name the queue to forget, or send "all": true alone to forget all of them.',
        details={"field": "queue_name", "value": told.queue_name},
    )


def _seen(call: Call, version: ConfigVersion) -> ConfigVersion:
    """A version as the caller may see it: who may set it sees all of it, so that it can be sent back."""
    return version if call.role.allows(Role.APPLY) else masked_version(version)


def _versioned(call: Call, version: ConfigVersion) -> Response:
    return call.answer(version, headers={"ETag": f'"{version.version}"'})


def _expected(given: str | None) -> int | None:
    """The version that If-Match names; ``None`` for whatever is there."""
    if given is None:
        raise HttpError(
            428, "If-Match is missing. Send the ETag of the version that you changed, or * for whatever is."
        )
    text = given.strip()
    number = text[1:-1]
    if text == "*":
        return None
    if text[:1] + text[-1:] == '""' and number.isascii() and number.isdecimal() and len(number) <= 15:  # noqa: PLR2004
        return int(number)
    raise PlannerError(
        ErrorCode.CONFIG_INVALID,
        f'If-Match is {given[:80]!r}, which is no version. Send the ETag of GET /v1/config as it came, such as "3".',
        details={"field": "If-Match", "value": given[:80]},
    )


OPERATIONS = (
    Operation(
        name="getConfig",
        method="GET",
        path="/v1/config",
        handler=show,
        tag="config",
        summary="The configuration in effect",
        said=_MASKED,
        answers={200: Answer("The configuration.", ConfigVersion, headers=_ETAG)},
        parameters=(DURATIONS,),
        pace="quick",
    ),
    Operation(
        name="putConfig",
        method="PUT",
        path="/v1/config",
        handler=change,
        tag="config",
        summary="Set the configuration",
        said="As a whole, and only where it still is the version that `If-Match` names.",
        needs=Role.APPLY,
        body=ServiceConfig,
        answers={200: Answer("The new version.", ConfigVersion, headers=_ETAG)},
        problems=(412, 428),
        parameters=(DURATIONS,),
        conditional=True,
        pace="quick",
    ),
    Operation(
        name="listConfigVersions",
        method="GET",
        path="/v1/config/versions",
        handler=versions,
        tag="config",
        summary="Configurations as they were set",
        said=_MASKED,
        answers={200: Answer("The newest, the newest first.", ConfigVersions)},
        parameters=(DURATIONS,),
        pace="quick",
    ),
    Operation(
        name="reset",
        method="POST",
        path="/v1/reset",
        handler=reset,
        tag="config",
        summary="Forget what was learned",
        said="Of one queue, or with `all` of all: samples from before now are no longer read, and open orders fall. "
        "Settings stay.",
        needs=Role.APPLY,
        body=ResetRequest,
        answers={204: Answer("It is forgotten.")},
        problems=(404,),
    ),
)
