"""Samples from packed answers: the photo and one mask are shown; the teacher, who knew all masks, says what is right.

Where pasted things (:mod:`deocclude.training.colour_erasing`) teach a net what pasting looks like, these show how real
things hide each other. What is right is only as good as the teacher; but it errs on other objects than the net does.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from deocclude.training import warp
from deocclude.training.answer_packing import ROOM, AnswerPack
from deocclude.training.colour_erasing import ColourBatch, ColourSettings, jitter
from deocclude.training.erasing import beyond
from deocclude.training.packing import side_of

TURN = 10.0
"""Largest rotation, degrees: photos have an up and a down."""
STRETCH = 0.1
HIDDEN = 0.03
"""From this hidden share on an object counts as hidden, and is drawn more often."""
HIDDEN_ODDS = 2.0


class AnswerSampler:
    """Makes batches from packed answers; equal seeds give equal batches.

    Args:
        pack: the answers.
        settings: which masks are told (``listed``, ``closed``), noise, colours, zoom, shift and weights, as for pasted
            objects.
        validation: the held-out tenth (true) or the rest.
        device: where the samples are made.

    Raises:
        InputError: no object on this side of the split, or a damaged pack.
    """

    def __init__(self, pack: AnswerPack, settings: ColourSettings, *, validation: bool, device: str = "cpu") -> None:
        chosen = side_of(pack.in_validation, validation, field="answers")
        self.settings, self.device = settings, torch.device(device)
        self._planes = torch.from_numpy(np.array(pack.planes[chosen])).to(self.device)
        self._edges = torch.from_numpy(pack.edges[chosen]).to(self.device)
        self._rgb = _decoded(pack, chosen).to(self.device)
        self._odds = torch.from_numpy(np.where(pack.hidden[chosen] > HIDDEN, HIDDEN_ODDS, 1.0)).to(self.device)

    def sample(self, count: int, size: int, seed: int) -> ColourBatch:
        """Return ``count`` samples of ``size`` pixels."""
        generator = torch.Generator(self.device).manual_seed(seed)
        rows = torch.multinomial(self._odds, count, replacement=True, generator=generator)
        dice = torch.rand(count, 6, generator=generator, device=self.device)
        maps = self._maps(dice)
        centred = torch.tensor([0, 0, 1 / ROOM], device=self.device).expand(count, 3)
        windows = warp.varied(centred, dice[:, 3:], self.settings.zoom, self.settings.shift)
        grid = warp.coordinates(maps, windows, size)
        pixels = self._rgb[rows].to(torch.float32) / 255
        rgb = functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
        drawn = [warp.draw(plane, maps, windows, size) for plane in warp.unpacked(self._planes[rows])]
        # The crop may end before the photo does; what it does not hold is as good as beyond the photo.
        outside = beyond(grid, self._edges[rows]) | (grid.abs() > 1).any(-1)
        return self._batch(drawn, jitter(rgb, self.settings, generator), outside, generator)

    def _maps(self, dice: Tensor) -> Tensor:
        """Return maps [n, 2, 3] to the crops: turned a little, stretched a little, half of them mirrored."""
        angle, aspect = math.radians(TURN) * (2 * dice[:, 0] - 1), STRETCH * (2 * dice[:, 1] - 1)
        linear = warp.similarity(angle, torch.ones_like(angle), aspect, dice[:, 2] < 0.5)
        return torch.cat([linear, torch.zeros(len(dice), 2, 1, device=self.device)], -1)

    def _batch(self, drawn: list[Tensor], rgb: Tensor, outside: Tensor, generator: torch.Generator) -> ColourBatch:
        """Decide what the net is told of: what may hide the object, what surely does not, or neither."""
        seen, whole, hiders, others = drawn
        count, size = len(seen), seen.shape[-1]
        dice = torch.rand(4, count, generator=generator, device=self.device)
        reach = self.settings.noise_pixels * size / 128
        shown = warp.morph(seen, torch.round((2 * dice[0] - 1) * reach).to(torch.int64)) & ~outside
        closed = (dice[1] < self.settings.closed)[:, None, None]
        listed = (dice[2] < self.settings.listed)[:, None, None] | closed
        cover = hiders & listed & ~outside & ~shown
        harmless = others & ~hiders & (dice[3] < 0.5)[:, None, None]
        unknown = ~(shown | cover | outside | harmless) & ~closed
        masks = torch.stack([shown, cover, outside, unknown], 1).to(torch.float32)
        weight = torch.ones_like(rgb[:, 0])
        weight = weight.masked_fill(hiders | others | (whole & ~seen), self.settings.hidden_weight)
        return ColourBatch(masks, rgb, whole | seen, weight.masked_fill(outside, 0.0))


def _decoded(pack: AnswerPack, rows: NDArray[np.int64]) -> Tensor:
    side = pack.planes.shape[2]
    rgb = torch.empty(len(rows), 3, side, side, dtype=torch.uint8)
    for place, row in enumerate(rows.tolist()):
        rgb[place] = torch.from_numpy(pack.rgb(row)).permute(2, 0, 1)
    return rgb
