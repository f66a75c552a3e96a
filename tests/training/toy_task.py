"""A toy task for the tests of the loop; run as a program it trains under torchrun."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import torch
from torch import nn

from deocclude.training.config import LoopSettings, Phase
from deocclude.training.loop import train_and_save
from deocclude.training.task import Draw


class Toy:
    """Learns the mean of its input; every sample follows from its own number, so processes can share a step."""

    name = "toy"
    adversary = None

    def __init__(self, channels: int = 4, pause: float = 0.0):
        self.channels, self.pause = channels, pause

    def architecture(self):
        return {"net": "toy", "channels": self.channels}

    def settings(self):
        return {}

    def build(self):
        return nn.Sequential(nn.Conv2d(1, self.channels, 3, padding=1), nn.ReLU(), nn.Conv2d(self.channels, 1, 1))

    def batch(self, draw: Draw, device: torch.device):
        time.sleep(self.pause)
        numbers = range(draw.first, draw.first + draw.count)
        seeds = [draw.seed * 1_000_003 + draw.step * 1009 + number for number in numbers]
        made = [torch.rand(1, draw.size, draw.size, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        return torch.stack(made).to(device)

    def loss(self, net, batch):
        return (net(batch) - batch.mean((1, 2, 3), keepdim=True)).square().mean()

    def validate(self, net, device):
        return {"error": float(self.loss(net, self.batch(Draw(7, 10_000, 0, 8, 16), device)))}

    def pictures(self, net, device):
        return None


def settings(steps: int = 12, **changes) -> LoopSettings:
    defaults = {
        "log_every": 2,
        "validate_every": 10_000,
        "precision": "float32",
        "device": "cpu",
        "learning_rate": 0.01,
    }
    return LoopSettings((Phase(steps // 2, 8, 4), Phase(steps - steps // 2, 16, 4)), **{**defaults, **changes})


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    pause = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
    loop = settings(steps=400 if pause else 12)
    train_and_save(Toy(pause=pause), loop, loop, {}, folder)
