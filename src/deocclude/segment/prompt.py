"""What a user points at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deocclude.geometry import Box, Size
from deocclude.masks import Mask

Stroke = Sequence[tuple[float, float]]
"""Points (x, y) of a line; one point is a dot."""


@dataclass(frozen=True, eq=False)
class Prompt:
    """What is said about one object.

    Attributes:
        box: the object lies inside; ``None`` if not said.
        foreground: pixels on the object.
        background: pixels that are not the object.
        start: a mask to improve.
    """

    box: Box | None = None
    foreground: Mask | None = None
    background: Mask | None = None
    start: Mask | None = None


def stroke_mask(strokes: Sequence[Stroke], radius: float, size: Size) -> Mask:
    """Return the pixels that brush strokes cover.

    Args:
        strokes: lines of points (x, y), pixels of the photo.
        radius: half the width of the brush, pixels.
        size: of the photo.
    """
    import cv2

    canvas = np.zeros(size, np.uint8)
    width = max(1, round(2 * radius))
    reach = 4 * max(size) + 1000
    for stroke in strokes:
        if len(stroke):
            points = np.rint(np.clip(np.asarray(stroke, float), -reach, reach)).astype(np.int32)
            if len(points) == 1:
                points = np.repeat(points, 2, axis=0)
            cv2.polylines(canvas, [points.reshape(-1, 1, 2)], False, 1, width)
    return Mask.from_array(canvas)
