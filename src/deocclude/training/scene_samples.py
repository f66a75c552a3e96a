"""Samples for mask completion from scenes whose whole shapes are known, disturbed like those of erased objects."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from deocclude.errors import InputError
from deocclude.training import warp
from deocclude.training.erasing import Batch, ErasingSettings, beyond, disturbed
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
        chosen = np.flatnonzero(pack.in_validation == validation)
        if not chosen.size:
            side = "held-out" if validation else "training"
            raise InputError(f"at least one {side} question", "none", field="scenes", hint="pack more scenes")
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
        low, high = (math.log(value) for value in self.settings.zoom)
        half = torch.exp(low + (high - low) * dice[:, 2]) / ROOM
        shift = (2 * dice[:, 3:] - 1) * 2 * self.settings.shift * half[:, None]
        windows = torch.cat([shift, half[:, None]], 1)
        seen, eraser, hidden = self._drawn(rows, maps, windows, size)
        outside = beyond(warp.coordinates(maps, windows, size), self._edges[rows])
        return self._batch((seen & ~outside, eraser & ~outside, hidden & ~outside), outside, generator)

    def _drawn(self, rows: Tensor, maps: Tensor, windows: Tensor, size: int) -> tuple[Tensor, ...]:
        """Return what is seen, what may hide and what of it is hidden, bool [n, size, size] each."""
        places = torch.arange(7, -1, -1, device=self.device, dtype=torch.uint8)
        bits = (self._planes[rows][..., None] >> places) & 1
        crops = bits.flatten(-2).to(torch.float32).unbind(1)
        seen, eraser, hidden = (warp.draw(crop, maps, windows, size) for crop in crops)
        eraser = (eraser | hidden) & ~seen
        return seen, eraser, hidden & eraser

    def _batch(self, planes: tuple[Tensor, Tensor, Tensor], outside: Tensor, generator: torch.Generator) -> Batch:
        seen, eraser, hidden = planes
        visible, shown = disturbed(seen, eraser, outside, self.settings, generator)
        weight = torch.ones_like(seen, dtype=torch.float32)
        weight = weight.masked_fill(eraser | shown, self.settings.eraser_weight).masked_fill(outside, 0.0)
        return Batch(visible, shown, outside, torch.zeros_like(seen), seen | hidden, weight)
