"""A coarse grid over a picture, for what varies smoothly: means over square cells, and back by interpolation."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

CELL = 4
"""Pixels a cell."""


def shrunk(values: NDArray[Any]) -> NDArray[np.float32]:
    """Return means over cells of [h, w, ...], float32 [ceil(h / CELL), ceil(w / CELL), ...].

    Where the sides are no multiples of a cell, cells are a little smaller.
    """
    height, width = values.shape[:2]
    size = (-(-width // CELL), -(-height // CELL))
    return np.asarray(cv2.resize(values.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32)


def stretched(cells: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Return values of cells at every pixel of a picture of that size, interpolated."""
    return np.asarray(cv2.resize(cells, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
