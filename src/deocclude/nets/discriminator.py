"""The patch discriminator of PCNet-C: says for each 70x70 window whether it looks real.

Isola et al., CVPR 2017, with spectral norm (Miyato et al., ICLR 2018), as in Zhan et al., CVPR 2020, who end it in a
sigmoid; here the losses take raw logits.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

CHANNELS = (64, 128, 256, 512)
STRIDES = (2, 2, 2, 1)


class PatchDiscriminator(nn.Module):
    """Five 4x4 convolutions without bias, leaky ReLU between them.

    Args:
        width: channel factor; 1 is the net of the paper (2,764,800 weights).
        in_channels: RGB and the object's own visible mask.
    """

    def __init__(self, width: float = 1.0, in_channels: int = 4) -> None:
        super().__init__()
        self.width, self.in_channels = width, in_channels
        channels = [in_channels, *(round(width * count) for count in CHANNELS), 1]
        self.layers = nn.ModuleList()
        for inputs, outputs, stride in zip(channels[:-1], channels[1:], (*STRIDES, 1), strict=True):
            conv = nn.Conv2d(inputs, outputs, 4, stride, 1, bias=False)
            nn.init.normal_(conv.weight, 0.0, 0.02)
            self.layers.append(spectral_norm(conv))
        self.act = nn.LeakyReLU(0.2)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return logits [B, 1, H / 8 - 2, W / 8 - 2] and the features of the four layers before them.

        Args:
            x: float32 [B, in_channels, H, W]; sides of 32 pixels or more.
        """
        features: list[Tensor] = []
        for layer in self.layers[:-1]:
            x = self.act(layer(x))
            features.append(x)
        return self.layers[-1](x), features
