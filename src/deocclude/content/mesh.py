"""A smooth bent map between two pictures, through matches that one plane explains only roughly.

A thin-plate spline (Bookstein, PAMI 1989) of what a homography leaves over; far from matches it is nearly affine.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.content.sampling import pixel_grid, sample
from deocclude.geometry import Size
from deocclude.references.transforms import Matrix, apply, jacobian

Float = NDArray[np.float32]
STEP = 8
"""The spline is evaluated every so many pixels and interpolated between."""
UNIT = 60.0
"""Pixels that count as 1 in the spline, which sets what its smoothing means."""


@dataclass(frozen=True)
class MeshSettings:
    """Which matches bend the map, and how stiff it is.

    Attributes:
        reach: matches farther from the homography than this share of the longer side do not count.
        disagreement: nor do those that are so far from what their neighbours say, as a share of the longer side.
        neighbours: how many neighbours are asked.
        smoothing: 0 goes through every match.
        fewest: matches that are needed.
        most: matches that are used.
    """

    reach: float = 0.08
    disagreement: float = 0.02
    neighbours: int = 8
    smoothing: float = 0.3
    fewest: int = 12
    most: int = 250


def bent(
    target: NDArray[np.float32],
    source: NDArray[np.float32],
    source_from_target: Matrix,
    size: Size,
    settings: MeshSettings | None = None,
) -> Float | None:
    """Return where each pixel of the target lies in the source, float32 [h, w, 2].

    Args:
        target: float32 [m, 2], matched points (x, y), the best first.
        source: float32 [m, 2], the same points in the source.
        source_from_target: homography to start from.
        size: of the target.
        settings: stiffness.

    Returns:
        ``None`` where too few matches agree.
    """
    from scipy.interpolate import RBFInterpolator

    settings = settings or MeshSettings()
    off = apply(source_from_target, target) - source
    chosen = _consistent(target.astype(np.float64), off, source_from_target, size, settings)
    if len(chosen) < settings.fewest:
        return None
    spline = RBFInterpolator(
        target[chosen] / UNIT, off[chosen], kernel="thin_plate_spline", smoothing=settings.smoothing
    )
    x, y = np.meshgrid(np.arange(0, size.width + STEP, STEP), np.arange(0, size.height + STEP, STEP))
    knots = spline(np.stack([x.ravel(), y.ravel()], 1) / UNIT).reshape(*x.shape, 2).astype(np.float32)
    grid = pixel_grid(*size)
    plane = apply(source_from_target, grid.reshape(-1, 2)).reshape(*size, 2)
    return np.asarray(plane - sample(knots, grid / np.float32(STEP)), np.float32)


def _consistent(
    target: NDArray[np.float64], off: NDArray[np.float64], matrix: Matrix, size: Size, settings: MeshSettings
) -> NDArray[np.intp]:
    """Return the rows of matches that the homography and their neighbours support, one a place."""
    longest = max(size)
    growth = np.sqrt(abs(np.linalg.det(jacobian(matrix, target.mean(0)[None])[0])))
    rows = np.flatnonzero(np.linalg.norm(off, axis=1) < settings.reach * longest * growth)
    if len(rows) < settings.fewest:
        return rows
    apart = np.linalg.norm(target[rows][:, None] - target[rows][None], axis=2)
    near = np.argsort(apart, axis=1)[:, 1 : settings.neighbours + 1]
    middle = np.median(off[rows][near], axis=1)
    agree = np.linalg.norm(off[rows] - middle, axis=1) < max(3.0, settings.disagreement * longest * growth)
    rows = rows[agree]
    places = np.rint(target[rows] / 3).astype(np.int64)
    first = np.sort(np.unique(places, axis=0, return_index=True)[1])
    return np.asarray(rows[first][: settings.most], np.intp)


def folds(where: Float, region: NDArray[np.bool_]) -> bool:
    """Return whether the map ``where`` [h, w, 2] turns over anywhere in ``region``: more than 1 % of its cells do."""
    across, down = np.diff(where, axis=1)[:-1], np.diff(where, axis=0)[:, :-1]
    area = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
    inside = region[:-1, :-1]
    count = int(np.count_nonzero(inside))
    if count == 0:
        return False
    blurred = cv2.blur(area.astype(np.float32), (3, 3))
    return bool(np.count_nonzero(blurred[inside] <= 0) > 0.01 * count)
