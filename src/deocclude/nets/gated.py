"""A fast content network for CPUs: it corrects a smooth fill of the hole instead of painting from nothing.

A U-Net whose encoder multiplies features by learned gates (Yu et al., "Free-Form Image Inpainting with Gated
Convolution", ICCV 2019; gates from 1x1 convolutions as in Yi et al., "Contextual Residual Aggregation", CVPR 2020),
with dilated convolutions at the coarsest scale. The smooth fill is pull-push interpolation (Gortler et al., "The
Lumigraph", SIGGRAPH 1996) of the object's own pixels, so an untrained net already paints as well as diffusion does.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from deocclude.nets.planes import HOLE, OWN, PLANES, RGB, SEEN, check_planes

CHANNELS = (32, 64, 128, 192, 256)
"""Channels of each level at width 1, fine to coarse."""
DILATIONS = (1, 2, 4)
FOREIGN = 1e-6
"""Weight of a seen pixel that is not the object's own in the smooth fill: it counts only where nothing own is."""
GREY = 0.5
SWEEPS = 2


class GatedConv(nn.Module):
    """3x3 convolution, batch norm, ReLU, times a gate in 0..1 for each channel and pixel (if ``gated``)."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1, dilation: int = 1, gated: bool = True) -> None:
        super().__init__()
        self.stride = stride
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.gate = nn.Conv2d(inputs, outputs, 1) if gated else None

    def forward(self, x: Tensor) -> Tensor:
        """Return features [B, outputs, H / stride, W / stride]."""
        features: Tensor = functional.relu(self.norm(self.conv(x)), inplace=True)
        if self.gate is None:
            return features
        if self.stride > 1:
            # Not a stride of the 1x1 convolution: oneDNN (torch 2.13) writes past the end of memory in its gradient.
            x = x[..., :: self.stride, :: self.stride].contiguous(memory_format=torch.channels_last)
        gated: Tensor = features * torch.sigmoid(self.gate(x))
        return gated


class Residual(nn.Module):
    """Dilated gated convolution, added to its input."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.body = GatedConv(channels, channels, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape."""
        found: Tensor = x + self.body(x)
        return found


class Up(nn.Module):
    """Twice the scale: fewer channels, enlargement, plus the encoder's features, one convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(inputs, outputs, 1)
        self.body = GatedConv(outputs, outputs, gated=False)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Return features of the shape of ``skip``."""
        coarse = functional.interpolate(self.narrow(x), scale_factor=2, mode="bilinear", align_corners=False)
        found: Tensor = self.body(coarse + skip)
        return found


class GatedUNet(nn.Module):
    """Smooth fill plus a learned correction, which is zero in a new net: do not initialise its last layer again.

    Args:
        width: channel factor.
        levels: scales, 2 to 5; the coarsest is ``2 ** (levels - 1)`` times smaller than the finest.
        fold: every ``fold`` x ``fold`` pixels become the channels of one, as in :class:`deocclude.nets.unet.UNet`.

    Raises:
        ValueError: another number of levels.
    """

    def __init__(self, width: float = 1.0, levels: int = 4, fold: int = 2) -> None:
        super().__init__()
        if not 2 <= levels <= len(CHANNELS):
            raise ValueError(f"levels must be 2 to {len(CHANNELS)}, found {levels}")
        self.width, self.levels, self.fold = width, levels, fold
        self.in_channels, self.stride = PLANES, fold * 2 ** (levels - 1)
        channels = [round(width * count) for count in CHANNELS[:levels]]
        inputs = (PLANES + 3) * fold**2
        self.down = nn.ModuleList([GatedConv(inputs, channels[0])])
        for fine, coarse in pairwise(channels[:-1]):
            again = GatedConv(coarse, coarse, gated=False)
            self.down.append(nn.Sequential(GatedConv(fine, coarse, stride=2), again))
        self.down.append(GatedConv(channels[-2], channels[-1], stride=2))
        self.wide = nn.Sequential(*(Residual(channels[-1], dilation) for dilation in DILATIONS))
        self.up = nn.ModuleList(Up(channels[k], channels[k - 1]) for k in range(levels - 1, 0, -1))
        self.head = nn.Conv2d(channels[0], 3 * fold**2, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        assert self.head.bias is not None
        nn.init.zeros_(self.head.bias)

    def forward(self, planes: Tensor) -> Tensor:
        """Return RGB float32 [B, 3, H, W], about 0..1, for planes [B, 6, H, W] (see :mod:`deocclude.nets.planes`).

        Raises:
            ValueError: another number of planes, or a side that is no multiple of :attr:`stride`.
        """
        check_planes(planes, self.stride)
        smooth = smooth_fill(planes)
        detail = (planes[:, RGB] - smooth) * planes[:, SEEN]
        given = torch.cat([4 * detail, 2 * smooth - 1, planes[:, SEEN], planes[:, OWN], planes[:, HOLE]], 1)
        x = functional.pixel_unshuffle(given, self.fold).contiguous(memory_format=torch.channels_last)
        skips: list[Tensor] = []
        for block in self.down:
            x = block(x)
            skips.append(x)
        x = self.wide(skips.pop())
        for block in self.up:
            x = block(x, skips.pop())
        with torch.autocast(planes.device.type, enabled=False):
            correction = functional.pixel_shuffle(self.head(x.float()), self.fold)
            rgb: Tensor = smooth + correction
        return rgb


@torch.no_grad()
def smooth_fill(planes: Tensor) -> Tensor:
    """Return the object's own colours continued smoothly over the whole patch, float32 [B, 3, H, W] in 0..1.

    Own pixels keep their colour. Other seen pixels take part only where no own pixel is near on any scale; with
    nothing seen at all the fill is grey.

    Args:
        planes: float32 [B, 6, H, W] (see :mod:`deocclude.nets.planes`).
    """
    weight = planes[:, OWN] + FOREIGN * (planes[:, SEEN] - planes[:, OWN]).clamp(min=0)
    return pull_push(planes[:, RGB].float().contiguous(), weight.float().contiguous())


def pull_push(values: Tensor, weight: Tensor) -> Tensor:
    """Interpolate where the weight, [B, 1, H, W] in 0..1, is below 1; sums of slices are far faster than pooling."""
    height, width = weight.shape[2:]
    if height % 2 or width % 2:
        total = weight.sum((2, 3), keepdim=True)
        below = ((values * weight).sum((2, 3), keepdim=True) + GREY * FOREIGN**2) / (total + FOREIGN**2)
        return torch.lerp(below, values, weight)
    share = _sum_of_four(weight)
    coarse = pull_push(_sum_of_four(values * weight) / share.clamp(min=FOREIGN**3), share.clamp(max=1))
    result = torch.lerp(_enlarge(coarse), values, weight)
    for _ in range(SWEEPS):
        result = torch.lerp(_blur(result), values, weight)
    return result


def _sum_of_four(x: Tensor) -> Tensor:
    upper, lower = x[..., ::2, :], x[..., 1::2, :]
    return upper[..., ::2] + upper[..., 1::2] + lower[..., ::2] + lower[..., 1::2]


def _enlarge(x: Tensor) -> Tensor:
    batch, channels, height, width = x.shape
    twice = x[:, :, :, None, :, None].expand(-1, -1, -1, 2, -1, 2)
    return twice.reshape(batch, channels, 2 * height, 2 * width)


def _blur(x: Tensor) -> Tensor:
    """Return the mean of 3x3 pixels."""
    x = functional.pad(x, (1, 1, 1, 1), mode="replicate")
    rows = x[..., :-2, :] + x[..., 1:-1, :] + x[..., 2:, :]
    return (rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]) / 9
