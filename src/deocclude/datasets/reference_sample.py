"""A sample for filling with the help of a reference: an object hidden in part, and a picture that may help.

What An et al. ("Better Image De-occlusion Using Similar Images") put together for every object: masks, truth, what the
networks without a reference predict, and the reference; here the reference also comes aligned where that is possible.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from deocclude.images import RGBArray
from deocclude.masks import BoolArray

SPLITS = ("train", "validation", "test")
"""Objects of one scene (a photo, or a group of photos of one thing) are all in one of these."""


class ReferenceKind(StrEnum):
    """What a reference shows, from the most to the least helpful."""

    OTHER_VIEW = "other-view"
    """The same object in the same surroundings, from elsewhere."""
    OTHER_PHOTO = "other-photo"
    """The same object in other surroundings, or what a search took for it."""
    SAME_CLASS = "same-class"
    """Another object of the same class."""
    UNRELATED = "unrelated"
    """Something else."""
    NONE = "none"
    """There is no reference; its pixels are 0 and none of them is valid."""


@dataclass(frozen=True, eq=False)
class ReferenceSample:
    """An object, hidden in part by a thing laid over it, with one reference. Every picture has the same side S.

    All but ``reference`` show the same square of the photo; pixels of it beyond the photo are 0 and not ``inside``.

    Attributes:
        truth: uint8 [S, S, 3], the photo as it was.
        rgb: uint8 [S, S, 3], the photo with the occluder laid over it; its outline is anti-aliased.
        inside: bool [S, S], pixels that lie in the photo.
        modal: bool [S, S], what the photo shows of the object, before the occluder came.
        amodal: bool [S, S], the whole object as annotated; ``modal`` where the data set does not state it.
        predicted_amodal: bool [S, S], the whole object as PCNet-M completes it behind the occluder.
        eraser: bool [S, S], the occluder.
        visible: bool [S, S], what stays visible of the object: ``modal`` without ``eraser``.
        predicted: uint8 [S, S, 3], ``rgb`` with the hole painted by PCNet-C (and what PCNet-M predicts hidden).
        reference: uint8 [S, S, 3], the reference, scaled to fit and centred; 0 beyond it.
        reference_valid: bool [S, S], pixels of ``reference`` that show something.
        aligned: uint8 [S, S, 3], the reference laid over the square, in its colours; 0 where not valid.
        aligned_valid: bool [S, S], pixels of ``aligned`` that show something; none where it could not be aligned.
        alignment: how far to trust ``aligned``, 0 (not aligned) to 1: how well, away from the hole, it foretold a band
            round the hole.
        kind: what the reference shows.
        key: names the object: data set, photo, object.
        reference_key: names the reference: data set and photo; empty for none.
        scene: names what must not be divided between splits: a photo, or the group of photos of one thing.
        split: one of :data:`SPLITS`.
        category: class name of the object, or empty.
        score: probability that the reference shows the same object, as geometric verification sees it; 0..1.
        source: where the reference is from: an address or file name, or empty.
        licence: of the reference, where known, or empty.
    """

    truth: RGBArray
    rgb: RGBArray
    inside: BoolArray
    modal: BoolArray
    amodal: BoolArray
    predicted_amodal: BoolArray
    eraser: BoolArray
    visible: BoolArray
    predicted: RGBArray
    reference: RGBArray
    reference_valid: BoolArray
    aligned: RGBArray
    aligned_valid: BoolArray
    alignment: float
    kind: ReferenceKind
    key: str
    reference_key: str
    scene: str
    split: str
    category: str = ""
    score: float = 0.0
    source: str = ""
    licence: str = ""

    @property
    def hole(self) -> BoolArray:
        """Hidden pixels of the object whose truth is known: what losses and scores are computed on."""
        return self.modal & self.eraser

    @property
    def side(self) -> int:
        """Side S of the pictures, pixels."""
        return int(self.hole.shape[0])
