"""The epipolar geometry of two views of a scene with depth: where in the other view a pixel may lie at all."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.references.matching import Matches

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
FEWEST = 30
"""Matches that an epipolar geometry must explain."""
MORE = 1.25
"""So many times as many as a plane does: of a flat scene, or one seen from one place, matches say nothing about it."""
ROUNDS = 3000
CONFIDENCE = 0.999


@dataclass(frozen=True, eq=False)
class Epipolar:
    """The geometry of a pair of views.

    Attributes:
        matrix: float64 [3, 3], takes points of the target to lines in the source.
        reach: largest distance of a point to its line, pixels.
    """

    matrix: NDArray[np.float64]
    reach: float

    def allows(self, where: Float, region: Bool) -> bool:
        """Return whether a map [h, w, 2] puts most pixels of a region [h, w] near their lines in the source."""
        rows, columns = np.nonzero(region)
        step = max(1, len(rows) // 500)
        points = np.stack([columns, rows, np.ones_like(rows)], 1)[::step].astype(np.float64)
        lines = points @ self.matrix.T
        there = np.hstack([where[rows, columns][::step], np.ones((len(points), 1))])
        away = np.abs((lines * there).sum(1)) / np.maximum(np.hypot(lines[:, 0], lines[:, 1]), 1e-12)
        return bool(np.median(away) <= self.reach)


def epipolar(matches: Matches, planar: int, reach: float) -> Epipolar | None:
    """Return the epipolar geometry of matches, where it explains clearly more than a plane.

    Args:
        matches: from source to target.
        planar: matches that the best plane explains.
        reach: largest distance of an inlier, pixels.
    """
    if len(matches) < max(FEWEST, MORE * planar):
        return None
    points = matches.target_points.astype(np.float64), matches.source_points.astype(np.float64)
    try:
        matrix, flags = cv2.findFundamentalMat(*points, cv2.USAC_MAGSAC, reach, CONFIDENCE, ROUNDS)
    except cv2.error:  # OpenCV 5.0 raises on some degenerate samples instead of returning none
        return None
    if matrix is None or matrix.shape != (3, 3) or flags is None:
        return None
    if np.count_nonzero(flags) < max(FEWEST, MORE * planar):
        return None
    return Epipolar(np.asarray(matrix, np.float64), reach)
