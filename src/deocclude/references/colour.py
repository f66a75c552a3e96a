"""Colour signature of a picture or a part of it: a soft histogram over hue, saturation and value.

Compared by the Hellinger kernel (the cosine of the square roots of two histograms), 1 for the same colours in the
same shares and 0 for none in common.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

HUES, LEVELS = 16, 4
WIDTH = HUES * LEVELS * LEVELS
"""Bytes in a signature."""
_FINE = 2
_SCALE = 255.0


def signature(rgb: NDArray[np.uint8], use: NDArray[np.bool_] | None = None) -> NDArray[np.uint8]:
    """Return the colours of a picture.

    Args:
        rgb: uint8 [H, W, 3].
        use: bool [H, W], the pixels that count; all of them when not given.

    Returns:
        uint8 [WIDTH], the square roots of the shares times 255; all zeros when no pixel counts.
    """
    import cv2

    hsv = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2HSV)
    mask = None if use is None else use.astype(np.uint8)
    bins = [HUES * _FINE, LEVELS * _FINE, LEVELS * _FINE]
    fine = cv2.calcHist([hsv], [0, 1, 2], mask, bins, [0, 180, 0, 256, 0, 256]).astype(np.float64)
    total = fine.sum()
    if total == 0:
        return np.zeros(WIDTH, np.uint8)
    levels = _folding(LEVELS, circular=False)
    shares = np.einsum("hsv,ha,sb,vc->abc", fine / total, _folding(HUES, circular=True), levels, levels, optimize=True)
    return np.asarray(np.rint(np.sqrt(shares.ravel()) * _SCALE), np.uint8)


def similarity(one: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return how alike the colours are.

    Args:
        one: uint8 [WIDTH].
        others: uint8 [n, WIDTH].

    Returns:
        float32 [n], 0..1; 0 where a signature is all zeros.
    """
    query, rows = one.astype(np.float32), others.astype(np.float32)
    lengths = np.linalg.norm(query) * np.linalg.norm(rows, axis=1)
    return np.asarray((rows @ query) / np.maximum(lengths, 1e-6), np.float32)


def _folding(count: int, *, circular: bool) -> NDArray[Any]:
    """Return [fine bins, count]: the share of each fine bin that falls to each coarse one, by linear interpolation."""
    place = (np.arange(count * _FINE) + 0.5) / _FINE - 0.5
    below = np.floor(place).astype(int)
    matrix = np.zeros((count * _FINE, count))
    for step, share in ((0, 1 - (place - below)), (1, place - below)):
        bins = (below + step) % count if circular else np.clip(below + step, 0, count - 1)
        np.add.at(matrix, (np.arange(count * _FINE), bins), share)
    return matrix
