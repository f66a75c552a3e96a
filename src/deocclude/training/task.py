"""What the training loop trains: a network with its samples, its loss and its scores.

A new network is a class with these methods; :mod:`deocclude.training.loop` does the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deocclude.training.adversary import Adversary


@dataclass(frozen=True)
class Draw:
    """Which samples of a step a process makes.

    Attributes:
        seed: of the run.
        step: from 0.
        first: number of the first sample within the step; processes share the samples of a step.
        count: how many.
        size: patch side, pixels.
        progress: share of the run that is done, for tasks whose samples change on the way.
    """

    seed: int
    step: int
    first: int
    count: int
    size: int
    progress: float = 0.0

    @property
    def mixed_seed(self) -> int:
        """One seed for this draw, different for every (seed, step, first)."""
        state = np.random.SeedSequence((self.seed, self.step, self.first)).generate_state(2, np.uint32)
        return int(state[0]) << 31 | int(state[1]) >> 1


class Task(Protocol):
    """What is trained."""

    name: str

    @property
    def adversary(self) -> Adversary | None:
        """Learns along, and has a say in the loss; ``None`` for none."""

    def architecture(self) -> dict[str, Any]:
        """Return plain values that the net can be built from."""

    def settings(self) -> dict[str, Any]:
        """Return plain values of everything else that the run depends on."""

    def build(self) -> nn.Module:
        """Return the net with initial weights."""

    def batch(self, draw: Draw, device: torch.device) -> Any:
        """Return the samples of ``draw`` on ``device``."""

    def loss(self, net: nn.Module, batch: Any) -> Tensor:
        """Return the mean loss, a scalar."""

    def validate(self, net: nn.Module, device: torch.device) -> dict[str, float]:
        """Return scores of ``net`` (in evaluation mode) on held-out photos."""

    def pictures(self, net: nn.Module, device: torch.device) -> NDArray[np.uint8] | None:
        """Return sample pictures [n, h, w, 3] for people to look at, or ``None``."""
