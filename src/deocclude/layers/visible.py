"""Who is seen where in the photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deocclude.geometry import Size
from deocclude.masks import Mask


@dataclass(frozen=True, eq=False)
class Visible:
    """The photo and the owner of each of its pixels.

    Attributes:
        photo: uint8 [H, W, 3].
        owner: uint16 [H, W], z + 1 of the topmost object whose visible mask holds the pixel, 0 for background.
    """

    photo: NDArray[np.uint8]
    owner: NDArray[np.uint16]


def visible_owner(modal: Sequence[Mask], size: Size) -> NDArray[np.uint16]:
    """Return the owner map [H, W] of visible masks given bottom first."""
    owner = np.zeros(size, np.uint16)
    for rank, mask in enumerate(modal, 1):
        owner[mask.box.slices][mask.pixels] = rank
    return owner
