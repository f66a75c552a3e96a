"""Samples for mask completion from scenes whose whole shapes are known, disturbed like those of erased objects."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from deocclude.training import warp
from deocclude.training.erasing import Batch, ErasingSettings, beyond, disturbed
from deocclude.training.packing import side_of
from deocclude.training.scene_packing import ROOM, ScenePack

TURN = 5.0
"""Largest rotation, degrees: the scenes have an up and a down."""


class SceneSampler:
    """Makes batches from packed scenes; equal seeds give equal batches.

    Args:
        pack: the scenes.
        settings: contact noise, zoom, shift and weights as for erased objects.
        validation: the held-out tenth (true) or the rest.
        device: where the samples are made.

    Raises:
        InputError: no question on this side of the split.
    """

    def __init__(self, pack: ScenePack, settings: ErasingSettings, *, validation: bool, device: str = "cpu") -> None:
        chosen = side_of(pack.in_validation, validation, what="question", field="scenes", of="scenes")
        self.settings, self.device = settings, torch.device(device)
        self._planes = torch.from_numpy(np.array(pack.planes[chosen])).to(self.device)
        self._edges = torch.from_numpy(pack.edges[chosen]).to(self.device)

    def sample(self, count: int, size: int, seed: int) -> Batch:
        """Return ``count`` samples of ``size`` pixels."""
        generator = torch.Generator(self.device).manual_seed(seed)
        rows = torch.randint(len(self._planes), (count,), generator=generator, device=self.device)
        dice = torch.rand(count, 5, generator=generator, device=self.device)
        none = torch.zeros(count, device=self.device)
        angle = math.radians(TURN) * (2 * dice[:, 0] - 1)
        linear = warp.similarity(angle, torch.ones_like(none), none, dice[:, 1] < 0.5)
        maps = torch.cat([linear, torch.zeros(count, 2, 1, device=self.device)], -1)
        centred = torch.tensor([0, 0, 1 / ROOM], device=self.device).expand(count, 3)
        windows = warp.varied(centred, dice[:, 2:], self.settings.zoom, self.settings.shift)
        seen, eraser, hidden = self._drawn(rows, maps, windows, size)
        outside = beyond(warp.coordinates(maps, windows, size), self._edges[rows])
        return self._batch((seen & ~outside, eraser & ~outside, hidden & ~outside), outside, generator)

    def _drawn(self, rows: Tensor, maps: Tensor, windows: Tensor, size: int) -> tuple[Tensor, ...]:
        """Return what is seen, what may hide and what of it is hidden, bool [n, size, size] each."""
        crops = warp.unpacked(self._planes[rows])
        seen, eraser, hidden = (warp.draw(crop, maps, windows, size) for crop in crops)
        eraser = (eraser | hidden) & ~seen
        return seen, eraser, hidden & eraser

    def _batch(self, planes: tuple[Tensor, Tensor, Tensor], outside: Tensor, generator: torch.Generator) -> Batch:
        seen, eraser, hidden = planes
        visible, shown = disturbed(seen, eraser, outside, self.settings, generator)
        weight = torch.ones_like(seen, dtype=torch.float32)
        weight = weight.masked_fill(eraser | shown, self.settings.eraser_weight).masked_fill(outside, 0.0)
        return Batch(visible, shown, outside, torch.zeros_like(seen), seen | hidden, weight)
