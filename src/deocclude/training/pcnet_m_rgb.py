"""Training of the mask network that looks at the photo as well, for objects hidden by things that no mask shows.

``train_pcnet_m_rgb(read_settings(PCNetMRgbConfig, path), out)`` fills a folder with weights, log and pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deocclude.nets.completer import WITH_COLOURS
from deocclude.nets.unet import UNet, init_kaiming
from deocclude.training import warp
from deocclude.training.answer_packing import open_answer_pack
from deocclude.training.answer_samples import AnswerSampler
from deocclude.training.colour_erasing import ColourBatch, ColourSampler, ColourSettings
from deocclude.training.config import LoopSettings, plain
from deocclude.training.devices import choose_device
from deocclude.training.loop import train_and_save
from deocclude.training.losses import weighted_cross_entropy
from deocclude.training.mixing import MixedSampler, Sampler
from deocclude.training.photo_packing import PhotoPack, open_photo_pack, photo_fingerprint
from deocclude.training.photos import PackedPhotos
from deocclude.training.task import Draw
from deocclude.weights import load_state, read_weights, weights_path

VALIDATION_SEED = 1_000_003
VALIDATION_BATCH = 64
THRESHOLDS = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55)


@dataclass(frozen=True)
class RgbNetSettings:
    """The net.

    Attributes:
        width: see :class:`deocclude.nets.unet.UNet`.
        fold: see :class:`deocclude.nets.unet.UNet`.
        start_from: weights to start from: a bundled name or a file; empty for none.
    """

    width: float = 1.0
    fold: int = 2
    start_from: str = ""


@dataclass(frozen=True)
class PCNetMRgbConfig:
    """Everything that a run depends on.

    Attributes:
        pack: folder written by :func:`deocclude.training.sources.pack_photos`.
        loop: phases, optimiser, precision.
        net: size of the net.
        samples: how samples are made.
        validation_samples: number of held-out samples in a validation.
        validation_size: their patch side, pixels.
        answers: folder written by :func:`deocclude.training.sources.pack_answers`: real objects with what the mask
            network says of them; empty for none.
        answer_share: share of a batch that is from these.
    """

    pack: str
    loop: LoopSettings
    net: RgbNetSettings = field(default_factory=RgbNetSettings)
    samples: ColourSettings = field(default_factory=ColourSettings)
    validation_samples: int = 256
    validation_size: int = 128
    answers: str = ""
    answer_share: float = 0.5


class PCNetMRgb:
    """The task that the loop trains.

    Raises:
        InputError: a pack without an object on one side of the split.
    """

    name = "pcnet-m-rgb"
    adversary = None

    def __init__(self, config: PCNetMRgbConfig, pack: PhotoPack, device: str = "cpu") -> None:
        self._config, self._pack = config, pack
        pasted = ColourSampler(PackedPhotos(pack, validation=False, device=device), config.samples)
        self._train: Sampler[ColourBatch] = pasted
        self._held_out = ColourSampler(PackedPhotos(pack, validation=True, device=device), config.samples)
        self._answers = open_answer_pack(Path(config.answers)) if config.answers else None
        self._held_out_answers: AnswerSampler | None = None
        if self._answers is not None:
            untold = replace(config.samples, listed=0.0, closed=0.0)
            answered = AnswerSampler(self._answers, config.samples, validation=False, device=device)
            self._train = MixedSampler(answered, pasted, config.answer_share)
            self._held_out_answers = AnswerSampler(self._answers, untold, validation=True, device=device)

    def architecture(self) -> dict[str, Any]:
        """Return the arguments of :class:`UNet`."""
        settings = self._config.net
        return {"net": "unet", "width": settings.width, "in_channels": WITH_COLOURS, "fold": settings.fold}

    def settings(self) -> dict[str, Any]:
        """Return what the samples depend on."""
        settings = {"samples": plain(self._config.samples), "data": photo_fingerprint(self._pack)}
        if self._answers is None:
            return settings
        return settings | {"answers": self._answers.fingerprint(), "answer_share": self._config.answer_share}

    def build(self) -> nn.Module:
        """Return the net with initial weights, or those to start from."""
        settings = self._config.net
        net = UNet(settings.width, WITH_COLOURS, fold=settings.fold)
        if settings.start_from:
            path = weights_path(settings.start_from)
            load_state(net, read_weights(path)[1], path)
        else:
            init_kaiming(net)
        return net

    def batch(self, draw: Draw, device: torch.device) -> ColourBatch:
        """Return self-supervised samples."""
        return self._train.sample(draw.count, draw.size, draw.mixed_seed)

    def loss(self, net: nn.Module, batch: ColourBatch) -> Tensor:
        """Return the weighted cross-entropy."""
        return weighted_cross_entropy(_logits(net, batch), batch.target, batch.weight)

    def validate(self, net: nn.Module, device: torch.device) -> dict[str, float]:
        """Return the pooled IoU of hidden parts of held-out objects, at the threshold 0.5.

        ``listed_iou`` counts pixels under what the net is told of, ``unlisted_iou`` those where something may be that
        no mask shows, and ``unlisted_precision`` how much of what it adds there is right. With answers,
        ``answer_iou`` is how well it finds, told of nothing, what the teacher says of held-out objects, at the best
        threshold, ``answer_threshold``.
        """
        counts = np.zeros((2, 3))
        for batch in self._batches(self._held_out):
            grown = _probability(net, batch) > 0.5
            for row, plane in enumerate((1, 3)):
                inside = batch.masks[:, plane] > 0
                both = (grown & batch.target & inside).sum()
                counts[row] += [float(both), float((grown & inside).sum()), float((batch.target & inside).sum())]
        right, said, true = counts.T
        iou = right / np.maximum(1, said + true - right)
        precision = right / np.maximum(1, said)
        return {
            "listed_iou": float(iou[0]),
            "unlisted_iou": float(iou[1]),
            "unlisted_precision": float(precision[1]),
            **self._answer_scores(net),
        }

    def _answer_scores(self, net: nn.Module) -> dict[str, float]:
        if self._held_out_answers is None:
            return {}
        overlap = np.zeros((len(THRESHOLDS), 2))
        for batch in self._batches(self._held_out_answers):
            probability, unknown = _probability(net, batch), batch.masks[:, 3] > 0
            for row, threshold in enumerate(THRESHOLDS):
                grown, true = (probability > threshold) & unknown, batch.target & unknown
                overlap[row] += [float((grown & true).sum()), float((grown | true).sum())]
        iou = overlap[:, 0] / np.maximum(1, overlap[:, 1])
        return {"answer_iou": float(iou.max()), "answer_threshold": THRESHOLDS[int(iou.argmax())]}

    def _batches(self, sampler: Sampler[ColourBatch]) -> Iterator[ColourBatch]:
        """Yield the same held-out samples each time."""
        for start in range(0, self._config.validation_samples, VALIDATION_BATCH):
            number = min(VALIDATION_BATCH, self._config.validation_samples - start)
            yield sampler.sample(number, self._config.validation_size, VALIDATION_SEED + start)

    def pictures(self, net: nn.Module, device: torch.device) -> NDArray[np.uint8]:
        """Return samples: the composite, with the answer in blue and the truth outlined in yellow."""
        batch = self._held_out.sample(32, 128, VALIDATION_SEED - 1)
        sheet = batch.rgb.permute(0, 2, 3, 1).clone()
        answer = (_probability(net, batch) * (batch.masks[:, 0] == 0))[..., None]
        sheet += 0.7 * answer * (torch.tensor([0.0, 0.2, 1.0], device=sheet.device) - sheet)
        inner = warp.morph(batch.target, torch.full((len(sheet),), -1, device=sheet.device))
        sheet[batch.target & ~inner] = torch.tensor([1.0, 1.0, 0.0], device=sheet.device)
        return (sheet * 255).to(torch.uint8).cpu().numpy()


def train_pcnet_m_rgb(config: PCNetMRgbConfig, out: Path) -> Path:
    """Train, or continue to train, and return the folder ``out`` with ``weights.safetensors`` in it.

    Raises:
        InputError: a pack that is missing, of another kind, damaged or empty, or a checkpoint of another run.
        TrainingStoppedError: SIGTERM or Ctrl-C arrived; call again to continue.
    """
    pack = open_photo_pack(Path(config.pack))
    task = PCNetMRgb(config, pack, choose_device(config.loop.device))
    return train_and_save(task, config.loop, config, {"fingerprint": photo_fingerprint(pack), **pack.meta}, out)


def _probability(net: nn.Module, batch: ColourBatch) -> Tensor:
    return torch.softmax(_logits(net, batch), 1)[:, 1]


def _logits(net: nn.Module, batch: ColourBatch) -> Tensor:
    logits: Tensor = net(batch.inputs().contiguous(memory_format=torch.channels_last))
    return logits
