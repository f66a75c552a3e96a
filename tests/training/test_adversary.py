"""A discriminator learns to tell two kinds of pictures apart, and says so to the network."""

from __future__ import annotations

from statistics import median

import torch

from deocclude.training.adversary import Adversary, AdversarySettings
from deocclude.training.config import LoopSettings, Phase
from deocclude.training.devices import start_fabric


def pictures(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return textured pictures, and flat ones of the same mean colours."""
    truth = torch.rand(count, 3, 64, 64, generator=torch.Generator().manual_seed(seed))
    return truth.mean((2, 3), keepdim=True).expand_as(truth), truth


def test_it_learns_what_was_painted():
    adversary = Adversary(AdversarySettings(1.0, 0.0, width=0.125, rate=1.0))
    adversary.set_up(start_fabric(LoopSettings((Phase(1, 64, 4),), precision="float32", device="cpu")))
    own, hole = torch.zeros(4, 1, 64, 64), torch.ones(4, 1, 64, 64)
    opinions, losses = [], []
    for step in range(50):
        painted, truth = pictures(4, step)
        opinions.append(float(adversary.terms(painted, truth, own, hole)))
        losses.append(float(adversary.study(3e-4)))
    assert median(losses[-20:]) < 0.5 * losses[0]
    assert median(opinions[-20:]) > 1.5 * opinions[0]


def test_the_network_alone_gets_a_gradient_from_its_opinion():
    adversary = Adversary(AdversarySettings(1.0, 1.0, width=0.125))
    painted, truth = pictures(2, 0)
    painted = painted.clone().requires_grad_(True)
    own, hole = torch.zeros(2, 1, 64, 64), torch.ones(2, 1, 64, 64)
    adversary.terms(painted, truth, own, hole).backward()
    assert painted.grad is not None and painted.grad.abs().sum() > 0
    assert all(value.grad is None for value in adversary._bare.parameters())


def test_matching_is_nothing_for_the_truth():
    adversary = Adversary(AdversarySettings(0.0, 1.0, width=0.125))
    adversary._bare.eval()  # the spectral norm changes with each pass otherwise
    _, truth = pictures(2, 1)
    own, hole = torch.zeros(2, 1, 64, 64), torch.ones(2, 1, 64, 64)
    assert float(adversary.terms(truth, truth, own, hole)) == 0
