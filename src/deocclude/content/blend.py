"""Blend aligned references: in the coarse all that agree, in the fine the best one alone.

Where hypotheses are about equally good, their mean errs less than any of them, but small differences of place blur it.
So shares by cost mix what is coarser than a few pixels, and the finer detail is that of the one with the least cost: a
two-band blend (Burt and Adelson, A Multiresolution Spline, ACM Trans. Graphics 1983) with soft and hard seams.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.content.agreement import NOWHERE
from deocclude.content.cells import stretched
from deocclude.content.mixing import fine
from deocclude.geometry import Size

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
NONE = -1
"""Source number of a pixel that no reference fills."""
SEEN = 0.05
"""Least total weight of a pixel that counts as shown."""
SLIGHT = 0.1
"""Hypotheses with less weight than this share of the best one's are left out."""


@dataclass(frozen=True)
class BlendSettings:
    """How hypotheses are blended.

    Attributes:
        power: how steeply a share falls with the cost: as cost to the power of minus this.
        feather: spread of the transition between hypotheses, cells of the cost grid.
        fine: whether the fine detail is that of the best hypothesis alone.
    """

    power: float = 3.0
    feather: float = 1.0
    fine: bool = True


@dataclass(frozen=True, eq=False)
class Picture:
    """A hypothesis at the size of the result: float32 [h, w, 3], bool [h, w] where it shows something, its source."""

    rgb: Float
    valid: Bool
    source: int


def shares(total: Float, power: float) -> Float:
    """Return the share of each hypothesis in each cell, float32 [n, gh, gw], adding up to 1 where there is any.

    Args:
        total: float32 [n, gh, gw], costs.
        power: see :class:`BlendSettings`; infinite for the least cost alone.
    """
    shown, least = total < NOWHERE, total.min(0)
    if np.isinf(power):
        weight = ((np.arange(len(total))[:, None, None] == total.argmin(0)) & shown).astype(np.float32)
    else:
        weight = np.where(shown, (np.maximum(least, 1) / np.maximum(total, 1)) ** power, 0)
        weight[weight < SLIGHT] = 0
    return np.asarray(weight / np.maximum(weight.sum(0), 1e-6), np.float32)


def blend(
    pictures: Iterable[Picture], total: Float, size: Size, settings: BlendSettings | None = None
) -> tuple[Float, NDArray[np.int16]]:
    """Return the blended picture, float32 [h, w, 3], and the source with the largest share of each pixel, -1 for none.

    Args:
        pictures: of the hypotheses, one after the other.
        total: float32 [n, gh, gw], their costs on a grid over the picture.
        size: of the result.
        settings: how.
    """
    settings = settings or BlendSettings()
    mean, best = _Mean(size), _Mean(size)
    parts = zip(pictures, shares(total, settings.power), shares(total, np.inf), strict=True)
    for picture, share, alone in parts:
        mean.add(picture, share, settings.feather)
        if settings.fine:
            best.add(picture, alone, settings.feather)
    rgb, source = mean.result()
    if not settings.fine:
        return rgb, source
    shown = source != NONE
    return np.asarray(rgb + np.where(shown[..., None], fine(best.result()[0] - rgb, shown), 0), np.float32), source


class _Mean:
    """A weighted mean of pictures that is added up one by one."""

    def __init__(self, size: Size) -> None:
        self._size = size
        self._sum = np.zeros((*size, 3), np.float32)
        self._weight = np.zeros(size, np.float32)
        self._sources: dict[int, Float] = {}

    def add(self, picture: Picture, share: Float, feather: float) -> None:
        """Add a picture with its share of each cell, feathered."""
        if not share.any():
            return
        smooth = stretched(np.asarray(cv2.GaussianBlur(share, (0, 0), feather), np.float32), *self._size)
        weight = np.asarray(smooth * picture.valid, np.float32)
        self._sum += weight[..., None] * picture.rgb
        self._weight += weight
        self._sources[picture.source] = self._sources.get(picture.source, np.float32(0)) + weight

    def result(self) -> tuple[Float, NDArray[np.int16]]:
        """Return the mean, and the source with the largest weight of each pixel."""
        source, most = np.full(self._size, NONE, np.int16), np.full(self._size, SEEN, np.float32)
        for number, weight in self._sources.items():
            better = weight > most
            source[better], most[better] = number, weight[better]
        return np.asarray(self._sum / np.maximum(self._weight, 1e-6)[..., None], np.float32), source
