"""Masks from a box and scribbles by GrabCut (Rother et al., "GrabCut", SIGGRAPH 2004; OpenCV's)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deocclude.errors import InputError
from deocclude.geometry import EMPTY_BOX, Box, Size
from deocclude.masks import Mask
from deocclude.segment.prompt import Prompt

LONGEST = 640
"""Pixels of the longer side that GrabCut works on; a second at most."""
ROUNDS = 5
AROUND = 0.25
"""The crop reaches so far beyond the box, in parts of its longer side; what is there is background."""
LEAST_AROUND = 12
CRUMB = 0.01
"""Of what other objects leave over, parts below this share of the largest are dropped."""
SMALL = 0.05
"""Loose parts in a box below this share of the largest are dropped, unless a scribble says that they belong."""


def grabcut(photo_rgb: NDArray[np.uint8], prompt: Prompt) -> Mask:
    """Return the mask of the object that ``prompt`` points at; the same for the same prompt.

    Args:
        photo_rgb: uint8 [H, W, 3].
        prompt: a box, or scribbles on the object, or a mask to start from, and perhaps scribbles beside the object.

    Raises:
        InputError: nothing is pointed at, or nothing in there stands out.
    """
    import cv2

    size = Size(*photo_rgb.shape[:2])
    crop = _crop(prompt, size)
    labels = _labels(prompt, crop)
    scale = min(1.0, LONGEST / max(crop.width, crop.height))
    small = max(2, round(crop.width * scale)), max(2, round(crop.height * scale))
    pixels = cv2.resize(np.ascontiguousarray(photo_rgb[crop.slices]), small, interpolation=cv2.INTER_AREA)
    seeds = np.asarray(cv2.resize(labels, small, interpolation=cv2.INTER_NEAREST), np.uint8)
    seeds = _with_strokes(seeds, prompt, crop, small)
    cv2.setRNGSeed(0)
    try:
        models = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(pixels, seeds, (0, 0, 1, 1), models[0], models[1], ROUNDS, cv2.GC_INIT_WITH_MASK)
    except cv2.error:
        raise _nothing() from None
    inside = np.isin(seeds, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    found = cv2.resize(inside, (crop.width, crop.height), interpolation=cv2.INTER_LINEAR) > 0.5
    mask = _tidied(found, prompt, crop, size)
    if not mask and prompt.others is not None and found.any():
        raise InputError("something that is not part of another object", "nothing", field="box",
                         hint="choose that object first, to give it another mask")  # fmt: skip
    if not mask:
        raise _nothing()
    return mask


def _crop(prompt: Prompt, size: Size) -> Box:
    if prompt.box is not None:
        box = prompt.box.clip(size)
    else:
        box = EMPTY_BOX
        for mask in (prompt.start, prompt.foreground):
            box = box.join(mask.box) if mask is not None else box
        box = box.grow(max(box.width, box.height, 32) // 2).clip(size) if not box.empty else box
    if box.empty:
        raise InputError("a box, a scribble on the object or a mask to start from", "none of them in the photo",
                         field="box")  # fmt: skip
    for mask in (prompt.foreground, prompt.background):
        box = box.join(mask.box) if mask is not None else box
    margin = max(LEAST_AROUND, int(AROUND * max(box.width, box.height)))
    return box.grow(margin).clip(size)


def _labels(prompt: Prompt, crop: Box) -> NDArray[np.uint8]:
    """Return what is thought of each pixel before scribbles, in GrabCut's labels, uint8 [h, w]."""
    import cv2

    labels = np.full((crop.height, crop.width), cv2.GC_PR_BGD, np.uint8)
    if prompt.start is not None:
        labels[prompt.start.crop(crop)] = cv2.GC_PR_FGD
    if prompt.box is not None:
        within = prompt.box.intersect(crop).window(crop)
        if prompt.start is None:
            labels[within] = cv2.GC_PR_FGD
        outside = np.ones(labels.shape, bool)
        outside[within] = False
        labels[outside] = cv2.GC_BGD
    # A box as large as the photo leaves no background to learn from; the object hardly fills the photo's edge.
    edge = max(1, min(labels.shape) // 50)
    frame = np.ones(labels.shape, bool)
    frame[edge:-edge, edge:-edge] = False
    labels[frame & (labels == cv2.GC_PR_FGD)] = cv2.GC_PR_BGD
    return labels


def _with_strokes(seeds: NDArray[np.uint8], prompt: Prompt, crop: Box, small: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the labels with the scribbles, of which none gets lost by the scaling."""
    import cv2

    for mask, label in ((prompt.background, cv2.GC_BGD), (prompt.foreground, cv2.GC_FGD)):
        if mask is not None and mask:
            share = cv2.resize(mask.crop(crop).astype(np.float32), small, interpolation=cv2.INTER_AREA)
            seeds[share > 0] = label
    return seeds


def _tidied(found: NDArray[np.bool_], prompt: Prompt, crop: Box, size: Size) -> Mask:
    """Return the mask without crumbs; scribbles hold exactly."""
    import cv2

    wanted = np.zeros(found.shape, bool)
    if prompt.foreground is not None:
        wanted = prompt.foreground.crop(crop)
        found = found | wanted
    if prompt.background is not None:
        found = found & (wanted | ~prompt.background.crop(crop))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8))
    if count < 2:
        return Mask.empty(size)
    pointed = wanted | prompt.start.crop(crop) if prompt.start is not None else wanted
    kept = set(np.unique(labels[pointed & found]).tolist()) - {0}
    if prompt.box is not None:  # else what is apart from what was pointed at is another object
        areas = stats[1:, cv2.CC_STAT_AREA]
        kept |= {label + 1 for label in np.flatnonzero(areas >= SMALL * areas.max()).tolist()}
    found = _of(labels, kept)
    if prompt.others is not None and prompt.others:
        found = _without_crumbs(found & (wanted | ~prompt.others.crop(crop)), wanted)
    return Mask.from_crop(found, crop[:2], size)


def _without_crumbs(found: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the mask without the slivers that are left where masks of other objects are not quite tight."""
    import cv2

    _, labels, stats, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8))
    areas = stats[1:, cv2.CC_STAT_AREA]
    kept = set(np.unique(labels[wanted & found]).tolist()) - {0}
    return _of(labels, kept | {at + 1 for at in np.flatnonzero(areas >= CRUMB * areas.max(initial=0)).tolist()})


def _of(labels: NDArray[Any], kept: set[int]) -> NDArray[np.bool_]:
    """Return where a labelled picture, int32 [h, w], has one of the labels."""
    table = np.zeros(int(labels.max()) + 1, bool)
    table[sorted(kept)] = True
    return np.asarray(table[labels], bool)


def _nothing() -> InputError:
    return InputError("an object that stands out", "none", field="box", hint="scribble on it, and beside it")
