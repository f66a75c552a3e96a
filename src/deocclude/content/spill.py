"""Where the colours of what hides an object spill into its visible part: pixels that are no evidence of the object.

Annotators' masks are off by some pixels, lenses and JPEG blur edges, and so the rim of the visible part often shows the
occluder. A painter that continues what it sees then fills the hole with the occluder's colour. One by one such pixels
cannot be told from an object's own pattern; together, along the edge, they can: band by band, from the edge inwards,
the mean colour of the rim is compared with that of the object further in and that of the occluder (a pixel of a soft
edge is a mixture of both: Porter and Duff, SIGGRAPH 1984). What looks mixed is spill, up to the first band that does
not, and one more, since edges end softly.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.content.mixing import smooth
from deocclude.content.patch import Patch
from deocclude.masks import Mask, distance_to

BANDS = 4
"""Bands of one pixel (or one unit of a larger scale) that are looked at; what lies further in is the object's own."""
INSIDE = 2
"""An occluder's colour is that of its pixels more than so far inside it."""
AROUND = 8
"""Spread in pixels of the Gaussian means of the two colours ..."""
ALONG = 5
"""... and of the means along a band."""
FIRST, MIXED = 0.6, 0.35
"""Share of the occluder in the colour of the band at the edge, and of those that follow, above which they are mixed. A
mask that is right leaves less than one half of it at the edge ..."""
ALIKE = 0.6
"""... if the deviation from the object's colour correlates so well with that of the occluder ..."""
APART = 20.0
"""... and the two colours are so far apart, grey levels (Euclidean)."""
UNIT = 600
"""A photo with so many pixels a side is looked at in bands of one pixel; a larger one in wider bands, too."""

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]


def without_spill(patch: Patch, modal: Mask, occluders: Mask) -> Patch:
    """Return a patch without the evidence whose colour is mixed with that of what hides the object.

    Where next to nothing would be left, all of it is kept.

    Args:
        patch: of the object.
        modal: the visible mask.
        occluders: the visible pixels of what lies in front of the object.
    """
    own = modal.crop(patch.box)
    front = occluders.crop(patch.box) & ~own
    evidence = patch.evidence.copy()
    for scale in {1, max(1, round((modal.size.height * modal.size.width) ** 0.5 / UNIT))}:
        evidence &= ~spill(patch.rgb, own, front, scale=scale)
    before, left = (int(np.count_nonzero(part)) for part in (patch.evidence, evidence))
    return replace(patch, evidence=evidence) if left >= max(16, before // 5) else patch


def spill(rgb: NDArray[np.uint8], own: Bool, front: Bool, *, scale: int = 1) -> Bool:
    """Return the pixels of ``own`` whose colour is mixed with that of ``front``, bool [h, w].

    Args:
        rgb: uint8 [h, w, 3].
        own: bool [h, w], visible pixels of the object by its mask.
        front: bool [h, w], visible pixels of what hides it; disjoint from ``own``.
        scale: width of a band, pixels; masks of large photos are off by more.
    """
    found = np.zeros_like(own)
    away = distance_to(front)
    deep, inner = own & (away > BANDS * scale), front & (distance_to(~front) > INSIDE * scale)
    if not deep.any() or not inner.any():
        return found
    picture, known = rgb.astype(np.float32), _near(deep, scale) & _near(inner, scale)
    mean = smooth(picture, deep, AROUND * scale)
    towards, off = smooth(picture, inner, AROUND * scale) - mean, picture - mean
    planes = np.stack([np.square(towards).sum(2), (off * towards).sum(2), np.square(off).sum(2)], 2)
    square = np.ones((2 * scale + 1, 2 * scale + 1), np.uint8)
    for number in range(BANDS):
        band = own & known & (away > number * scale) & (away <= (number + 1) * scale)
        if number:
            band &= cv2.dilate(found.astype(np.uint8), square) > 0
        if not band.any():
            break
        apart, common, spread = np.moveaxis(smooth(planes, band, ALONG * scale)[band], 1, 0)
        least = np.maximum((MIXED if number else FIRST) * apart, ALIKE * np.sqrt(apart * spread))
        mixed = (apart > APART**2) & (common > least)
        if not mixed.any():
            break
        found[band] = mixed
    return np.asarray(own & (cv2.dilate(found.astype(np.uint8), square) > 0))


def _near(mask: Bool, scale: int) -> Bool:
    """Return where a Gaussian mean over ``mask`` has something to look at."""
    return np.asarray(distance_to(mask) <= 3 * AROUND * scale)
