"""A network that looks at two neighbours and says for each of them whether it hides part of the other.

Learned from scenes whose order is known because they were made up, so it needs no labels: what
Zhan et al. (CVPR 2020, Table 1) call OrderNet learns annotated orders. It begins as the encoder of the mask network,
which already knows how outlines go on.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from deocclude.nets.unet import ENCODER, ConvPair

PLANES = 4
"""Inputs: the first mask, the second, beyond the photo, all other objects."""
FOLD = 2
"""As in the shipped mask network: every 2 x 2 pixels become the channels of one."""
HIDDEN = 64


class PairNet(nn.Module):
    """One encoder for two windows, the mean and maximum of its two deepest levels, and two numbers.

    Args:
        width: channel factor, see :class:`deocclude.nets.unet.UNet`; 1 has 657,762 parameters.
    """

    stride = FOLD * 2 ** (len(ENCODER) - 1)

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        self.width = width
        channels = [round(width * count) for count in ENCODER]
        inputs = [PLANES * FOLD**2, *channels[:-1]]
        self.down = nn.ModuleList(ConvPair(a, b) for a, b in zip(inputs, channels, strict=True))
        self.head = nn.Sequential(
            nn.Linear(4 * (channels[-1] + channels[-2]), HIDDEN),
            nn.ReLU(inplace=True),
            nn.Dropout(0.2),
            nn.Linear(HIDDEN, 2),
        )

    def forward(self, near: Tensor, wide: Tensor) -> Tensor:
        """Return logits [B, 2]: the first hides part of the second, and the second part of the first.

        Args:
            near: float32 [B, 4, H, W] in 0..1, the surroundings of the smaller of the two.
            wide: float32 [B, 4, h, w] in 0..1, those of both. Sides are multiples of :attr:`stride`.
        """
        logits: Tensor = self.head(torch.cat([self._seen(near), self._seen(wide)], 1))
        return logits

    def _seen(self, x: Tensor) -> Tensor:
        x = functional.pixel_unshuffle(x, FOLD)
        found: list[Tensor] = []
        for level, pair in enumerate(self.down):
            x = pair(x if level == 0 else functional.max_pool2d(x, 2))
            found += [x.mean((2, 3)), x.amax((2, 3))] if level >= len(self.down) - 2 else []
        return torch.cat(found, 1)


def both_ways(net: nn.Module, near: Tensor, wide: Tensor) -> Tensor:
    """Return the logits [B, 2] of a :class:`PairNet`, averaged over both orders of the two masks."""
    logits = net(near, wide) + net(swapped(near), swapped(wide)).flip(1)
    return torch.as_tensor(logits / 2)


def swapped(planes: Tensor) -> Tensor:
    """Return the planes [B, 4, H, W] with the two masks exchanged."""
    return planes[:, [1, 0, 2, 3]]
