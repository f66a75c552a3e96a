"""Square crops around objects: cut masks into small patches for a network, and paste its answer back.

A resize maps x' = (x + 0.5) s - 0.5. All functions work on the mask's own crop, so their cost follows the object and
never the photo.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deocclude.errors import unknown_choice
from deocclude.geometry import Box, Size
from deocclude.masks import BoolArray, Mask

AREA_FACTOR = 3.0
PAIR_AREA_FACTOR = 2.0
MARGIN = 1.1
RESAMPLING = ("area", "linear", "nearest")
LARGE = 4096
"""Boxes with a longer side, in pixels, are averaged in whole blocks before anything else."""
STRIP = 256
"""Rows of a photo that are averaged at once."""


class Square(NamedTuple):
    """A square of the photo, in pixel edges: it covers x0 <= x < x0 + side where pixel k spans k to k + 1.

    It may stick out of the photo; nothing is there.
    """

    x0: float
    y0: float
    side: float

    @property
    def box(self) -> Box:
        """The smallest box of whole pixels around the square."""
        far_x, far_y = self.x0 + self.side, self.y0 + self.side
        return Box(math.floor(self.x0), math.floor(self.y0), math.ceil(far_x), math.ceil(far_y))

    def grow(self, factor: float) -> Square:
        """Return the square with the same centre and ``factor`` times the side."""
        margin = (factor - 1) * self.side / 2
        return Square(self.x0 - margin, self.y0 - margin, self.side * factor)


def object_square(box: Box, *, area_factor: float = AREA_FACTOR, margin: float = MARGIN) -> Square:
    """Return the square around a visible mask's box that a network looks at.

    Its side is ``max(sqrt(area_factor w h), margin w, margin h)`` (Zhan et al., CVPR 2020), its centre that of the
    box, both exact.

    Raises:
        ValueError: the box is empty.
    """
    if box.empty:
        raise ValueError("an empty mask has no square")
    width, height = box.width, box.height
    side = max(math.sqrt(area_factor * width * height), margin * width, margin * height)
    return Square((box.x0 + box.x1 - side) / 2, (box.y0 + box.y1 - side) / 2, side)


def pair_square(first: Box, second: Box) -> Square:
    """Return the square around the visible masks' boxes of two objects: side ``max(sqrt(2 w h), 1.1 w, 1.1 h)``.

    Zhan et al., CVPR 2020 (OrderNet); w and h are of the joint box.

    Raises:
        ValueError: both boxes are empty.
    """
    return object_square(first.join(second), area_factor=PAIR_AREA_FACTOR)


def reference_square(box: Box) -> Square:
    """Return :func:`object_square` as the released code rounds it: corner and side cut to whole numbers.

    Raises:
        ValueError: the box is empty.
    """
    exact = object_square(box)
    return Square(float(int(exact.x0)), float(int(exact.y0)), float(max(1, int(exact.side))))


def cut(mask: Mask, square: Square, size: int, *, resampling: str = "area") -> BoolArray:
    """Return the part of ``mask`` inside ``square`` as a patch bool [size, size]; False outside the photo.

    Args:
        mask: any mask of the photo.
        square: what the patch shows.
        size: side of the patch, pixels.
        resampling: ``area`` (a pixel is set if the mask covers more than half of it), ``linear`` (bilinear at the
            centre, above 0.5), ``nearest`` (the pixel at the upper left corner, as OpenCV does).

    Raises:
        InputError: unknown resampling.
    """
    if resampling not in RESAMPLING:
        raise unknown_choice("resampling", resampling, RESAMPLING)
    around = square.box.grow(1)
    if mask.box.intersect(around).empty:
        return np.zeros((size, size), bool)
    if resampling == "nearest":
        return _nearest(mask, square, size)
    if resampling == "area" and max(around.width, around.height) > LARGE:
        pixels, around, square = _reduced(mask, around, square)
    else:
        pixels = mask.crop(around).astype(np.float32)
    return np.asarray(_resample(pixels, around, square, size, shrink=resampling == "area") > 0.5)


def cut_colours(photo: NDArray[np.uint8], square: Square, size: int) -> NDArray[np.float32]:
    """Return the part of a photo uint8 [H, W, 3] inside ``square`` as float32 [size, size, 3] in 0..1.

    Averaged to shrink, bilinear to enlarge; beyond the photo its border pixels are repeated.
    """
    around = square.box.grow(1)
    height, width = photo.shape[:2]
    rows = np.clip(np.arange(around.y0, around.y1), 0, height - 1)
    columns = np.clip(np.arange(around.x0, around.x1), 0, width - 1)
    across, down = _shrunk_size(around, square, size)
    if around.width % across == 0 or around.height % down == 0:  # OpenCV rounds otherwise where blocks are whole
        pixels = photo[rows[:, None], columns[None, :]].astype(np.float32) / np.float32(255)
    else:
        pixels = _narrowed(photo, columns, rows, across)
    return _resample(pixels, around, square, size, shrink=True)


def outside(photo: Size, square: Square, size: int) -> BoolArray:
    """Return bool [size, size]: the patch pixels whose centres lie beyond the border of the photo."""
    centres = (np.arange(size) + 0.5) * (square.side / size)
    x, y = square.x0 + centres, square.y0 + centres
    return np.logical_or.outer((y < 0) | (y > photo.height), (x < 0) | (x > photo.width))


def paste(patch: NDArray[np.float32], square: Square, box: Box) -> NDArray[np.float32]:
    """Return the values of a patch [size, size] that shows ``square`` at the pixels of ``box``, bilinearly.

    Args:
        patch: float32 [size, size].
        square: what the patch shows.
        box: the pixels that are wanted.

    Returns:
        float32 [box.height, box.width]; 0 where the pixel centre lies outside the square.
    """
    import cv2

    scale = patch.shape[0] / square.side
    matrix = np.array(
        [
            [scale, 0, (box.x0 + 0.5 - square.x0) * scale - 0.5],
            [0, scale, (box.y0 + 0.5 - square.y0) * scale - 0.5],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    values = cv2.warpAffine(patch, matrix, (box.width, box.height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    x, y = np.arange(box.x0, box.x1) + 0.5, np.arange(box.y0, box.y1) + 0.5
    inside_x = (x >= square.x0) & (x < square.x0 + square.side)
    inside_y = (y >= square.y0) & (y < square.y0 + square.side)
    return np.asarray(values * np.logical_and.outer(inside_y, inside_x), np.float32)


def _nearest(mask: Mask, square: Square, size: int) -> BoolArray:
    columns, rows = (np.floor(start + np.arange(size) * square.side / size).astype(int) for start in square[:2])
    columns, rows = columns - mask.box.x0, rows - mask.box.y0
    across, down = (columns >= 0) & (columns < mask.box.width), (rows >= 0) & (rows < mask.box.height)
    patch = np.zeros((size, size), bool)
    patch[np.ix_(down, across)] = mask.pixels[np.ix_(rows[down], columns[across])]
    return patch


def _reduced(mask: Mask, around: Box, square: Square) -> tuple[NDArray[np.float32], Box, Square]:
    """Return the coverage of a very large box in whole blocks of pixels, with the box and the square in such blocks.

    Only what the mask has of the box is looked at: long objects have squares that are far larger than the photo.
    """
    import cv2

    block = -(-max(around.width, around.height) // LARGE)
    small = Box(0, 0, -(-around.width // block), -(-around.height // block))
    here = mask.box.intersect(around)
    x0, y0 = (here.x0 - around.x0) // block, (here.y0 - around.y0) // block
    x1, y1 = -(-(here.x1 - around.x0) // block), -(-(here.y1 - around.y0) // block)
    part = Box(x0, y0, x1, y1)
    left, top = around.x0 + block * x0, around.y0 + block * y0
    whole = Box(left, top, left + block * part.width, top + block * part.height)
    means = cv2.resize(mask.crop(whole).astype(np.float32), (part.width, part.height), interpolation=cv2.INTER_AREA)
    pixels = np.zeros((small.height, small.width), np.float32)
    pixels[part.slices] = means
    moved = Square((square.x0 - around.x0) / block, (square.y0 - around.y0) / block, square.side / block)
    return pixels, small, moved


def _narrowed(
    photo: NDArray[np.uint8], columns: NDArray[np.intp], rows: NDArray[np.intp], width: int
) -> NDArray[np.float32]:
    """Return rows of some columns of a photo averaged to ``width`` columns, float32 [n, width, 3] in 0..1.

    Each row of the photo is averaged once, a few at a time: the square of a long object is far larger than the photo.
    """
    import cv2

    first, last = int(rows[0]), int(rows[-1]) + 1
    parts = []
    for top in range(first, last, STRIP):
        strip = photo[top : min(top + STRIP, last)][:, columns].astype(np.float32) / np.float32(255)
        parts.append(cv2.resize(strip, (width, len(strip)), interpolation=cv2.INTER_AREA))
    return np.asarray(np.concatenate(parts)[rows - first], np.float32)


def _shrunk_size(around: Box, square: Square, size: int) -> tuple[int, int]:
    """Return the width and height that ``around`` is averaged to before ``square`` is sampled; its own to enlarge."""
    scale = size / square.side
    if scale >= 1:
        return around.width, around.height
    return max(1, round(around.width * scale)), max(1, round(around.height * scale))


def _resample(
    pixels: NDArray[np.float32], around: Box, square: Square, size: int, *, shrink: bool
) -> NDArray[np.float32]:
    """Return ``square`` of ``pixels`` at ``size`` pixels a side; averaged first to shrink.

    ``pixels`` cover ``around``; to shrink they may have been averaged to the final width already.
    """
    import cv2

    scale = size / square.side
    step_x = step_y = 1.0
    if shrink and scale < 1:
        small = _shrunk_size(around, square, size)
        step_x, step_y = around.width / small[0], around.height / small[1]
        pixels = np.asarray(cv2.resize(pixels, small, interpolation=cv2.INTER_AREA), np.float32)
    # Photo edge of a source pixel: around + step * (k + 0.5); of a patch pixel: square + (k + 0.5) / scale.
    matrix = np.array(
        [
            [1 / (scale * step_x), 0, (square.x0 + 0.5 / scale - around.x0) / step_x - 0.5],
            [0, 1 / (scale * step_y), (square.y0 + 0.5 / scale - around.y0) / step_y - 0.5],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(pixels, matrix, (size, size), flags=flags), np.float32)
