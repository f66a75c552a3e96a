"""Drawn things to hide objects with, where no data set with masks is at hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deocclude.datasets.shapes import FAMILIES, rasterise
from deocclude.datasets.textures import surface
from deocclude.datasets.whole_objects import WholeObject
from deocclude.geometry import Size
from deocclude.masks import Mask

EXTENT = 160
"""Longer side of a drawn thing, pixels."""


@dataclass(frozen=True, eq=False)
class DrawnOccluder(WholeObject):
    """A shape with a drawn surface; it has no photo.

    Attributes:
        seed: equal seeds give equal things.
    """

    seed: int = 0

    def load(self) -> tuple[NDArray[np.uint8], Mask]:
        """Return its picture, uint8 [h, w, 3], and its mask."""
        colours = surface(np.random.default_rng((self.seed, 1)), *self.mask.size)
        return np.clip(np.rint(colours), 0, 255).astype(np.uint8), self.mask


def drawn_occluders(count: int, seed: int) -> Iterator[DrawnOccluder]:
    """Yield random things; equal seeds give equal ones."""
    families = sorted(FAMILIES)
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        drawing = FAMILIES[families[int(rng.integers(len(families)))]](rng)
        covered = np.pad(rasterise(drawing, EXTENT, float(rng.uniform(0, 2 * np.pi))) > 127, 2)
        mask = Mask.from_crop(covered, (0, 0), Size(*covered.shape))
        key = f"drawn/{seed}-{number}"
        yield DrawnOccluder(key, key, Path(), mask, seed=seed * 100_003 + number)
