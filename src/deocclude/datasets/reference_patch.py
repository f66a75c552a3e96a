"""What may be looked at in a sample with a reference, as painters and networks get it."""

from __future__ import annotations

from deocclude.content.fill import MIXED, own_pixels
from deocclude.content.patch import Patch
from deocclude.datasets.reference_sample import ReferenceSample
from deocclude.masks import BoolArray, Mask, dilate


def patch_masks(sample: ReferenceSample) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Return the object's own pixels, its surroundings, and the hole, bool [S, S] each; they are disjoint.

    The surroundings show neither the object nor what hides it; pixels that mix two of them belong to none.
    """
    hole = sample.hole
    barred = dilate(Mask.from_array(sample.eraser), MIXED + 1).to_array() | hole
    own, _ = own_pixels(Mask.from_array(sample.visible))
    return own.to_array() & ~hole, sample.inside & ~barred & ~sample.visible & ~sample.modal, hole


def reference_patch(sample: ReferenceSample) -> Patch:
    """Return the sample as a patch whose hole is the part of known truth."""
    own, context, hole = patch_masks(sample)
    return Patch(sample.rgb, hole, own, context=context)
