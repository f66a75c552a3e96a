"""Test holes: visible parts of an object that a painter is asked to fill, so that its error can be measured.

Two kinds: a band of visible pixels round the hole, painted together with it; and copies of the hole, laid elsewhere on
the object: cross-validation with a held-out part that resembles what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deocclude.content.painting import MID_GREY
from deocclude.content.patch import Patch
from deocclude.geometry import Box, Size
from deocclude.masks import Mask, distance_to

Bool = NDArray[np.bool_]

LARGEST = 0.35
"""A test hole takes at most this share of what is visible."""
SMALLEST = 12
"""Fewer pixels are no test."""
MOST = 12_000
"""More pixels are not needed: copies of larger holes are laid smaller."""
BAND = (3, 8)
"""Least and greatest width of the band, pixels."""
BEYOND = 24
"""Of holes with more than :data:`MOST` pixels only those so near the band, in pixels, are painted with it."""
TRIES = 24
"""Random places that are compared for each copy."""
NEAR = 64
"""What is visible so near a test hole, in pixels, is looked at first."""
FAR = 0.25
"""Dislike of a place as far from the hole as the hole is large; things far away say little about it."""


@dataclass(frozen=True, eq=False)
class Probe:
    """A test hole.

    Attributes:
        patch: what a painter is asked; the pixels to be tested are painted over.
        asked: bool [h, w], the part of ``patch.hole`` that is visible, so that the answer is known.
        truth: uint8 [h, w, 3], what ``asked`` shows.
        box: where the arrays lie in the patch that is to be painted.
        reach: mean distance of the pixels asked to what may be looked at, pixels.
        kind: ``band`` or ``copy``.
    """

    patch: Patch
    asked: Bool
    truth: NDArray[np.uint8]
    box: Box
    reach: float
    kind: str


def reach_of(hole: Bool, evidence: Bool) -> float:
    """Return the mean distance of the pixels of ``hole`` to the evidence in pixels; infinite without any."""
    mask = Mask.from_array(hole)
    if not mask:
        return 0.0
    around = mask.box.grow(NEAR).clip(mask.size)
    away = distance_to(evidence[around.slices])[hole[around.slices]]
    if away.max() > NEAR:  # nearer evidence may lie farther out
        away = distance_to(evidence)[hole]
    return float(away.mean())


def make_probes(patch: Patch, copies: int) -> tuple[Probe, ...]:
    """Return a band and up to ``copies`` copies of the hole; fewer or none where too little is visible."""
    probes = [band(patch)] if patch.hole.any() else []
    taken = np.zeros_like(patch.hole)
    for number in range(copies):
        probe = copy(patch, taken, number)
        if probe is None:
            break
        taken[probe.box.slices] |= probe.asked
        probes.append(probe)
    return tuple(probe for probe in probes if probe is not None)


def band(patch: Patch) -> Probe | None:
    """Return the hole together with a band of visible pixels next to it; ``None`` if too little is visible.

    Of a large hole only what is near the band is painted again.
    """
    away = distance_to(patch.hole)
    width = np.clip(0.15 * np.sqrt(np.count_nonzero(patch.hole)), *BAND)
    seen = np.count_nonzero(patch.evidence)
    for reach in (width + 2, width / 2 + 2, 3):
        asked = patch.evidence & (away <= reach)
        if SMALLEST <= np.count_nonzero(asked) <= LARGEST * seen:
            around = patch.hole
            if np.count_nonzero(around) > MOST:
                around = around & (distance_to(asked) <= BEYOND)
            return _probe(patch, asked, around | asked, Size(*patch.hole.shape).box, "band")
    return None


def copy(patch: Patch, taken: Bool, number: int) -> Probe | None:
    """Return a copy of the hole, laid where its pixels are as far from what else is visible as those of the hole.

    It may be turned over, turned by right angles, smaller, or stick out beyond what is visible, as holes do.

    Args:
        patch: the patch.
        taken: bool [h, w], where copies lie already: other places are liked better.
        number: of the copy, which with the patch's seed decides the random numbers.
    """
    rng = np.random.default_rng((patch.seed, number))
    most = min(LARGEST * np.count_nonzero(patch.evidence), MOST)
    if most < SMALLEST:
        return None
    wanted = reach_of(patch.hole, patch.evidence)
    away = distance_to(patch.hole) / np.sqrt(np.count_nonzero(patch.hole))
    rows, columns = np.nonzero(patch.evidence)
    pixels = Mask.from_array(patch.hole).pixels
    best: tuple[float, Bool] | None = None
    for _ in range(TRIES):
        shape = _turned(pixels, most, rng)
        at = int(rng.integers(len(rows)))
        laid = _laid(shape, (int(columns[at]), int(rows[at])), patch.evidence, rng)
        area = np.count_nonzero(laid)
        if not SMALLEST <= area <= most:
            continue
        reach = reach_of(laid, patch.evidence & ~laid)
        cost = abs(np.log((reach + 0.5) / (wanted + 0.5))) + 0.5 * abs(np.log(area / min(most, shape.sum())))
        cost += np.count_nonzero(laid & taken) / area + FAR * float(away[laid].mean())
        if best is None or cost < best[0]:
            best = cost, laid
    return None if best is None else _probe(patch, best[1], best[1], _room(patch, best[1]), "copy")


def _turned(shape: Bool, most: float, rng: np.random.Generator) -> Bool:
    """Return the shape turned over, turned by right angles and made smaller until it has ``most`` pixels."""
    import cv2

    shape = np.rot90(shape, int(rng.integers(4)))
    shape = shape[:, ::-1] if rng.random() < 0.5 else shape
    scale = min(1.0, np.sqrt(most / np.count_nonzero(shape))) * (1.0 if rng.random() < 0.5 else rng.uniform(0.6, 1.0))
    size = tuple(max(2, round(side * scale)) for side in shape.shape[::-1])
    return np.asarray(cv2.resize(shape.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0)


def _laid(shape: Bool, at: tuple[int, int], evidence: Bool, rng: np.random.Generator) -> Bool:
    """Return the part of ``shape``, with a random pixel of it at (x, y), that falls on evidence, bool [h, w]."""
    rows, columns = np.nonzero(shape)
    if len(rows) == 0:
        return np.zeros_like(evidence)
    pick = int(rng.integers(len(rows)))
    corner = at[0] - int(columns[pick]), at[1] - int(rows[pick])
    size = Size(*evidence.shape)
    return Mask.from_crop(shape, corner, size).to_array() & evidence


def _room(patch: Patch, asked: Bool) -> Box:
    """Return a box round a test hole with four times as much evidence as hole, at least 24 pixels round it."""
    size = Size(*asked.shape)
    tight = Mask.from_array(asked).box
    margin, wanted = 24, 4 * np.count_nonzero(asked)
    while True:
        box = tight.grow(margin).clip(size)
        if (box.width, box.height) == (size.width, size.height):
            return box
        if np.count_nonzero(patch.evidence[box.slices] & ~asked[box.slices]) >= wanted:
            return box
        margin *= 2


def _probe(patch: Patch, asked: Bool, hole: Bool, box: Box, kind: str) -> Probe:
    part = box.slices
    asked, hole = asked[part].copy(), hole[part].copy()
    truth = patch.rgb[part]
    rgb = np.where(asked[..., None], np.uint8(MID_GREY), truth)
    evidence = patch.evidence[part] & ~asked
    context = None if patch.context is None else patch.context[part].copy()
    corner = patch.corner[0] + box.x0, patch.corner[1] + box.y0
    question = Patch(rgb, hole, evidence, patch.seed, context, corner)
    return Probe(question, asked, truth, box, reach_of(asked, evidence), kind)
