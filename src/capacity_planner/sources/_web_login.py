"""Who asks a server, with the secret read from its file."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

from capacity_planner.errors import WorldError
from capacity_planner.sources._options import text, wrong


@dataclass(frozen=True, slots=True, repr=False)
class Login:
    """Who asks: a bearer token, a name with a password, or nobody.

    Args:
        token_file: holds the bearer token; it is read each time, since tokens are renewed.
        username: the name.
        password_file: holds its password.
        password: its password, where there is no file.
    """

    token_file: str = ""
    username: str = ""
    password_file: str = ""
    password: str = ""

    def __post_init__(self) -> None:
        for name in ("token_file", "username", "password_file"):
            text("bearer_" + name if name == "token_file" else name, getattr(self, name), empty=True)
        if not isinstance(self.password, str):
            raise wrong("password", "***", "is not a text.")
        if self.token_file and self.username:
            raise wrong("bearer_token_file", self.token_file, "goes without username. Leave one of them out.")
        if ":" in self.username:
            raise wrong("username", self.username, "must not have a colon.")
        if self.password_file and not self.username:
            raise wrong("password_file", self.password_file, "needs a username.")
        if self.password_file and self.password:
            raise wrong("password_file", self.password_file, "goes without password. Leave one of them out.")

    def __repr__(self) -> str:
        return f"Login(username={self.username!r})"

    def headers(self) -> dict[str, str]:
        """What goes with every question.

        Raises:
            WorldError: a file cannot be read, or holds no secret.
        """
        if self.token_file:
            token = _secret(self.token_file)
            if not token.isascii():
                raise WorldError(f"{self.token_file} holds no token: those have no letters beyond ASCII.")
            return {"Authorization": f"Bearer {token}"}
        if self.username:
            password = _secret(self.password_file) if self.password_file else self.password
            pair = base64.b64encode(f"{self.username}:{password}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        return {}


def _secret(path: str) -> str:
    try:
        secret = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise WorldError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}.") from None
    if not secret or not secret.isprintable():
        raise WorldError(f"{path} must hold one line with the secret.")
    return secret
