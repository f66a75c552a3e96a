"""The picture with the hole, and references laid over it: what alignment makes and stitching chooses from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deocclude.geometry import Size
from deocclude.references.features import Features
from deocclude.references.transforms import Matrix

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Target:
    """The picture with the hole.

    Attributes:
        rgb: float32 [h, w, 3], 0..255; what stands in the hole is not looked at.
        hole: bool [h, w].
        known: bool [h, w], pixels that may be looked at; disjoint from the hole.
        band: bool [h, w], part of ``known``: pixels near the hole on which fills are rehearsed.
        features: of the known pixels.
    """

    rgb: Float
    hole: Bool
    known: Bool
    band: Bool
    features: Features

    @property
    def size(self) -> Size:
        """Height and width."""
        return Size(*self.hole.shape)


@dataclass(frozen=True, eq=False)
class Aligned:
    """A reference in the frame of the target, in its colours.

    Attributes:
        rgb: float32 [h, w, 3], 0..255.
        valid: bool [h, w], pixels that the reference shows.
        rehearsal: float32 [h, w, 3], the same made without a look at the target's band; meaningful where valid.
        where: float32 [h, w, 2], where each pixel lies in the reference.
        target_from_source: float64 [3, 3], the homography it started from.
        kind: how it was aligned, for people: ``homography``, ``homography+flow``, ``mesh``, ``affine`` ...
        reference: number of the reference.
        inliers: matches that the homography explains.
    """

    rgb: Float
    valid: Bool
    rehearsal: Float
    where: Float
    target_from_source: Matrix
    kind: str
    reference: int
    inliers: int
