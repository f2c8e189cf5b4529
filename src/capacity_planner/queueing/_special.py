"""SciPy's special functions, imported when first needed: they cost more start-up than the whole package."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any


@cache
def special() -> Any:
    """The module ``scipy.special``.

    >>> float(special().gammaincc(2.0, 0.0))
    1.0
    """
    return importlib.import_module("scipy.special")
