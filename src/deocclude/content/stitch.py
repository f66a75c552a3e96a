"""Fill a hole from references: paste what was laid over it where that can be trusted.

What is pasted meets the photo by a membrane that spreads the difference at the rim over the hole, so that only hidden
pixels change. Where the rehearsal does not foretell a clear gain over the plain fill, the references are not used at
all; where it is not sure, the plain fill keeps a share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from deocclude.content.blend import NONE
from deocclude.content.membrane import without_seam
from deocclude.content.overlay import Overlay, StitchSettings, clear_of_edges, overlay, seam_reach
from deocclude.geometry import EMPTY_BOX, Box, Size
from deocclude.images import RGBArray
from deocclude.masks import Mask
from deocclude.references.features import Features

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Stitched:
    """A hole filled from references.

    Attributes:
        box: the part of the photo that all arrays cover; it may be empty where nothing is filled.
        rgb: uint8 [h, w, 3]; equals the photo where nothing is filled.
        filled: bool [h, w], pixels that come from a reference.
        source: int16 [h, w], number of the reference, -1 where there is none.
        confidence: float32 [h, w] in 0..1, that the pixel is better than the plain fill's; 0 where not filled.
        reasons: why a reference gave nothing, by its number, where it was refused on its own.
        notes: the same and what holds for all of them, one line each.
        measures: what the decision was made from, by name; empty where nothing could be aligned.
        overlay: what the pixels were taken from; ``None`` where nothing is filled, or by another way.
    """

    box: Box
    rgb: RGBArray
    filled: Bool
    source: NDArray[np.int16]
    confidence: Float
    reasons: dict[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    measures: dict[str, float] = field(default_factory=dict)
    overlay: Overlay | None = None

    def over(self, picture: RGBArray, corner: tuple[int, int] = (0, 0)) -> tuple[RGBArray, Bool]:
        """Return a picture with the filled pixels, and which these are.

        Args:
            picture: uint8 [h, w, 3], the photo or a part of it.
            corner: (x, y) of its first pixel in the photo.

        Returns:
            uint8 [h, w, 3] and bool [h, w].
        """
        frame = Size(*picture.shape[:2]).box.moved(*corner)
        common = self.box.intersect(frame)
        rgb, filled = picture.copy(), np.zeros(picture.shape[:2], bool)
        if not common.empty:
            here, there = common.window(frame), common.window(self.box)
            filled[here] = self.filled[there]
            rgb[filled] = self.rgb[there][self.filled[there]]
        return rgb, filled


def stitch(
    photo: RGBArray,
    hole: Mask,
    usable: Mask,
    references: Sequence[tuple[RGBArray, Features | None]],
    settings: StitchSettings | None = None,
    *,
    features: Features | None = None,
    shown: Sequence[Bool | None] = (),
) -> Stitched:
    """Fill a hole, which may be empty, from references, as far as they show it and can be trusted.

    The arguments are those of :func:`~deocclude.content.overlay.overlay`.
    """
    settings = settings or StitchSettings()
    if not hole:
        return _nothing({})
    laid = overlay(photo, hole, usable, references, settings, features=features, shown=shown, rehearse=False)
    if not laid.measures:
        return _nothing(laid.reasons)
    if laid.confidence < settings.least_confidence:
        why = f"references not used: they promise too little against the plain fill (confidence {laid.confidence:.2f})"
        refused = _nothing(laid.reasons)
        return replace(refused, notes=(*refused.notes, why), measures=laid.measures)
    box = laid.window.box
    before, part = photo[box.slices], hole.crop(box)
    filled = part & (laid.source != NONE)
    known = clear_of_edges(part, usable.crop(box), settings.rim) & (laid.source != NONE)
    picture = without_seam(
        laid.picture,
        before.astype(np.float32),
        filled,
        known,
        seam_reach(part, known, settings),
        fade=settings.fade,
    )
    share = laid.confidence if settings.least_confidence > 0 else 1.0
    picture = laid.plain + np.float32(share) * (picture - laid.plain)
    source = np.where(filled, laid.source, np.int16(NONE))
    rgb = before.copy()
    rgb[filled] = np.clip(np.rint(picture[filled]), 0, 255).astype(np.uint8)
    sure = np.where(filled, np.float32(laid.confidence), np.float32(0))
    return Stitched(box, rgb, filled, source, sure, laid.reasons, _told(laid.reasons), laid.measures, laid)


def _nothing(reasons: dict[int, str]) -> Stitched:
    rgb, none = np.zeros((0, 0, 3), np.uint8), np.zeros((0, 0), np.int16)
    return Stitched(EMPTY_BOX, rgb, none != 0, none, none.astype(np.float32), reasons, _told(reasons))


def _told(reasons: dict[int, str]) -> tuple[str, ...]:
    return tuple(f"reference {number} not used: {reason}" for number, reason in reasons.items())
