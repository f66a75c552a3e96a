"""Which objects are neighbours: pairs of masks that touch, or nearly touch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deocclude.masks import Mask, dilate, distance_to


def are_near(first: Mask, second: Mask, radius: int, *, shape: str = "disc") -> bool:
    """Return whether a pixel of ``second`` lies within ``radius`` pixels of ``first`` (see :func:`masks.dilate`)."""
    if shape == "disc":
        return gap_between(first, second, radius) <= radius
    meeting = first.box.grow(radius).intersect(second.box)
    if not first or not second or meeting.empty:
        return False
    around = meeting.grow(radius).clip(first.size)
    nearby = Mask.from_crop(first.crop(around), around[:2], first.size)
    return dilate(nearby, radius, shape=shape).overlap(second) > 0


def gap_between(first: Mask, second: Mask, most: int) -> float:
    """Return the distance of the nearest pixels of two masks, from centre to centre; infinite if above ``most``."""
    meeting = first.box.grow(most).intersect(second.box)
    if not first or not second or meeting.empty:
        return float("inf")
    around = meeting.grow(most).clip(first.size)
    away = distance_to(first.crop(around))[second.crop(around)]
    nearest = float(away.min(initial=np.inf))
    return nearest if nearest <= most else float("inf")


def touching_pairs(masks: Sequence[Mask], radius: int = 1, *, shape: str = "disc") -> list[tuple[int, int]]:
    """Return the pairs i < j of masks that lie within ``radius`` pixels of each other.

    The reference protocol takes one step of the 4-neighbourhood: ``radius=1, shape="cross"`` (Zhan et al.,
    CVPR 2020, ordering recovery), so that a gap of one pixel parts a pair. Masks of detectors leave such gaps
    everywhere, hence the larger default of the stages.
    """
    count = len(masks)
    return [
        (i, j) for i in range(count) for j in range(i + 1, count) if are_near(masks[i], masks[j], radius, shape=shape)
    ]
