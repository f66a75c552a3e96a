"""Painting a large hole at half the scale, and so on, with the finest detail of the pixels that are copied there.

What costs most, networks and searches, then hardly follows the number of pixels. The colours are enlarged; on each
scale the finest band of a Laplacian pyramid (Burt and Adelson, IEEE Transactions on Communications 1983) is added,
copied from where the painter copied at the coarser scale: the field of matches is enlarged, not its colours (as in
Barnes et al., PatchMatch, SIGGRAPH 2009).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.content.membrane import halve, twice
from deocclude.content.mixing import FINE, smooth
from deocclude.content.painting import compose
from deocclude.content.patch import Painted, Patch, Provenance

SMALL = 500_000
"""A patch of up to so many pixels is painted as it is."""
LARGE = 80_000
"""The hole of a larger patch is painted at half the scale while it has more pixels: so many the exemplar painter no
longer compares (``spread_pixels``), ..."""
WIDE = 64.0
"""... if it is so wide even then, pixels."""
CONTEXT = 1e-3
"""Weight of the context against evidence that shares a pixel with it."""

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
Shift = NDArray[np.int32]
"""Int32 [h, w, 2]: how far down and right of each pixel of a hole, and those next to it, the copied pixel lies."""
Copier = Callable[[Patch], tuple[Painted, Shift | None]]
"""A painter that also says where it copied from, ``None`` if it did not copy."""


def paint_reduced(patch: Patch, paint: Copier) -> Painted:
    """Return what ``paint`` makes of a patch, at a reduced scale if its hole is large."""
    patches = _pyramid(patch)
    painted, shift = paint(patches[-1])
    if len(patches) == 1:
        return painted
    filled, sure = painted.rgb.astype(np.float32), painted.confidence
    for small, large in pairwise(reversed(patches)):
        right = np.where(small.hole[..., None], filled, small.rgb).astype(np.float32)
        filled = _twice(right, small.hole | small.evidence, large.hole.shape)
        sure = _twice(sure, small.hole, large.hole.shape)
        if shift is not None:
            shift = _doubled(shift, large.hole.shape)
            filled = _with_finest(filled, shift, large, small.evidence)
    origin = Provenance(int(painted.provenance.max()))
    note = f"{painted.method}: the hole is large, it was painted at 1/{patches[-1].scale} of the scale"
    if shift is not None:
        note += ", with the finest detail of the pixels copied"
    whole = compose(patch, filled, sure, origin, painted.method, (*painted.notes, note))
    return replace(whole, fallback_reason=painted.fallback_reason)


def _pyramid(patch: Patch) -> list[Patch]:
    """Return the patch and, each after the one twice as large, those that it is reduced to."""
    patches, pixels = [patch], int(np.count_nonzero(patch.hole))
    if patch.hole.size <= SMALL or pixels <= LARGE:
        return patches
    width = patch.hole_width
    while pixels > LARGE and width >= 2 * WIDE:
        patches.append(halved(patches[-1]))
        pixels, width = pixels // 4, width / 2
    return patches


def halved(patch: Patch) -> Patch:
    """Return a patch at half its scale, [ceil(h/2), ceil(w/2)].

    A pixel is evidence if at least half of it is (or any of it, if none would be left), else hole if any of it is.
    """
    evidence, hole = (part.astype(np.float32) for part in (patch.evidence, patch.hole))
    around = np.zeros_like(hole) if patch.context is None else patch.context.astype(np.float32)
    rgb, _ = halve(patch.rgb.astype(np.float32), evidence + np.float32(CONTEXT) * around)
    shares, _ = halve(np.stack([evidence, hole, around], 2), np.ones_like(hole))
    own = shares[..., 0] >= 0.5 if (shares[..., 0] >= 0.5).any() else shares[..., 0] > 0
    hidden = ~own & (shares[..., 1] > 0)
    return replace(
        patch,
        rgb=np.clip(np.rint(rgb), 0, 255).astype(np.uint8),
        hole=hidden,
        evidence=own,
        context=None if patch.context is None else ~own & ~hidden & (shares[..., 2] >= 0.5),
        scale=2 * patch.scale,
    )


def _twice(picture: Float, known: Bool, shape: tuple[int, ...]) -> Float:
    """Return a picture float32 [h, w] or [h, w, c] at twice its scale, looking at ``known`` pixels [h, w] only.

    ``shape`` is that of the result, which may lack the last row and column.
    """
    deep, weight = (...,) if picture.ndim == 2 else (..., None), known.astype(np.float32)
    total = cv2.blur(np.where(known[deep], picture, np.float32(0)).astype(np.float32), (3, 3))
    around = total / np.maximum(cv2.blur(weight, (3, 3)), 1e-6)[deep]
    return twice(np.where(known[deep], picture, around).astype(np.float32), shape)


def _doubled(shift: Shift, shape: tuple[int, ...]) -> Shift:
    """Return where pixels are copied from at twice the scale: those that lay together still do."""
    return 2 * shift.repeat(2, 0).repeat(2, 1)[: shape[0], : shape[1]]


def _with_finest(filled: Float, shift: Shift, patch: Patch, evidence: Bool) -> Float:
    """Return a filled hole float32 [h, w, 3] with the finest detail of the copied pixels, no stronger than is usual.

    See :func:`deocclude.content.textured.with_texture`, which does so on the coarser scales. ``evidence`` is that at
    half the scale of the patch.
    """
    (height, width), picture = patch.hole.shape, patch.rgb.astype(np.float32)
    coarse, share = halve(picture, patch.evidence.astype(np.float32))
    detail = np.where(patch.evidence[..., None], picture - _twice(coarse, share > 0, patch.hole.shape), np.float32(0))
    y, x = np.nonzero(patch.hole)
    down, right = shift[y, x].T
    copied = detail[np.clip(y + down, 0, height - 1), np.clip(x + right, 0, width - 1)]
    detail[y, x] = copied
    known = (patch.evidence | patch.hole).astype(np.float32)
    strength, share = halve(np.einsum("yxc,yxc->yx", detail, detail)[..., None] / 3, known)
    strength = smooth(strength[..., 0], share > 0, FINE)
    usual = np.float32(np.median(strength[evidence]))
    kept = np.minimum(1, np.sqrt(usual / np.maximum(strength, 1e-3)))
    filled[y, x] += _twice(kept, share > 0, patch.hole.shape)[y, x, None] * copied
    return filled
