"""Who may ask for what: named bearer tokens with a role, and the rule that none are needed on loopback alone."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from enum import StrEnum
from typing import TYPE_CHECKING

from capacity_planner.errors import ErrorCode, PlannerError, ServiceError
from capacity_planner.service._access_file import add_table, read_tables
from capacity_planner.service.address import beyond_loopback, parse_address

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Access", "AccessError", "Role", "guard", "new_token", "parse_address"]

_log = logging.getLogger(__name__)

ANYBODY = "anonymous"
_BITS_OF_A_BYTE, _TOKEN_BITS = 8, 256


class Role(StrEnum):
    """What a token allows: ``read`` looks and calculates, ``apply`` also changes what is kept and scaled."""

    READ = "read"
    APPLY = "apply"

    def allows(self, needs: Role) -> bool:
        """Whether a token of this role may do what needs ``needs``.

        >>> Role.APPLY.allows(Role.READ), Role.READ.allows(Role.APPLY)
        (True, False)
        """
        return self is Role.APPLY or needs is Role.READ


class AccessError(ServiceError):
    """Not with this token.

    Args:
        status: 401 where no known token was sent, 403 where the token's role does not allow it.
        message: what to send instead.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Access:
    """Tokens that are known by their SHA-256; without any, everybody may do everything.

    Args:
        tokens: name, role and SHA-256 digest of each.
    """

    def __init__(self, tokens: Iterable[tuple[str, Role, bytes]] = ()) -> None:
        self._tokens = tuple(tokens)

    @classmethod
    def load(cls, path: str) -> Access:
        """The tokens of a file.

        A file has a table for each token, with its role and the SHA-256 of it, or the token itself::

            [tokens.ci]
            role = "read"
            sha256 = "…"

        Raises:
            PlannerError: ``CONFIG_INVALID`` with the place and the remedy; never with a token.
        """
        return cls((name, Role(role), digest) for name, role, digest in read_tables(path, tuple(Role)))

    @classmethod
    def open_to_all(cls) -> Access:
        """No token is needed."""
        return cls()

    @property
    def required(self) -> bool:
        """Whether a token is needed at all."""
        return bool(self._tokens)

    def authorize(self, header: str | None, needs: Role) -> str:
        """The name of whoever sent an ``Authorization`` header; ``anonymous`` where no tokens are needed.

        Args:
            header: as `identify`.
            needs: as `identify`.

        Raises:
            AccessError: as `identify`.
        """
        return self.identify(header, needs)[0]

    def identify(self, header: str | None, needs: Role) -> tuple[str, Role]:
        """Name and role of whoever sent an ``Authorization`` header; where no tokens are needed, all may ``apply``.

        Every token is compared, each in constant time, so that the time tells nothing.

        Args:
            header: ``Bearer TOKEN``, or ``None`` where none was sent.
            needs: the role that the call needs.

        Raises:
            AccessError: no known token, or one whose role does not allow it.
        """
        if not self._tokens:
            return ANYBODY, Role.APPLY
        name, role = self._sender(_token_of(header))
        if not role.allows(needs):
            raise AccessError(403, f"The token {name} may {role}, and this needs a token that may {needs}.")
        return name, role

    def _sender(self, token: str) -> tuple[str, Role]:
        digest, found = _digest(token), None
        for name, role, known in self._tokens:
            if hmac.compare_digest(known, digest):
                found = name, role
        if found is None:
            raise AccessError(401, "The token is not known here. Ask whoever runs the service for one.")
        return found


def new_token(path: str, name: str, role: Role) -> str:
    """Make a token of 256 bits, and write its SHA-256 into a file of tokens; only the answer ever has it.

    Args:
        path: the file, made with mode 0600 where there is none.
        name: what the token is known by in records and logs.
        role: what it allows.

    Raises:
        PlannerError: ``CONFIG_INVALID``: the name exists or cannot be one, or the file cannot be read or written.
    """
    token = secrets.token_urlsafe(_TOKEN_BITS // _BITS_OF_A_BYTE)
    add_table(path, name, Role(role), _digest(token).hex(), tuple(Role))
    return token


def guard(address: str, access: Access, *, insecure: bool = False, tls: bool = False) -> None:
    """Make sure that nobody can reach an address without a token by mistake; what is risky goes to the log.

    Args:
        address: where the service is to listen.
        access: the tokens.
        insecure: whether that was asked for.
        tls: whether the connection is encrypted.

    Raises:
        PlannerError: ``CONFIG_INVALID``: the address is not loopback alone, and no tokens are needed.
    """
    host, _ = parse_address(address)
    if not beyond_loopback(host):
        return
    if access.required:
        if not tls:
            _log.warning("%s is not loopback and has no TLS: tokens can be read on the way. Set tls_cert.", address)
        return
    if not insecure:
        raise PlannerError(
            ErrorCode.CONFIG_INVALID,
            f"The address is {address}, which others than this machine can reach, and no token is needed. Set "
            "token_file, listen on 127.0.0.1, or say --insecure where the network is trusted.",
            details={"field": "address", "value": address},
        )
    _log.warning("%s is not loopback, and whoever reaches it may do everything: no token is needed", address)


def _token_of(header: str | None) -> str:
    scheme, _, token = (header or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise AccessError(401, "A token is needed. Send the header 'Authorization: Bearer TOKEN'.")
    return token.strip()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
