"""Samples of a reference data set as tensors, and batches of patches cut from them: real references, really aligned."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from deocclude.datasets.reference_patch import patch_masks
from deocclude.datasets.reference_sample import ReferenceKind, ReferenceSample
from deocclude.errors import InputError
from deocclude.training import warp
from deocclude.training.content_samples import ContentBatch
from deocclude.training.fusion_references import References

LEAST_PIXELS = 64
"""Samples with a smaller hole are left out."""
ZOOM = (0.8, 1.05)
"""Side of a patch over that of a sample, least and greatest."""
SHIFT = 0.15
"""Largest shift of a patch off the sample's centre, share of its half side."""


class RecordSampler:
    """Makes batches from samples of a reference data set; equal seeds give equal batches.

    Args:
        samples: all of one side S.
        device: where the tensors live.

    Raises:
        InputError: no sample with a hole.
    """

    def __init__(self, samples: Iterable[ReferenceSample], device: str | torch.device = "cpu") -> None:
        rows, useful = [], []
        for sample in samples:
            if np.count_nonzero(sample.hole) < LEAST_PIXELS:
                continue
            rows.append(torch.from_numpy(_planes(sample)))
            useful.append(sample.kind not in (ReferenceKind.UNRELATED, ReferenceKind.NONE))
        if not rows:
            raise InputError("samples with a hole in the reference data set", "none", field="data")
        self.device = torch.device(device)
        self._rows = torch.stack(rows).to(self.device)
        self._useful = torch.tensor(useful, device=self.device)

    def __len__(self) -> int:
        """Number of samples."""
        return len(self._rows)

    def sample(self, count: int, size: int, seed: int) -> tuple[ContentBatch, References]:
        """Return ``count`` patches of ``size`` pixels with their references."""
        generator = torch.Generator(self.device).manual_seed(seed)
        picks = torch.randint(len(self), (count,), generator=generator, device=self.device)
        dice = torch.rand(count, 5, generator=generator, device=self.device)
        half = ZOOM[0] + (ZOOM[1] - ZOOM[0]) * dice[:, :1]
        windows = torch.cat([SHIFT * (2 * dice[:, 1:3] - 1), half], 1)
        return self.cut(picks, windows, size, mirrored=dice[:, 3] < 0.5)

    def cut(
        self, picks: Tensor, windows: Tensor, size: int, mirrored: Tensor | None = None
    ) -> tuple[ContentBatch, References]:
        """Return patches of given samples.

        Args:
            picks: int64 [n], places of samples.
            windows: float32 [n, 3], centre x, y and half side in coordinates of a sample, -1..1.
            size: side of the patches, pixels.
            mirrored: bool [n], patches to mirror left to right; none by default.
        """
        still = torch.eye(2, 3, device=self.device).expand(len(picks), 2, 3)
        grid = warp.coordinates(still, windows, size)
        if mirrored is not None:
            grid = torch.where(mirrored[:, None, None, None], grid.flip(2), grid)
        planes = self._rows[picks].to(torch.float32) / 255
        found = functional.grid_sample(planes[:, :12], grid, align_corners=False)
        truth, masks = found[:, :3], (found[:, 3:6] > 0.5).to(torch.float32)
        seen, own, hole = masks.unbind(1)
        seen, hole = seen * (1 - hole), hole > 0
        content = ContentBatch(
            torch.cat([truth * seen[:, None], torch.stack([seen, own * seen, hole.to(seen.dtype)], 1)], 1),
            truth,
            hole,
            hole.to(truth.dtype),
        )
        valid = (found[:, 9:10] > 0.99).to(truth.dtype)
        aligned = torch.cat([found[:, 6:9] * valid, valid], 1)
        loose = functional.interpolate(planes[:, 12:], size=(size, size), mode="bilinear", antialias=True)
        return content, References(aligned, loose, self._useful[picks])


def _planes(sample: ReferenceSample) -> NDArray[np.uint8]:
    """Return uint8 [16, S, S]: truth, seen, own, hole, aligned reference, where, 0, 0, reference, where."""
    own, context, hole = patch_masks(sample)
    masks = [np.where(mask, 255, 0).astype(np.uint8) for mask in (own | context, own, hole)]
    valid, shown = (np.where(mask, 255, 0).astype(np.uint8) for mask in (sample.aligned_valid, sample.reference_valid))
    nothing = np.zeros_like(valid)
    colours = [np.moveaxis(picture, 2, 0) for picture in (sample.truth, sample.aligned, sample.reference)]
    return np.concatenate(
        [colours[0], np.stack(masks), colours[1], np.stack([valid, nothing, nothing]), colours[2], shown[None]]
    )
