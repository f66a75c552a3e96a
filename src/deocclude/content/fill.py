"""Fill the hidden part of an object, or the background, in its place in the photo.

Both work on a crop around the hole with as much context as the painter needs, so cost follows the hole, not the photo.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from deocclude.content import METHODS, painter
from deocclude.content.patch import BACKGROUND, Fill, Painted, Painter, Patch
from deocclude.errors import unknown_choice
from deocclude.geometry import EMPTY_BOX, Box, Size
from deocclude.images import RGBArray
from deocclude.masks import BoolArray, Mask, dilate, erode, union

AUTO = "auto"
"""What looks best: a network's colours with texture of the object's own where a hole has room for it, a smooth fill
where it has none. See :func:`_paint_to_look_at`."""
CHOSEN = "chosen"
"""What errs least: all painters that can be had compete (:mod:`deocclude.content.choose`)."""
THIN = 4
"""A hole at most this wide in pixels is filled smoothly: there is no room for texture."""
FLAT = 2
"""Colours that differ by no more grey levels than this are one colour."""
MIXED = 1
"""Pixels at the edge of a visible mask that mix the colours of two objects (the occluder bleeds in)."""
SHADOW = 3
"""Pixels around an object that are not the background's own colour: mixed, or in the object's shadow."""
BRIDGE = 8
"""Holes of the background nearer than this, in pixels, are filled together."""
SPREAD = 4_000_000
"""Of an object whose hidden parts spread over more pixels than this, ..."""
APART = 512
"""... those that are further apart than this, in pixels, are filled one by one."""
PLENTY = 4
"""Context grows until so many visible pixels a hidden one are in sight ..."""
ENOUGH = 60_000
"""... or so many pixels more than are hidden, so that memory follows the hole."""

ROUND = 0.25
"""The crop reaches so far into the surroundings of an object, in parts of its longer side ..."""
LEAST_ROUND = 16
"""... but at least so many pixels."""


def fill_hidden(
    photo_rgb: RGBArray,
    modal: Mask,
    amodal: Mask,
    *,
    instance_id: int,
    method: str | Painter = AUTO,
    seed: int = 0,
    occluders: Mask | None = None,
    shown: Fill | None = None,
) -> Fill:
    """Paint the hidden part of one object from its own visible pixels and, for networks, from its surroundings.

    Args:
        photo_rgb: uint8 [H, W, 3].
        modal: the visible mask.
        amodal: the whole shape; what it has beyond ``modal`` is painted.
        instance_id: the object's id.
        method: a name of :func:`names`, or a painter.
        seed: for painters that draw random numbers.
        occluders: the visible pixels of what lies in front of the object; all that is neither they nor the object
            becomes the patch's context. ``None`` if unknown: then anything might be an occluder and there is none.
        shown: pixels of ``modal`` whose colours are to be taken from it, not from the photo.

    Raises:
        InputError: no painter has that name.
    """
    paint = _painter(method)
    hole = amodal - modal
    if not hole:
        return empty_fill(instance_id, _named(method))
    parts = []
    for part in distant_parts(hole):
        patch, box, notes = hidden_patch(photo_rgb, modal, part, seed=seed, occluders=occluders, shown=shown)
        parts.append(_placed(paint(patch), patch, box, instance_id, notes))
    return parts[0] if len(parts) == 1 else merged(parts, hole, instance_id)


def hidden_patch(
    photo_rgb: RGBArray,
    modal: Mask,
    hidden: Mask,
    *,
    seed: int = 0,
    occluders: Mask | None = None,
    shown: Fill | None = None,
) -> tuple[Patch, Box, tuple[str, ...]]:
    """Return what a painter gets to paint the ``hidden`` part of an object, where it lies, and notes.

    Its evidence is the visible part without its mixed edge and, where the occluders are known, without what their
    colour spills into (:mod:`deocclude.content.spill`).

    The arguments are those of :func:`fill_hidden`; ``hidden`` is not empty.
    """
    evidence, notes = own_pixels(modal)
    evidence = evidence - hidden
    box = _window(hidden, hidden.box.join(evidence.box), evidence.crop)
    context = None
    if occluders is not None:
        box = box.grow(max(LEAST_ROUND, int(ROUND * max(box.width, box.height)))).clip(modal.size)
        context = _context(hidden, evidence, occluders, box)
    patch = Patch(_part(photo_rgb, box, shown), hidden.crop(box), evidence.crop(box), seed, context, box[:2])
    if occluders is not None:
        from deocclude.content.spill import without_spill

        patch = without_spill(patch, modal, occluders)
    return patch, box, notes


def background_patch(
    photo_rgb: RGBArray, hole: Mask, shaded: Mask, *, seed: int = 0, shown: Fill | None = None
) -> tuple[Patch, Box]:
    """Return what a painter gets to paint a part of the background, and where it lies.

    Args:
        photo_rgb: uint8 [H, W, 3].
        hole: what is to be painted; not empty.
        shaded: all that is not the background's own colour; it holds ``hole``.
        seed: for painters that draw random numbers.
        shown: pixels whose colours are to be taken from it, not from the photo.
    """

    def seen(box: Box) -> BoolArray:
        return ~shaded.crop(box)

    box = _window(hole, hole.size.box, seen)
    return Patch(_part(photo_rgb, box, shown), hole.crop(box), seen(box), seed, corner=box[:2]), box


def fill_background(
    photo_rgb: RGBArray,
    covered: Mask,
    *,
    method: str | Painter = AUTO,
    seed: int = 0,
    shown: Fill | None = None,
) -> Fill:
    """Paint what all objects together cover, at the photo's own resolution, from what no object covers.

    Args:
        photo_rgb: uint8 [H, W, 3].
        covered: the union of the visible masks.
        method: a name of :func:`names`, or a painter.
        seed: for painters that draw random numbers.
        shown: covered pixels at which the background is known; they are looked at, not painted.

    Raises:
        InputError: no painter has that name.
    """
    paint = _painter(method)
    known = shown.mask(covered.size) if shown else Mask.empty(covered.size)
    if not covered - known:
        return empty_fill(BACKGROUND, _named(method))
    covered = covered - known
    shaded = dilate(covered, SHADOW) - known
    if shaded.area == shaded.size.height * shaded.size.width:
        shaded = covered
    parts = [_background_part((photo_rgb, shown), hole, shaded, paint, seed) for hole in groups(covered)]
    return merged(parts, covered)


def own_pixels(modal: Mask) -> tuple[Mask, tuple[str, ...]]:
    """Return the pixels of an object that show nothing but it: ``modal`` without its mixed edge.

    A mask so thin that little would be left is used whole, which the note says.
    """
    inner = erode(modal, MIXED)
    if inner.area >= max(16, modal.area // 5):
        return inner, ()
    note = ("the visible part is thin: its edge pixels, which mix with neighbours, were used too",) if modal else ()
    return modal, note


def empty_fill(instance_id: int, method: str) -> Fill:
    """Return the fill of an object of which nothing is hidden."""
    nothing = np.zeros((0, 0), np.uint8)
    return Fill(instance_id, EMPTY_BOX, nothing != 0, np.zeros((0, 0, 3), np.uint8), nothing, nothing, method)


def names() -> tuple[str, ...]:
    """Return the names that a fill may be asked for by."""
    return (AUTO, CHOSEN, *METHODS)


def _painter(method: str | Painter) -> Painter:
    if not isinstance(method, str):
        return method
    if method == AUTO:
        return _paint_to_look_at
    if method == CHOSEN:
        from deocclude.content.choose import choose_among_all

        return choose_among_all()
    if method not in METHODS:
        raise unknown_choice("fill method", method, names())
    return painter(method)


def _paint_to_look_at(patch: Patch) -> Painted:
    """Paint a thin hole smoothly, and one that lies in a single colour; any other with texture."""
    width = patch.hole_width
    seen = patch.rgb[patch.evidence]
    if seen.size and max(int(np.ptp(channel)) for channel in seen.T) <= FLAT:
        name, why = "biharmonic", "auto: biharmonic, all that is seen has one colour"
    elif width <= THIN:
        name, why = "biharmonic", f"auto: biharmonic, the hole is at most {width:.0f} px wide"
    else:
        name, why = "textured", f"auto: PCNet-C with own texture, the hole is {width:.0f} px wide"
    painted = painter(name)(patch)
    return replace(painted, notes=(why, *painted.notes))


def _named(method: str | Painter) -> str:
    return method if isinstance(method, str) else "given"


def _context(hole: Mask, evidence: Mask, occluders: Mask, box: Box) -> BoolArray:
    """Return the pixels in ``box`` that show neither the object nor what hides it, bool [h, w]."""
    barred = dilate(occluders, MIXED + 1).crop(box) | dilate(hole, MIXED + 1).crop(box) | evidence.crop(box)
    return ~barred


def _part(photo_rgb: RGBArray, box: Box, shown: Fill | None) -> RGBArray:
    """Return a part of the photo; where ``shown`` has pixels in it a copy with them, else a view."""
    part = photo_rgb[box.slices]
    common = box.intersect(shown.box) if shown else EMPTY_BOX
    if shown is None or common.empty:
        return part
    part, there = part.copy(), common.window(shown.box)
    hole = shown.hole[there]
    part[common.window(box)][hole] = shown.rgb[there][hole]
    return part


def _window(hole: Mask, limit: Box, seen: Callable[[Box], BoolArray]) -> Box:
    """Return a box around the hole, within ``limit``, in which enough evidence is ``seen``."""
    side = max(hole.box.width, hole.box.height)
    margin = min(max(32, side // 2), max(96, side // 8))
    wanted = hole.area + min((PLENTY - 1) * hole.area, ENOUGH)
    while True:
        box = hole.box.grow(margin).intersect(limit)
        if box == limit or int(np.count_nonzero(seen(box))) >= wanted:
            return box
        margin *= 2


def _background_part(view: tuple[RGBArray, Fill | None], hole: Mask, shaded: Mask, paint: Painter, seed: int) -> Fill:
    photo_rgb, shown = view
    patch, box = background_patch(photo_rgb, hole, shaded, seed=seed, shown=shown)
    return _placed(paint(patch), patch, box, BACKGROUND, ())


def distant_parts(hole: Mask) -> list[Mask]:
    """Split a hole that spreads over a large part of a large photo, so that cost follows what is hidden."""
    if hole.box.width * hole.box.height <= SPREAD:
        return [hole]
    found: list[Mask] = []
    for part in groups(hole):
        reach = part.box.grow(APART)
        near = [one for one in found if not one.box.intersect(reach).empty]
        found = [one for one in found if one.box.intersect(reach).empty]
        found.append(union([*near, part], hole.size))
    return found


def groups(covered: Mask) -> list[Mask]:
    """Split a mask into parts that are at least ``BRIDGE`` apart."""
    import cv2

    joined = dilate(covered, BRIDGE // 2)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined.pixels.astype(np.uint8))
    parts = []
    for label in range(1, count):
        x, y, width, height = (int(value) for value in stats[label, :4])
        member = labels[y : y + height, x : x + width] == label
        corner = (joined.box.x0 + x, joined.box.y0 + y)
        inside = covered.crop(Size(height, width).box.moved(*corner))
        parts.append(Mask.from_crop(inside & member, corner, covered.size))
    return parts


def _placed(painted: Painted, patch: Patch, box: Box, instance_id: int, notes: tuple[str, ...]) -> Fill:
    """Return the painted hole cut to its own box; what is not hole is zero, so nothing else can leak out."""
    tight = Mask.from_array(patch.hole).box
    window = tight.slices
    hole = patch.hole[window].copy()
    sure = np.rint(painted.confidence[window] * 255).astype(np.uint8)
    return Fill(
        instance_id=instance_id,
        box=tight.moved(*box[:2]),
        hole=hole,
        rgb=np.where(hole[..., None], painted.rgb[window], 0).astype(np.uint8),
        provenance=painted.provenance[window].copy(),
        confidence=sure,
        method=painted.method,
        fallback_reason=painted.fallback_reason,
        notes=(*notes, *painted.notes),
    )


def merged(parts: Sequence[Fill], covered: Mask, instance_id: int = BACKGROUND) -> Fill:
    """Return fills of parts of one hole, at least one, as the fill of all of it.

    Args:
        parts: fills of disjoint parts; its method is that of the largest.
        covered: all of the hole.
        instance_id: whose hole it is.
    """
    box = covered.box
    rgb = np.zeros((box.height, box.width, 3), np.uint8)
    provenance = np.zeros((box.height, box.width), np.uint8)
    confidence = np.zeros_like(provenance)
    for part in parts:
        window = part.box.window(box)
        rgb[window][part.hole] = part.rgb[part.hole]
        provenance[window][part.hole] = part.provenance[part.hole]
        confidence[window][part.hole] = part.confidence[part.hole]
    largest = max(parts, key=lambda part: int(np.count_nonzero(part.hole)))
    reasons = dict.fromkeys(part.fallback_reason for part in parts if part.fallback_reason)
    notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
    reason = "; ".join(reasons) or None
    hole = covered.pixels.copy()
    return Fill(instance_id, box, hole, rgb, provenance, confidence, largest.method, reason, notes)
