"""Networks that paint hidden pixels with the help of a reference: the published one, and its successor.

Both take the same planes and return RGB, to be trained and compared alike. The published net is that of
An et al., "Better Image De-occlusion Using Similar Images": six layers, which see 13 pixels. Its successor corrects
what PCNet-C painted by a part of what an aligned reference shows; its gate starts closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from deocclude.nets.gated import GatedConv, Residual, Up, pull_push
from deocclude.nets.planes import HOLE, OWN, PLANES, RGB, SEEN, check_planes

BASE, ALIGNED, VALID = slice(6, 9), slice(9, 12), slice(12, 13)
LOOSE, SHOWN = slice(13, 16), slice(16, 17)
GIVEN = 17
"""Planes: those of :mod:`deocclude.nets.planes`; 6-8 the same with the hole as PCNet-C painted it; 9-11 the reference
laid over the picture, 0 where it says nothing, and 12 where it says something; 13-15 the reference as it is, scaled to
the patch, and 16 where it is. Colours are 0..1."""

PUBLISHED = 12
CHANNELS = (32, 48, 96, 128, 160)
"""Channels of each level of the successor at width 1, fine to coarse."""
DILATIONS = (1, 2, 4)
DESCRIPTOR = 64
STEEP = 6.0
"""Agreement is exp(-STEEP times the mean difference of the colours)."""
OPENED = -1.0
"""What the gate's logit starts from."""
SHUT = 0.1
"""Gates below about this are exactly 0, so that a useless reference changes nothing at all."""
OUTPUTS = 6
"""Gate, two shares, a free correction of R, G, B."""


class Conv3Deconv3(nn.Module):
    """The published net: three convolutions and three transposed ones at full scale, ReLU between them.

    Width, kernel and activation are not stated in the paper; these are the ones whose cost fits what it reports.

    Args:
        width: channels of the inner layers.
        kernel: side of all windows, odd.
    """

    def __init__(self, width: int = 64, kernel: int = 3) -> None:
        super().__init__()
        self.width, self.kernel = width, kernel
        self.in_channels, self.stride = GIVEN, 1
        padding = kernel // 2
        layers: list[nn.Module] = []
        for inputs in (PUBLISHED, width, width):
            layers += [nn.Conv2d(inputs, width, kernel, padding=padding), nn.ReLU(inplace=True)]
        for outputs in (width, width):
            layers += [nn.ConvTranspose2d(width, outputs, kernel, padding=padding), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers, nn.ConvTranspose2d(width, 3, kernel, padding=padding))

    def forward(self, given: Tensor) -> Tensor:
        """Return RGB float32 [B, 3, H, W], about 0..1, for planes [B, 17, H, W].

        Raises:
            ValueError: another number of planes.
        """
        check_planes(given, self.stride, GIVEN)
        rgb: Tensor = self.layers(published_planes(given)).float()
        return rgb


def published_planes(given: Tensor) -> Tensor:
    """Return the twelve channels of the paper, [B, 12, H, W], of the planes [B, 17, H, W].

    Occluded RGB, modal mask, occluder, amodal mask, what PCNet-C painted, reference. The reference is not aligned.
    """
    modal, hole = given[:, OWN], given[:, HOLE]
    occluder = (1 - given[:, SEEN]).clamp(min=0)
    amodal = (modal + hole).clamp(max=1)
    return torch.cat([given[:, RGB], modal, occluder, amodal, given[:, BASE], given[:, LOOSE]], 1)


@dataclass(frozen=True, eq=False)
class Comparison:
    """What can be said about a reference without learning.

    Attributes:
        drift: [B, 3, H, W], photo minus reference where both are seen, continued smoothly over the rest.
        agreement: [B, 1, H, W], 1 where the two agree, 0 where they do not or nothing can be said; continued likewise.
    """

    drift: Tensor
    agreement: Tensor


@torch.no_grad()
def compare(given: Tensor) -> Comparison:
    """Compare an aligned reference with the visible pixels of the photo, planes [B, 17, H, W]."""
    planes = given.float()
    seen, valid = planes[:, SEEN], planes[:, VALID]
    both = (seen * valid).contiguous()
    difference = (planes[:, RGB] - planes[:, ALIGNED]) * both
    size = difference.abs().mean(1, keepdim=True)
    spread = pull_push(torch.cat([difference, size], 1).contiguous(), both)
    spread = spread * valid * (both.amax((1, 2, 3), keepdim=True) > 0)
    known = valid * (both.amax((1, 2, 3), keepdim=True) > 0)
    return Comparison(spread[:, :3], torch.exp(-STEEP * spread[:, 3:]) * known)


@dataclass(frozen=True, eq=False)
class Decision:
    """What the successor does with a reference; all [B, n, H, W].

    Attributes:
        gate: 0..1, how far what PCNet-C painted is corrected.
        shares: how much of the reference, and of its drift, the correction has.
        free: the rest of the correction, R, G, B.
    """

    gate: Tensor
    shares: Tensor
    free: Tensor

    def apply(self, given: Tensor, drift: Tensor) -> Tensor:
        """Return RGB [B, 3, H, W] of planes [B, 17, H, W] of the decision's size."""
        base, valid = given[:, BASE], given[:, VALID]
        step = self.shares[:, :1] * (given[:, ALIGNED] - base) + self.shares[:, 1:] * drift
        return base + self.gate * (step * valid + self.free)


class ReferenceAttention(nn.Module):
    """Looks up in a reference that is not aligned what resembles each place of the picture, at an eighth of the scale.

    Picture and reference are described by the same convolutions, so alike places are near each other from the start.
    Descriptions have a fixed length: what is added depends on what is there, never on how large the numbers grew.

    Args:
        channels: of the features that it adds to.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.describe = nn.Sequential(
            nn.Conv2d(48, DESCRIPTOR, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(DESCRIPTOR, DESCRIPTOR, 3, stride=2, padding=1),
        )
        self.sharpness = nn.Parameter(torch.tensor(2.5))
        self.out = nn.Conv2d(2 * DESCRIPTOR + 13, channels, 1)

    def forward(self, features: Tensor, picture: Tensor, loose: Tensor, shown: Tensor) -> Tensor:
        """Return ``features`` [B, C, H/8, W/8] with what was found added.

        Args:
            features: of the picture.
            picture: [B, 3, H, W] in -1..1.
            loose: [B, 3, H, W] in -1..1, the reference.
            shown: [B, 1, H, W], where the reference is.
        """
        wanted, offered, likeness = self._likeness(picture, loose)
        there = functional.avg_pool2d(shown, 8).flatten(2) >= 0.5
        colours = functional.pixel_unshuffle(functional.avg_pool2d(loose, 4), 2)
        values = torch.cat([offered, colours.float()], 1).flatten(2)
        found = (self._weights(likeness, there) @ values.transpose(1, 2)).transpose(1, 2)
        best = likeness.masked_fill(~there, -1.0).amax(-1)[:, None]
        found = torch.cat([found, best], 1).unflatten(2, wanted.shape[2:])
        added: Tensor = self.out(torch.cat([wanted, found], 1).to(features.dtype))
        return features + added * there.any(2)[:, :, None, None]

    def weights(self, picture: Tensor, loose: Tensor, shown: Tensor) -> Tensor:
        """Return how much each place of the picture looks at each place of the reference, [B, n, m], rows sum to 1."""
        likeness = self._likeness(picture, loose)[2]
        return self._weights(likeness, functional.avg_pool2d(shown, 8).flatten(2) >= 0.5)

    def _likeness(self, picture: Tensor, loose: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the descriptions of both, of length 1, and the cosine of each pair of places, float32 [B, n, m]."""
        wanted, offered = (
            functional.normalize(self.describe(functional.pixel_unshuffle(part, 4)).float(), dim=1)
            for part in (picture, loose)
        )
        return wanted, offered, wanted.flatten(2).transpose(1, 2) @ offered.flatten(2)

    def _weights(self, likeness: Tensor, there: Tensor) -> Tensor:
        return torch.softmax(likeness * self.sharpness.exp() - 1e4 * ~there, -1)


class FusionNet(nn.Module):
    """What PCNet-C painted, plus a gated correction that a reference suggests; without one, exactly what it painted.

    A folded U-Net (:class:`deocclude.nets.gated.GatedUNet`) that sees all of a patch. A new net returns exactly what
    PCNet-C painted: do not initialise its last layer again.

    Args:
        width: channel factor.
        levels: scales, 3 to 5.
        fold: every ``fold`` x ``fold`` pixels become the channels of one; 1, 2 or 4.
        align: look at the aligned reference; if not, only at the one that is not aligned (ablation).
        gate: correct through a gate; if not, everywhere (ablation).
        attention: look at references that are not aligned, at an eighth of the scale; with ``fold`` 1 that takes 4
            levels.

    Raises:
        ValueError: another number of levels, or another fold.
    """

    def __init__(
        self,
        width: float = 1.0,
        levels: int = 4,
        fold: int = 2,
        *,
        align: bool = True,
        gate: bool = True,
        attention: bool = True,
    ) -> None:
        super().__init__()
        if not 3 <= levels <= len(CHANNELS) or fold not in (1, 2, 4):
            raise ValueError(f"levels must be 3 to {len(CHANNELS)} and fold 1, 2 or 4, found {levels} and {fold}")
        self.width, self.levels, self.fold, self.align, self.gate = width, levels, fold, align, gate
        self.in_channels, self.stride = GIVEN, max(8, fold * 2 ** (levels - 1))
        channels = [round(width * count) for count in CHANNELS[:levels]]
        self.down = nn.ModuleList([GatedConv(17 * fold**2, channels[0])])
        for fine, coarse in pairwise(channels):
            again = GatedConv(coarse, coarse, gated=False)
            self.down.append(nn.Sequential(GatedConv(fine, coarse, stride=2), again))
        self.wide = nn.Sequential(*(Residual(channels[-1], dilation) for dilation in DILATIONS))
        self.up = nn.ModuleList(Up(channels[k], channels[k - 1]) for k in range(levels - 1, 0, -1))
        self.level = {1: 3, 2: 2, 4: 1}[fold]
        if attention and self.level >= levels:
            raise ValueError(f"attention with fold {fold} takes {self.level + 1} levels or more, found {levels}")
        self.attention = ReferenceAttention(channels[self.level]) if attention else None
        self.head = nn.Conv2d(channels[0], OUTPUTS * fold**2, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        assert self.head.bias is not None
        nn.init.zeros_(self.head.bias)

    def forward(self, given: Tensor) -> Tensor:
        """Return RGB float32 [B, 3, H, W], about 0..1, for planes [B, 17, H, W].

        Raises:
            ValueError: another number of planes, or a side that is no multiple of :attr:`stride`.
        """
        decision, drift = self.decide(given)
        return decision.apply(given.float(), drift)

    def decide(self, given: Tensor) -> tuple[Decision, Tensor]:
        """Return what to do with the reference, and the drift it refers to; arguments as in :meth:`forward`."""
        check_planes(given, self.stride, GIVEN)
        if not self.align:
            given = torch.cat([given[:, : ALIGNED.start], torch.zeros_like(given[:, 9:13]), given[:, LOOSE.start :]], 1)
        told = compare(given)
        x = self._encoded(given, told)
        with torch.autocast(given.device.type, enabled=False):
            values = functional.pixel_shuffle(self.head(x.float()), self.fold)
        gate = functional.relu((1 + SHUT) * torch.sigmoid(values[:, :1] + OPENED) - SHUT)
        gate = gate if self.gate else torch.ones_like(gate)
        present = (given[:, VALID] + self._loose(given)).amax((1, 2, 3), keepdim=True) > 0
        return Decision(gate * present, values[:, 1:3], values[:, 3:]), told.drift

    def _loose(self, given: Tensor) -> Tensor:
        """Return where a reference that is not aligned counts, [B, 1, H, W]."""
        return given[:, SHOWN] if self.attention is not None else torch.zeros_like(given[:, SHOWN])

    def _encoded(self, given: Tensor, told: Comparison) -> Tensor:
        valid, picture = given[:, VALID], 2 * given[:, BASE] - 1
        parts = [
            picture,
            4 * (given[:, ALIGNED] - given[:, BASE]) * valid,
            (2 * given[:, ALIGNED] - 1) * valid,
            4 * told.drift,
            given[:, SEEN], given[:, OWN], given[:, HOLE], valid, told.agreement,
        ]  # fmt: skip
        x: Tensor = functional.pixel_unshuffle(torch.cat(parts, 1), self.fold)
        x = x.contiguous(memory_format=torch.channels_last)
        skips: list[Tensor] = []
        for level, block in enumerate(self.down):
            x = block(x)
            if level == self.level and self.attention is not None:
                x = self.attention(x, picture, 2 * given[:, LOOSE] - 1, given[:, SHOWN])
            skips.append(x)
        x = self.wide(skips.pop())
        for block in self.up:
            x = block(x, skips.pop())
        return x


def join_planes(planes: Tensor, base: Tensor, aligned: Tensor, loose: Tensor) -> Tensor:
    """Return the input of the nets, [B, 17, H, W].

    Args:
        planes: [B, 6, H, W], see :mod:`deocclude.nets.planes`.
        base: [B, 3, H, W], what PCNet-C painted; it counts in the hole only.
        aligned: [B, 4, H, W], the aligned reference and where it says something.
        loose: [B, 4, H, W], the reference as it is and where it is.
    """
    assert planes.shape[1] == PLANES
    base = planes[:, RGB] + base * (planes[:, HOLE] - planes[:, SEEN]).clamp(min=0)
    return torch.cat([planes, base, aligned[:, :3] * aligned[:, 3:], aligned[:, 3:], loose], 1)
