"""Soft edges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deocclude.layers.stack import Layer


def soften(
    photo: NDArray[np.uint8], ground: NDArray[np.uint8], layers: list[Layer]
) -> tuple[NDArray[np.uint8], list[Layer]]:
    """Not there yet."""
    raise NotImplementedError
