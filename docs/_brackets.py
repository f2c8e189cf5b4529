"""Keeps units in docstrings, as in ``E[S] [s]``, from being read as links when the site is built."""

from __future__ import annotations

import re
from typing import Any

import griffe

_UNIT = re.compile(r"(?<=\]) \[(?=[^\]]*\])")


class Brackets(griffe.Extension):
    """Escapes a bracket that follows a bracket."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Look at every docstring."""
        if obj.docstring:
            obj.docstring.value = _UNIT.sub(r" \\[", obj.docstring.value)
