"""Held-out samples of content completion: scores of a net on them, beside those of a smooth painter, and pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from deocclude.content import painter
from deocclude.content.patch import Patch
from deocclude.errors import InputError
from deocclude.evaluation.content import score
from deocclude.nets.random_features import random_feature_distance
from deocclude.training.content_losses import compose
from deocclude.training.content_samples import ContentBatch, ContentSampler

SEED = 1_000_003
CHUNK = 16
COLUMNS = 8
"""Pictures in a row of a sheet."""
LEAST_PIXELS = 30
"""Samples with a smaller hole are not scored."""
REFERENCE = "telea"
"""The painter whose scores stand beside the net's; like all painters it sees the object's own pixels only."""
HOLE_COLOUR = (1.0, 0.0, 1.0)
UNKNOWN_COLOUR = (0.25, 0.25, 0.25)
Painting = Callable[[ContentBatch], Tensor]


class HeldOut:
    """Fixed object samples of held-out photos.

    Args:
        sampler: of the held-out photos.
        count: number of samples.
        size: of their patches, pixels.
    """

    def __init__(self, sampler: ContentSampler, count: int, size: int) -> None:
        self._sampler, self._count, self._size = sampler, count, size

    @cached_property
    def batches(self) -> list[ContentBatch]:
        """The samples, a few at a time."""
        starts = range(0, self._count, CHUNK)
        return [
            self._sampler.sample(min(CHUNK, self._count - start), self._size, SEED + start, photo_share=0.0)
            for start in starts
        ]

    def scores(self, paint: Painting) -> dict[str, float]:
        """Return means over the samples of scores of the hidden pixels of the objects.

        Args:
            paint: returns RGB float32 [n, 3, s, s] in 0..1 for a batch.

        Returns:
            ``psnr`` (dB, mean of the samples' values), ``ssim``, ``rfd`` (random-feature distance, lower is nearer) and
            ``detail`` (length of gradients over that of the truth; below 1 is blurred); then the same of a smooth
            painter, with its name before them.

        Raises:
            InputError: all holes are too small to be scored.
        """
        return {**self._scores(paint), **self._reference}

    def pictures(self, paint: Painting, count: int = 16) -> NDArray[np.uint8]:
        """Return pictures in rows of eight: input (hole magenta, unknown grey), smooth painter, net, truth."""
        sheet = []
        for batch in self.batches[: -(-count // CHUNK)]:
            hole = batch.weight[:, None] > 0
            filled = compose(paint(batch), batch.target, hole.to(batch.target.dtype)).clamp(0, 1)
            smooth = torch.where(hole, _smooth(batch), batch.target)
            rows = torch.stack([_shown(batch), smooth, filled, batch.target])
            sheet += rows.split(COLUMNS, 1)
        return in_rows(sheet)

    @cached_property
    def _reference(self) -> dict[str, float]:
        return {f"{REFERENCE}_{name}": value for name, value in self._scores(_smooth).items()}

    def _scores(self, paint: Painting) -> dict[str, float]:
        rows = [row for batch in self.batches for row in _score_batch(batch, paint(batch))]
        if not rows:
            wanted, found = f"held-out samples with {LEAST_PIXELS} hidden pixels or more", f"none of {self._count}"
            raise InputError(wanted, found, field="validation_samples", hint="or raise validation_size")
        means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
        detail = means.pop("steepness") / max(1e-6, means.pop("true_steepness"))
        return {**means, "detail": detail}


def in_rows(sheet: Sequence[Tensor]) -> NDArray[np.uint8]:
    """Return pictures for a grid of :data:`COLUMNS`, uint8 [m, s, s, 3]; what a row lacks is white.

    Args:
        sheet: float [k, n, 3, s, s] each, k rows of n pictures, at most :data:`COLUMNS`, in 0..1.
    """
    full = [functional.pad(rows, (0, 0, 0, 0, 0, 0, 0, COLUMNS - rows.shape[1]), value=1.0) for rows in sheet]
    pictures = torch.cat([rows.flatten(0, 1) for rows in full]).permute(0, 2, 3, 1)
    return (pictures.clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()


def _score_batch(batch: ContentBatch, painted: Tensor) -> list[dict[str, float]]:
    """Return the scores of each sample with a hole that is large enough."""
    mask = (batch.weight > 0)[:, None]
    composite = compose(painted.clamp(0, 1), batch.target, mask.to(painted.dtype))
    distance = random_feature_distance(composite.cpu(), batch.target.cpu(), mask.cpu())
    rows = []
    for index in torch.nonzero(mask.sum((1, 2, 3)) >= LEAST_PIXELS)[:, 0].tolist():
        pictures = [
            255 * tensor[index].permute(1, 2, 0).to(torch.float64).cpu().numpy() for tensor in (composite, batch.target)
        ]
        found = score(pictures[0], pictures[1], mask[index, 0].cpu().numpy())
        rows.append(
            {
                "psnr": found["psnr"],
                "ssim": found["ssim"],
                "rfd": float(distance[index]),
                "steepness": found["detail"],
                "true_steepness": found["true_detail"],
            }
        )
    return rows


def _smooth(batch: ContentBatch) -> Tensor:
    """Return what the reference painter makes of a batch; its own pixels are the net's."""
    paint = painter(REFERENCE)
    own, seen, hole = (plane.cpu().numpy() for plane in (batch.own, batch.seen, batch.hole))
    rgb = (batch.planes[:, :3] * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    made = [
        paint(Patch(rgb[k], hole[k], own[k], context=seen[k] & ~own[k])).rgb if hole[k].any() else rgb[k]
        for k in range(len(rgb))
    ]
    return torch.from_numpy(np.stack(made)).permute(0, 3, 1, 2).to(batch.target) / 255


def _shown(batch: ContentBatch) -> Tensor:
    """Return what the net sees, with the hole and what is unknown in colours of their own."""
    hole, unknown = batch.hole[:, None], ~(batch.hole | batch.seen)[:, None]
    colours = [torch.tensor(colour).to(batch.target)[:, None, None] for colour in (HOLE_COLOUR, UNKNOWN_COLOUR)]
    return torch.where(hole, colours[0], torch.where(unknown, colours[1], batch.planes[:, :3]))
