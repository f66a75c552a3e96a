"""The frozen random features and the distance made of them."""

from __future__ import annotations

import pytest
import torch

from deocclude.nets.random_features import RandomFeatures, published_features, random_feature_distance


def pictures(count: int = 2, size: int = 64) -> torch.Tensor:
    y = torch.arange(size) / size
    return (0.5 + 0.4 * torch.sin(6 * y[:, None] + 11 * y[None])).expand(count, 3, size, size).clone()


def mask(count: int = 2, size: int = 64) -> torch.Tensor:
    found = torch.zeros(count, 1, size, size)
    found[..., 16:48, 16:48] = 1
    return found


def test_weights_are_the_published_ones():
    features = published_features()
    assert features.weight0[0, 0, 0].tolist() == pytest.approx([0.138063, -0.696699, -0.106706], abs=1e-5)
    assert not list(features.parameters())
    assert not features.state_dict()
    distance = random_feature_distance(pictures(), pictures() * 0.9, mask())
    assert distance.tolist() == pytest.approx([0.090848, 0.090848], rel=1e-3)


def test_same_seed_same_stack():
    one, other = RandomFeatures((4, 8), seed=3), RandomFeatures((4, 8), seed=3)
    for first, second in zip(one(pictures()), other(pictures()), strict=True):
        assert torch.equal(first, second)
    assert not torch.equal(one(pictures())[0], RandomFeatures((4, 8), seed=4)(pictures())[0])


def test_whitened_channels_have_deviation_one():
    features = RandomFeatures((4, 8))
    rng = torch.Generator().manual_seed(0)
    noise = torch.rand(4, 3, 64, 64, generator=rng)
    shapes = [list(depth.shape) for depth in features(noise)]
    assert shapes == [[4, 4, 32, 32], [4, 8, 16, 16]]
    assert 0.2 < float(features(noise)[1].std()) < 5


def test_distance_grows_with_the_difference_and_is_zero_for_equals():
    truth, area = pictures(), mask()
    assert random_feature_distance(truth, truth, area).tolist() == [0.0, 0.0]
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(truth.shape, generator=generator) * area
    small, large = (random_feature_distance(truth + step * noise, truth, area)[0] for step in (0.02, 0.1))
    assert 0 < small < large


def test_missing_texture_costs_more_than_a_shift_of_the_same_l1():
    generator = torch.Generator().manual_seed(0)
    texture = 0.1 * torch.randn(1, 3, 64, 64, generator=generator).sign()
    truth, area = 0.5 + texture, mask(1)
    shifted, blurred = truth + 0.1 * area, truth - texture * area
    assert random_feature_distance(blurred, truth, area) > random_feature_distance(shifted, truth, area)


def test_empty_mask_has_distance_zero():
    assert random_feature_distance(pictures(), pictures() * 0, mask() * 0).tolist() == [0.0, 0.0]
