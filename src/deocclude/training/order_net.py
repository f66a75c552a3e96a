"""Training of the order net: pairs of visible masks, told which of the two hides the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from deocclude.nets.order_net import OrderNet, front_probability
from deocclude.training.config import SIDE, LoopSettings, check_ranges, plain
from deocclude.training.labelled import Crops, Jitter, read_pairs
from deocclude.training.loop import train_and_save
from deocclude.training.task import Draw

TASK = "order-net"
Batch = tuple[Tensor, Tensor]
"""Visible masks of the pairs, float32 [n, 2, s, s], and whether the first is in front, bool [n]."""


@dataclass(frozen=True)
class OrderNetConfig:
    """Everything that a run depends on.

    Attributes:
        loop: phases, optimiser, precision.
        data: data sets with true whole masks or annotated orders, files or folders.
        width: channels of the first level of the net.
        jitter: how samples are varied.
        crop_size: side of the stored crops, pixels.
        size: patch side in validations and when the net is used, pixels.
    """

    loop: LoopSettings
    data: tuple[str, ...] = ()
    width: int = 16
    jitter: Jitter = field(default_factory=Jitter)
    crop_size: int = 128
    size: int = 64

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: one is out of range.
        """
        check_ranges(self, crop_size=SIDE, size=SIDE)


class OrderTask:
    """The task that the loop trains."""

    name = TASK
    adversary = None

    def __init__(self, config: OrderNetConfig, training: Crops, held_out: Crops) -> None:
        self._config, self._training, self._held_out = config, training, held_out

    def architecture(self) -> dict[str, Any]:
        """Return the arguments of :class:`OrderNet`."""
        return {"net": "order-net", "width": self._config.width}

    def settings(self) -> dict[str, Any]:
        """Return what the samples depend on."""
        return {"jitter": plain(self._config.jitter), "data": self._training.fingerprint()}

    def build(self) -> nn.Module:
        """Return the net with initial weights."""
        return OrderNet(self._config.width)

    def batch(self, draw: Draw, device: torch.device) -> Batch:
        """Return random pairs, half of them with the two exchanged."""
        masks, front = self._training.draw(draw.count, draw.size, draw.mixed_seed, self._config.jitter)
        swapped = torch.arange(draw.count) % 2 == 1
        masks[swapped] = masks[swapped].flip(1)
        return masks.to(device, torch.float32), (front ^ swapped).to(device)

    def loss(self, net: nn.Module, batch: Batch) -> Tensor:
        """Return the binary cross-entropy."""
        masks, front = batch
        return functional.binary_cross_entropy_with_logits(net(masks), front.to(torch.float32))

    def validate(self, net: nn.Module, device: torch.device) -> dict[str, float]:
        """Return the share of the held-out pairs whose order is found, ``accuracy``."""
        right = 0
        for rows in torch.arange(len(self._held_out)).split(256):
            masks, front = self._held_out.plain(rows, self._config.size)
            found = front_probability(net, masks.to(device, torch.float32)) > 0.5
            right += int((found.cpu() == front).sum())
        return {"accuracy": right / len(self._held_out)}

    def pictures(self, net: nn.Module, device: torch.device) -> NDArray[np.uint8] | None:
        """Return nothing: there is nothing to see."""
        return None


def train_order_net(config: OrderNetConfig, out: Path) -> Path:
    """Train, or continue to train, and return the folder ``out`` with ``weights.safetensors`` in it.

    Raises:
        InputError: data without a true order, or a checkpoint of another run.
        TrainingStoppedError: SIGTERM or Ctrl-C arrived; call again to continue.
    """
    training, held_out = read_pairs([Path(item) for item in config.data], config.crop_size)
    data = {
        "sets": list(config.data),
        "pairs": len(training),
        "held_out": len(held_out),
        "scenes": list(training.scenes),
    }
    task = OrderTask(config, training, held_out)
    return train_and_save(task, config.loop, config, {**data, "fingerprint": training.fingerprint()}, out)
