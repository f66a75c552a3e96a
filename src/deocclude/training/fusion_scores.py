"""Held-out samples of filling with a reference: a net against PCNet-C, kind by kind of reference, and pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deocclude.training.content_losses import compose
from deocclude.training.content_samples import ContentBatch, ContentSampler
from deocclude.training.content_scores import COLUMNS, in_rows
from deocclude.training.fusion_records import RecordSampler
from deocclude.training.fusion_references import KINDS, ReferenceMaker, References

SEED = 1_000_003
CHUNK = 16
RECORDED = "recorded"
HARM = 0.5
"""A sample counts as harmed if the net is worse than PCNet-C by more than this, dB."""
Answer = Callable[["FusionBatch"], tuple[Tensor, Tensor]]
"""Returns what a net and what PCNet-C painted, RGB float32 [n, 3, s, s]."""


@dataclass(frozen=True, eq=False)
class FusionBatch:
    """Patches with references.

    Attributes:
        content: the patches.
        references: one each.
    """

    content: ContentBatch
    references: References


class HeldOutReferences:
    """Fixed samples of each kind of reference.

    Args:
        sampler: of the held-out photos.
        maker: of the references.
        records: held-out samples of a reference data set, where there are some.
        count: samples of each kind.
        size: of their patches, pixels.
    """

    def __init__(
        self,
        sampler: ContentSampler,
        maker: ReferenceMaker,
        records: RecordSampler | None,
        *,
        count: int,
        size: int,
    ) -> None:
        self._sampler, self._maker, self._records = sampler, maker, records
        self._count, self._size = count, size

    @cached_property
    def batches(self) -> dict[str, list[FusionBatch]]:
        """The samples of each kind, a few at a time."""
        starts = range(0, self._count, CHUNK)
        found: dict[str, list[FusionBatch]] = {}
        for place, kind in enumerate(KINDS):
            found[kind] = [self._made(place, min(CHUNK, self._count - start), SEED + start) for start in starts]
        if self._records is not None:
            found[RECORDED] = [
                FusionBatch(*self._records.sample(min(CHUNK, self._count - start), self._size, SEED + start))
                for start in starts
            ]
        return found

    def scores(self, answer: Answer) -> dict[str, float]:
        """Return, for each kind, ``KIND_psnr``, ``KIND_base_psnr`` (dB, means) and ``KIND_harmed`` (share)."""
        scores: dict[str, float] = {}
        for kind, batches in self.batches.items():
            pairs = [_psnr(batch, *answer(batch)) for batch in batches]
            mine, base = (torch.cat(part) for part in zip(*pairs, strict=True))
            scores[f"{kind}_psnr"], scores[f"{kind}_base_psnr"] = float(mine.mean()), float(base.mean())
            scores[f"{kind}_harmed"] = float((mine < base - HARM).to(torch.float32).mean())
        return scores

    def pictures(self, answer: Answer) -> NDArray[np.uint8]:
        """Return pictures in rows of eight: input, aligned reference, reference, PCNet-C, net, truth; useful kinds."""
        sheet = []
        for kind in (RECORDED, KINDS[0], "unrelated"):
            for batch in self.batches.get(kind, [])[:1]:
                sheet.append(_shown(batch, *answer(batch))[:, :COLUMNS])
        return in_rows(sheet)

    def _made(self, kind: int, count: int, seed: int) -> FusionBatch:
        content = self._sampler.sample(count, self._size, seed, photo_share=0.5)
        generator = torch.Generator(content.target.device).manual_seed(seed)
        kinds = torch.full((count,), kind, device=content.target.device)
        return FusionBatch(content, self._maker.make(content, kinds, generator))


def _psnr(batch: FusionBatch, mine: Tensor, base: Tensor) -> tuple[Tensor, Tensor]:
    """Return the PSNR of each sample over the pixels of known truth, [n] each; samples without any are left out."""
    weight = batch.content.weight[:, None]
    area = weight.sum((1, 2, 3))
    found = []
    for picture in (mine, base):
        square = (torch.square(picture.clamp(0, 1) - batch.content.target) * weight).sum((1, 2, 3))
        found.append(-10 * torch.log10((square / (3 * area.clamp(min=1))).clamp(min=1e-6))[area > 0].cpu())
    return found[0], found[1]


def _shown(batch: FusionBatch, mine: Tensor, base: Tensor) -> Tensor:
    content, references = batch.content, batch.references
    hole = content.hole[:, None].to(content.target.dtype)
    filled = [compose(picture, content.target, hole) for picture in (base, mine)]
    given = content.planes[:, :3] + hole * torch.tensor([1.0, 0.0, 1.0], device=hole.device)[:, None, None]
    return torch.stack([given, references.aligned[:, :3], references.loose[:, :3], *filled, content.target])
