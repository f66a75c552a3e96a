"""Cues of two outlines about which of the objects is in front, without a network.

All are measured on a crop around the common edge. Where a third region begins (a T-junction) the object in front fills
more of the surroundings, since its outline runs on and the other's ends.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deocclude.masks import BoolArray, Mask, distance_to

EDGE_SLACK = 2.0
"""How much wider than at its narrowest a slit between two masks may be to count as their common edge, pixels."""
REACH = 0.12
"""Half side of the squares in which an edge's surroundings are looked at, over the root of the smaller area."""


@dataclass(frozen=True)
class EdgeCues:
    """What the common edge of two masks says; a positive value speaks for the first being in front.

    Attributes:
        length: of the common edge, pixels.
        gap: least free space between the two, pixels.
        junctions: by how much more the first fills the surroundings of the edge's pixels right beside a third region,
            -1..1.
    """

    length: float
    gap: float
    junctions: float


def edge_cues(first: Mask, second: Mask, reach: int) -> EdgeCues:
    """Measure the common edge of two masks that lie within ``reach`` pixels of each other."""
    side = max(2, round(REACH * math.sqrt(min(first.area, second.area))))
    box = first.box.grow(reach).intersect(second.box.grow(reach)).grow(side)
    a, b = first.crop(box), second.crop(box)
    to_a, to_b = distance_to(a), distance_to(b)
    gap = float(to_b[a].min(initial=reach))
    slit = ~a & ~b & (to_a <= gap + 0.5) & (to_b <= gap + 0.5)
    edge = _edge(a, to_b, gap) | _edge(b, to_a, gap)
    more = np.asarray(a.astype(np.float32) - b + slit * np.sign(to_b - to_a), np.float32)
    beside = edge & _dilated(~(a | b | slit))
    return EdgeCues(float(np.count_nonzero(edge) / 2), max(0.0, gap - 1), _mean(_blurred(more, side)[beside]))


def _edge(mask: BoolArray, to_other: NDArray[np.float32], gap: float) -> BoolArray:
    """Return the pixels of a mask that face the other one: no neighbour of theirs is nearer to it."""
    import cv2

    near = mask & (to_other <= gap + EDGE_SLACK)
    local = cv2.erode(np.where(near, to_other, 1e6).astype(np.float32), np.ones((3, 3), np.uint8))
    return np.asarray(near & (to_other <= local + 0.5))


def _dilated(mask: BoolArray) -> BoolArray:
    import cv2

    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)


def _blurred(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return the mean of ``values`` in the square around each pixel; ``side`` is half its side, pixels."""
    import cv2

    window = (2 * side + 1, 2 * side + 1)
    return np.asarray(cv2.blur(values, window, borderType=cv2.BORDER_CONSTANT), np.float32)


def _mean(values: NDArray[np.float32]) -> float:
    """Return the mean, drawn to 0 where there are few values."""
    return float(values.sum() / (values.size + 2))
