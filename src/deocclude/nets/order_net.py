"""A small network that looks at two visible masks and says which is in front, learned from annotated orders.

After OrderNet (Zhu et al., "Semantic Amodal Segmentation", CVPR 2017) as Zhan et al. (CVPR 2020, Table 1) compare with
it: masks only, both input orders averaged. Far smaller than their residual network.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deocclude.masks import BoolArray

LEVELS = (1, 2, 4, 4)
LARGEST_BATCH = 256


class OrderNet(nn.Module):
    """Four times convolution, batch norm, ReLU at half the size of before; then the mean and one number.

    Args:
        width: channels of the first level.
    """

    in_channels = 2
    stride = 2 ** len(LEVELS)

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.width = width
        channels = [self.in_channels, *(width * factor for factor in LEVELS)]
        self.levels = nn.Sequential(*(_level(a, b) for a, b in pairwise(channels)))
        self.head = nn.Linear(2 * channels[-1], 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logit [B] that the first mask is in front, for float32 [B, 2, H, W] in 0..1."""
        x = self.levels(x)
        pooled = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        logit: Tensor = self.head(pooled)[:, 0]
        return logit


def front_probability(net: nn.Module, pairs: Tensor) -> Tensor:
    """Return the probability [n] that the first of two masks is in front, averaged over both orders of the input.

    Args:
        net: an :class:`OrderNet`.
        pairs: float32 [n, 2, s, s].
    """
    return (torch.sigmoid(net(pairs)) + 1 - torch.sigmoid(net(pairs.flip(1)))) / 2


@torch.inference_mode()
def ask(net: nn.Module, pairs: BoolArray) -> NDArray[np.float64]:
    """Return :func:`front_probability` of pairs bool [n, 2, s, s], float64 [n]."""
    parts = torch.from_numpy(pairs).to(torch.float32).split(LARGEST_BATCH)
    found = [front_probability(net, part).to(torch.float64).numpy() for part in parts]
    return np.concatenate(found) if found else np.zeros(0)


def _level(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, 2, 1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))
