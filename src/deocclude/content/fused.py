"""The last touch on a stitched hole: the mean with what the network that sees the references makes of it.

Stitching copies: sharp, and wrong where light or shape differ a little. The network corrects PCNet-C pixel by pixel
as far as the reference fits what is visible. Their errors differ, so that their mean mostly errs less than either; the
fine detail, which a mean blurs, stays that of the copy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deocclude.content.mixing import fine
from deocclude.content.overlay import StitchSettings, clear_of_edges
from deocclude.content.patch import Painter, Patch
from deocclude.content.stitch import Stitched
from deocclude.images import RGBArray
from deocclude.masks import Mask

SHARE = 0.9
"""Of the network's answer in the mean. On 39 validation objects of a data set of UKBench views (docs/table2.md) 0.7 to
1 are within 0.05 dB of each other; with the copy's fine detail RFD falls from 0.261 to 0.254."""


def blended(
    copied: NDArray[np.uint8], corrected: NDArray[np.uint8], filled: NDArray[np.bool_], known: NDArray[np.bool_]
) -> RGBArray:
    """Return the mean of both with the fine detail of the copy, where a reference fills pixels.

    Args:
        copied: uint8 [h, w, 3], stitched.
        corrected: uint8 [h, w, 3], the network's answer.
        filled: bool [h, w], the pixels that are copied; ``corrected`` is returned elsewhere.
        known: bool [h, w], the other pixels that mean something in both: what is visible.
    """
    sharp = copied.astype(np.float32)
    mean = sharp + np.float32(SHARE) * (corrected.astype(np.float32) - sharp)
    mean[~filled] = sharp[~filled]
    known = known | filled
    mean += fine(sharp, known) - fine(mean, known)
    return np.where(filled[..., None], np.clip(np.rint(mean), 0, 255), corrected).astype(np.uint8)


def fuse(stitched: Stitched, hole: Mask, ask: Callable[[], Patch], base: Painter | None = None) -> Stitched:
    """Return a stitched hole with the pixels from references corrected; the same pixels are filled.

    Args:
        stitched: the hole filled from references.
        hole: all of it.
        ask: returns what a painter gets to paint the hole; only called where something is filled.
        base: who paints what the network corrects; PCNet-C with its bundled weights by default.

    Raises:
        InputError: weights of a network that are missing or damaged.
    """
    if stitched.overlay is None or not stitched.filled.any():
        return stitched
    from deocclude.content.fusion import FusionPainter, laid_reference

    patch = _without_edges(ask())
    painted = FusionPainter(laid_reference(stitched.overlay, hole), base=base)(patch)
    copied, filled = stitched.over(patch.rgb, patch.corner)
    filled &= patch.hole
    mean = blended(copied, painted.rgb, filled, ~patch.hole)
    rgb, common = stitched.rgb.copy(), stitched.box.intersect(patch.box)
    here, there = common.window(patch.box), common.window(stitched.box)
    rgb[there][filled[here]] = mean[here][filled[here]]
    return replace(stitched, rgb=rgb)


def _without_edges(patch: Patch) -> Patch:
    """Return a patch whose visible pixels beside foreign parts, which mix with these, are not looked at."""
    clear = clear_of_edges(patch.hole, patch.seen, StitchSettings().rim)
    if not (patch.evidence & clear).any():
        return patch
    context = None if patch.context is None else patch.context & clear
    return replace(patch, evidence=patch.evidence & clear, context=context)
