"""Alpha-over of 8-bit pixels: the one formula that building and recomposing share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def over(front: NDArray[np.uint8], behind: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return ``front`` [h, w, 4] (straight alpha) laid over the opaque ``behind`` [h, w, 3], rounded to nearest.

    Done in 16-bit whole numbers: the same bytes on every machine, opaque pixels unchanged.
    """
    import cv2

    out = behind.copy()
    if not front.size:
        return out
    alpha = np.ascontiguousarray(front[..., 3])
    # Eighteen times faster than NumPy's masked copy of three channels out of four.
    cv2.copyTo(cv2.cvtColor(front, cv2.COLOR_RGBA2RGB), (alpha == 255).view(np.uint8), out)
    partial = np.nonzero((alpha > 0) & (alpha < 255))
    share = alpha[partial][:, None].astype(np.uint16)
    mixed = share * front[partial][:, :3] + (255 - share) * behind[partial] + np.uint16(127)
    out[partial] = mixed // np.uint16(255)
    return out


def over_clear(front: NDArray[np.uint8], behind: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``front`` [..., 4] laid over ``behind`` [..., 4], float32 in 0..255, colours premultiplied by alpha."""
    layer = premultiplied(front)
    return np.asarray(layer + (1 - layer[..., 3:] / 255) * behind, np.float32)


def premultiplied(rgba: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return straight uint8 [..., 4] as float32 in 0..255 with the colours multiplied by alpha / 255."""
    out = rgba.astype(np.float32)
    out[..., :3] *= out[..., 3:] / 255
    return out


def straight(rgba: NDArray[Any]) -> NDArray[np.uint8]:
    """Return premultiplied float [..., 4] in 0..255 as straight uint8; clear pixels become all zeros.

    An interpolation may overshoot; colours are divided by the alpha that overshot with them, then both clipped.
    """
    alpha = np.clip(np.rint(rgba[..., 3:]), 0, 255)
    scale = 255 / np.maximum(rgba[..., 3:], 0.5)
    colour = np.clip(np.rint(rgba[..., :3] * scale), 0, 255) * (alpha > 0)
    return np.concatenate([colour, alpha], -1).astype(np.uint8)
