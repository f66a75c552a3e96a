"""Fill a hidden part with what references show, and let a painter add the rest, which looks at both."""

from __future__ import annotations

from dataclasses import replace

from deocclude.content.fill import AUTO, fill_background, fill_hidden, merged
from deocclude.content.patch import Fill, Painter
from deocclude.geometry import EMPTY_BOX
from deocclude.images import RGBArray
from deocclude.masks import Mask


def complete_hidden(
    photo_rgb: RGBArray,
    modal: Mask,
    amodal: Mask,
    part: Fill,
    *,
    method: str | Painter = AUTO,
    seed: int = 0,
    occluders: Mask | None = None,
) -> Fill:
    """Fill the hidden part of an object.

    Args:
        photo_rgb: uint8 [H, W, 3].
        modal: the visible mask.
        amodal: the whole shape.
        part: the hidden pixels that references show; names the object.
        method: who paints the rest, see :func:`~deocclude.content.fill.fill_hidden`; so for the following.
        seed: for painters that draw random numbers.
        occluders: the visible pixels of what lies in front of the object.

    Raises:
        InputError: no painter has that name.
    """
    rest = fill_hidden(photo_rgb, modal | part.mask(modal.size), amodal, instance_id=part.instance_id, method=method,
                       seed=seed, occluders=occluders, shown=part)  # fmt: skip
    return _joined(part, rest, amodal - modal)


def complete_background(
    photo_rgb: RGBArray, covered: Mask, part: Fill, *, method: str | Painter = AUTO, seed: int = 0
) -> Fill:
    """Fill what all objects together cover; arguments as of :func:`complete_hidden`.

    Raises:
        InputError: no painter has that name.
    """
    rest = fill_background(photo_rgb, covered, method=method, seed=seed, shown=part)
    return _joined(part, rest, covered)


def _joined(part: Fill, rest: Fill, hidden: Mask) -> Fill:
    if rest.box == EMPTY_BOX:
        return merged([part], hidden, part.instance_id)
    whole = merged([part, rest], hidden, part.instance_id)
    return replace(whole, method=f"{part.method} + {rest.method}")
