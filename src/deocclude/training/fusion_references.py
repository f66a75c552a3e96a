"""References made from a batch of photo patches: altered truth in several strengths, useless ones, and none.

Altered-GT of An et al. ("Better Image De-occlusion Using Similar Images") teaches to copy: a real reference never is
the truth. So references here come in kinds. Where a reference could be aligned in practice, it is laid over the patch
with the small errors that alignment leaves behind: it is moved, blurred, in other colours, and covers a part.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor
from torch.nn import functional

from deocclude.errors import InputError
from deocclude.references.altered import Alterations
from deocclude.training import warp
from deocclude.training.config import MANY, RATIO, SHARE, ZOOM, check_ranges
from deocclude.training.content_samples import ContentBatch

KINDS = ("altered", "cut", "other", "unrelated", "none")
"""Altered truth; the same without what is hidden; another patch of the same sampler, roughly in place; something else;
nothing."""
FLOW_CELLS = 5
"""What alignment leaves behind is a smooth field with so many knots a side."""
FULL_SIZE = 128.0
"""Widths in pixels are those of a patch of this size."""


@dataclass(frozen=True)
class ReferenceMix:
    """How often which kind of reference is shown; the shares are scaled to add up to 1.

    Attributes:
        altered: truth, altered.
        cut: altered truth without what is hidden.
        other: the truth of a neighbouring patch in colours of its own, laid over the hole as if it fitted.
        unrelated: something else.
        none: nothing.
        recorded: samples of a reference data set; only where there is one.
    """

    altered: float = 0.35
    cut: float = 0.1
    other: float = 0.1
    unrelated: float = 0.15
    none: float = 0.05
    recorded: float = 0.5

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: one is out of range.
        """
        check_ranges(self, **dict.fromkeys((*KINDS, "recorded"), MANY))

    def shares(self, *, records: bool) -> dict[str, float]:
        """Return the shares, which add up to 1.

        Raises:
            InputError: they are negative or all 0.
        """
        values = {name: value for name, value in asdict(self).items() if records or name != "recorded"}
        total = sum(values.values())
        if total <= 0 or min(values.values()) < 0:
            raise InputError("shares of 0 or more, not all 0", str(values), field="references")
        return {name: value / total for name, value in values.items()}


@dataclass(frozen=True)
class AlignmentErrors:
    """What alignment leaves behind; pixels are those of a 128 px patch.

    Attributes:
        aligned: share of the altered references that could be aligned.
        largest: largest displacement, log-uniform from 0.2 px to this.
        gain: largest change of all colours, share; varies smoothly over the patch.
        gamma: exponent of the colours, log-uniform within 1/x..x.
        blur: share of the references that are blurred.
        cover: share of the references that show only a part of the patch.
        misled: share of the useless references that are laid over the patch although they do not fit.
    """

    aligned: float = 0.8
    largest: float = 8.0
    gain: float = 0.12
    gamma: float = 1.15
    blur: float = 0.4
    cover: float = 0.3
    misled: float = 0.5

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: one is out of range.
        """
        shares = ("aligned", "gain", "blur", "cover", "misled")
        check_ranges(self, **dict.fromkeys(shares, SHARE), largest=ZOOM, gamma=RATIO)


@dataclass(frozen=True, eq=False)
class References:
    """References of n patches.

    Attributes:
        aligned: float32 [n, 4, s, s], laid over the patch, and where it says something.
        loose: float32 [n, 4, s, s], as it is, and where it is.
        useful: bool [n], it may show what is hidden.
    """

    aligned: Tensor
    loose: Tensor
    useful: Tensor


class ReferenceMaker:
    """Makes references for batches.

    Args:
        altered: how strongly the truth is altered.
        errors: what alignment leaves behind.
    """

    def __init__(self, altered: Alterations | None = None, errors: AlignmentErrors | None = None) -> None:
        self.altered, self.errors = altered or Alterations(), errors or AlignmentErrors()

    def make(self, batch: ContentBatch, kinds: Tensor, generator: torch.Generator) -> References:
        """Return a reference for each patch.

        Args:
            batch: the patches; those of unrelated references are taken from their neighbours in the batch.
            kinds: int64 [n], places in :data:`KINDS`.
            generator: of all draws.
        """
        count, size = len(batch.target), batch.target.shape[-1]
        names = {name: kinds == place for place, name in enumerate(KINDS)}
        source = batch.target.clone()
        source[names["unrelated"]] = batch.target.roll(1, 0).flip(-1)[names["unrelated"]]
        source[names["other"]] = batch.target.roll(size // 3, -1)[names["other"]]
        shown = torch.ones(count, 1, size, size, device=source.device)
        shown[names["cut"]] = 1 - _grown(batch.hole)[names["cut"]]
        pictures = torch.cat([source * shown, shown], 1)
        loose = self._altered(pictures, generator)
        aligned = self._aligned(pictures, generator)
        dice = torch.rand(count, generator=generator, device=source.device)
        good = names["altered"] | names["cut"]
        laid = torch.where(good, dice < self.errors.aligned, dice < self.errors.misled) & ~names["none"]
        there = ~names["none"]
        aligned, loose = aligned * laid[:, None, None, None], loose * there[:, None, None, None]
        return References(aligned, loose, names["altered"])

    def _altered(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        """Return pictures [n, 4, s, s] turned, sheared, cropped or padded, in other colours."""
        settings, count = self.altered, len(pictures)
        dice = torch.rand(count, 8, generator=generator, device=pictures.device)
        swing = 2 * dice - 1
        zero = torch.zeros_like(swing[:, 0])
        angle = torch.deg2rad(settings.rotation * swing[:, 0])
        slant = torch.tan(torch.deg2rad(settings.shear * swing[:, 1]))
        (least, most), (thin, wide) = settings.crop, settings.pad
        zoom = torch.sqrt(least + (most - least) * dice[:, 2]) + 2 * (thin + (wide - thin) * dice[:, 3])
        linear = warp.similarity(angle, zoom, zero, zero)
        shear = torch.stack([torch.stack([zero + 1, slant], -1), torch.stack([zero, zero + 1], -1)], -2)
        maps = torch.cat([linear @ shear, 0.15 * swing[:, 4:6, None]], 2)
        grid = functional.affine_grid(maps, list(pictures.shape), align_corners=False)
        found = functional.grid_sample(pictures, grid, align_corners=False)
        low, high = settings.gamma
        gamma = low + (high - low) * dice[:, 6]
        return _recoloured(found, gamma, 1 + settings.brightness * swing[:, 7])

    def _aligned(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        """Return pictures [n, 4, s, s] moved a little, perhaps covering a part, in slightly other colours."""
        errors, (count, _, size, _) = self.errors, pictures.shape
        device = pictures.device
        dice = torch.rand(count, 6, generator=generator, device=device)
        knots = torch.randn(count, 3, FLOW_CELLS, FLOW_CELLS, generator=generator, device=device)
        field = functional.interpolate(knots, size=(size, size), mode="bicubic", align_corners=True)
        reach = 0.2 * (errors.largest / 0.2) ** dice[:, 0] / (FULL_SIZE / 2)
        flow = (field[:, :2] * reach[:, None, None, None]).permute(0, 2, 3, 1)
        still = torch.eye(2, 3, device=device).expand(count, 2, 3)
        grid = functional.affine_grid(still, list(pictures.shape), align_corners=False) + flow
        found = functional.grid_sample(pictures, grid, align_corners=False)
        soft = functional.avg_pool2d(found, 3, 1, 1, count_include_pad=False)
        blurred = torch.where((dice[:, 1] < errors.blur)[:, None, None, None], soft, found)
        gamma = errors.gamma ** (2 * dice[:, 2] - 1)
        coloured = _recoloured(blurred, gamma, 1 + errors.gain * (field[:, 2:] * 0.5).clamp(-1, 1))
        return coloured * self._cover(dice[:, 3:], size)

    def _cover(self, dice: Tensor, size: int) -> Tensor:
        """Return [n, 1, s, s]: 1, for a share of the references only on one side of a line."""
        steps = torch.linspace(-1, 1, size, device=dice.device)
        angle = 2 * torch.pi * dice[:, 0, None, None]
        across = torch.cos(angle) * steps[None, None, :] + torch.sin(angle) * steps[None, :, None]
        partly = (dice[:, 2] < self.errors.cover)[:, None, None]
        return ((across < 1.2 * dice[:, 1, None, None] - 0.3) | ~partly)[:, None].to(dice.dtype)


def _recoloured(pictures: Tensor, gamma: Tensor, gain: Tensor) -> Tensor:
    """Return [n, 4, s, s] with other colours, and a plane that is 0 or 1."""
    shown = (pictures[:, 3:] > 0.99).to(pictures.dtype)
    gain = gain if gain.dim() > 1 else gain[:, None, None, None]
    colours = pictures[:, :3].clamp(1e-4, 1) ** gamma[:, None, None, None] * gain
    return torch.cat([colours.clamp(0, 1) * shown, shown], 1)


def _grown(hole: Tensor) -> Tensor:
    """Return holes bool [n, s, s] grown by a few pixels, float32 [n, 1, s, s]."""
    return functional.max_pool2d(hole[:, None].to(torch.float32), 5, 1, 2)
