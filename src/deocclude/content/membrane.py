"""Smooth interpolation of scattered values, and the removal of seams with it.

Pull-push (Gortler et al., The Lumigraph, SIGGRAPH 1996, section 3.4) averages what is known down a pyramid and fills
the unknown on the way up. A relaxation sweep a level brings it close to the membrane (Laplace) solution at a cost
linear in the number of pixels, as in Farbman et al., Convolution Pyramids, SIGGRAPH Asia 2011.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.masks import distance_to

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
LARGE = 1_000_000
"""Pixels beyond which a smooth correction is computed at half the scale."""
FADE = 24.0
"""Pixels over which the correction of a seam fades: one wrong edge pixel must not lay a haze over a large hole."""


def pull_push(values: Float, known: NDArray[np.bool_] | Float, sweeps: int = 2) -> Float:
    """Return ``values`` with the unknown ones interpolated smoothly from the known ones.

    Args:
        values: float32 [h, w, c]; unknown entries are never looked at.
        known: bool [h, w], or float32 weights in 0..1; at least one above zero.
        sweeps: relaxation sweeps a level.

    Returns:
        float32 [h, w, c], equal to ``values`` where the weight is 1.
    """
    weight = np.asarray(known, np.float32)
    values = np.where(weight[..., None] > 0, values, np.float32(0))
    if weight.size <= 1 or float(weight.min()) >= 1:
        return values
    coarse, coarse_weight = halve(values, weight)
    below = pull_push(coarse, np.minimum(4 * coarse_weight, 1), sweeps)
    return _refine(values, weight, below, sweeps)


def halve(values: Float, weight: Float) -> tuple[Float, Float]:
    """Return weighted means over 2x2 pixels, [ceil(h/2), ceil(w/2), c], and the mean weight of each."""
    height, width = weight.shape
    if height % 2 or width % 2:
        pad = ((0, height % 2), (0, width % 2))
        weight, values = np.pad(weight, pad), np.pad(values, (*pad, (0, 0)))
    corners = [(slice(down, None, 2), slice(right, None, 2)) for down in (0, 1) for right in (0, 1)]
    share = np.zeros((weight.shape[0] // 2, weight.shape[1] // 2), np.float32)
    total = np.zeros((*share.shape, values.shape[2]), np.float32)
    for corner in corners:
        share += weight[corner]
        total += values[corner] * weight[corner][..., None]
    total /= np.maximum(share, 1e-12)[..., None]
    share /= 4
    return total, share


def twice(picture: Float, shape: tuple[int, ...]) -> Float:
    """Return a picture [h, w] or [h, w, c] at twice its scale, interpolated; one channel comes back as [h, w].

    ``shape`` begins with height and width of the result, which may lack the last row and column.
    """
    up = cv2.resize(picture, (2 * picture.shape[1], 2 * picture.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(up[: shape[0], : shape[1]], np.float32)


def _refine(values: Float, weight: Float, below: Float, sweeps: int) -> Float:
    up = twice(below, weight.shape).reshape(values.shape)
    kept, open_ = weight[..., None], 1 - weight[..., None]
    anchored = values * kept
    result = anchored + up * open_
    for _ in range(sweeps):
        mean = cv2.blur(result, (3, 3), borderType=cv2.BORDER_REPLICATE).reshape(result.shape)
        result = anchored + mean * open_
    return np.asarray(result, np.float32)


def without_seam(filled: Float, truth: Float, hole: Bool, known: Bool, reach: int = 3, *, fade: float = FADE) -> Float:
    """Shift the low frequencies of ``filled`` so that it meets its surroundings without a seam.

    The difference to ``truth``, averaged over the known pixels near the hole, is interpolated into the hole and fades
    with the distance to them. It is limited to twice the usual difference, so that a bright speck casts no glow.

    Args:
        filled: float32 [h, w, c], with values in the hole *and* on the known pixels next to it.
        truth: float32 [h, w, c], right on ``known``.
        hole: bool [h, w].
        known: bool [h, w], pixels to agree with; those within ``reach`` of the hole count.
        reach: pixels.
        fade: distance in pixels at which a third of the correction is left.

    Returns:
        float32 [h, w, c]; ``filled`` itself where nothing known is near the hole.
    """
    side = 2 * reach + 1
    near = cv2.dilate(hole.astype(np.uint8), np.ones((side, side), np.uint8)).astype(bool) & known
    if not near.any():
        return filled
    weight = near.astype(np.float32)
    total = cv2.blur((truth - filled) * weight[..., None], (side, side)).reshape(filled.shape)
    share = cv2.blur(weight, (side, side))
    step = np.asarray(total / np.maximum(share, 1e-6)[..., None], np.float32)
    limit = 2 + 2 * np.median(np.abs(step[near]), axis=0)
    step = np.clip(step, -limit, limit).astype(np.float32)
    left = np.exp(-distance_to(near).astype(np.float64) / fade)
    return np.asarray(filled + _interpolated(step, near) * left[..., None], np.float32)


def _interpolated(step: Float, near: Bool) -> Float:
    """Return ``step`` interpolated from where ``near`` holds; at a reduced scale where that saves much memory."""
    if near.size <= LARGE:
        return pull_push(step, near)
    coarse, share = halve(step, near.astype(np.float32))
    return twice(_interpolated(coarse, share > 0), near.shape)
