"""The part of a photo that stitching works on: around the hole, and reduced where that is large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.geometry import Box, Size
from deocclude.images import RGBArray
from deocclude.masks import Mask
from deocclude.references.features import Features

Bool = NDArray[np.bool_]
LEAST = 400_000
"""Photos with at most so many pixels are worked on as a whole."""
NEAR = 72
"""Pixels on each side of a small hole that are warped and compared."""
MOST = 500_000
"""Larger windows are reduced to about so many pixels."""


@dataclass(frozen=True)
class Window:
    """A window of a photo.

    Attributes:
        box: the window, half-open.
        size: height and width to which it is reduced; those of the box where it is not.
    """

    box: Box
    size: Size

    @property
    def reduced(self) -> bool:
        """Whether the window is worked on at a reduced scale."""
        return self.size != (self.box.height, self.box.width)

    @property
    def scale(self) -> tuple[float, float]:
        """Reduced size over size, (x, y)."""
        return self.size.width / self.box.width, self.size.height / self.box.height

    def picture(self, rgb: RGBArray) -> RGBArray:
        """Return the window of a photo [H, W, 3]."""
        part = rgb[self.box.slices]
        if not self.reduced:
            return part
        return np.asarray(cv2.resize(part, self.size[::-1], interpolation=cv2.INTER_AREA), np.uint8)

    def some(self, mask: Mask) -> Bool:
        """Return the window of a mask: pixels that cover any set one."""
        return self._share(mask) > 1e-3

    def all(self, mask: Mask) -> Bool:
        """Return the window of a mask: pixels that cover set ones only."""
        return self._share(mask) > 1 - 1e-3

    def around(self, hole: Mask) -> Window:
        """Return the part of the window near a hole of the photo, at the same scale."""
        box = hole.box.grow(max(NEAR, max(hole.box.width, hole.box.height))).clip(hole.size)
        box = box.intersect(self.box)
        across, down = self.scale
        return Window(box, Size(max(1, round(box.height * down)), max(1, round(box.width * across))))

    def features(self, features: Features, size: Size | None = None) -> Features:
        """Return the features of the photo, those outside the window too, in coordinates of the window.

        Args:
            features: of the photo.
            size: of the picture that they count as those of; the window where it is not given.
        """
        factor = np.array(self.scale, np.float32)
        corner = np.array([self.box.x0, self.box.y0], np.float32)
        points = (features.points - corner + np.float32(0.5)) * factor - np.float32(0.5)
        scales = features.scales * factor.mean()
        return Features(points, scales.astype(np.float32), features.angles, features.descriptors, size or self.size)

    def lifted(self, features: Features, size: Size) -> Features:
        """Return features of the window as those of the photo, which has that size."""
        factor = np.array(self.scale, np.float32)
        corner = np.array([self.box.x0, self.box.y0], np.float32)
        points = (features.points + np.float32(0.5)) / factor - np.float32(0.5) + corner
        scales = features.scales / factor.mean()
        return Features(points, scales.astype(np.float32), features.angles, features.descriptors, size)

    def _share(self, mask: Mask) -> NDArray[Any]:
        part = mask.crop(self.box).astype(np.float32)
        return part if not self.reduced else cv2.resize(part, self.size[::-1], interpolation=cv2.INTER_AREA)


def window_around(hole: Mask) -> Window:
    """Return the window for a hole, at least one pixel: with as much on each side as the hole is long, at most."""
    box = hole.size.box
    if box.width * box.height > LEAST:
        box = hole.box.grow(max(96, max(hole.box.width, hole.box.height))).clip(hole.size)
    scale = min(1.0, float(np.sqrt(MOST / (box.width * box.height))))
    return Window(box, Size(max(1, round(box.height * scale)), max(1, round(box.width * scale))))
