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
        others: pixels of other objects, which stay theirs but for ``foreground``.
    """

    box: Box | None = None
    foreground: Mask | None = None
    background: Mask | None = None
    start: Mask | None = None
    others: Mask | None = None


def stroke_mask(strokes: Sequence[Stroke], radius: float, size: Size) -> Mask:
    """Return the pixels that brush strokes cover.

    Args:
        strokes: lines of points (x, y), pixels of the photo.
        radius: half the width of the brush, pixels.
        size: of the photo.
    """
    import cv2

    width = max(1, round(2 * radius))
    reach = 4 * max(size) + 1000
    lines = [
        np.rint(np.clip(np.asarray(stroke, float), -reach, reach)).astype(np.int32) for stroke in strokes if len(stroke)
    ]
    if not lines:
        return Mask.empty(size)
    low, high = np.concatenate(lines).min(0).tolist(), np.concatenate(lines).max(0).tolist()
    box = Box(low[0], low[1], high[0] + 1, high[1] + 1).grow(width).clip(size)
    canvas = np.zeros((box.height, box.width), np.uint8)
    for points in lines if not box.empty else ():
        placed = points - np.array(box[:2], np.int32)
        if len(placed) == 1:
            placed = np.repeat(placed, 2, axis=0)
        cv2.polylines(canvas, [placed.reshape(-1, 1, 2)], False, 1, width)
    return Mask.from_crop(canvas, box[:2], size)
