"""All scores of painted pixels, the random-feature distance among them: what imports torch in the evaluation."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from deocclude.evaluation.content import Scores, score
from deocclude.images import RGBArray
from deocclude.nets.random_features import random_feature_distance


def all_scores(painted: RGBArray, truth: RGBArray, where: NDArray[np.bool_]) -> Scores:
    """Return what :func:`~deocclude.evaluation.content.score` does, and ``rfd``, over the pixels of ``where``.

    Args:
        painted: uint8 [h, w, 3]; the truth outside of what was painted.
        truth: uint8 [h, w, 3].
        where: bool [h, w], the pixels to score, at least one.
    """
    x, y = painted.astype(np.float64), truth.astype(np.float64)
    return score(x, y, where) | {"rfd": feature_distance(x, y, where)}


def feature_distance(x: NDArray[np.float64], y: NDArray[np.float64], where: NDArray[np.bool_]) -> float:
    """Return :func:`random_feature_distance` with its published weights over ``where``.

    Args:
        x: float64 [h, w, 3] in 0..255; equal to ``y`` outside of what was painted.
        y: the same shape.
        where: bool [h, w].
    """
    a, b = (torch.from_numpy(np.moveaxis(image / 255, 2, 0)[None].astype(np.float32)) for image in (x, y))
    return float(random_feature_distance(a, b, torch.from_numpy(where[None, None]))[0])
