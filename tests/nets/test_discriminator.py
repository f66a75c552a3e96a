"""The patch discriminator: size, shapes, receptive field, spectral norm."""

from __future__ import annotations

import pytest
import torch

from deocclude.nets.discriminator import PatchDiscriminator


def weights(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_has_the_published_number_of_weights():
    assert weights(PatchDiscriminator()) == 2_764_800
    assert weights(PatchDiscriminator(0.25)) < weights(PatchDiscriminator()) / 14


def test_map_is_30_for_256_pixels():
    logits, features = PatchDiscriminator(0.125).eval()(torch.rand(1, 4, 256, 256))
    assert logits.shape == (1, 1, 30, 30)
    assert [list(part.shape[1:]) for part in features] == [[8, 128, 128], [16, 64, 64], [32, 32, 32], [64, 31, 31]]


def test_a_logit_sees_70_pixels():
    given = torch.rand(1, 4, 128, 128, requires_grad=True)
    PatchDiscriminator(0.125).eval()(given)[0][0, 0, 7, 7].backward()
    rows = torch.nonzero(given.grad[0].abs().sum((0, 2)))
    assert rows.max() - rows.min() + 1 == 70


def test_logits_are_raw_and_the_largest_singular_value_is_one():
    torch.manual_seed(0)
    net = PatchDiscriminator(0.125)
    for _ in range(20):
        logits, _ = net(torch.randn(2, 4, 64, 64))
    assert logits.min() < 0
    for layer in net.layers:
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.1)
