"""Which objects are neighbours: pairs of masks that touch, or nearly touch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
    return [
        pair for pair in _boxes_near(masks, radius) if are_near(masks[pair[0]], masks[pair[1]], radius, shape=shape)
    ]


def _boxes_near(masks: Sequence[Mask], radius: int) -> Iterator[tuple[int, int]]:
    """Yield the pairs i < j, in order, of masks whose boxes lie within ``radius`` pixels of each other."""
    boxes = np.array([mask.box for mask in masks], np.int64).reshape(-1, 2, 2)
    for i, ((left, top), (right, bottom)) in enumerate(boxes):
        starts, ends = boxes[i + 1 :].transpose(1, 0, 2)
        near = (starts < (right + radius, bottom + radius)) & (ends > (left - radius, top - radius))
        for j in np.flatnonzero(near.all(1)).tolist():
            yield i, i + 1 + j
