"""What lies between the matches: does the candidate show there what the query shows?

Two pictures that share a part only (a CD case, a shelf, a price tag) have matches that lie the same way, as two
pictures of one object do. But where both show the same object, other key points meet their like too, once the transform
says where to look (as in the guided search of Lowe, IJCV 2004, section 7.4); where they share a part only, the rest
meets something else. This counts key points of the query that the candidate should show, and how many of them meet
their like: between the matches, wherever both pictures show something, and in the window that contradicts most.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.references.features import Features
from deocclude.references.transforms import Matrix, apply, jacobian

CHANCE = 0.1
"""Share of key points that meet their like by chance."""
PRIOR = 4.0
"""Key points by which shares are drawn towards chance where there are few."""
WINDOWS = 6
"""Cells a side that the windows are made of."""


@dataclass(frozen=True)
class SupportSettings:
    """When a key point of the candidate is the like of one of the query.

    Attributes:
        reach: most pixels between it and where the transform puts the other one, at a picture of 320 x 240; it grows
            with the picture. So wide that what lies off the plane counts too.
        turn: degrees by which it may be turned otherwise than the transform says.
        growth: factor by which it may be scaled otherwise.
        like: least product of the two descriptors.
        near: how many of the nearest ones are looked at.
        grown: share by which the hull of the matches is enlarged.
        shown: percentiles of the candidate's scales between which it is expected to show a key point at all.
    """

    reach: float = 10.0
    turn: float = 30.0
    growth: float = 1.7
    like: float = 0.75
    near: int = 24
    grown: float = 0.15
    shown: tuple[float, float] = (10.0, 98.0)


@dataclass(frozen=True, eq=False)
class Support:
    """Key points of the query that the candidate should show.

    Attributes:
        points: float32 [n, 2], (x, y) in pixels of the query.
        met: bool [n], whether they meet their like.
        between: bool [n], whether they lie between the matches.
    """

    points: NDArray[np.float32]
    met: NDArray[np.bool_]
    between: NDArray[np.bool_]

    def measures(self) -> dict[str, float]:
        """Return what speaks for or against the same object, by name.

        ``between`` and ``around``: logarithm of the odds to meet the like, between the matches and anywhere;
        ``contradiction``: square root of the evidence that a window between the matches shows something else.
        """
        return {
            "between": _odds(self.met[self.between]),
            "around": _odds(self.met),
            "contradiction": math.sqrt(contradiction(self.points[self.between], self.met[self.between])),
        }


def support(
    candidate: Features,
    query: Features,
    matched: NDArray[np.floating],
    query_from_candidate: Matrix,
    settings: SupportSettings | None = None,
) -> Support:
    """Return which key points of the query meet their like in the candidate.

    Args:
        candidate: features of the candidate.
        query: features of the query, hidden regions left out.
        matched: float [m, 2], matched points in pixels of the query, three at least.
        query_from_candidate: float [3, 3], homogeneous, where the candidate's points lie in the query.
        settings: what is alike.
    """
    settings = settings or SupportSettings()
    back = np.linalg.inv(query_from_candidate)
    places = apply(back, query.points)
    local = jacobian(back, query.points.astype(np.float64))
    scales = query.scales * np.sqrt(np.abs(np.linalg.det(local)))
    turns = query.angles + np.degrees(np.arctan2(local[:, 1, 0] - local[:, 0, 1], local[:, 0, 0] + local[:, 1, 1]))
    rows = np.flatnonzero(_expected(candidate, places, scales, settings))
    wanted = np.column_stack([places, scales, turns])[rows]
    met = _met(candidate, query.descriptors[rows], wanted, settings)
    return Support(query.points[rows], met, _inside(query.points[rows], matched, 1 + settings.grown))


def contradiction(points: NDArray[np.floating], met: NDArray[np.bool_]) -> float:
    """Return the evidence that some window shows something else than the rest.

    The largest logarithm of a likelihood ratio over windows of whole cells: that key points in it meet their like by
    chance, against: as often as those outside it (a scan statistic: Kulldorff, Communications in Statistics 1997).

    Args:
        points: float [n, 2], key points that should be shown.
        met: bool [n], those that meet their like.
    """
    if len(met) < 2 * PRIOR or not met.any():
        return 0.0
    low, high = points.min(0), points.max(0)
    cells = np.minimum(((points - low) / np.maximum(high - low, 1e-6) * WINDOWS).astype(int), WINDOWS - 1)
    inside, inside_met = (_window_sums(cells, weights) for weights in (np.ones(len(met)), met.astype(float)))
    outside = len(met) - inside
    rate = np.clip((met.sum() - inside_met + CHANCE * PRIOR) / (outside + PRIOR), CHANCE, 0.9)
    evidence = inside_met * np.log(CHANCE / rate) + (inside - inside_met) * np.log((1 - CHANCE) / (1 - rate))
    return max(0.0, float(evidence[outside >= PRIOR].max(initial=0.0)))


def _odds(met: NDArray[np.bool_]) -> float:
    count = int(np.count_nonzero(met))
    return math.log((count + PRIOR * CHANCE) / (len(met) - count + PRIOR * (1 - CHANCE)))


def _expected(
    candidate: Features, places: NDArray[np.float64], scales: NDArray[np.float64], settings: SupportSettings
) -> NDArray[np.bool_]:
    """Return bool [n]: what lies at these places, of these scales, the candidate should show."""
    if not len(candidate):
        return np.zeros(len(places), bool)
    least, most = np.percentile(candidate.scales, settings.shown)
    rim = np.array([candidate.size.width, candidate.size.height]) - 3
    with np.errstate(invalid="ignore"):
        inside = np.isfinite(places).all(1) & (places > 2).all(1) & (places < rim).all(1)
        return np.asarray(inside & (scales > least) & (scales < most))


def _met(
    candidate: Features, descriptors: NDArray[np.float32], wanted: NDArray[np.float64], settings: SupportSettings
) -> NDArray[np.bool_]:
    """Return bool [n]: a like key point lies near ``wanted`` [n, 4]: x, y, scale, angle in the candidate."""
    from scipy.spatial import cKDTree

    if not len(wanted):
        return np.zeros(0, bool)
    reach = settings.reach * max(1.0, max(candidate.size) / 320)
    near = min(settings.near, len(candidate))
    distance, found = cKDTree(candidate.points).query(wanted[:, :2], k=range(1, near + 1), distance_upper_bound=reach)
    row, column = np.nonzero(np.isfinite(distance))
    other = found[row, column]
    off = np.abs((candidate.angles[other] - wanted[row, 3] + 180) % 360 - 180)
    stretch = np.abs(np.log(np.maximum(candidate.scales[other], 1e-6) / wanted[row, 2]))
    fitting = (off < settings.turn) & (stretch < math.log(settings.growth))
    row, other = row[fitting], other[fitting]
    alike = np.einsum("ij,ij->i", descriptors[row], candidate.descriptors[other]) > settings.like
    met = np.zeros(len(wanted), bool)
    met[row[alike]] = True
    return met


def _inside(points: NDArray[np.floating], matched: NDArray[np.floating], growth: float) -> NDArray[np.bool_]:
    """Return bool [n]: points within the hull of the matched ones, which is ``growth`` times as large."""
    middle = matched.mean(0)
    hull = cv2.convexHull(np.ascontiguousarray(middle + (matched - middle) * growth, np.float32))[:, 0]
    if len(hull) < 3:
        return np.zeros(len(points), bool)
    along, to = np.roll(hull, -1, 0) - hull, points[:, None] - hull[None]
    side = along[:, 0] * to[..., 1] - along[:, 1] * to[..., 0]
    return np.asarray((side >= 0).all(1) | (side <= 0).all(1))


def _window_sums(cells: NDArray[np.int_], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums of weights over all windows of whole cells, float64 [rows, columns] of their bounds."""
    total = np.zeros((WINDOWS + 1, WINDOWS + 1))
    np.add.at(total, (cells[:, 1] + 1, cells[:, 0] + 1), weights)
    total = total.cumsum(0).cumsum(1)
    start, end = np.triu_indices(WINDOWS + 1, 1)
    return np.asarray(total[end][:, end] - total[start][:, end] - total[end][:, start] + total[start][:, start])
