"""Where the colours of what hides an object spill into its visible part: pixels that are no evidence of the object.

Annotators' masks are off by some pixels, lenses and JPEG blur edges, and so the rim of the visible part often shows the
occluder. A painter that continues what it sees then fills the hole with the occluder's colour. One by one such pixels
cannot be told from an object's own pattern; together, along the edge, they can. A pixel of a soft edge is a mixture of
both colours (Porter and Duff, SIGGRAPH 1984), so each has a share of the occluder: how far its colour lies on the way
from the object's colour further inside to the occluder's. Band by band, from the edge inwards, the mean share is
compared with what the object's own pattern shows. What stands out is spill, up to the first band that does not, and one
more, since edges end softly.
"""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.content.mixing import smooth
from deocclude.content.patch import Patch
from deocclude.geometry import Box, Size
from deocclude.masks import Mask, distance_to

BANDS = 4
"""Bands of one pixel that are looked at; the object's own colours are from further in,
and the same number of bands after them shows how the share varies where there is no spill."""
INSIDE = 2
"""An occluder's colour is that of its pixels more than so far inside it."""
AROUND = 8
"""Spread in pixels of the Gaussian means of the two colours ..."""
ALONG = 5
"""... and of the means along a band."""
FIRST, NEXT = 0.6, 0.35
"""Mean share of the occluder above which the band at the edge, and those that follow, are spill; a mask that is right
leaves less than one half at the edge ..."""
UNUSUAL = 2.5
"""... if it is above the object's own mean by so many of its standard deviations ..."""
APART = 20.0
"""... and the two colours are so far apart, grey levels (Euclidean)."""
UNIT = 600
"""A photo with many more pixels a side than this is looked at a second time, reduced to about so many."""

MARGIN = 2 * BANDS + 4 * AROUND
"""What is further away than this does not matter, pixels."""
TILE, LEAST_TILE = 1024, 256
"""A crop with longer sides than the first is looked at in squares of the second, one by one, and only in those that the
edge runs through: neither memory nor time follows the crop."""

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]


def without_spill(patch: Patch, modal: Mask, occluders: Mask) -> Patch:
    """Return a patch without the evidence that shows the colour of what hides the object.

    Where next to nothing would be left, all of it is kept.

    Args:
        patch: of the object.
        modal: the visible mask.
        occluders: the visible pixels of what lies in front of the object.
    """
    own = modal.crop(patch.box)
    evidence = patch.evidence & ~_all_spill(patch.rgb, own, occluders.crop(patch.box) & ~own, modal.size)
    enough = _enough(int(np.count_nonzero(patch.evidence)), int(np.count_nonzero(evidence)))
    return replace(patch, evidence=evidence) if enough else patch


def unspilt(photo_rgb: NDArray[np.uint8], evidence: Mask, modal: Mask, occluders: Mask) -> Mask:
    """Return ``evidence`` of a whole photo without such pixels, or all of it where next to nothing would be left.

    Args:
        photo_rgb: uint8 [H, W, 3].
        evidence: part of ``modal``.
        modal: the visible mask.
        occluders: the visible pixels of what lies in front of the object.
    """
    left = evidence - spilt(photo_rgb, modal, occluders - modal)
    return left if _enough(evidence.area, left.area) else evidence


def spilt(photo_rgb: NDArray[np.uint8], own: Mask, front: Mask) -> Mask:
    """Return the pixels of ``own`` into which the colour of ``front`` spills.

    Args:
        photo_rgb: uint8 [H, W, 3].
        own: visible pixels of an object or of the background.
        front: visible pixels of what hides it; disjoint from ``own``.
    """
    box = front.box.grow(MARGIN * max(1, _factor(front.size))).clip(front.size)
    found = _all_spill(photo_rgb[box.slices], own.crop(box), front.crop(box), front.size)
    return Mask.from_crop(found, box[:2], front.size)


def _all_spill(rgb: NDArray[np.uint8], own: Bool, front: Bool, photo: Size) -> Bool:
    """Return what :func:`spill` finds in a crop, and in one of a large photo also at a reduced scale."""
    found, factor = spill(rgb, own, front), _factor(photo)
    return found | _wide_spill(rgb, own, front, factor) if factor > 1 and front.any() else found


def _factor(photo: Size) -> int:
    return round(math.sqrt(photo.height * photo.width) / UNIT)


def _enough(before: int, left: int) -> bool:
    return left >= max(16, before // 5)


def spill(rgb: NDArray[np.uint8], own: Bool, front: Bool) -> Bool:
    """Return the pixels of ``own`` into which the colour of ``front`` spills, bool [h, w].

    Args:
        rgb: uint8 [h, w, 3].
        own: bool [h, w], visible pixels of the object by its mask.
        front: bool [h, w], visible pixels of what hides it; disjoint from ``own``.
    """
    found = np.zeros_like(own)
    rim = own & (cv2.dilate(front.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    size = Size(*own.shape)
    side = TILE if max(size) <= TILE else LEAST_TILE
    for y in range(0, size.height, side):
        for x in range(0, size.width, side):
            tile = Box(x, y, x + side, y + side).clip(size)
            if rim[tile.grow(BANDS + 1).clip(size).slices].any():
                around = tile.grow(MARGIN).clip(size)
                part = _spill(rgb[around.slices], own[around.slices], front[around.slices])
                found[tile.slices] = part[tile.window(around)]
    return found


def _spill(rgb: NDArray[np.uint8], own: Bool, front: Bool) -> Bool:
    found = np.zeros_like(own)
    away = distance_to(front)
    deep, inner = own & (away > BANDS), front & (distance_to(~front) > INSIDE)
    if not deep.any() or not inner.any():
        return found
    picture, known = rgb.astype(np.float32), _near(deep) & _near(inner)
    mean = smooth(picture, deep, AROUND)
    towards = smooth(picture, inner, AROUND) - mean
    apart, common = np.square(towards).sum(2), ((picture - mean) * towards).sum(2)
    share = common / np.maximum(apart, 1)
    usual, square = np.moveaxis(smooth(np.stack([share, share**2], 2), deep & (away <= 2 * BANDS), ALONG), 2, 0)
    limit = usual + UNUSUAL * np.sqrt(np.maximum(square - np.square(usual), 0))
    around = np.ones((3, 3), np.uint8)
    for number in range(BANDS):
        band = own & known & (away > number) & (away <= number + 1)
        if number:
            band &= cv2.dilate(found.astype(np.uint8), around) > 0
        if not band.any():
            break
        means = smooth(np.stack([apart, common], 2), band, ALONG)[band]
        least = np.maximum(FIRST if number == 0 else NEXT, limit[band])
        stained = (means[:, 0] > APART**2) & (means[:, 1] > least * means[:, 0])
        if not stained.any():
            break
        found[band] = stained
    return np.asarray(own & (cv2.dilate(found.astype(np.uint8), around) > 0))


def _wide_spill(rgb: NDArray[np.uint8], own: Bool, front: Bool, factor: int) -> Bool:
    """Return what :func:`spill` finds at one ``factor``-th of the scale: masks of large photos are off by more."""
    height, width = own.shape
    size = (max(1, width // factor), max(1, height // factor))
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    shares = (cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) for mask in (own, front))
    found = spill(small, *(np.asarray(share > 0.5) for share in shares))
    return np.asarray(cv2.resize(found.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0)


def _near(mask: Bool) -> Bool:
    """Return where a Gaussian mean over ``mask`` has something to look at."""
    return np.asarray(distance_to(mask) <= 3 * AROUND)
