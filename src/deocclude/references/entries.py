"""What an index holds of a picture: the picture, its objects, or overlapping patches where no objects are known.

An object that fills a tenth of a picture is lost among the words of the rest; as an entry of its own it is found.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from deocclude.geometry import Box, Size
from deocclude.masks import Mask
from deocclude.references import colour
from deocclude.references.features import Features
from deocclude.scene import Scene

REACH = 6
"""Key points this near to an object's mask count as its own, pixels."""


class Kind(IntEnum):
    """What an entry shows."""

    PICTURE = 0
    OBJECT = 1
    PATCH = 2


@dataclass(frozen=True)
class EntrySettings:
    """Which parts of a picture become entries.

    Attributes:
        grid: patches a side where no objects are known; 0 for none.
        patch: side of a patch, as a share of the picture's.
        smallest: objects and patches with a shorter box side are left out, pixels.
        fewest: parts with fewer key points are left out.
    """

    grid: int = 3
    patch: float = 0.5
    smallest: int = 24
    fewest: int = 15


@dataclass(frozen=True, eq=False)
class Region:
    """A part of a picture.

    Attributes:
        kind: what it is.
        box: its pixels, or the box around its mask.
        mask: the visible mask of an object.
        category: class name of an object, or empty.
        object_id: number of the object in its scene, else 0.
    """

    kind: Kind
    box: Box
    mask: Mask | None = None
    category: str = ""
    object_id: int = 0

    def members(self, features: Features) -> NDArray[np.int64]:
        """Return the key points inside, as indices."""
        x, y = features.points.T
        box = self.box if self.mask is None else self.box.grow(REACH)
        inside = (x >= box.x0 - 0.5) & (x < box.x1 - 0.5) & (y >= box.y0 - 0.5) & (y < box.y1 - 0.5)
        if self.mask is not None:
            near = _grown(self.mask, box)
            column = np.clip(np.rint(x[inside]).astype(int) - box.x0, 0, box.width - 1)
            row = np.clip(np.rint(y[inside]).astype(int) - box.y0, 0, box.height - 1)
            inside[inside] = near[row, column]
        return np.flatnonzero(inside)

    def colours(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the colour signature of the region in its picture, uint8 [H, W, 3]."""
        use = None if self.mask is None else self.mask.crop(self.box)
        return colour.signature(rgb[self.box.slices], use)


def regions(size: Size, scene: Scene | None, settings: EntrySettings) -> list[Region]:
    """Return the whole picture and its parts: the objects of ``scene``, or a grid where there is none."""
    parts = [Region(Kind.PICTURE, size.box)]
    if scene is None:
        boxes = _grid(size, settings)
        return parts + [Region(Kind.PATCH, box) for box in boxes if min(box.width, box.height) >= settings.smallest]
    for item in scene.instances:
        box = item.modal.box
        if not item.is_stuff and min(box.width, box.height) >= settings.smallest:
            parts.append(Region(Kind.OBJECT, box, item.modal, item.category, item.id))
    return parts


def _grid(size: Size, settings: EntrySettings) -> list[Box]:
    if settings.grid < 1:
        return []
    width, height = (max(1, round(side * settings.patch)) for side in (size.width, size.height))
    lefts = np.rint(np.linspace(0, size.width - width, settings.grid)).astype(int)
    tops = np.rint(np.linspace(0, size.height - height, settings.grid)).astype(int)
    return [Box(int(x), int(y), int(x) + width, int(y) + height) for y in tops for x in lefts]


def _grown(mask: Mask, box: Box) -> NDArray[np.bool_]:
    """Return bool [box.height, box.width]: the mask grown by :data:`REACH`; the box may stick out of the picture."""
    import cv2

    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * REACH + 1,) * 2)
    return np.asarray(cv2.dilate(mask.crop(box).astype(np.uint8), kernel) > 0)
