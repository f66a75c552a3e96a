"""Training of PCNet-C, the content completion network (Zhan et al., CVPR 2020), without any pretrained part.

``train_pcnet_c(read_settings(PCNetCConfig, path), out)`` fills a folder: weights, settings, log, curves, samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from deocclude.errors import unknown_choice
from deocclude.nets.gated import GatedUNet
from deocclude.nets.partial_conv import PartialConvUNet
from deocclude.nets.planes import OWN
from deocclude.nets.random_features import RandomFeatures
from deocclude.training.adversary import Adversary, AdversarySettings
from deocclude.training.config import CHANNELS, MANY, SHARE, LoopSettings, check_each, check_ranges, plain
from deocclude.training.content_losses import (
    compose,
    gradient_l1,
    log_mse,
    masked_l1,
    masked_mse,
    perceptual_and_style,
    total_variation,
)
from deocclude.training.content_samples import ContentBatch, ContentSampler, ContentSettings
from deocclude.training.content_scores import HeldOut
from deocclude.training.devices import choose_device
from deocclude.training.loop import train_and_save
from deocclude.training.photo_packing import PhotoPack, open_photo_pack, photo_fingerprint
from deocclude.training.photos import PackedPhotos
from deocclude.training.task import Draw
from deocclude.weights import load_state, read_weights, weights_path

FEATURE_SEED = 1
"""Of the random features in the loss; another than that of the scores, which are then no measure of the training."""


@dataclass(frozen=True)
class ContentNetSettings:
    """The net.

    Attributes:
        kind: ``gated`` (fast) or ``partial-conv`` (the paper's).
        width: channel factor.
        levels: number of scales.
        fold: ``gated`` only: see :class:`deocclude.nets.gated.GatedUNet`.
        start_from: weights to start from: a bundled name or a file; empty for none.
    """

    kind: str = "gated"
    width: float = 1.0
    levels: int = 4
    fold: int = 2
    start_from: str = ""

    def arguments(self) -> dict[str, Any]:
        """Return what the net is built with."""
        sizes: dict[str, Any] = {"width": self.width, "levels": self.levels}
        return sizes | {"fold": self.fold} if self.kind == "gated" else sizes


@dataclass(frozen=True)
class ContentLossSettings:
    """Weights of the terms of the loss; the hole is where the object itself is hidden.

    Attributes:
        hole: absolute difference in the hole, divided by its size.
        square: squared difference in the hole, divided likewise (colours are 0..1).
        decibels: logarithm of the squared difference in the hole, sample by sample: every object counts alike.
        valid: absolute difference on the object's own pixels that the net sees.
        gradient: absolute difference of steps between neighbours in the hole and across its edge.
        perceptual: difference of random features of the composite, divided by the hole's share of the patch.
        style: difference of their Gram matrices, divided likewise.
        variation: total variation of the composite.
        features: channels of the random features at each depth.
    """

    hole: float = 1.0
    square: float = 2.0
    decibels: float = 0.0
    valid: float = 0.05
    gradient: float = 0.5
    perceptual: float = 0.01
    style: float = 0.2
    variation: float = 0.0
    features: tuple[int, ...] = (16, 32, 64)

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: one is out of range.
        """
        terms = ("hole", "square", "decibels", "valid", "gradient", "perceptual", "style", "variation")
        check_each(self, **dict.fromkeys(terms, MANY), features=CHANNELS)


@dataclass(frozen=True)
class MixSettings:
    """Photo samples against object samples, by the share of the run that is done.

    Attributes:
        photos: share of photo samples at first and in the end.
        turn: shares of the run between which it changes, linearly.
    """

    photos: tuple[float, float] = (0.9, 0.25)
    turn: tuple[float, float] = (0.25, 0.5)

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: one is out of range.
        """
        check_each(self, photos=SHARE)
        check_ranges(self, turn=SHARE)

    def photo_share(self, progress: float) -> float:
        """Return the share of photo samples at ``progress`` (0 to 1)."""
        return float(np.interp(progress, self.turn, self.photos))


@dataclass(frozen=True)
class PCNetCConfig:
    """Everything that a run depends on.

    Attributes:
        pack: folder written by :func:`deocclude.training.sources.pack_photos`.
        loop: phases, optimiser, precision.
        net: kind and size of the net.
        samples: how samples are made.
        mix: which kinds of samples, when.
        loss: weights of its terms.
        adversary: discriminator that learns along.
        validation_samples: number of held-out object samples in a validation.
        validation_size: their patch side, pixels.
    """

    pack: str
    loop: LoopSettings
    net: ContentNetSettings = field(default_factory=ContentNetSettings)
    samples: ContentSettings = field(default_factory=ContentSettings)
    mix: MixSettings = field(default_factory=MixSettings)
    loss: ContentLossSettings = field(default_factory=ContentLossSettings)
    adversary: AdversarySettings = field(default_factory=AdversarySettings)
    validation_samples: int = 96
    validation_size: int = 128


NETS: dict[str, Callable[..., nn.Module]] = {"gated": GatedUNet, "partial-conv": PartialConvUNet}


class PCNetC:
    """The task that the loop trains.

    Raises:
        InputError: an unknown kind of net, or a pack without an object on one side of the split.
    """

    name = "pcnet-c"

    def __init__(self, config: PCNetCConfig, pack: PhotoPack, device: str = "cpu") -> None:
        if config.net.kind not in NETS:
            raise unknown_choice("net.kind", config.net.kind, NETS)
        self._config, self._pack = config, pack
        self._train = ContentSampler(PackedPhotos(pack, validation=False, device=device), config.samples)
        held_out = ContentSampler(PackedPhotos(pack, validation=True, device=device), config.samples)
        self._held_out = HeldOut(held_out, config.validation_samples, config.validation_size)
        self._features = RandomFeatures(config.loss.features, FEATURE_SEED).to(device)
        self.adversary = Adversary(config.adversary) if config.adversary.wanted else None

    def architecture(self) -> dict[str, Any]:
        """Return the kind and the arguments of the net."""
        return {"net": self._config.net.kind, **self._config.net.arguments()}

    def settings(self) -> dict[str, Any]:
        """Return what samples and loss depend on."""
        config = self._config
        parts = {name: plain(getattr(config, name)) for name in ("samples", "mix", "loss", "adversary")}
        return {**parts, "data": photo_fingerprint(self._pack)}

    def build(self) -> nn.Module:
        """Return the net with initial weights, or those to start from."""
        settings = self._config.net
        net = NETS[settings.kind](**settings.arguments())
        if settings.start_from:
            path = weights_path(settings.start_from)
            load_state(net, read_weights(path)[1], path)
        return net

    def batch(self, draw: Draw, device: torch.device) -> ContentBatch:
        """Return self-supervised samples."""
        share = self._config.mix.photo_share(draw.progress)
        return self._train.sample(draw.count, draw.size, draw.mixed_seed, share)

    def loss(self, net: nn.Module, batch: ContentBatch) -> Tensor:
        """Return the weighted sum of the terms of :class:`ContentLossSettings`."""
        output, weights = _paint(net, batch), plain(self._config.loss)
        terms = self.terms(output, batch)
        total = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
        if self.adversary:
            hole = batch.weight[:, None]
            composite = compose(output, batch.target, hole)
            total = total + self.adversary.terms(composite, batch.target, batch.planes[:, OWN], hole)
        return total

    def terms(self, output: Tensor, batch: ContentBatch) -> dict[str, Tensor]:
        """Return the terms of the loss by name, scalars.

        Args:
            output: the net's answer, float32 [n, 3, s, s].
            batch: the samples.
        """
        weights = self._config.loss
        hole = batch.weight[:, None]
        composite = compose(output, batch.target, hole)
        terms = {
            "hole": masked_l1(output, batch.target, hole),
            "square": masked_mse(output, batch.target, hole),
            "valid": masked_l1(output, batch.target, batch.planes[:, 4:5]),
            "gradient": gradient_l1(composite, batch.target, functional.max_pool2d(hole, 3, 1, 1)),
        }
        if weights.decibels:
            terms["decibels"] = log_mse(output, batch.target, hole)
        if weights.variation:
            terms["variation"] = total_variation(composite)
        if weights.perceptual or weights.style:
            share = hole.mean().clamp(min=1e-3)
            found = perceptual_and_style(self._features, [composite], batch.target, style=weights.style > 0)
            terms |= {"perceptual": found[0] / share, "style": found[1] / share}
        return terms

    def validate(self, net: nn.Module, device: torch.device) -> dict[str, float]:
        """Return scores on held-out objects; see :meth:`deocclude.training.content_scores.HeldOut.scores`."""
        return self._held_out.scores(lambda batch: _paint(net, batch))

    def pictures(self, net: nn.Module, device: torch.device) -> NDArray[np.uint8]:
        """Return held-out samples; see :meth:`deocclude.training.content_scores.HeldOut.pictures`."""
        return self._held_out.pictures(lambda batch: _paint(net, batch))


def train_pcnet_c(config: PCNetCConfig, out: Path) -> Path:
    """Train, or continue to train, and return the folder ``out`` with ``weights.safetensors`` in it.

    Raises:
        InputError: a pack that is missing, of another kind, damaged or empty, an unknown kind of net, or a checkpoint
            of another run.
        TrainingStoppedError: SIGTERM or Ctrl-C arrived; call again to continue.
    """
    pack = open_photo_pack(Path(config.pack))
    task = PCNetC(config, pack, choose_device(config.loop.device))
    return train_and_save(task, config.loop, config, {"fingerprint": photo_fingerprint(pack), **pack.meta}, out)


def _paint(net: nn.Module, batch: ContentBatch) -> Tensor:
    """Return the net's answer, float32 [n, 3, s, s]."""
    painted: Tensor = net(batch.planes.contiguous(memory_format=torch.channels_last))
    return painted.float()
