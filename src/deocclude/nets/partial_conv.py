"""The content network of PCNet-C: a U-Net of partial convolutions, which look only at pixels that are known.

Liu et al., "Image Inpainting for Irregular Holes Using Partial Convolutions", ECCV 2018; as the generator of Zhan et
al., "Self-Supervised Scene De-occlusion", CVPR 2020, with one more input channel for the object's visible mask.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from deocclude.errors import unknown_choice
from deocclude.nets.planes import OWN, PLANES, RGB, SEEN, check_planes

ENCODER = ((64, 7), (128, 5), (256, 5), (512, 3), (512, 3), (512, 3), (512, 3))
"""Channels and kernel of each level."""
SCALING = ("window", "sum")
COLOUR_MEAN = (0.485, 0.456, 0.406)
COLOUR_STD = (0.229, 0.224, 0.225)
Masked = tuple[Tensor, Tensor]
"""Features [B, C, H, W] and their mask [B, 1, H, W] of zeros and ones, one plane for all channels."""


class PartialConv(nn.Module):
    """A convolution over known pixels: unknown ones are zeroed, and the answer is scaled up for what is missing.

    The input comes in groups of channels (a decoder joins two) of which each has a single mask plane; the result is
    that of the usual code with a mask channel for each feature channel, at half the cost.

    Args:
        groups: channels of each group.
        outputs: output channels.
        kernel: odd side of the window; the padding is half of it.
        stride: step of the window.
        bias: whether a bias is added where anything is known.
        scaling: ``window`` multiplies by window size / known entries (Liu et al.); ``sum`` divides by the known
            entries (the code of Zhan et al.), which makes answers smaller by a constant factor.
        counted: channels of each group that count as entries; all if not given. The released weights do not count the
            mask channel of the input.

    Raises:
        InputError: unknown scaling.
    """

    def __init__(
        self,
        groups: Sequence[int],
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        bias: bool = False,
        scaling: str = "window",
        counted: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        if scaling not in SCALING:
            raise unknown_choice("scaling", scaling, SCALING)
        self.conv = nn.Conv2d(sum(groups), outputs, kernel, stride, kernel // 2, bias=False)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self._counted = tuple(groups if counted is None else counted)
        self._full = sum(self._counted) * kernel**2 if scaling == "window" else 1

    def forward(self, groups: Sequence[Masked]) -> Masked:
        """Return features and mask: 1 where the window holds anything known, features are 0 elsewhere."""
        features = self.conv(torch.cat([values * mask for values, mask in groups], 1))
        entries = sum(count * self._known(mask) for count, (_, mask) in zip(self._counted, groups, strict=True))
        assert isinstance(entries, Tensor)
        known = (entries > 0.5).to(entries.dtype)
        features = features * (known * self._full / entries.clamp(min=1)).to(features.dtype)
        if self.bias is not None:
            features = features + self.bias[:, None, None] * known
        return features, known

    def _known(self, mask: Tensor) -> Tensor:
        """Return the number of known pixels in each window."""
        (kernel, _), (stride, _) = self.conv.kernel_size, self.conv.stride
        return functional.avg_pool2d(mask, kernel, stride, kernel // 2, divisor_override=1)


class PartialBlock(nn.Module):
    """Partial convolution, batch norm (not in the first layer), ReLU (leaky in the decoder)."""

    def __init__(self, conv: PartialConv, *, norm: bool = True, slope: float = 0.0) -> None:
        super().__init__()
        self.partial = conv
        self.norm = nn.BatchNorm2d(conv.conv.out_channels) if norm else nn.Identity()
        self.act = nn.LeakyReLU(slope, inplace=True) if slope else nn.ReLU(inplace=True)

    def forward(self, groups: Sequence[Masked]) -> Masked:
        """Return features and mask."""
        features, mask = self.partial(groups)
        return self.act(self.norm(features)), mask


class PartialConvUNet(nn.Module):
    """The generator of PCNet-C. It sees RGB where a pixel may be looked at, and which of them are the object's own.

    A new net is initialised for training (He et al. 2015).

    Training needs two samples a batch or more where the deepest map is a single pixel.

    Args:
        width: channel factor; 1 is the net of the paper (25.78 M parameters), 0.5 and 0.25 are smaller ones.
        levels: halvings of the scale, 1 to 7 (the paper's).
        scaling: see :class:`PartialConv`.

    Raises:
        ValueError: another number of levels.
        InputError: unknown scaling.
    """

    colour_mean: Tensor
    colour_std: Tensor

    def __init__(self, width: float = 1.0, levels: int = 7, scaling: str = "window") -> None:
        super().__init__()
        if not 1 <= levels <= len(ENCODER):
            raise ValueError(f"levels must be 1 to {len(ENCODER)}, found {levels}")
        self.width, self.levels, self.scaling = width, levels, scaling
        self.in_channels, self.stride = PLANES, 2**levels
        self.register_buffer("colour_mean", torch.tensor(COLOUR_MEAN)[:, None, None], persistent=False)
        self.register_buffer("colour_std", torch.tensor(COLOUR_STD)[:, None, None], persistent=False)
        channels = [4, *(round(width * wide) for wide, _ in ENCODER[:levels])]
        self.down = nn.ModuleList()
        for level in range(levels):
            counted = (3,) if level == 0 else None
            kernel = ENCODER[level][1]
            conv = PartialConv(
                channels[level : level + 1], channels[level + 1], kernel, stride=2, scaling=scaling, counted=counted
            )
            self.down.append(PartialBlock(conv, norm=level > 0))
        self.up = nn.ModuleList(
            PartialBlock(PartialConv((channels[k + 1], channels[k]), channels[k], 3, scaling=scaling), slope=0.2)
            for k in range(levels - 1, 0, -1)
        )
        self.head = PartialConv((channels[1], 4), 3, 3, bias=True, scaling=scaling, counted=(channels[1], 3))

    def forward(self, planes: Tensor) -> Tensor:
        """Return RGB float32 [B, 3, H, W], about 0..1, for planes [B, 6, H, W] (see :mod:`deocclude.nets.planes`).

        Raises:
            ValueError: another number of planes, or a side that is no multiple of :attr:`stride` (128 with all levels).
        """
        check_planes(planes, self.stride)
        seen = planes[:, SEEN]
        colour = (planes[:, RGB] - self.colour_mean) / self.colour_std
        skips: list[Masked] = [(torch.cat([colour, planes[:, OWN]], 1), seen)]
        for block in self.down:
            skips.append(block(skips[-1:]))
        current = skips.pop()
        for block in self.up:
            current = block([_twice(current), skips.pop()])
        with torch.autocast(planes.device.type, enabled=False):
            features, mask = _twice(current)
            painted, _ = self.head([(features.float(), mask), skips.pop()])
            rgb: Tensor = painted * self.colour_std + self.colour_mean
        return rgb


def _twice(masked: Masked) -> Masked:
    """Return features and mask at twice the size, pixels repeated."""
    features, mask = (functional.interpolate(part, scale_factor=2, mode="nearest") for part in masked)
    return features, mask
