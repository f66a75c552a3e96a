"""A perceptual distance without downloaded weights: features of a small convolutional stack with frozen random weights.

Randomly initialised networks serve in perceptual losses, too (Liu et al., "Generic Perceptual Loss for Modeling
Structured Output Dependencies", CVPR 2021; for style Ustyuzhaninov et al., "Texture Synthesis Using Shallow
Convolutional Networks with Random Filters", 2016). The weights follow from a published seed, so distances of two
machines agree. The distance is called RFD; it is not LPIPS.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

SEED = 20_200_614
"""Of the published weights."""
CHANNELS = (32, 64, 128)
CALIBRATION = (8, 128)
"""Number and side of the synthetic pictures that the whitening constants come from."""


class RandomFeatures(nn.Module):
    """Three depths of features: 3x3 convolution, ReLU, average pooling; each channel whitened.

    Weights are drawn as He et al. (2015) do, from NumPy's PCG64. Nothing in it is trained. Three quarters of the first
    filters sum to zero, so that structure weighs more than the level of the colours, as in trained networks.

    Args:
        channels: of each depth.
        seed: of the weights.
    """

    def __init__(self, channels: Sequence[int] = CHANNELS, seed: int = SEED) -> None:
        super().__init__()
        self.channels, self.seed = tuple(channels), seed
        rng = np.random.default_rng(seed)
        pictures = torch.from_numpy(calibration_pictures(np.random.default_rng((seed, 1))))
        for depth, (inputs, outputs) in enumerate(zip((3, *channels), channels, strict=False)):
            weight = rng.standard_normal((outputs, inputs, 3, 3)) * np.sqrt(2 / (9 * inputs))
            if depth == 0:
                weight[outputs // 4 :] -= weight[outputs // 4 :].mean((2, 3), keepdims=True)
            self.register_buffer(f"weight{depth}", torch.from_numpy(weight.astype(np.float32)), persistent=False)
            self.register_buffer(f"shift{depth}", torch.zeros(outputs), persistent=False)
            self.register_buffer(f"scale{depth}", torch.ones(outputs), persistent=False)
        self._whiten(pictures)
        self.eval()

    @torch.no_grad()
    def _whiten(self, pictures: Tensor) -> None:
        """Give every channel mean 0 and deviation 1 on ``pictures``, depth after depth."""
        x = 2 * pictures - 1
        for depth in range(len(self.channels)):
            x = functional.conv2d(x, self.get_buffer(f"weight{depth}"), padding=1)
            self.get_buffer(f"shift{depth}").copy_(x.mean((0, 2, 3)))
            self.get_buffer(f"scale{depth}").copy_(1 / x.std((0, 2, 3)).clamp(min=1e-3))
            x = self._activate(x, depth)

    def _activate(self, x: Tensor, depth: int) -> Tensor:
        shift, scale = self.get_buffer(f"shift{depth}"), self.get_buffer(f"scale{depth}")
        x = functional.relu((x - shift[:, None, None]) * scale[:, None, None])
        return functional.avg_pool2d(x, 2)

    def forward(self, rgb: Tensor) -> list[Tensor]:
        """Return features [B, C, H / 2, W / 2], [B, C', H / 4, W / 4], ... of RGB float32 [B, 3, H, W] in 0..1."""
        x, found = 2 * rgb - 1, []
        for depth in range(len(self.channels)):
            x = self._activate(functional.conv2d(x, self.get_buffer(f"weight{depth}"), padding=1), depth)
            found.append(x)
        return found


def calibration_pictures(rng: np.random.Generator) -> NDArray[np.float32]:
    """Return synthetic pictures float32 [n, 3, s, s] in 0..1 with noise of all scales, as photos have (1/f)."""
    count, side = CALIBRATION
    total = np.zeros((count, 3, side, side))
    for octave in range(7):
        small = rng.standard_normal((count, 3, 2**octave, 2**octave))
        total += 0.6**octave * np.kron(small, np.ones((side >> octave, side >> octave)))
    return np.clip(0.5 + 0.2 * total, 0, 1).astype(np.float32)


@cache
def published_features() -> RandomFeatures:
    """Return the stack that the published distance uses; one for the whole process, on the CPU."""
    return RandomFeatures()


@torch.inference_mode()
def random_feature_distance(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """Return the random-feature distance of two pictures inside a mask; 0 is equal, lower is nearer.

    Mean over the depths of the mean absolute difference of the features, weighted by how much of the mask lies under
    each of them. Outside the mask the pictures should be equal (a composite and the truth).

    Args:
        a: float32 [B, 3, H, W] in 0..1; sides of 8 pixels or more.
        b: the same shape.
        mask: bool or float [B, 1, H, W].

    Returns:
        float32 [B]; 0 where the mask is empty.
    """
    stack = published_features()
    weight = mask.to(torch.float32)
    total = torch.zeros(len(a), device=a.device)
    for first, second in zip(stack(a), stack(b), strict=True):
        share = functional.adaptive_avg_pool2d(weight, first.shape[2:])
        difference = (first - second).abs().mean(1, keepdim=True)
        total += (difference * share).sum((1, 2, 3)) / share.sum((1, 2, 3)).clamp(min=1e-6)
    return total / len(stack.channels)
