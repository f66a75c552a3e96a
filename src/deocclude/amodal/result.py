"""Whole shapes: what an amodal method returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from deocclude.crops import Square, paste
from deocclude.geometry import Box
from deocclude.masks import Mask
from deocclude.stages import StageRecord


@dataclass(frozen=True, eq=False)
class ShapeProbability:
    """How probable it is that a pixel belongs to an object, as a network answered it.

    Attributes:
        square: the part of the photo that was looked at.
        patch: float16 [s, s] in 0..1, which shows the square.
    """

    square: Square
    patch: NDArray[np.float16]

    def crop(self, box: Box) -> NDArray[np.float32]:
        """Return the probability at the pixels of ``box``, float32 [box.height, box.width]; 0 outside the square."""
        return paste(self.patch.astype(np.float32), self.square, box)


@dataclass(frozen=True, eq=False)
class AmodalMasks:
    """The whole shape of each object.

    Attributes:
        masks: by object id; each contains the object's modal mask (not in the reference protocol of ``pcnet-m``).
        record: method, settings, fallback, seconds.
        probability: by object id, where the method gives any and the object may be hidden.
    """

    masks: Mapping[int, Mask]
    record: StageRecord
    probability: Mapping[int, ShapeProbability] = field(default_factory=dict)
