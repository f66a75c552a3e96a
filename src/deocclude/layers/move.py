"""Moving one layer: shift, scale, rotate, fade."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from deocclude.errors import InputError
from deocclude.geometry import EMPTY_BOX, Box, Size
from deocclude.layers.blend import premultiplied, straight
from deocclude.layers.stack import Layer

LIMITS = {
    "dx": (-1e6, 1e6),
    "dy": (-1e6, 1e6),
    "scale": (0.01, 100.0),
    "rotate": (-3600.0, 3600.0),
    "opacity": (0.0, 1.0),
}
"""Accepted range of each number of a :class:`Move`, both ends included."""


@dataclass(frozen=True)
class Move:
    """What to do with one layer.

    The layer is scaled and turned about the centre of its alpha box, then shifted.

    Attributes:
        instance_id: the object.
        dx: pixels to the right.
        dy: pixels down.
        scale: factor, 1 for the size in the photo.
        rotate: degrees, counter-clockwise.
        opacity: factor for alpha, 0 (gone) to 1.

    Raises:
        InputError: a number is not finite or outside :data:`LIMITS`.
    """

    instance_id: int
    dx: float = 0.0
    dy: float = 0.0
    scale: float = 1.0
    rotate: float = 0.0
    opacity: float = 1.0

    def __post_init__(self) -> None:
        for item in fields(self)[1:]:
            value, (low, high) = getattr(self, item.name), LIMITS[item.name]
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
                raise InputError(
                    f"a number from {low:g} to {high:g}", repr(value), field=f"layer {self.instance_id}: {item.name}"
                )

    @property
    def shifts_only(self) -> bool:
        """Whether pixels stay as they are and only change place by whole pixels."""
        whole = float(self.dx).is_integer() and float(self.dy).is_integer()
        return whole and self.scale == 1 and self.rotate % 360 == 0


def moved(layer: Layer, move: Move, size: Size) -> tuple[Box, NDArray[np.uint8]]:
    """Return where a moved layer lies in a picture of ``size``, and its pixels there.

    Whole-pixel shifts leave the bytes as they are. Everything else is interpolated on colours multiplied by
    alpha, so that no colour of clear pixels bleeds into the rim.

    Returns:
        A box inside the picture (all zeros when nothing of the layer is left in it) and uint8 [h, w, 4],
        straight alpha.
    """
    nothing = EMPTY_BOX, np.zeros((0, 0, 4), np.uint8)
    centre = _alpha_centre(layer)
    if centre is None or move.opacity == 0:
        return nothing
    if move.shifts_only:
        dx, dy = int(move.dx), int(move.dy)
        placed = layer.box.moved(dx, dy)
        box = placed.clip(size)
        rgba = layer.rgba[box.window(placed)]
    else:
        box, rgba = _warped(layer, move, centre, size)
    return nothing if box.empty else (box, _faded(rgba, move.opacity))


def _alpha_centre(layer: Layer) -> tuple[float, float] | None:
    """Return the middle (x, y) of the box round the pixels that are not clear, in the photo."""
    rows, columns = np.flatnonzero(layer.rgba[..., 3].any(1)), np.flatnonzero(layer.rgba[..., 3].any(0))
    if rows.size == 0:
        return None
    return layer.box.x0 + (columns[0] + columns[-1]) / 2, layer.box.y0 + (rows[0] + rows[-1]) / 2


def _faded(rgba: NDArray[np.uint8], opacity: float) -> NDArray[np.uint8]:
    if opacity == 1:
        return rgba
    out = rgba.copy()
    out[..., 3] = np.rint(out[..., 3] * opacity).astype(np.uint8)
    return out


def _warped(layer: Layer, move: Move, centre: tuple[float, float], size: Size) -> tuple[Box, NDArray[np.uint8]]:
    import cv2

    source, photo_from_source = _shrunk(premultiplied(layer.rgba), layer.box, move.scale)
    photo_from_source = _about(centre, move) @ photo_from_source
    height, width = source.shape[:2]
    # Half a pixel round the outermost centres, and two more for the reach of the interpolation.
    corners = np.array([[x, y, 1.0] for x in (-2.5, width + 1.5) for y in (-2.5, height + 1.5)])
    points = corners @ photo_from_source[:2].T
    low, high = np.floor(points.min(0)).astype(int), np.ceil(points.max(0)).astype(int) + 1
    box = Box(int(low[0]), int(low[1]), int(high[0]), int(high[1])).clip(size)
    if box.empty:
        return box, np.zeros((0, 0, 4), np.uint8)
    crop_from_source = photo_from_source[:2] - np.array([[0, 0, box.x0], [0, 0, box.y0]])
    warped = cv2.warpAffine(source, crop_from_source, (box.width, box.height), flags=cv2.INTER_CUBIC)
    return box, straight(warped)


def _shrunk(source: NDArray[np.float32], box: Box, scale: float) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the pixels averaged down to about ``scale`` (if below 1), and the photo_from_source matrix [3, 3]."""
    import cv2

    height, width = source.shape[:2]
    if scale < 1:
        small = max(1, round(width * scale)), max(1, round(height * scale))
        source = np.asarray(cv2.resize(source, small, interpolation=cv2.INTER_AREA), np.float32)
    sx, sy = width / source.shape[1], height / source.shape[0]
    matrix = np.array([[sx, 0, sx / 2 - 0.5 + box.x0], [0, sy, sy / 2 - 0.5 + box.y0], [0, 0, 1]])
    return source, matrix


def _about(centre: tuple[float, float], move: Move) -> NDArray[np.float64]:
    """Return the matrix [3, 3] that scales and turns about ``centre`` and then shifts."""
    angle = math.radians(move.rotate)
    cos, sin = move.scale * math.cos(angle), move.scale * math.sin(angle)
    x, y = centre
    # y points down: a counter-clockwise turn on the screen has the sine's sign the other way round.
    return np.array(
        [
            [cos, sin, x + move.dx - cos * x - sin * y],
            [-sin, cos, y + move.dy + sin * x - cos * y],
            [0, 0, 1],
        ]
    )
