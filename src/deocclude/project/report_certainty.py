"""How sure a whole shape is: the network's probabilities in the hidden part, as a number and as a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deocclude.geometry import Box
from deocclude.masks import BoolArray, Mask, union
from deocclude.project.markup import Html, tag
from deocclude.project.report_pictures import CERTAINTY, CERTAINTY_BYTES, small_picture
from deocclude.project.report_sections import image
from deocclude.project.state import Project

RAMP = np.array([(255, 238, 170), (253, 174, 97), (221, 81, 100), (136, 34, 106), (61, 15, 92)], np.float32)
"""Colours from improbable to sure: pale yellow, orange, red, purple, violet; their lightness falls evenly."""
FAINT = 0.05
"""Below this probability nothing is tinted."""


def certainty(project: Project, identity: int) -> float | None:
    """Return the mean probability of the hidden pixels of a whole shape, 0..1.

    ``None`` where the method gave no probabilities, the shape was painted by hand, or nothing is hidden.
    """
    found = project.amodal.probability.get(identity) if project.amodal else None
    if found is None:
        return None
    hidden = _hidden(project, identity)
    return float(found.crop(hidden.box)[hidden.pixels].mean()) if hidden else None


def certainty_panel(project: Project, identity: int) -> Html | None:
    """Return the picture of :func:`certainty_pixels` with a caption and a scale, or ``None``."""
    pixels, sure = certainty_pixels(project, identity), certainty(project, identity)
    if pixels is None or sure is None:
        return None
    count = len(project.amodal.probability) if project.amodal else 1
    picture = small_picture(pixels, CERTAINTY, CERTAINTY_BYTES // count)
    stops = ", ".join(f"rgb({red:.0f},{green:.0f},{blue:.0f})" for red, green, blue in RAMP)
    scale = tag("span", class_="ramp", style=f"background:linear-gradient(90deg, {stops})", aria_hidden="true")
    caption = tag("figcaption", f"How sure the shape is: {sure:.0%} in the hidden part", tag("br"), "0 % ", scale,
                  " 100 %; white: the shape that was taken")  # fmt: skip
    return tag("figure", image(picture, "Probability of the hidden part, over the photo"), caption, class_="certainty")


def certainty_pixels(project: Project, identity: int) -> NDArray[np.uint8] | None:
    """Return the pale photo around an object, its probability in colours where it may be hidden, its outline white.

    Returns:
        uint8 [h, w, 3], or ``None`` where :func:`certainty` is.
    """
    if project.amodal is None or certainty(project, identity) is None:
        return None
    found, whole = project.amodal.probability[identity], project.amodal.masks[identity]
    box = found.square.box.clip(whole.size).join(whole.box)
    grey = project.photo.pixels[box.slices].mean(2, keepdims=True)
    pixels = np.repeat(0.45 * grey + 120, 3, axis=2)
    free = (_hiders(project, identity) | whole).crop(box) & ~_modal(project, identity).crop(box)
    probability = found.crop(box)
    tinted = free & (probability > FAINT)
    pixels[tinted] = 0.15 * pixels[tinted] + 0.85 * _colours(probability[tinted])
    pixels[_outline(whole, box)] = 255
    return pixels.clip(0, 255).astype(np.uint8)


def _hidden(project: Project, identity: int) -> Mask:
    assert project.amodal is not None  # callers looked
    return project.amodal.masks[identity] - _modal(project, identity)


def _modal(project: Project, identity: int) -> Mask:
    return next(item.modal for item in project.objects if item.id == identity)


def _hiders(project: Project, identity: int) -> Mask:
    """Return the visible masks of everything in front of an object, directly or over others."""
    front = project.order.ancestors(identity)
    return union((item.modal for item in project.objects if item.id in front), project.photo.size)


def _colours(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the colours float32 [k, 3] of probabilities [k]."""
    place = probability.clip(0, 1) * (len(RAMP) - 1)
    low = np.minimum(place.astype(int), len(RAMP) - 2)
    share = (place - low)[:, None]
    return np.asarray((1 - share) * RAMP[low] + share * RAMP[low + 1], np.float32)


def _outline(mask: Mask, box: Box) -> BoolArray:
    """Return the rim of a mask inside ``box``, wide enough to be seen after the picture is scaled down."""
    import cv2

    inside = mask.crop(box).astype(np.uint8)
    width = max(1, round(max(inside.shape) / CERTAINTY))
    kernel = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    return np.asarray((inside > 0) & (cv2.erode(inside, kernel, borderType=0, borderValue=1) == 0))
