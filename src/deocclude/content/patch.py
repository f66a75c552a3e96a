"""What a painter gets and what it gives back.

A painter is a function ``paint(patch) -> Painted``. It sees a crop, never the photo, so its cost follows the hole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from deocclude.geometry import Box, Size
from deocclude.masks import Mask, distance_to

BACKGROUND = 0
"""The id of the background among the fills."""


class Provenance(IntEnum):
    """Where a pixel of a layer comes from; the values are those of ``provenance.png``.

    References are numbered from ``REFERENCE`` upwards: reference k is ``REFERENCE + k``.
    """

    NOTHING = 0
    VISIBLE = 1
    DIFFUSION = 2
    OWN_TEXTURE = 3
    NETWORK = 4
    MEAN_COLOUR = 5
    REFERENCE = 16


@dataclass(frozen=True, eq=False)
class Patch:
    """A crop with a hole.

    Attributes:
        rgb: uint8 [h, w, 3]; what stands in the hole must not be looked at.
        hole: bool [h, w], pixels to paint.
        evidence: bool [h, w], pixels that may be looked at: the object's own visible ones, or for the background
            those that no object covers. Disjoint from ``hole``.
        seed: for painters that draw random numbers.
        context: bool [h, w], other pixels that say something about the surroundings (light, what the object stands
            on) but show neither the object nor what hides it; networks look at them, texture is never copied from
            them. Disjoint from ``hole`` and ``evidence``; ``None`` for nothing.
        corner: (x, y) of the crop's first pixel in the photo, for what knows the whole picture.
        scale: pixels of the photo for each of the patch's, a side; a power of two.
    """

    rgb: NDArray[np.uint8]
    hole: NDArray[np.bool_]
    evidence: NDArray[np.bool_]
    seed: int = 0
    context: NDArray[np.bool_] | None = None
    corner: tuple[int, int] = (0, 0)
    scale: int = 1

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Evidence and context, bool [h, w]."""
        return self.evidence if self.context is None else self.evidence | self.context

    @property
    def hole_width(self) -> float:
        """About how wide the hole is where it is widest, pixels: twice the way from there to its rim."""
        return 2 * float(distance_to(~self.hole)[self.hole].max(initial=0.0))

    @property
    def box(self) -> Box:
        """Where the arrays of a patch of scale 1 lie in the photo, half-open."""
        return Size(*self.hole.shape).box.moved(*self.corner)


@dataclass(frozen=True, eq=False)
class Painted:
    """A painter's answer.

    Attributes:
        rgb: uint8 [h, w, 3]; equals the patch outside the hole.
        confidence: float32 [h, w] in 0..1, meaningful in the hole only.
        provenance: uint8 [h, w] of :class:`Provenance`, ``NOTHING`` outside the hole.
        method: name of the painter that did it.
        fallback_reason: why it was not the painter that was asked for, or ``None``.
        notes: one line each for what a user should know (solved at half scale, nothing to look at).
    """

    rgb: NDArray[np.uint8]
    confidence: NDArray[np.float32]
    provenance: NDArray[np.uint8]
    method: str
    fallback_reason: str | None = None
    notes: tuple[str, ...] = ()


Painter = Callable[[Patch], Painted]


@dataclass(frozen=True, eq=False)
class Fill:
    """The painted hidden part of one object (or of the background, id 0), placed in the photo.

    Attributes:
        instance_id: the object; 0 is the background.
        box: where the arrays lie in the photo, half-open; all zeros when nothing is hidden.
        hole: bool [h, w], the hidden pixels.
        rgb: uint8 [h, w, 3], meaningful in the hole only.
        provenance: uint8 [h, w] of :class:`Provenance`.
        confidence: uint8 [h, w], 0 (a guess) to 255 (sure).
        method: painter that filled it.
        fallback_reason: why it was not the painter asked for, or ``None``.
        notes: one line each for what a user should know (why this painter, what it could not look at).
    """

    instance_id: int
    box: Box
    hole: NDArray[np.bool_]
    rgb: NDArray[np.uint8]
    provenance: NDArray[np.uint8]
    confidence: NDArray[np.uint8]
    method: str
    fallback_reason: str | None = None
    notes: tuple[str, ...] = ()

    def mask(self, size: Size) -> Mask:
        """Return the hidden pixels as a mask of a photo of ``size``."""
        return Mask.from_crop(self.hole, self.box[:2], size)
