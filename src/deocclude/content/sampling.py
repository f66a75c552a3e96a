"""Look up pictures at fractional places: maps are float32 [h, w, 2], (x, y) with pixel centres at whole numbers."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
FAR = 1e6
"""Places farther away, or nowhere, count as so far away."""


def pixel_grid(height: int, width: int) -> Float:
    """Return the coordinates (x, y) of all pixels, float32 [height, width, 2]."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.stack([x, y], 2)


def sample(values: Float, where: Float, *, cubic: bool = False) -> Float:
    """Return ``values`` [H, W, ...] at places float32 [h, w, 2]; outside, the nearest value."""
    kind = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
    found = cv2.remap(values, where[..., 0], where[..., 1], kind, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32)


def inside(where: Float, shape: tuple[int, ...]) -> Bool:
    """Return bool [h, w]: whether places lie in a picture of ``shape``."""
    x, y = where[..., 0], where[..., 1]
    return np.asarray((x >= -0.5) & (y >= -0.5) & (x <= shape[1] - 0.5) & (y <= shape[0] - 0.5))


def tidied(where: NDArray[Any]) -> Float:
    """Return a map as float32 without infinite and undefined places."""
    finite = np.nan_to_num(where, nan=-FAR, posinf=FAR, neginf=-FAR)
    return np.asarray(np.clip(finite, -FAR, FAR), np.float32)


def mapped(matrix: NDArray[np.floating[Any]], grid: Float) -> Float:
    """Return where a homography [3, 3] takes the places of a grid float32 [h, w, 2]."""
    return tidied(cv2.perspectiveTransform(grid, np.asarray(matrix, np.float64)))


def enlarged(where: Float, height: int, width: int) -> Float:
    """Return a map of a reduced picture as one of the whole picture, which has that size."""
    if where.shape[:2] == (height, width):
        return where
    return np.asarray(cv2.resize(where, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _reached(places: Float, side: int) -> tuple[int, int]:
    """Return the first pixel and the number of pixels along a side that cubic interpolation at ``places`` looks at."""
    ends = np.clip([places.min(initial=FAR), places.max(initial=-FAR)], 0, side - 1)
    first, last = max(0, int(ends[0]) - 2), min(side - 1, int(ends[1]) + 3)
    return first, max(1, last - first + 1)


def _near(values: NDArray[Any], where: Float) -> tuple[Float, Float]:
    """Return the part of ``values`` [H, W, ...] that is looked at, and the places in it.

    OpenCV refuses to look up in more than 32,766 pixels a side.
    """
    (x, width), (y, height) = (_reached(where[..., axis], values.shape[1 - axis]) for axis in (0, 1))
    part = np.asarray(values[y : y + height, x : x + width], np.float32)
    return part, where - np.array([x, y], np.float32)


class Source:
    """A reference to look things up in, at the scale at which it is seen: a picture seen from afar is averaged first.

    Args:
        rgb: uint8 [H, W, 3].
        shown: bool [H, W], pixels that may be used; all of them when not given.
    """

    def __init__(self, rgb: NDArray[np.uint8], shown: Bool | None = None) -> None:
        self.shape = rgb.shape
        self._levels = [rgb]
        self._shown = shown

    def inside(self, where: Float) -> Bool:
        """Return bool [h, w]: whether places lie in the picture, on pixels that may be used."""
        within = inside(where, self.shape)
        return within if self._shown is None else within & (sample(*_near(self._shown, where)) > 1 - 1e-3)

    def at(self, where: Float) -> Float:
        """Return the colours at places of the whole picture, float32 [h, w, 3] in 0..255."""
        picture = self._reduced(self._level(where))
        height, width = picture.shape[:2]
        if picture.shape != self.shape:  # sides are halved to whole pixels, so the scale is not quite a power of two
            scale = np.array([self.shape[1] / width, self.shape[0] / height], np.float32)
            where = (where + np.float32(0.5)) / scale - np.float32(0.5)
        return np.clip(sample(*_near(picture, where), cubic=True), 0, 255)

    def _reduced(self, level: int) -> NDArray[np.uint8]:
        while len(self._levels) <= level:
            last = self._levels[-1]
            half = max(1, last.shape[1] // 2), max(1, last.shape[0] // 2)
            self._levels.append(np.asarray(cv2.resize(last, half, interpolation=cv2.INTER_AREA), np.uint8))
        return self._levels[level]

    def _level(self, where: Float) -> int:
        """Return how often the picture is halved so that its pixels are about as large as those of the map."""
        if min(where.shape[:2]) < 2:
            return 0
        valid = inside(where, self.shape)[:-1, :-1]
        if not valid.any():
            return 0
        across, down = np.diff(where, axis=1)[:-1], np.diff(where, axis=0)[:, :-1]
        area = np.abs(across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0])[valid]
        most = int(np.log2(max(1, min(self.shape[:2]) / 8)))
        return int(np.clip(np.floor(0.5 * np.log2(max(float(np.median(area)), 1e-6)) + 0.25), 0, most))
