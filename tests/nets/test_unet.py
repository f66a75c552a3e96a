"""The mask net: size, shapes, what it refuses."""

from __future__ import annotations

import pytest
import torch

from deocclude.nets.unet import UNet, init_kaiming, init_reference


@pytest.mark.parametrize(("width", "count"), [(2, 3_352_002), (1, 839_650), (0.5, 210_738), (0.25, 53_098)])
def test_has_the_published_number_of_parameters(width: float, count: int):
    assert sum(parameter.numel() for parameter in UNet(width).parameters()) == count


def test_logits_have_the_shape_of_the_input():
    net = UNet(0.25, in_channels=3).eval()
    assert net(torch.rand(2, 3, 48, 80)).shape == (2, 2, 48, 80)


@pytest.mark.parametrize("shape", [(1, 2, 40, 32), (1, 3, 32, 32)])
def test_refuses_what_does_not_fit(shape: tuple[int, ...]):
    with pytest.raises(ValueError, match=r"expected \[B, 2, H, W\]"):
        UNet(0.25)(torch.rand(shape))


def test_sees_the_whole_of_a_128_pixel_patch():
    torch.manual_seed(0)
    net = UNet(0.25).eval()
    init_kaiming(net)
    image = torch.rand(1, 2, 128, 128, requires_grad=True)
    net(image)[0, 1, 64, 64].backward()
    reach = torch.nonzero(image.grad[0].abs().sum(0))
    assert reach.min() <= 4 and reach.max() >= 123


def test_reference_initialisation_is_tiny():
    net = UNet(0.5)
    init_reference(net)
    weight = net.down[0][0].weight
    fan = (2 + 8) * 9
    assert weight.std().item() == pytest.approx(0.02 * (2 / fan) ** 0.5, rel=0.2)
    assert net.head.bias.abs().max() == 0


def test_a_folded_net_keeps_the_size_and_sees_single_pixels():
    torch.manual_seed(0)
    net = UNet(0.25, 3, fold=2).eval()
    init_kaiming(net)
    image = torch.rand(1, 3, 64, 64, requires_grad=True)
    logits = net(image)
    assert logits.shape == (1, 2, 64, 64)
    logits[0, 1, 20, 21].backward()
    assert (image.grad[0, :, 20:22, 20:22] != 0).all()
    with pytest.raises(ValueError, match="multiples of 32"):
        net(torch.rand(1, 3, 48, 64))
