"""What must not reach a log, and what is written in its place."""

from __future__ import annotations

import re

HIDDEN = "***"
_NAMES = frozenset(
    {"authorization", "cookie", "passwd", "password", "proxy-authorization", "secret", "set-cookie", "sslpassword"}
)
# Too much hidden is a nuisance, too little a leak: a password may hold any character but a blank.
_PATTERNS = (
    re.compile(r"(?i)(\b[a-z][a-z0-9+.-]{0,30}://[^\s:/]{0,200}:)\S{0,1000}(?=@)"),
    re.compile(r"(?i)(\bbearer\s+)[^\s'\",;)\]}]+"),
    re.compile(
        r"(?i)(\b(?:proxy-)?authorization\W{1,8}(?:b['\"])?(?:(?:basic|digest|token)\s+)?)(?!bearer\s)\w[^\s'\",;)\]}]*"
    ),
    re.compile(r"(?i)(\b(?:ssl)?(?:password|passwd)['\"]?\s*[=:]\s*)(?:'[^']*'|\"[^\"]*\"|[^\s,;&'\")\]}]+)"),
    re.compile(r"(?i)([?&](?:access_)?token=)[^\s&'\"]+"),
)


def names_a_secret(name: str) -> bool:
    """Whether what goes by this name is a secret as a whole.

    >>> names_a_secret("Authorization"), names_a_secret("queue")
    (True, False)
    """
    return name.lower().replace("_", "-") in _NAMES


def without_secrets(text: str) -> str:
    """A text without passwords in addresses, tokens in headers, and what is assigned to a password.

    >>> without_secrets("cannot reach postgresql://planner:s3cret@db/plans")
    'cannot reach postgresql://planner:***@db/plans'
    >>> without_secrets("Authorization: Bearer abc.def-42")
    'Authorization: Bearer ***'
    """
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    return text
