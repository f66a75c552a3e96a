"""Pairs of neighbours: which objects are near enough to hide each other, and their masks with the slit between closed.

Masks of detectors leave slits everywhere; every cue of order is about how two outlines meet, so they have to.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from deocclude.adjacency import are_near, gap_between, touching_pairs
from deocclude.masks import Mask, distance_to
from deocclude.repair import close_slits
from deocclude.scene import Scene

SPECK = 3.0
"""A free pixel lies right between two masks if its distances to them (pixel centres) add up to no more."""


@dataclass(frozen=True)
class Nearness:
    """Which objects are neighbours.

    Attributes:
        radius: masks within this many pixels of each other are.
        share: the same as a share of the root of the photo's area; the larger of the two counts.
    """

    radius: int = 8
    share: float = 0.006

    def reach(self, scene: Scene) -> int:
        """Return how far apart neighbours may be in a photo, pixels."""
        return max(self.radius, int(self.share * (scene.size.height * scene.size.width) ** 0.5))


def neighbouring(scene: Scene, nearness: Nearness | None = None) -> list[tuple[int, int]]:
    """Return the pairs i < j of objects (by position) that are near enough to hide each other."""
    return touching_pairs(scene.modal, (nearness or Nearness()).reach(scene))


def couple(first: Mask, second: Mask, reach: int) -> tuple[Mask, Mask]:
    """Return the masks of a pair; where a slit of up to ``reach`` pixels parts them, both are grown until they meet."""
    if are_near(first, second, 1, shape="square"):
        return first, second
    apart = gap_between(first, second, reach)
    gap = reach if apart > reach else max(1, ceil(apart) - 1)
    grown_first, grown_second = close_slits([first, second], gap)
    return _without_specks(grown_first, grown_second)


def _without_specks(first: Mask, second: Mask) -> tuple[Mask, Mask]:
    """Give free pixels right between two masks to them: closing a slit leaves some where an outline has a notch."""
    box = first.box.grow(2).intersect(second.box.grow(2)).clip(first.size)
    if box.empty:
        return first, second
    a, b = first.crop(box), second.crop(box)
    to_a, to_b = distance_to(a), distance_to(b)
    free = ~a & ~b & (to_a + to_b <= SPECK)
    halves = (Mask.from_crop(half, box[:2], first.size) for half in (free & (to_a <= to_b), free & (to_b < to_a)))
    more_of_first, more_of_second = halves
    return first | more_of_first, second | more_of_second
