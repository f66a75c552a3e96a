"""The random-feature distance of two pictures as arrays; the only module of the evaluation that imports torch."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from deocclude.nets.random_features import random_feature_distance


def feature_distance(x: NDArray[np.float64], y: NDArray[np.float64], where: NDArray[np.bool_]) -> float:
    """Return :func:`random_feature_distance` with its published weights over ``where``.

    Args:
        x: float64 [h, w, 3] in 0..255; equal to ``y`` outside of what was painted.
        y: the same shape.
        where: bool [h, w].
    """
    a, b = (torch.from_numpy(np.moveaxis(image / 255, 2, 0)[None].astype(np.float32)) for image in (x, y))
    return float(random_feature_distance(a, b, torch.from_numpy(where[None, None]))[0])
