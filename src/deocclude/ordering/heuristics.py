"""Order by rules that need no training: area, height in the picture, convex hull.

Baselines of Zhan et al., "Self-Supervised Scene De-occlusion", CVPR 2020, section 4. Each rule compares one number of
the two objects of a pair; the number also gives a probability, which is a plain share and not calibrated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from deocclude.adjacency import touching_pairs
from deocclude.images import Photo
from deocclude.masks import Mask, centre_hull
from deocclude.ordering.pairs import PairwiseOrder
from deocclude.scene import Scene
from deocclude.stages import StageRecord, Stopwatch

PairScore = Callable[[Sequence[Mask], int, int], tuple[float, float]]
"""(masks, i, j) -> how strongly i is in front of j, and j in front of i; equal scores are no relation."""


@dataclass(frozen=True)
class AdjacencySettings:
    """Which pairs are asked."""

    radius: int = 3
    """Largest distance of two masks in pixels at which they can hide each other."""
    shape: str = "disc"
    """``disc`` for Euclidean distance, ``cross`` for steps through 4-neighbours."""


REFERENCE_ADJACENCY = AdjacencySettings(radius=1, shape="cross")
"""Adjacency of the reference protocol: one step of the 4-neighbourhood."""


def _area_small(masks: Sequence[Mask], i: int, j: int) -> tuple[float, float]:
    return masks[j].area, masks[i].area


def _area_large(masks: Sequence[Mask], i: int, j: int) -> tuple[float, float]:
    return masks[i].area, masks[j].area


def _y_axis(masks: Sequence[Mask], i: int, j: int) -> tuple[float, float]:
    return masks[i].centroid[1], masks[j].centroid[1]


def _convex(masks: Sequence[Mask], i: int, j: int) -> tuple[float, float]:
    """Score by growth: the part of an object's hull that lies in the other's mask speaks for being behind it."""
    return centre_hull(masks[j]).overlap(masks[i] - masks[j]), centre_hull(masks[i]).overlap(masks[j] - masks[i])


SCORES: dict[str, PairScore] = {
    "area-small": _area_small,
    "area-large": _area_large,
    "y-axis": _y_axis,
    "convex": _convex,
}


def order_by_rule(
    scene: Scene, photo: Photo | None = None, *, rule: str, adjacency: AdjacencySettings | None = None
) -> PairwiseOrder:
    """Compare all neighbouring pairs of a scene by one rule.

    Args:
        scene: objects with disjoint visible masks.
        photo: not looked at; here because every ordering method takes it.
        rule: ``area-small`` (the smaller is in front: COCOA), ``area-large`` (KINS), ``y-axis`` (the lower in the
            picture is in front) or ``convex``.
        adjacency: which pairs to ask.

    Returns:
        Probabilities s_i / (s_i + s_j) of the two scores; 0 both ways where the scores are equal.
    """
    adjacency = adjacency or AdjacencySettings()
    watch = Stopwatch()
    masks = scene.modal
    front = np.zeros((len(masks), len(masks)))
    for i, j in touching_pairs(masks, adjacency.radius, shape=adjacency.shape):
        first, second = SCORES[rule](masks, i, j)
        if first != second:
            front[i, j], front[j, i] = first / (first + second), second / (first + second)
    return PairwiseOrder(scene.ids, front, StageRecord(rule, asdict(adjacency), watch.seconds))
