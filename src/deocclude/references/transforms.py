"""Plane transforms between two pictures, estimated robustly from matched points.

A homography where matches suffice, an affine map or a similarity where they are few. MAGSAC++ (Barath et al., CVPR
2020), as OpenCV has it, needs no fine choice of the threshold and is as exact as RANSAC at a fraction of the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.geometry import Box, Size

Kind = Literal["homography", "affine", "similarity"]
Points = NDArray[np.float32]
Matrix = NDArray[np.floating[Any]]
CONFIDENCE = 0.9999
ROUNDS = 5000


@dataclass(frozen=True)
class TransformSettings:
    """How transforms are estimated and which are believed.

    Attributes:
        threshold: largest distance in pixels of an inlier, at a picture of 320 x 240; it grows with the picture.
        homography_from: fewest inliers of a homography.
        affine_from: fewest inliers of an affine map, where there is no homography.
        similarity_from: fewest inliers of a similarity, where there is neither.
        largest_scale: largest change of size either way, anywhere in the region that counts.
        largest_stretch: largest ratio of the scales in two directions.
        planes: most homographies that are looked for.
    """

    threshold: float = 2.5
    homography_from: int = 12
    affine_from: int = 7
    similarity_from: int = 5
    largest_scale: float = 8.0
    largest_stretch: float = 6.0
    planes: int = 4

    def reach(self, size: Size) -> float:
        """Return the inlier distance in pixels for a picture of ``size``."""
        return self.threshold * max(1.0, max(size) / 320)


@dataclass(frozen=True, eq=False)
class Transform:
    """A transform and the matches it explains.

    Attributes:
        target_from_source: float64 [3, 3], homogeneous.
        kind: homography, affine or similarity.
        inliers: bool [m], one a match.
    """

    target_from_source: Matrix
    kind: Kind
    inliers: NDArray[np.bool_]

    @property
    def count(self) -> int:
        """Number of inliers."""
        return int(np.count_nonzero(self.inliers))


def estimate(source: Points, target: Points, size: Size, settings: TransformSettings | None = None) -> Transform | None:
    """Return the transform that explains most matches, the most general one that they support.

    Args:
        source: float32 [m, 2], points (x, y).
        target: float32 [m, 2], where they are in the other picture.
        size: of the target picture.
        settings: thresholds.

    Returns:
        ``None`` where no plausible transform has enough inliers.
    """
    settings = settings or TransformSettings()
    reach = settings.reach(size)
    for kind, least in (
        ("homography", settings.homography_from),
        ("affine", settings.affine_from),
        ("similarity", settings.similarity_from),
    ):
        if len(source) < least:
            continue
        found = _fitted(kind, source, target, reach)
        if found is None or found.count < least:
            continue
        if plausible_at(found.target_from_source, target[found.inliers], settings):
            return found
    return None


def sequential(
    source: Points, target: Points, size: Size, settings: TransformSettings | None = None
) -> list[Transform]:
    """Return transforms, largest first: each explains matches that those before it do not (one a plane, say)."""
    settings = settings or TransformSettings()
    left = np.ones(len(source), bool)
    found: list[Transform] = []
    while len(found) < settings.planes:
        rows = np.flatnonzero(left)
        part = estimate(source[rows], target[rows], size, settings)
        if part is None:
            break
        inliers = np.zeros(len(source), bool)
        inliers[rows[part.inliers]] = True
        found.append(Transform(part.target_from_source, part.kind, inliers))
        # What is near the plane belongs to it: otherwise the next one would be fitted to its edge.
        left &= ~inliers & (residual(part.target_from_source, source, target) > 2 * settings.reach(size))
    return found


def residual(target_from_source: Matrix, source: Points, target: Points) -> NDArray[np.float64]:
    """Return the distance in pixels of each target point to where the transform puts its source point."""
    return np.asarray(np.linalg.norm(apply(target_from_source, source) - target, axis=1))


def apply(target_from_source: Matrix, points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return points [n, 2] transformed; those at infinity become infinite."""
    homogeneous = np.hstack([points, np.ones((len(points), 1))]) @ target_from_source.T
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(homogeneous[:, :2] / homogeneous[:, 2:])


def plausible(target_from_source: Matrix, box: Box, settings: TransformSettings | None = None) -> bool:
    """Return whether a transform neither folds over nor changes sizes absurdly within ``box`` of the target."""
    x, y = np.meshgrid(np.linspace(box.x0, box.x1 - 1, 3), np.linspace(box.y0, box.y1 - 1, 3))
    return plausible_at(target_from_source, np.stack([x.ravel(), y.ravel()], 1), settings)


def plausible_at(
    target_from_source: Matrix, points: NDArray[np.floating], settings: TransformSettings | None = None
) -> bool:
    """Return whether a transform neither folds over nor changes sizes absurdly at points [n, 2] of the target."""
    settings = settings or TransformSettings()
    if not np.isfinite(target_from_source).all() or abs(np.linalg.det(target_from_source)) < 1e-12:
        return False
    back = np.linalg.inv(target_from_source)
    depth = points @ back[2, :2] + back[2, 2]
    jacobians = jacobian(back, points)
    if not (np.all(depth > 0) or np.all(depth < 0)) or not np.isfinite(jacobians).all():
        return False
    if np.any(np.linalg.det(jacobians) <= 0):
        return False
    scales = np.linalg.svd(jacobians, compute_uv=False)
    within = scales.max() <= settings.largest_scale and scales.min() >= 1 / settings.largest_scale
    return bool(within and (scales[:, 0] / scales[:, 1]).max() <= settings.largest_stretch)


def jacobian(matrix: Matrix, points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the derivative [n, 2, 2] of a homography at points [n, 2]."""
    homogeneous = np.hstack([points, np.ones((len(points), 1))]) @ matrix.T
    depth = homogeneous[:, 2, None, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        mapped = homogeneous[:, :2] / homogeneous[:, 2:]
        return np.asarray((matrix[None, :2, :2] - mapped[:, :, None] * matrix[None, 2:, :2]) / depth)


def _fitted(kind: str, source: Points, target: Points, reach: float) -> Transform | None:
    try:
        if kind == "homography":
            matrix, flags = cv2.findHomography(source, target, cv2.USAC_MAGSAC, reach, None, ROUNDS, CONFIDENCE)
        elif kind == "affine":
            matrix, flags = cv2.estimateAffine2D(source, target, None, cv2.RANSAC, reach, ROUNDS, CONFIDENCE)
        else:
            matrix, flags = cv2.estimateAffinePartial2D(source, target, None, cv2.RANSAC, reach, ROUNDS, CONFIDENCE)
    except cv2.error:  # OpenCV 5.0 raises on some degenerate samples instead of returning none
        return None
    if matrix is None or flags is None:
        return None
    full = matrix if matrix.shape == (3, 3) else np.vstack([matrix, [0, 0, 1]])
    return Transform(np.asarray(full, np.float64), kind, flags.ravel() != 0)  # type: ignore[arg-type]
