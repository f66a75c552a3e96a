"""Cues of two outlines about which of the objects is in front, without a network.

All are measured on a crop around the common edge. A pixel of the edge whose surroundings belong to the two objects only
tells by its bend: the object that is convex there owns the edge. Where a third region begins (a T-junction) the object
in front fills more of the surroundings, since its outline runs on and the other's ends.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deocclude.masks import BoolArray, Mask

EDGE_SLACK = 2.0
"""How much wider than at its narrowest a slit between two masks may be to count as their common edge, pixels."""
SURROUNDINGS = (0.05, 0.12, 0.25)
"""Half sides of the squares in which an edge's surroundings are looked at, over the root of the smaller area."""


@dataclass(frozen=True)
class EdgeCues:
    """What the common edge of two masks says; a positive value speaks for the first being in front.

    Attributes:
        length: of the common edge, pixels.
        gap: least free space between the two, pixels.
        bend: by how much more the second fills the surroundings of the edge's inner pixels, -1..1, for each of
            :data:`SURROUNDINGS`.
        ends: by how much more the first fills the surroundings where they hold a third region, -1..1, likewise.
        junctions: the same, only of the pixels right beside a third region.
    """

    length: float
    gap: float
    bend: tuple[float, ...]
    ends: tuple[float, ...]
    junctions: tuple[float, ...]


def edge_cues(first: Mask, second: Mask, reach: int) -> EdgeCues:
    """Measure the common edge of two masks that lie within ``reach`` pixels of each other."""
    scale = math.sqrt(min(first.area, second.area))
    sides = [max(2, round(share * scale)) for share in SURROUNDINGS]
    box = first.box.grow(reach).intersect(second.box.grow(reach)).grow(sides[-1])
    a, b = first.crop(box), second.crop(box)
    to_a, to_b = _distance(a), _distance(b)
    gap = float(to_b[a].min(initial=reach))
    slit = ~a & ~b & (to_a <= gap + 0.5) & (to_b <= gap + 0.5)
    edge = _edge(a, to_b, gap) | _edge(b, to_a, gap)
    side_a = a + slit * (0.5 + 0.5 * np.sign(to_b - to_a))
    beside = edge & _dilated(~(a | b | slit))
    rows = (_shares(side_a, a + b + slit - side_a, edge, beside, side) for side in sides)
    bend, ends, junctions = zip(*rows, strict=True)
    return EdgeCues(float(np.count_nonzero(edge) / 2), max(0.0, gap - 1), bend, ends, junctions)


def _distance(mask: BoolArray) -> NDArray[np.float32]:
    """Return the distance of each pixel to ``mask``, float32 [h, w]."""
    import cv2

    return np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)


def _edge(mask: BoolArray, distance: NDArray[np.float32], gap: float) -> BoolArray:
    """Return the pixels of a mask that face the other one: no neighbour of theirs is nearer to it."""
    import cv2

    near = mask & (distance <= gap + EDGE_SLACK)
    local = cv2.erode(np.where(near, distance, 1e6).astype(np.float32), np.ones((3, 3), np.uint8))
    return np.asarray(near & (distance <= local + 0.5))


def _dilated(mask: BoolArray) -> BoolArray:
    import cv2

    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)


def _shares(
    a: NDArray[np.float32], b: NDArray[np.float32], edge: BoolArray, beside: BoolArray, side: int
) -> tuple[float, float, float]:
    """Return bend, ends and junctions for one size of the surroundings."""
    import cv2

    window = (2 * side + 1, 2 * side + 1)

    def share(values: NDArray[np.float32]) -> NDArray[np.float32]:
        blurred = cv2.blur(np.asarray(values, np.float32), window, borderType=cv2.BORDER_CONSTANT)
        return np.asarray(blurred, np.float32)[edge]

    share_a, share_b = share(a), share(b)
    inner = share_a + share_b > 0.94
    more = share_a - share_b
    return -_mean(more, inner), _mean(more, ~inner), _mean(more, beside[edge])


def _mean(values: NDArray[np.float32], where: BoolArray) -> float:
    """Return the mean over ``where``, drawn to 0 where there are few pixels."""
    chosen = values[where]
    return float(chosen.sum() / (chosen.size + 2))
