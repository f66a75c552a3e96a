"""The samples of the paper, exactly: Zhan et al., "Self-Supervised Scene De-occlusion", CVPR 2020, PCNet-M.

Two channels, patches around the whole object, one eraser of about the object's size, masks that meet tightly.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from deocclude.training import warp
from deocclude.training.erasing import Batch
from deocclude.training.objects import PackedObjects

MIN_SHARE, MAX_SHARE = 0.001, 0.9
TRIES = 100


@dataclass(frozen=True, eq=False)
class Placement:
    """How the erasers were laid.

    Attributes:
        eraser: bool [n, s, s], moved to its place.
        share: float32 [n], share of the object that the eraser covers.
        accepted_at_once: bool [n], the first draw was good.
        tries: int64 [n], draws needed; 100 where none was good.
    """

    eraser: Tensor
    share: Tensor
    accepted_at_once: Tensor
    tries: Tensor


class ReferenceSampler:
    """Makes batches as the released code does.

    Args:
        objects: what is erased, and by what.
        front_share: probability that the eraser lies in front (case 1).
        shift: largest shift of the object's patch, share of its side.
        zoom: the side of a patch is divided by U[1 - zoom, 1 + zoom].
        eraser_weight: loss weight inside the eraser.
    """

    def __init__(
        self,
        objects: PackedObjects,
        *,
        front_share: float = 0.8,
        shift: float = 0.2,
        zoom: float = 0.2,
        eraser_weight: float = 5.0,
    ) -> None:
        self.objects, self.device = objects, objects.device
        self._front_share, self._shift, self._zoom, self._weight = front_share, shift, zoom, eraser_weight

    def sample(self, count: int, size: int, seed: int) -> Batch:
        """Return ``count`` samples of ``size`` pixels."""
        generator = torch.Generator(self.device).manual_seed(seed)
        picks = torch.randint(len(self.objects), (2, count), generator=generator, device=self.device)
        whole = self.patches(picks[0], size, generator, shift=self._shift)
        eraser = place(whole, self.patches(picks[1], size, generator, shift=0.0), generator).eraser
        front = (torch.rand(count, generator=generator, device=self.device) < self._front_share)[:, None, None]
        visible = whole & ~(eraser & front)
        eraser = eraser & (front | ~whole)
        weight = 1 + (self._weight - 1) * eraser.to(torch.float32)
        nothing = torch.zeros_like(whole)
        return Batch(visible, eraser, nothing, nothing, whole, weight)

    def patches(self, index: Tensor, size: int, generator: torch.Generator, *, shift: float) -> Tensor:
        """Return jittered patches of objects, bool [n, size, size], cut with the paper's square."""
        count = len(index)
        dice = torch.rand(count, 4, generator=generator, device=self.device)
        zero = torch.zeros(count, 2, device=self.device)
        one = torch.ones(count, device=self.device)
        maps = warp.with_offset(warp.similarity(zero[:, 0], one, zero[:, 0], dice[:, 3] < 0.5), zero, zero)
        full = torch.cat([zero, one[:, None]], 1)
        coarse = self.objects.half[index] > 127
        square = warp.fit_square(coarse, full)
        centre = (2 * dice[:, :2] - 1) * shift * 2 * square[:, 2:]
        half = square[:, 2:] / (1 + self._zoom * (2 * dice[:, 2:3] - 1))
        return warp.draw(self.objects.crops_for(size)[index], maps, torch.cat([centre, half], 1), size)


def place(whole: Tensor, eraser: Tensor, generator: torch.Generator) -> Placement:
    """Move each eraser patch so that the two patches overlap by a random fraction, as the released code does.

    Overlap o ~ U[0.4, 1], dx ~ U[-(1 - o), 1 - o], |dy| = 1 - o / (1 - |dx|); redrawn, at most 100 times, until the
    eraser covers at least 0.001 and less than 0.9 of the object; the last draw is kept if none does.

    Args:
        whole: bool [n, s, s].
        eraser: bool [n, s, s].
        generator: for the draws.
    """
    count, size = whole.shape[0], whole.shape[-1]
    area = whole.sum((1, 2)).clamp(min=1)
    moved, share = torch.zeros_like(whole), torch.zeros(count, device=whole.device)
    tries = torch.zeros(count, dtype=torch.int64, device=whole.device)
    left = torch.arange(count, device=whole.device)
    for _ in range(TRIES):
        dice = torch.rand(len(left), 3, generator=generator, device=whole.device)
        moved[left] = _moved(eraser[left], dice, size)
        share[left] = (moved[left] & whole[left]).sum((1, 2)) / area[left]
        tries[left] += 1
        left = left[(share[left] < MIN_SHARE) | (share[left] >= MAX_SHARE)]
        if not len(left):
            break
    good = (share >= MIN_SHARE) & (share < MAX_SHARE)
    return Placement(moved, share, good & (tries == 1), tries)


def _moved(patches: Tensor, dice: Tensor, size: int) -> Tensor:
    """Return the patches shifted by whole pixels, empty where nothing comes in."""
    overlap = 0.4 + 0.6 * dice[:, 0]
    dx = (2 * dice[:, 1] - 1) * (1 - overlap)
    dy = (1 - overlap / (1 - dx.abs())) * torch.where(dice[:, 2] < 0.5, -1.0, 1.0)
    places = torch.arange(size, device=patches.device)
    columns = places - torch.trunc(size * dx).to(torch.int64)[:, None]
    rows = places - torch.trunc(size * dy).to(torch.int64)[:, None]
    inside = ((rows >= 0) & (rows < size))[:, :, None] & ((columns >= 0) & (columns < size))[:, None, :]
    index = torch.arange(len(patches), device=patches.device)[:, None, None]
    return patches[index, rows.clamp(0, size - 1)[:, :, None], columns.clamp(0, size - 1)[:, None, :]] & inside
