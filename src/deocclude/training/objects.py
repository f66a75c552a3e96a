"""The objects of a pack as tensors: crops in three sizes, points inside them, neighbours, borders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from deocclude.training.packing import Pack, side_of

ANCHORS = 48
NEIGHBOURS = 4
SURE = 0.85
"""Probability from which an ordering method is believed."""
COARSE_CROP = 32


class PackedObjects:
    """One side of the split of a pack, on one device.

    Args:
        pack: the pack.
        validation: the held-out tenth (true), the rest (false), or all (``None``).
        device: where the tensors live.

    Attributes:
        crops: uint8 [n, S, S].
        half: uint8 [n, S/2, S/2].
        coarse: float32 [n, 32, 32] in 0..1.
        anchors: float32 [n, 48, 2], points inside each object in the coordinates of its crop.
        photo: float32 [n, 4], left, top, right, bottom of the photo in the coordinates of the crop.
        truncated: bool [n], the object touches the border of the photo.
        occluded: bool [n], something in the photo seems to hide part of it.
        neighbours: int64 [n, 4], objects that surely lie behind it; -1 for none.
        neighbour_maps: float32 [n, 4, 2, 3], from its crop to theirs.

    Raises:
        InputError: the pack has no object on this side of the split.
    """

    def __init__(self, pack: Pack, *, validation: bool | None, device: str | torch.device = "cpu") -> None:
        chosen = np.arange(len(pack)) if validation is None else side_of(pack.in_validation, validation)
        self.device = torch.device(device)
        self.crops = torch.from_numpy(np.array(pack.crops[chosen])).to(self.device)
        self.half = shrink(self.crops, self.crops.shape[-1] // 2).to(torch.uint8)
        self.coarse = shrink(self.crops, COARSE_CROP) / 255
        self.anchors = interior_points(self.coarse)
        self.photo = self._tensor(photo_edges(pack)[chosen])
        self.truncated = self._tensor(pack.truncated[chosen])
        self.occluded = self._tensor(seems_occluded(pack)[chosen])
        neighbours, maps = neighbours_behind(pack, chosen)
        self.neighbours, self.neighbour_maps = self._tensor(neighbours), self._tensor(maps)

    def __len__(self) -> int:
        """Number of objects."""
        return len(self.crops)

    def crops_for(self, size: int) -> Tensor:
        """Return the crops that suit patches of ``size`` pixels; reading fewer pixels is faster."""
        return self.half if size <= self.half.shape[-1] else self.crops

    def _tensor(self, values: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(values).to(self.device)


def seems_occluded(pack: Pack) -> NDArray[np.bool_]:
    """Return bool [N]: something in the photo seems to hide part of the object; such are poor examples of whole shapes.

    Said by the ordering method that the pack was made with, else by the "convex" rule of Zhan et al. (CVPR 2020).
    """
    if len(pack.hidden):
        return np.asarray(pack.hidden > 0.5)
    occluded = np.zeros(len(pack), bool)
    for one, _, mine, other in _both_ways(pack, pack.hull_growth):
        occluded[one[(mine > 0.02) & (mine > 1.5 * other)]] = True
    return occluded


def neighbours_behind(pack: Pack, chosen: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return up to four neighbours that surely lie behind each chosen object, and the maps to their crops.

    Sure is what the ordering method says that the pack was made with; without one, if the neighbour's hull reaches well
    into the object and the object's hull hardly into the neighbour.

    Args:
        pack: the pack.
        chosen: int64 [n], objects; neighbours are numbered by their place in it.

    Returns:
        int64 [n, 4] with -1 for none, and float32 [n, 4, 2, 3].
    """
    rank = np.full(len(pack), -1, np.int64)
    rank[chosen] = np.arange(chosen.size)
    neighbours = np.full((chosen.size, NEIGHBOURS), -1, np.int64)
    maps = np.zeros((chosen.size, NEIGHBOURS, 2, 3), np.float32)
    for one, two, sure in _surely_behind(pack):
        for row in np.flatnonzero(sure):
            i, j = rank[one[row]], rank[two[row]]
            free = np.flatnonzero(neighbours[i] < 0) if i >= 0 else np.zeros(0)
            if j >= 0 and free.size:
                neighbours[i, free[0]] = j
                maps[i, free[0]] = _map_between(pack.windows[one[row]], pack.windows[two[row]])
    return neighbours, maps


def _surely_behind(pack: Pack) -> Iterator[tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_]]]:
    """Yield (one, other, whether the other surely lies behind) for the pairs as stored, and the other way round."""
    if len(pack.front):
        for one, two, hides, hidden in _both_ways(pack, pack.front):
            yield one, two, (hides > SURE) & (hidden < 1 - SURE)
    else:
        for one, two, mine, other in _both_ways(pack, pack.hull_growth):
            yield one, two, (other > 0.05) & (mine < 0.3 * other)


def photo_edges(pack: Pack) -> NDArray[np.float32]:
    """Return left, top, right, bottom of the photo in the coordinates of each crop, float32 [N, 4]."""
    x, y, side = pack.windows.T
    height, width = pack.sizes.T
    edges: NDArray[np.float32] = np.stack([-x, -y, width - x, height - y], 1) * (2 / side[:, None])
    return edges.astype(np.float32)


def _both_ways(
    pack: Pack, values: NDArray[np.float32]
) -> Iterator[tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]]:
    """Yield (one, other, value of one, of the other) for the pairs as stored, and the other way round."""
    for side in (0, 1):
        yield pack.pairs[:, side], pack.pairs[:, 1 - side], values[:, side], values[:, 1 - side]


def _map_between(source: NDArray[np.float32], target: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the map [2, 3] between the coordinates of two crops with windows (x, y, side)."""
    ratio = source[2] / target[2]
    shift = 2 * (source[:2] - target[:2]) / target[2]
    return np.array([[ratio, 0, shift[0]], [0, ratio, shift[1]]], np.float32)


def shrink(crops: Tensor, side: int) -> Tensor:
    """Return float32 [n, side, side] of uint8 crops, in pieces so that memory stays small."""
    pieces = [functional.adaptive_avg_pool2d(part[:, None].to(torch.float32), side)[:, 0] for part in crops.split(512)]
    return torch.cat(pieces)


def interior_points(coarse: Tensor) -> Tensor:
    """Return 48 points inside each mask [n, s, s] (0..1), in its coordinates (-1..1), float32 [n, 48, 2]."""
    generator = torch.Generator(coarse.device).manual_seed(0)
    side = coarse.shape[-1]
    odds = (coarse.flatten(1) > 0.5).to(torch.float32) + 1e-6
    cells = torch.multinomial(odds, ANCHORS, replacement=True, generator=generator)
    noise = torch.rand(*cells.shape, 2, generator=generator, device=coarse.device)
    corner = torch.stack([cells % side, cells // side], -1)
    return (corner + noise) * (2.0 / side) - 1
