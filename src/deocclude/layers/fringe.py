"""Traces of an object beyond its outline: slivers that a tight mask left out, bright or dark fringes of sharpening.

They would stay behind as an outline of the object where it was taken away. A pixel near the outline is such a trace if
it differs from what lies a little further out by clearly more than that varies in itself and changes further on.
"""

from __future__ import annotations

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
    colours = photo.astype(np.float32)
    usual = _mean(colours, outer, 5)
    deviation = _mean(np.abs(colours - usual).mean(2, keepdims=True), outer, 9)[..., 0]
    beyond = nearest_pixel(far, ring) if (far := outer & (distance < -(WIDTH + LOOK) / 2)).any() else source
    change = np.abs(usual[source] - usual[beyond]).mean(1)
    difference, limit = np.zeros(ring.shape, np.float32), np.full(ring.shape, np.inf, np.float32)
    difference[ring] = np.abs(colours[ring] - usual[source]).mean(1)
    limit[ring] = np.where(near, np.maximum(LEAST, VARIED * deviation[source] + 2 * change), np.inf)
    found = _grown(_mean(difference[..., None], ring, 3)[..., 0] / limit)
    found &= ring & (distance >= -WIDTH)
    if not found.any():
        return nothing
    return found, nearest_pixel(outer, found)


def _mean(values: Floats, known: Bool, side: int) -> Floats:
    """Return the means of the known values [h, w, c] in squares of ``side`` pixels, 0 where none is known."""
    import cv2

    weight = cv2.blur(known.astype(np.float32), (side, side), borderType=cv2.BORDER_CONSTANT)
    total = cv2.blur(np.where(known[..., None], values, 0), (side, side), borderType=cv2.BORDER_CONSTANT)
    return np.asarray(total.reshape(values.shape) / np.maximum(weight, 1e-6)[..., None], np.float32)


def _grown(strength: Floats) -> Bool:
    """Return the pieces of strength above :data:`WEAK` that hold a pixel above 1."""
    import cv2

    count, pieces = cv2.connectedComponents((strength > WEAK).astype(np.uint8), connectivity=8)
    strong = np.zeros(count, bool)
    strong[pieces[strength > 1]] = True
    strong[0] = False
    return np.asarray(strong[pieces])
