"""What is costly to have and cheap to keep: SciPy's special functions, imported when first needed, and Gauss's rule."""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray


@cache
def special() -> Any:
    """The module ``scipy.special``.

    >>> float(special().gammaincc(2.0, 0.0))
    1.0
    """
    return importlib.import_module("scipy.special")


@cache
def gauss(count: int) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of Gauss and Legendre on [-1, 1].

    >>> [float(round(x, 12)) for x in gauss(2)[0]]
    [-0.57735026919, 0.57735026919]
    """
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return nodes, weights
