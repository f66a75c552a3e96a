"""Losses of the networks."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def weighted_cross_entropy(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return the pixel cross-entropy averaged over *all* pixels, not divided by the sum of the weights.

    As in Zhan et al. (CVPR 2020): weight 5 inside the eraser and 1 elsewhere.

    Args:
        logits: float32 [n, 2, h, w].
        target: bool [n, h, w].
        weight: float32 [n, h, w].
    """
    # With two classes cross-entropy is the logistic loss of the difference of the logits, which is cheaper.
    margin = (logits[:, 1] - logits[:, 0]).to(torch.float32)
    return (
        functional.binary_cross_entropy_with_logits(margin, target.to(margin.dtype), reduction="none") * weight
    ).mean()
