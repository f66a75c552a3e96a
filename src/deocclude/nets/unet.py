"""The mask network of PCNet-M: a small U-Net that says for each pixel whether it belongs to the object.

Zhan et al., "Self-Supervised Scene De-occlusion", CVPR 2020; the backbone "unet2" of the released code, and the
same net in other widths and with more input channels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

ENCODER = (16, 32, 64, 128, 128)
DECODER = (64, 32, 16, 16)
STRIDE = 2 ** (len(ENCODER) - 1)


class ConvPair(nn.Sequential):
    """Twice: 3x3 convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class UNet(nn.Module):
    """U-Net with five levels, max pooling on the way down and bilinear enlargement on the way up.

    Args:
        width: channel factor; 2 is the net of the paper (32 to 256 channels, 3,352,002 parameters with two inputs),
            1, 0.5 and 0.25 are smaller ones (839,650, 210,738 and 53,098 parameters).
        in_channels: 2 in the paper: the visible mask of the object, and the eraser.
        classes: output channels; class 1 of 2 is "belongs to the object".
        fold: every ``fold`` x ``fold`` pixels become the channels of one (Shi et al., "Real-Time Single Image and Video
            Super-Resolution Using an Efficient Sub-Pixel CNN", CVPR 2016), and the answer is unfolded again; 2 makes
            the net four times as fast on patches of the same size. 1 in the paper.
    """

    def __init__(self, width: float = 1.0, in_channels: int = 2, classes: int = 2, fold: int = 1) -> None:
        super().__init__()
        down = [round(width * channels) for channels in ENCODER]
        up = [round(width * channels) for channels in DECODER]
        self.width, self.in_channels, self.classes, self.fold = width, in_channels, classes, fold
        self.stride = STRIDE * fold
        inputs = in_channels * fold**2
        self.down = nn.ModuleList(ConvPair(a, b) for a, b in zip([inputs, *down], down, strict=False))
        merged = [a + b for a, b in zip([down[-1], *up], reversed(down[:-1]), strict=False)]
        self.up = nn.ModuleList(ConvPair(a, b) for a, b in zip(merged, up, strict=True))
        self.head = nn.Conv2d(up[-1], classes * fold**2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [B, classes, H, W] for float32 [B, in_channels, H, W] in 0..1.

        Raises:
            ValueError: another number of channels, or a side that is no multiple of :attr:`stride` (16 times ``fold``).
        """
        if x.shape[1] != self.in_channels or x.shape[2] % self.stride or x.shape[3] % self.stride:
            raise ValueError(
                f"expected [B, {self.in_channels}, H, W] with sides that are multiples of {self.stride}, "
                f"found {list(x.shape)}"
            )
        x = functional.pixel_unshuffle(x, self.fold)
        skips: list[Tensor] = []
        for level, pair in enumerate(self.down):
            x = pair(x if level == 0 else functional.max_pool2d(x, 2))
            skips.append(x)
        skips.pop()
        for pair in self.up:
            x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
            x = pair(torch.cat([skips.pop(), x], 1))
        logits: Tensor = functional.pixel_shuffle(self.head(x), self.fold)
        return logits


def init_reference(net: nn.Module) -> None:
    """Initialise as the released code does: Xavier normal with gain 0.02, biases 0, norm weights N(1, 0.02)."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_normal_(module.weight, gain=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)


def init_kaiming(net: nn.Module) -> None:
    """Initialise convolutions for ReLU (He et al. 2015), biases 0; suits AdamW better than tiny weights."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
