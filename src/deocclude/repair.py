"""Make masks of real detectors and annotators fit for use: no overlaps, no slits between neighbours.

Both break the original method: a slit of one pixel between two masks hides their relation (the complaint
most often brought to the reference implementation), and a pixel that two masks claim has no owner.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from deocclude.geometry import Box
from deocclude.masks import Mask, union
from deocclude.scene import Instance, Scene

_ALIKE = 0.9
"""Intersection over union of two masks that may well show one thing."""


@dataclass(frozen=True)
class RepairReport:
    """What was changed, in pixels.

    Attributes:
        overlaps: pixels taken away, by (winner id, loser id).
        gaps: pixels given, by (receiver id, id of the object on the other side of the slit).
        dropped: ids of objects that had no pixel left of their own (duplicates).
        alike: (winner id, loser id) of objects whose masks are nearly the same.
    """

    overlaps: dict[tuple[int, int], int] = field(default_factory=dict)
    gaps: dict[tuple[int, int], int] = field(default_factory=dict)
    dropped: tuple[int, ...] = ()
    alike: tuple[tuple[int, int], ...] = ()

    def lines(self) -> tuple[str, ...]:
        """Return one line each for what was done; nothing when nothing was."""
        out = []
        if self.overlaps:
            out.append(f"{sum(self.overlaps.values())} px claimed twice, in {len(self.overlaps)} pairs of objects")
        if self.gaps:
            out.append(f"{sum(self.gaps.values())} px of slits between neighbours closed")
        out += [f"object {identity} dropped: every pixel of it belongs to another object" for identity in self.dropped]
        left = [pair for pair in self.alike if pair[1] not in self.dropped]
        out += [f"objects {a} and {b} have nearly the same mask: if they are one thing, leave one out" for a, b in left]
        return tuple(out)


def repair(scene: Scene, *, max_gap: int = 4) -> tuple[Scene, RepairReport]:
    """Resolve overlaps and close slits between neighbouring masks.

    A pixel claimed twice goes to the object that the annotation ranks nearer, else to the smaller one (a small
    object inside a large one is in front of it, or it would not be seen). A pixel that nobody claims goes to the
    nearest object if it lies in a slit between two, narrower than a disc of diameter ``max_gap + 1``; notches and
    holes of a single object stay.

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
    return changed, RepairReport(overlaps, gaps, dropped, _alike(scene, overlaps))


def close_slits(masks: Sequence[Mask], max_gap: int) -> list[Mask]:
    """Return ``masks`` (disjoint) grown into slits of up to ``max_gap`` pixels between them; see :func:`repair`."""
    return _close_gaps(range(len(masks)), list(masks), max_gap)[0]


def _contain(instance: Instance) -> Instance:
    """Keep modal a subset of amodal after the modal mask grew."""
    if instance.amodal is None:
        return instance
    return replace(instance, amodal=instance.amodal | instance.modal)


def _resolve_overlaps(scene: Scene) -> tuple[list[Mask], dict[tuple[int, int], int]]:
    masks = list(scene.modal)
    taken: dict[tuple[int, int], int] = {}
    order = _nearest_first(scene)
    for place, winner in enumerate(order):
        for loser in order[place + 1 :]:
            common = masks[winner].overlap(masks[loser])
            if common:
                taken[scene.ids[winner], scene.ids[loser]] = common
                masks[loser] = masks[loser] - masks[winner]
    return masks, taken


def _alike(scene: Scene, overlaps: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return those pairs of ids whose masks, as they were handed in, are nearly the same."""
    masks = dict(zip(scene.ids, scene.modal, strict=True))
    found = []
    for first, second in overlaps:
        common = masks[first].overlap(masks[second])
        if common >= _ALIKE * (masks[first].area + masks[second].area - common):
            found.append((first, second))
    return tuple(found)


def _nearest_first(scene: Scene) -> list[int]:
    """Return the positions of the objects: smaller ones first, but those that a depth is known of in its order.

    Depths compare only within a cluster (or among all that are in none), so each such group is sorted within the
    places that it has by size.
    """
    order = sorted(range(len(scene)), key=lambda position: (scene.modal[position].area, scene.ids[position]))
    groups: dict[int | None, list[int]] = {}
    for place, position in enumerate(order):
        item = scene.instances[position]
        if item.depth_rank is not None:
            groups.setdefault(item.cluster, []).append(place)
    for places in groups.values():
        ranked = sorted((order[place] for place in places), key=lambda k: scene.instances[k].depth_rank or 0)
        for place, position in zip(places, ranked, strict=True):
            order[place] = position
    return order


def _close_gaps(ids: Sequence[int], masks: list[Mask], max_gap: int) -> tuple[list[Mask], dict[tuple[int, int], int]]:
    """Give each pixel of a slit to the nearest mask.

    Slits are what the morphological closing of all masks together adds to that of each mask alone. Closing is
    idempotent and so is this: a second repair finds nothing.
    """
    given: dict[tuple[int, int], int] = {}
    if max_gap < 1:
        return masks, given
    grown = list(masks)
    boxes = np.array([mask.box for mask in masks])
    alone = [_close([mask], mask.box.grow(max_gap).clip(mask.size), max_gap) if mask else mask for mask in masks]
    for i, mask in enumerate(masks):
        box = mask.box.grow(max_gap).clip(mask.size)
        group = _meeting(boxes, box.grow(2 * max_gap))
        if not mask or len(group) < 2:
            continue
        closed = _close([masks[k] for k in group], box, max_gap)
        slits = closed.pixels.copy()
        for k in group:
            common = alone[k].box.intersect(closed.box)
            slits[common.window(closed.box)] &= ~alone[k].crop(common)
        shares = _shares(Mask.from_crop(slits, closed.box[:2], mask.size), masks, group, i, max_gap + 1)
        grown[i] = union([mask, *shares.values()], mask.size)
        given |= {(ids[i], ids[k]): pixels.area for k, pixels in shares.items()}
    return grown, given


def _meeting(boxes: NDArray[np.int64], box: Box) -> list[int]:
    """Return the positions of the boxes [n, 4] that share a pixel with ``box``."""
    low, high = np.maximum(boxes[:, :2], box[:2]), np.minimum(boxes[:, 2:], box[2:])
    return np.flatnonzero((low < high).all(1)).tolist()


def _close(masks: Sequence[Mask], box: Box, max_gap: int) -> Mask:
    """Return the closing of the union of ``masks`` by a disc of diameter ``max_gap + 1``, inside ``box``.

    Discs are centred inside the picture: a slit may end at the border.
    """
    import cv2

    size, side = masks[0].size, max_gap + 1
    around = box.grow(2 * side).clip(size)
    canvas = np.zeros((around.height, around.width), np.uint8)
    for mask in masks:
        common = mask.box.intersect(around)
        if not common.empty:
            canvas[common.window(around)] |= mask.crop(common)
    reach = np.arange(side) - max_gap / 2
    disc = (np.add.outer(reach**2, reach**2) <= (side / 2) ** 2).astype(np.uint8)
    before, after = (max_gap // 2, max_gap // 2), (side // 2, side // 2)  # differ where the disc has no centre pixel
    wide = cv2.dilate(canvas, disc, anchor=before, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    closed = np.asarray(cv2.erode(wide, disc, anchor=after, borderType=cv2.BORDER_CONSTANT, borderValue=1))
    return Mask.from_crop(closed[box.window(around)], box[:2], size)


def _shares(slits: Mask, masks: Sequence[Mask], group: Sequence[int], i: int, margin: int) -> dict[int, Mask]:
    """Return the pixels of ``slits`` that are nearest to mask ``i``, by the mask that is next nearest."""
    if not slits:
        return {}
    y, x = np.nonzero(slits.pixels)
    distance = np.stack([_distances(masks[k], x + slits.box.x0, y + slits.box.y0, margin) for k in group])
    first, second = np.argsort(distance, axis=0, kind="stable")[:2]
    shares = {}
    for position in np.unique(second).tolist():
        mine = (first == group.index(i)) & (second == position)
        if mine.any():
            pixels = np.zeros_like(slits.pixels)
            pixels[y[mine], x[mine]] = True
            shares[group[position]] = Mask.from_crop(pixels, slits.box[:2], slits.size)
    return shares


def _distances(mask: Mask, x: NDArray[np.int64], y: NDArray[np.int64], margin: int) -> NDArray[np.float32]:
    """Return the Euclidean distance to ``mask`` of the points (x, y); infinite or too large beyond ``margin``."""
    import cv2

    out = np.full(x.size, np.inf, np.float32)
    box = mask.box.grow(margin)
    inside = (x >= box.x0) & (x < box.x1) & (y >= box.y0) & (y < box.y1)
    if inside.any():
        x, y = x[inside], y[inside]
        box = Box(int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1).grow(margin)
        outside = (~mask.crop(box)).astype(np.uint8)
        field = np.asarray(cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE))
        out[inside] = field[y - box.y0, x - box.x0]
    return out
