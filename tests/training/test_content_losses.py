"""Losses of the content nets, by hand values."""

from __future__ import annotations

import math

import pytest
import torch

from deocclude.nets.random_features import RandomFeatures
from deocclude.training import content_losses as losses


def example() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Output 0.5 everywhere, truth 0, a hole of 2 of the 4x4 pixels."""
    hole = torch.zeros(1, 1, 4, 4)
    hole[..., 1, 1:3] = 1
    return torch.full((1, 3, 4, 4), 0.5), torch.zeros(1, 3, 4, 4), hole


def test_compose():
    output, truth, hole = example()
    found = losses.compose(output, truth, hole)
    assert found.sum().item() == pytest.approx(3 * 2 * 0.5)


def test_masked_l1_does_not_forget_small_holes():
    output, truth, hole = example()
    assert losses.masked_l1(output, truth, hole).item() == pytest.approx(0.5)
    assert losses.masked_l1(output, truth, torch.zeros_like(hole)).item() == 0


def test_log_mse_counts_every_sample_alike_and_leaves_out_those_without_a_hole():
    output, truth, hole = example()
    small, nothing = hole.clone(), torch.zeros_like(hole)
    small[..., 1, 2] = 0
    outputs = torch.cat([output, 0.1 / 0.5 * output, output])
    found = losses.log_mse(outputs, torch.cat([truth] * 3), torch.cat([hole, small, nothing]))
    assert found.item() == pytest.approx((math.log(0.25) + math.log(0.01)) / 2, abs=0.01)


def test_gradient_l1_counts_steps_inside_the_mask_only():
    output, truth, hole = example()
    assert losses.gradient_l1(output, truth, hole).item() == 0
    output[..., 1, 2] = 0.8
    output[..., 0, 0] = 9.0
    # One step lies inside: 0.3 across in each of three channels.
    assert losses.gradient_l1(output, truth, hole).item() == pytest.approx(0.3)


def test_total_variation():
    picture = torch.zeros(1, 1, 2, 2)
    picture[..., 0, 0] = 1
    assert losses.total_variation(picture).item() == pytest.approx(0.5 + 0.5)


def test_gram_matrix():
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])
    assert torch.allclose(losses.gram(features), torch.tensor([[[5.0, 11.0], [11.0, 25.0]]]) / 4)


def test_perceptual_and_style_are_zero_for_equals_and_have_gradients():
    torch.manual_seed(0)
    features, truth = RandomFeatures((4, 8)), torch.rand(2, 3, 16, 16)
    content, style = losses.perceptual_and_style(features, [truth], truth)
    assert content.item() == 0
    assert style.item() == 0
    output = torch.rand(2, 3, 16, 16, requires_grad=True)
    content, style = losses.perceptual_and_style(features, [output, output], truth)
    once, _ = losses.perceptual_and_style(features, [output], truth, style=False)
    assert content.item() == pytest.approx(2 * once.item())
    (content + style).backward()
    assert output.grad.abs().min() >= 0
    assert output.grad.abs().sum() > 0


def test_style_ignores_where_things_are():
    torch.manual_seed(0)
    features, truth = RandomFeatures((4, 8)), torch.rand(1, 3, 32, 32)
    moved = torch.roll(truth, 8, 3)
    content, style = losses.perceptual_and_style(features, [moved], truth)
    other_content, other_style = losses.perceptual_and_style(features, [0.5 + 0 * truth], truth)
    assert style < 0.1 * other_style
    assert content > 0.3 * other_content


def test_adversarial_losses_at_zero_are_log_two():
    zero = torch.zeros(2, 1, 3, 3)
    assert losses.generator_adversarial(zero).item() == pytest.approx(math.log(2))
    assert losses.discriminator_adversarial(zero, zero).item() == pytest.approx(math.log(2))
    assert losses.generator_adversarial(zero + 3).item() == pytest.approx(math.log1p(math.exp(-3)))


def test_discriminator_is_not_asked_to_find_fakes_where_nothing_was_painted():
    fake = torch.full((1, 1, 2, 2), 10.0)
    hole = torch.zeros(1, 1, 8, 8)
    hole[..., :4, :4] = 1
    # A quarter of the logits sees the hole: they cost about 10 each, the others nothing.
    found = losses.discriminator_adversarial(fake, fake, hole).item()
    assert found == pytest.approx(0.5 * 10 / 4, abs=1e-3)


def test_feature_matching():
    fake, real = [torch.ones(2), torch.ones(4)], [torch.zeros(2), torch.zeros(4) - 1]
    assert losses.feature_matching(fake, real).item() == pytest.approx(1.5)
