"""Traces of an object beyond its outline: slivers that a tight mask left out, bright or dark fringes of sharpening.

They would stay behind as an outline of the object where it was taken away. A pixel near the outline is such a trace if
it differs from what lies a little further out by clearly more than that varies in itself and changes further on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deocclude.layers.nearest import IndexArray, nearest_pixel

WIDTH = 5.0
"""How far from the outline traces are looked for, in pixels."""
LOOK = 12
"""How far from the outline pixels are looked at, in pixels."""
LEAST = 12.0
"""A smaller difference, grey levels on average over the channels, is never a trace ..."""
VARIED = 3.0
"""... nor one that is less than so many times the mean deviation of what lies further out."""
WEAK = 0.5
"""What touches a trace is one too from this share of both limits."""

Bool = NDArray[np.bool_]
Floats = NDArray[np.float32]


def traces(photo: NDArray[np.uint8], distance: Floats, free: Bool) -> tuple[Bool, tuple[IndexArray, IndexArray]]:
    """Return the traces of an object, and for each, row by row, the nearest pixel that is free of them.

    Args:
        photo: uint8 [h, w, 3].
        distance: float32 [h, w], signed distance to the object's outline in pixels, negative outside.
        free: bool [h, w], pixels of the surface behind the object.

    Returns:
        bool [h, w], and rows and columns, each [n].
    """
    ring = free & (distance < 0) & (distance >= -WIDTH)
    outer = free & (distance < -WIDTH) & (distance >= -LOOK)
    nothing = np.zeros_like(ring), (np.zeros(0, np.intp), np.zeros(0, np.intp))
    if not ring.any() or not outer.any():
        return nothing
    source = nearest_pixel(outer, ring)
    near = np.hypot(*(there - here for there, here in zip(source, np.nonzero(ring), strict=True))) <= LOOK
    colours, usual = photo[outer].astype(np.float32), _Mean(outer, photo[outer], 5)
    deviation = _Mean(outer, np.abs(np.subtract(colours, usual.at(np.nonzero(outer)))).mean(1), 9)
    beyond = nearest_pixel(far, ring) if (far := outer & (distance < -(WIDTH + LOOK) / 2)).any() else source
    expected = usual.at(source)
    change = np.abs(expected - usual.at(beyond)).mean(1)
    limit = np.where(near, np.maximum(LEAST, VARIED * deviation.at(source) + 2 * change), np.inf)
    difference = np.abs(photo[ring].astype(np.float32) - expected).mean(1)
    strength = np.zeros(ring.shape, np.float32)
    strength[ring] = _Mean(ring, difference, 3).at(np.nonzero(ring)) / limit.astype(np.float32)
    found = _grown(strength)
    of_ring = found[ring]
    return found, (source[0][of_ring], source[1][of_ring])


class _Mean:
    """Means of values, [n] or [n, c], known at the n pixels of ``known`` [h, w], in squares of ``side`` pixels."""

    def __init__(self, known: Bool, values: NDArray[Any], side: int) -> None:
        import cv2

        spread = np.zeros((*known.shape, *values.shape[1:]), np.float32)
        spread[known] = values
        self._total, self._weight = (
            cv2.blur(array, (side, side), borderType=cv2.BORDER_CONSTANT)
            for array in (spread, known.astype(np.float32))
        )

    def at(self, pixels: tuple[IndexArray, ...]) -> Floats:
        """Return the means around pixels, given by rows and columns, near a known one: float32 [m] or [m, c]."""
        total, weight = self._total[pixels], np.maximum(self._weight[pixels], 1e-6)
        return np.asarray(total / (weight[:, None] if total.ndim == 2 else weight), np.float32)


def _grown(strength: Floats) -> Bool:
    """Return the pieces of strength above :data:`WEAK` that hold a pixel above 1."""
    import cv2

    count, pieces = cv2.connectedComponents((strength > WEAK).astype(np.uint8), connectivity=8)
    strong = np.zeros(count, bool)
    strong[pieces[strength > 1]] = True
    strong[0] = False
    return np.asarray(strong[pieces])
