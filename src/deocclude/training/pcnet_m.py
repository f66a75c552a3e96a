"""Training of PCNet-M, the mask completion network (Zhan et al., CVPR 2020), with better samples.

``train_pcnet_m(read_settings(PCNetMConfig, path), out)`` fills a folder: weights, settings, log, curves, samples.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deocclude.errors import InputError, unknown_choice
from deocclude.nets.unet import UNet, init_kaiming, init_reference
from deocclude.training import warp
from deocclude.training.config import LoopSettings, plain
from deocclude.training.devices import choose_device
from deocclude.training.erasing import Batch, EraserSampler, ErasingSettings
from deocclude.training.loop import train_and_save
from deocclude.training.losses import weighted_cross_entropy
from deocclude.training.mixing import MixedSampler, Sampler
from deocclude.training.objects import PackedObjects
from deocclude.training.packing import Pack, fingerprint, open_pack
from deocclude.training.reference_erasing import ReferenceSampler
from deocclude.training.scene_packing import open_scene_pack
from deocclude.training.scene_samples import SceneSampler
from deocclude.training.task import Draw
from deocclude.weights import load_state, read_weights, weights_path

CHANNELS = (2, 3, 4)
"""Numbers of inputs that a mask network may have."""
INITIALISERS = {"kaiming": init_kaiming, "reference": init_reference}
VALIDATION_SEED = 1_000_003
MIN_HIDDEN = 8
"""Objects of which more pixels of a patch are hidden count as hidden when growth is scored."""
THRESHOLDS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)


@dataclass(frozen=True)
class NetSettings:
    """The net.

    Attributes:
        width: 2 is the paper's; see :class:`deocclude.nets.unet.UNet`.
        channels: 2 (visible mask, eraser), 3 with the area outside the photo, or 4 with the area where something
            that no mask shows may hide the object.
        fold: see :class:`deocclude.nets.unet.UNet`; 2 is four times as fast as the paper's 1.
        init: ``kaiming``, or ``reference`` for the released code's.
        start_from: weights to start from: a bundled name (``pcnet-m``, to fine-tune it) or a file; empty for none.
    """

    width: float = 1.0
    channels: int = 4
    fold: int = 2
    init: str = "kaiming"
    start_from: str = ""


@dataclass(frozen=True)
class PCNetMConfig:
    """Everything that a run depends on.

    Attributes:
        pack: folder written by :func:`deocclude.training.sources.pack_sources`.
        loop: phases, optimiser, precision.
        net: size and input of the net.
        erasing: how samples are made.
        protocol: ``deocclude`` for our samples, ``reference`` for the paper's, ``mixed`` for both in every batch.
        reference_share: share of the paper's samples in mixed batches.
        scenes: folder written by :func:`deocclude.training.sources.pack_scenes`: scenes whose whole shapes are known;
            empty for none.
        scene_share: share of a batch that is from these scenes.
        validation_pairs: number of held-out pairs in a validation.
        validation_size: patch side in a validation, pixels.
    """

    pack: str
    loop: LoopSettings
    net: NetSettings = field(default_factory=NetSettings)
    erasing: ErasingSettings = field(default_factory=ErasingSettings)
    protocol: str = "deocclude"
    reference_share: float = 0.5
    scenes: str = ""
    scene_share: float = 0.3
    validation_pairs: int = 256
    validation_size: int = 96


class PCNetM:
    """The task that the loop trains."""

    name = "pcnet-m"
    adversary = None

    def __init__(self, config: PCNetMConfig, pack: Pack, device: str = "cpu") -> None:
        self._config, self._pack = config, pack
        objects = PackedObjects(pack, validation=False, device=device)
        ours, published = EraserSampler(objects, config.erasing), ReferenceSampler(objects)
        samplers: dict[str, Sampler[Batch]] = {
            "deocclude": ours,
            "reference": published,
            "mixed": MixedSampler(published, ours, config.reference_share),
        }
        if config.protocol not in samplers:
            raise unknown_choice("protocol", config.protocol, samplers)
        self._train = samplers[config.protocol]
        self._held_out = EraserSampler(PackedObjects(pack, validation=True, device=device), config.erasing)
        self._scenes = open_scene_pack(Path(config.scenes)) if config.scenes else None
        self._held_out_scenes: SceneSampler | None = None
        if self._scenes is not None:
            known = SceneSampler(self._scenes, config.erasing, validation=False, device=device)
            self._train = MixedSampler(known, self._train, config.scene_share)
            self._held_out_scenes = SceneSampler(self._scenes, config.erasing, validation=True, device=device)

    def architecture(self) -> dict[str, Any]:
        """Return the arguments of :class:`UNet`."""
        settings = self._config.net
        return {"net": "unet", "width": settings.width, "in_channels": settings.channels, "fold": settings.fold}

    def settings(self) -> dict[str, Any]:
        """Return what the samples depend on."""
        config = self._config
        return {
            "erasing": plain(config.erasing),
            "protocol": config.protocol,
            "share": config.reference_share,
            "data": fingerprint(self._pack),
        } | ({} if self._scenes is None else {"scenes": self._scenes.fingerprint(), "scene_share": config.scene_share})

    def build(self) -> nn.Module:
        """Return the net with initial weights, or those to start from."""
        settings = self._config.net
        if settings.channels not in CHANNELS:
            raise InputError("2, 3 or 4", str(settings.channels), field="net.channels")
        net = UNet(settings.width, settings.channels, fold=settings.fold)
        if settings.start_from:
            load_state(net, read_weights(weights_path(settings.start_from))[1], weights_path(settings.start_from))
            return net
        if settings.init not in INITIALISERS:
            raise unknown_choice("init", settings.init, INITIALISERS)
        INITIALISERS[settings.init](net)
        return net

    def batch(self, draw: Draw, device: torch.device) -> Batch:
        """Return self-supervised samples."""
        return self._train.sample(draw.count, draw.size, draw.mixed_seed)

    def loss(self, net: nn.Module, batch: Batch) -> Tensor:
        """Return the weighted cross-entropy."""
        return weighted_cross_entropy(self._logits(net, batch), batch.target, batch.weight)

    def validate(self, net: nn.Module, device: torch.device) -> dict[str, float]:
        """Return scores on held-out pairs of objects of which one hides the other.

        ``order``: pairs of which the hidden object grows more; ``growth_auc``: the same over all objects of all pairs;
        ``invisible_iou``: pooled over the hidden parts, at the threshold 0.5; ``threshold``: the best one, and
        ``invisible_iou_at_threshold``. With scenes, ``scene_growth_auc`` and ``scene_invisible_iou`` are those of
        single questions about them.
        """
        hidden, front = [], []
        scores = np.zeros((len(THRESHOLDS), 2))
        for start in range(0, self._config.validation_pairs, 64):
            number = min(64, self._config.validation_pairs - start)
            first, second = self._held_out.sample_pairs(number, self._config.validation_size, VALIDATION_SEED + start)
            grown = self._probability(net, first)
            hidden.append(_growth(grown, first))
            front.append(_growth(self._probability(net, second), second))
            scores += np.array([_invisible(grown > threshold, first) for threshold in THRESHOLDS])
        behind, ahead = torch.cat(hidden), torch.cat(front)
        overlap = scores[:, 0] / np.maximum(1, scores[:, 1])
        best = int(overlap.argmax())
        return {
            "order": float((behind > ahead).float().mean()),
            "growth_auc": float((behind[:, None] > ahead[None, :]).float().mean()),
            "invisible_iou": float(overlap[THRESHOLDS.index(0.5)]),
            "threshold": THRESHOLDS[best],
            "invisible_iou_at_threshold": float(overlap[best]),
            **self._scene_scores(net),
        }

    def _scene_scores(self, net: nn.Module) -> dict[str, float]:
        if self._held_out_scenes is None:
            return {}
        growth, hidden, overlap = [], [], np.zeros(2)
        for start in range(0, self._config.validation_pairs, 64):
            number = min(64, self._config.validation_pairs - start)
            batch = self._held_out_scenes.sample(number, self._config.validation_size, VALIDATION_SEED + start)
            grown = self._probability(net, batch)
            growth.append(_growth(grown, batch))
            hidden.append((batch.target & batch.eraser & ~batch.visible).sum((1, 2)) > MIN_HIDDEN)
            overlap += _invisible(grown > 0.5, batch)
        found, grows = torch.cat(growth), torch.cat(hidden)
        auc = (found[grows][:, None] > found[~grows][None]).float().mean()
        return {"scene_growth_auc": float(auc), "scene_invisible_iou": float(overlap[0] / max(1.0, overlap[1]))}

    def pictures(self, net: nn.Module, device: torch.device) -> NDArray[np.uint8]:
        """Return samples: visible mask red, eraser green, probability blue, truth outlined in white."""
        batch = self._held_out.sample(32, 128, VALIDATION_SEED - 1)
        sheet = torch.stack([batch.visible * 0.8, batch.eraser * 0.5, self._probability(net, batch)], -1)
        inner = warp.morph(batch.target, torch.full((len(sheet),), -1, device=sheet.device))
        sheet[batch.target & ~inner] = 1.0
        return (sheet * 255).to(torch.uint8).cpu().numpy()

    def _probability(self, net: nn.Module, batch: Batch) -> Tensor:
        return torch.softmax(self._logits(net, batch), 1)[:, 1]

    def _logits(self, net: nn.Module, batch: Batch) -> Tensor:
        inputs = batch.inputs(self._config.net.channels).contiguous(memory_format=torch.channels_last)
        logits: Tensor = net(inputs)
        return logits


def train_pcnet_m(config: PCNetMConfig, out: Path) -> Path:
    """Train, or continue to train, and return the folder ``out`` with ``weights.safetensors`` in it.

    Raises:
        InputError: a pack that is missing, damaged or empty, or a checkpoint of another run.
        TrainingStoppedError: SIGTERM or Ctrl-C arrived; call again to continue.
    """
    pack = open_pack(Path(config.pack))
    task = PCNetM(config, pack, choose_device(config.loop.device))
    return train_and_save(task, config.loop, config, {"fingerprint": fingerprint(pack), **pack.meta}, out)


def _growth(probability: Tensor, batch: Batch) -> Tensor:
    """Return how much of the eraser the net gives to the object, relative to what is visible of it."""
    inside = (probability * (batch.eraser & ~batch.visible)).sum((1, 2))
    return inside / batch.visible.sum((1, 2)).clamp(min=1)


def _invisible(predicted: Tensor, batch: Batch) -> NDArray[np.float64]:
    """Return intersection and union of prediction and truth outside the visible mask, inside the eraser."""
    inside = batch.eraser & ~batch.visible
    both = (predicted & batch.target & inside).sum()
    either = ((predicted | batch.target) & inside).sum()
    return np.array([float(both), float(either)])
