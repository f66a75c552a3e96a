"""Data with truth, for the networks that are compared with: crops of objects and of pairs.

PCNet-M needs none of this. The supervised U-Net and the order net of Zhan et al. (CVPR 2020, Tables 1 and 2) learn from
annotated whole shapes and orders.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from deocclude.adjacency import touching_pairs
from deocclude.crops import cut, object_square
from deocclude.datasets.held_out import is_validation, photo_key, scene_digest
from deocclude.datasets.labelled_scenes import LabelledScene, open_dataset
from deocclude.errors import InputError
from deocclude.evaluation.ordering import signed
from deocclude.evaluation.protocol import Protocol, has_order, true_relations
from deocclude.masks import BoolArray
from deocclude.ordering.order_net import pair_patch
from deocclude.training.config import SHARE, check_ranges

ROOM = 1.65
"""Crops are this many times as wide as the square that a network sees, so that it can be moved and scaled in them."""
REACH = 3
"""Pairs whose visible masks are farther apart than this are left out, pixels."""


@dataclass(frozen=True)
class Jitter:
    """How crops are varied, as in the published training.

    Attributes:
        shift: largest shift in x and y, as a share of the square's side.
        scale: the side is divided by 1 - scale to 1 + scale.
        flip: probability of a mirrored sample.
    """

    shift: float = 0.2
    scale: float = 0.2
    flip: float = 0.5

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: one is out of range.
        """
        check_ranges(self, shift=SHARE, scale=(0.0, 0.9), flip=SHARE)


@dataclass(frozen=True, eq=False)
class Crops:
    """Samples of one side of the split.

    Attributes:
        bits: uint8 [n, 2, R, R / 8 rounded up], bits: visible and whole mask of an object, or the visible masks of a
            pair. Data sets have a hundred thousand objects.
        side: R, pixels.
        label: bool [n]; for pairs, whether the first hides part of the second.
        scenes: sorted digests (:func:`deocclude.datasets.held_out.scene_digest`) of the scenes that they are from.
    """

    bits: NDArray[np.uint8]
    side: int
    label: Tensor
    scenes: tuple[str, ...]

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.bits)

    def masks(self, rows: Tensor) -> Tensor:
        """Return the crops of samples, uint8 [k, 2, R, R], 255 inside."""
        return torch.from_numpy(np.unpackbits(self.bits[rows.numpy()], -1, count=self.side) * np.uint8(255))

    def fingerprint(self) -> str:
        """Return a short hash of the crops and labels."""
        digest = hashlib.sha256()
        for rows in torch.arange(len(self)).split(1024):
            digest.update(self.masks(rows)[:, :, ::4, ::4].contiguous().numpy().tobytes())
        digest.update(self.label.numpy().tobytes())
        return digest.hexdigest()[:16]

    def draw(self, count: int, size: int, seed: int, jitter: Jitter) -> tuple[Tensor, Tensor]:
        """Return ``count`` random samples: bool [count, 2, size, size] and the labels bool [count]."""
        generator = torch.Generator().manual_seed(seed)
        rows = torch.randint(len(self), (count,), generator=generator)
        shift, scale, flip = (torch.rand(count, k, generator=generator) for k in (2, 1, 1))
        side = 1 / (1 + jitter.scale * (2 * scale - 1))
        mirrored = torch.where(flip < jitter.flip, -side, side)
        return self._cut(rows, size, torch.cat([mirrored, side], 1), 2 * jitter.shift * (2 * shift - 1))

    def plain(self, rows: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """Return the samples ``rows`` [k] as a network sees them when it is used."""
        return self._cut(rows, size, torch.ones(len(rows), 2), torch.zeros(len(rows), 2))

    def _cut(self, rows: Tensor, size: int, side: Tensor, centre: Tensor) -> tuple[Tensor, Tensor]:
        """Cut patches whose sides and centres are given in sides and half sides of the square, [k, 2] each."""
        maps = torch.zeros(len(rows), 2, 3)
        maps[:, 0, 0], maps[:, 1, 1] = side[:, 0] / ROOM, side[:, 1] / ROOM
        maps[:, :, 2] = centre / ROOM
        grid = functional.affine_grid(maps, [len(rows), 2, size, size], align_corners=False)
        crops = self.masks(rows).to(torch.float32)
        return functional.grid_sample(crops, grid, align_corners=False) > 127.5, self.label[rows]


def read_shapes(sources: Sequence[Path], crop_size: int) -> tuple[Crops, Crops]:
    """Return the objects with true whole masks, for training and held out.

    Args:
        sources: data sets as :func:`deocclude.datasets.labelled_scenes.open_dataset` reads them.
        crop_size: side of the crops, pixels.

    Raises:
        InputError: no data set, or no object on one side of the split.
    """
    return _split(_shapes(sources, crop_size), crop_size, "objects with true whole masks")


def read_pairs(sources: Sequence[Path], crop_size: int) -> tuple[Crops, Crops]:
    """Return the neighbours of which one hides part of the other, for training and held out; see :func:`read_shapes`.

    Raises:
        InputError: no data set, or no pair on one side of the split.
    """
    return _split(_pairs(sources, crop_size), crop_size, "neighbours of which one hides the other")


_Sample = tuple[str, str, BoolArray, bool]
"""Name of the photo, digest of the scene, two masks [2, R, R], label."""


def _scenes(sources: Sequence[Path]) -> Iterator[LabelledScene]:
    if not sources:
        raise InputError("at least one data set", "none", field="data")
    for source in sources:
        yield from open_dataset(source)


def _shapes(sources: Sequence[Path], size: int) -> Iterator[_Sample]:
    for labelled in _scenes(sources):
        key, digest = photo_key(labelled.scene), scene_digest(labelled.scene)
        for item in labelled.scene.instances:
            scored = labelled.scored is None or item.id in labelled.scored
            if item.amodal is not None and item.modal and scored:
                square = object_square(item.modal.box).grow(ROOM)
                yield key, digest, np.stack([cut(mask, square, size) for mask in (item.modal, item.amodal)]), True


def _pairs(sources: Sequence[Path], size: int) -> Iterator[_Sample]:
    for labelled in _scenes(sources):
        if not has_order(labelled, Protocol()):
            continue
        key, digest = photo_key(labelled.scene), scene_digest(labelled.scene)
        order, masks = signed(true_relations(labelled, Protocol())), labelled.scene.modal
        for i, j in touching_pairs(masks, REACH):
            if order[i, j]:
                yield key, digest, pair_patch(masks[i], masks[j], size, room=ROOM), bool(order[i, j] > 0)


def _split(samples: Iterable[_Sample], side: int, wanted: str) -> tuple[Crops, Crops]:
    crops: tuple[list[NDArray[np.uint8]], list[NDArray[np.uint8]]] = ([], [])
    labels: tuple[list[bool], list[bool]] = ([], [])
    scenes: tuple[set[str], set[str]] = (set(), set())
    for key, digest, masks, label in samples:
        held_out = is_validation(key)
        crops[held_out].append(np.packbits(masks, -1))
        labels[held_out].append(label)
        scenes[held_out].add(digest)
    if not any(crops):
        raise InputError(wanted, "none", field="data", hint="name data sets with annotated truth")
    for part, listed in zip(("training", "held-out"), crops, strict=True):
        if not listed:
            hint = "photos are held out by their names, about one in ten; add more"
            raise InputError(f"{wanted} among the {part} photos", "none", field="data", hint=hint)
    first, second = (
        Crops(np.stack(masks), side, torch.tensor(label), tuple(sorted(digests)))
        for masks, label, digests in zip(crops, labels, scenes, strict=True)
    )
    return first, second
