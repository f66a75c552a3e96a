"""Make masks of real detectors and annotators fit for use: no overlaps, no slits between neighbours.

Both break the original method: a slit of one pixel between two masks hides their relation (the complaint
most often brought to the reference implementation), and a pixel that two masks claim has no owner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from deocclude.adjacency import touching_pairs
from deocclude.geometry import Box
from deocclude.masks import Mask
from deocclude.scene import Instance, Scene


@dataclass(frozen=True)
class RepairReport:
    """What was changed, in pixels.

    Attributes:
        overlaps: pixels taken away, by (winner id, loser id).
        gaps: pixels given, by (receiver id, id of the object on the other side of the slit).
        dropped: ids of objects that had no pixel left of their own (duplicates).
    """

    overlaps: dict[tuple[int, int], int] = field(default_factory=dict)
    gaps: dict[tuple[int, int], int] = field(default_factory=dict)
    dropped: tuple[int, ...] = ()

    def lines(self) -> tuple[str, ...]:
        """Return one line each for what was done; nothing when nothing was."""
        out = []
        if self.overlaps:
            out.append(f"{sum(self.overlaps.values())} px claimed twice, in {len(self.overlaps)} pairs of objects")
        if self.gaps:
            out.append(f"{sum(self.gaps.values())} px of slits between neighbours closed")
        out += [f"object {identity} dropped: every pixel of it belongs to another object" for identity in self.dropped]
        return tuple(out)


def repair(scene: Scene, *, max_gap: int = 4) -> tuple[Scene, RepairReport]:
    """Resolve overlaps and close slits between neighbouring masks.

    A pixel claimed twice goes to the object that the annotation ranks nearer, else to the smaller one (a small
    object inside a large one is in front of it, or it would not be seen). A pixel that nobody claims goes to the
    nearer of two objects if the slit between them is at most ``max_gap`` pixels wide there.

    Args:
        scene: objects with arbitrary visible masks.
        max_gap: widest slit to close, in pixels; 0 closes none.

    Returns:
        The scene with disjoint masks, and what was changed.
    """
    masks, overlaps = _resolve_overlaps(scene)
    masks, gaps = _close_gaps(scene.ids, masks, max_gap)
    dropped = tuple(item.id for item, mask in zip(scene.instances, masks, strict=True) if item.modal and not mask)
    changed = scene.with_modal(masks)
    changed = replace(changed, instances=tuple(_contain(item) for item in changed.instances))
    if dropped:
        changed = changed.subset(set(scene.ids) - set(dropped))
    return changed, RepairReport(overlaps, gaps, dropped)


def _contain(instance: Instance) -> Instance:
    """Keep modal a subset of amodal after the modal mask grew."""
    if instance.amodal is None:
        return instance
    return replace(instance, amodal=instance.amodal | instance.modal)


def _resolve_overlaps(scene: Scene) -> tuple[list[Mask], dict[tuple[int, int], int]]:
    def nearness(position: int) -> tuple[float, int, int]:
        item = scene.instances[position]
        rank = item.depth_rank if item.depth_rank is not None and item.cluster is None else 0
        return rank, item.modal.area, item.id

    masks = list(scene.modal)
    taken: dict[tuple[int, int], int] = {}
    order = sorted(range(len(masks)), key=nearness)
    for place, winner in enumerate(order):
        for loser in order[place + 1 :]:
            common = masks[winner].overlap(masks[loser])
            if common:
                taken[scene.ids[winner], scene.ids[loser]] = common
                masks[loser] = masks[loser] - masks[winner]
    return masks, taken


def _close_gaps(ids: Sequence[int], masks: list[Mask], max_gap: int) -> tuple[list[Mask], dict[tuple[int, int], int]]:
    given: dict[tuple[int, int], int] = {}
    if max_gap < 1:
        return masks, given
    grown = list(masks)
    for i, j in touching_pairs(masks, max_gap + 1):
        box = masks[i].box.grow(max_gap).intersect(masks[j].box.grow(max_gap))
        free = ~_occupied(grown, box)
        to_first, to_second = _distance(masks[i], box, max_gap), _distance(masks[j], box, max_gap)
        slit = free & (to_first + to_second <= max_gap + 1)
        for receiver, other, part in ((i, j, slit & (to_first <= to_second)), (j, i, slit & (to_first > to_second))):
            if part.any():
                grown[receiver] = grown[receiver] | Mask.from_crop(part, box[:2], masks[i].size)
                given[ids[receiver], ids[other]] = int(part.sum())
    return grown, given


def _occupied(masks: Sequence[Mask], box: Box) -> NDArray[np.bool_]:
    out = np.zeros((box.height, box.width), bool)
    for mask in masks:
        if not mask.box.intersect(box).empty:
            out |= mask.crop(box)
    return out


def _distance(mask: Mask, box: Box, margin: int) -> NDArray[np.float32]:
    """Return the Euclidean distance to ``mask`` for each pixel of ``box``, exact up to ``margin`` pixels."""
    import cv2

    wide = box.grow(margin + 1)
    outside = (~mask.crop(wide)).astype(np.uint8)
    distance = np.asarray(cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)
    return distance[box.window(wide)]
