"""The picture that a search is asked with: the object, cut out of the photo, and no more of it than is needed."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

from deocclude.geometry import Size
from deocclude.images import RGBArray, thumbnail
from deocclude.masks import Mask, union
from deocclude.references.sources.candidates import Picture
from deocclude.scene import Scene

MARGIN = 0.1
"""Width of the border around the object, as a share of its longer side."""
NEUTRAL = 127
"""Grey that stands for what is left out."""
LARGEST = 480_000
"""Largest file, bytes; the strictest service takes 500 KB."""


def object_pixels(
    rgb: RGBArray, scene: Scene, identity: int, *, hidden: Mask | None = None, alone: bool = False
) -> RGBArray:
    """Return the crop around an object with what hides it painted over in a flat colour.

    Args:
        rgb: uint8 [H, W, 3], the photo.
        scene: its objects.
        identity: id of the object.
        hidden: its hidden part where that is known; else the other objects in the crop count as what hides it.
        alone: paint over everything that is not the object.

    Returns:
        uint8 [h, w, 3]. The hidden part has the mean colour of the object, all else that is left out is grey.

    Raises:
        InputError: no object with this id.
    """
    item = scene[identity]
    size = Size(*rgb.shape[:2])
    box = item.modal.box if hidden is None else item.modal.box.join(hidden.box)
    box = box.grow(max(2, round(MARGIN * max(box.width, box.height)))).clip(size)
    crop, visible = np.array(rgb[box.slices]), item.modal.crop(box)
    if alone:
        crop[~visible] = NEUTRAL
    colour = np.rint(crop[visible].mean(axis=0)).astype(np.uint8) if visible.any() else NEUTRAL
    crop[_unseen(scene, identity, hidden, size).crop(box) & ~visible] = colour
    return crop


def encoded(pixels: RGBArray, longest: int = 1024) -> Picture:
    """Return pixels as a JPEG file without metadata that every service takes.

    Args:
        pixels: uint8 [H, W, 3].
        longest: longer side at most, pixels.
    """
    small = thumbnail(pixels, longest)
    while True:
        image = Image.fromarray(np.ascontiguousarray(small))
        for quality in (92, 85, 75, 60):
            target = BytesIO()
            image.save(target, "JPEG", quality=quality)
            if len(target.getvalue()) <= LARGEST:
                return Picture(target.getvalue(), image.width, image.height)
        small = thumbnail(small, max(32, round(0.7 * max(small.shape[:2]))))


def _unseen(scene: Scene, identity: int, hidden: Mask | None, size: Size) -> Mask:
    if hidden is not None:
        return hidden
    return union([other.modal for other in scene.instances if other.id != identity and not other.is_stuff], size)
