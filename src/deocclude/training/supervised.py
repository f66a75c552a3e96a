"""Training of the supervised baseline: the same U-Net, told the whole shapes.

It sees the visible mask alone, no eraser, and learns the annotated whole mask with plain cross-entropy (the
"supervised" row of Zhan et al., "Self-Supervised Scene De-occlusion", CVPR 2020, Table 2). For users whose data have
amodal truth, to compare with.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deocclude.nets.unet import UNet, init_kaiming
from deocclude.training.config import SIDE, LoopSettings, check_ranges, plain
from deocclude.training.labelled import Crops, Jitter, read_shapes
from deocclude.training.loop import train_and_save
from deocclude.training.losses import weighted_cross_entropy
from deocclude.training.task import Draw

TASK = "supervised"
Batch = tuple[Tensor, Tensor]
"""Visible and whole mask, bool [n, s, s] each."""


@dataclass(frozen=True)
class SupervisedConfig:
    """Everything that a run depends on.

    Attributes:
        loop: phases, optimiser, precision.
        data: data sets with true whole masks, files or folders.
        width: of the net, see :class:`deocclude.nets.unet.UNet`.
        fold: see there.
        jitter: how samples are varied.
        crop_size: side of the stored crops, pixels.
        size: patch side in validations and when the net is used, pixels.
    """

    loop: LoopSettings
    data: tuple[str, ...] = ()
    width: float = 1.0
    fold: int = 2
    jitter: Jitter = field(default_factory=Jitter)
    crop_size: int = 160
    size: int = 96

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: one is out of range.
        """
        check_ranges(self, crop_size=SIDE, size=SIDE)


class Supervised:
    """The task that the loop trains."""

    name = TASK
    adversary = None

    def __init__(self, config: SupervisedConfig, training: Crops, held_out: Crops) -> None:
        self._config, self._training, self._held_out = config, training, held_out

    def architecture(self) -> dict[str, Any]:
        """Return the arguments of :class:`UNet`."""
        return {"net": "unet", "width": self._config.width, "in_channels": 1, "fold": self._config.fold}

    def settings(self) -> dict[str, Any]:
        """Return what the samples depend on."""
        return {"jitter": plain(self._config.jitter), "data": self._training.fingerprint()}

    def build(self) -> nn.Module:
        """Return the net with initial weights."""
        net = UNet(self._config.width, 1, fold=self._config.fold)
        init_kaiming(net)
        return net

    def batch(self, draw: Draw, device: torch.device) -> Batch:
        """Return random samples."""
        masks, _ = self._training.draw(draw.count, draw.size, draw.mixed_seed, self._config.jitter)
        masks = masks.to(device)
        return masks[:, 0], masks[:, 1]

    def loss(self, net: nn.Module, batch: Batch) -> Tensor:
        """Return the plain cross-entropy."""
        visible, whole = batch
        return weighted_cross_entropy(self._logits(net, visible), whole, torch.ones(1, device=whole.device))

    def validate(self, net: nn.Module, device: torch.device) -> dict[str, float]:
        """Return scores over the held-out objects.

        Both are pooled, in pixels of the patches: ``iou`` of the whole shapes, ``hidden_iou`` of what the visible
        masks lack.
        """
        sums = np.zeros(4)
        for rows in torch.arange(len(self._held_out)).split(64):
            masks = self._held_out.plain(rows, self._config.size)[0].to(device)
            visible, whole = masks[:, 0], masks[:, 1]
            found = self._probability(net, visible) > 0.5
            pairs = ((found & whole, found | whole), (found & whole & ~visible, (found | whole) & ~visible))
            sums += [float(pixels.sum()) for pair in pairs for pixels in pair]
        return {"iou": sums[0] / max(1.0, sums[1]), "hidden_iou": sums[2] / max(1.0, sums[3])}

    def pictures(self, net: nn.Module, device: torch.device) -> NDArray[np.uint8]:
        """Return samples: visible mask red, whole mask green, probability blue."""
        rows = torch.arange(min(32, len(self._held_out)))
        masks = self._held_out.plain(rows, self._config.size)[0].to(device)
        sheet = torch.stack([masks[:, 0] * 0.8, masks[:, 1] * 0.5, self._probability(net, masks[:, 0])], -1)
        return (sheet * 255).to(torch.uint8).cpu().numpy()

    def _probability(self, net: nn.Module, visible: Tensor) -> Tensor:
        return torch.softmax(self._logits(net, visible), 1)[:, 1]

    def _logits(self, net: nn.Module, visible: Tensor) -> Tensor:
        inputs = visible[:, None].to(torch.float32).contiguous(memory_format=torch.channels_last)
        logits: Tensor = net(inputs)
        return logits


def train_supervised(config: SupervisedConfig, out: Path) -> Path:
    """Train, or continue to train, and return the folder ``out`` with ``weights.safetensors`` in it.

    Raises:
        InputError: data without true whole masks, or a checkpoint of another run.
        TrainingStoppedError: SIGTERM or Ctrl-C arrived; call again to continue.
    """
    training, held_out = read_shapes([Path(item) for item in config.data], config.crop_size)
    data = {
        "sets": list(config.data),
        "objects": len(training),
        "held_out": len(held_out),
        "scenes": list(training.scenes),
    }
    task = Supervised(config, training, held_out)
    return train_and_save(task, config.loop, config, {**data, "fingerprint": training.fingerprint()}, out)
