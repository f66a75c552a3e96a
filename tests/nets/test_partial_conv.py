"""Partial convolutions by hand values, and the reference's generator."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from deocclude.errors import InputError
from deocclude.nets.partial_conv import PartialConv, PartialConvUNet


def ones(conv: PartialConv) -> PartialConv:
    torch.nn.init.ones_(conv.conv.weight)
    return conv


def planes(count: int = 2, size: int = 128) -> torch.Tensor:
    rgb = torch.rand(count, 3, size, size)
    hole = torch.zeros(count, 1, size, size)
    hole[:, :, size // 4 : size // 2, size // 4 : size // 2] = 1
    seen = 1 - hole
    own = seen.clone()
    own[..., : size // 8] = 0
    return torch.cat([rgb * seen, seen, own, hole], 1)


def test_window_scaling_by_hand():
    # Two of nine pixels are known: (3 + 5) * 9 / 2 = 36, wherever the window holds both.
    values = torch.full((1, 1, 3, 3), 100.0)
    mask = torch.zeros(1, 1, 3, 3)
    values[0, 0, 0, 0], values[0, 0, 1, 1] = 3, 5
    mask[0, 0, 0, 0] = mask[0, 0, 1, 1] = 1
    found, known = ones(PartialConv([1], 1, 3))([(values, mask)])
    expected = torch.tensor([[36.0, 36.0, 45.0], [36.0, 36.0, 45.0], [45.0, 45.0, 45.0]])
    assert torch.allclose(found[0, 0], expected)
    assert known.min() == 1


def test_sum_scaling_by_hand():
    values, mask = torch.full((1, 2, 3, 3), 4.0), torch.zeros(1, 1, 3, 3)
    mask[0, 0, 0, 0] = 1
    # One pixel of two channels is known: (4 + 4) / 2; with one counted channel (4 + 4) / 1.
    conv = ones(PartialConv([2], 1, 3, scaling="sum"))
    assert conv([(values, mask)])[0][0, 0, 1, 1].item() == pytest.approx(4)
    conv = ones(PartialConv([2], 1, 3, scaling="sum", counted=[1]))
    assert conv([(values, mask)])[0][0, 0, 1, 1].item() == pytest.approx(8)


def test_nothing_known_gives_zero_and_stays_unknown():
    values, mask = torch.ones(1, 1, 5, 5), torch.zeros(1, 1, 5, 5)
    mask[0, 0, 0, 0] = 1
    conv = ones(PartialConv([1], 1, 3, bias=True))
    torch.nn.init.constant_(conv.bias, 7.0)
    found, known = conv([(values, mask)])
    reached = torch.zeros(5, 5)
    reached[:2, :2] = 1
    assert torch.equal(known[0, 0], reached)
    assert torch.allclose(found[0, 0], 16 * reached)


def test_two_groups_with_their_masks_equal_a_mask_channel_each():
    torch.manual_seed(0)
    first, second = torch.rand(2, 3, 9, 9), torch.rand(2, 2, 9, 9)
    one, other = (torch.rand(2, 1, 9, 9) > 0.7).float(), (torch.rand(2, 1, 9, 9) > 0.7).float()
    conv = PartialConv([3, 2], 4, 3, stride=2)
    found, known = conv([(first, one), (second, other)])
    mask = torch.cat([one.expand(-1, 3, -1, -1), other.expand(-1, 2, -1, -1)], 1)
    entries = functional.conv2d(mask, torch.ones(1, 5, 3, 3), stride=2, padding=1)
    plain = functional.conv2d(torch.cat([first, second], 1) * mask, conv.conv.weight, stride=2, padding=1)
    expected = torch.where(entries > 0, plain * 45 / entries.clamp(min=1), torch.zeros(()))
    assert torch.allclose(found, expected, atol=1e-5)
    assert torch.equal(known, (entries > 0).float())


def test_unknown_scaling():
    with pytest.raises(InputError, match="did you mean 'window'"):
        PartialConv([1], 1, 3, scaling="windows")


@pytest.mark.parametrize(("width", "millions"), [(1, 25.78), (0.5, 6.45), (0.25, 1.62)])
def test_has_the_published_number_of_parameters(width: float, millions: float):
    count = sum(parameter.numel() for parameter in PartialConvUNet(width).parameters())
    assert count / 1e6 == pytest.approx(millions, abs=0.005)
    if width == 1:
        assert count == 25_782_959


def test_shape_of_the_answer_and_gradients():
    net = PartialConvUNet(0.125)
    found = net(planes())
    assert found.shape == (2, 3, 128, 128)
    assert found.dtype == torch.float32
    found.mean().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_answers_do_not_depend_on_pixels_that_are_not_seen():
    net = PartialConvUNet(0.125, levels=4).eval()
    given = planes(1, 64)
    changed = given.clone()
    changed[:, :3] += 0.7 * given[:, 5:]
    assert torch.equal(net(given), net(changed))


def test_fewer_levels_take_smaller_sides():
    net = PartialConvUNet(0.125, levels=5).eval()
    assert net.stride == 32
    assert net(planes(1, 96)).shape == (1, 3, 96, 96)
    with pytest.raises(ValueError, match="multiples of 128"):
        PartialConvUNet(0.125)(planes(1, 96))
    with pytest.raises(ValueError, match="expected \\[B, 6, H, W\\]"):
        net(planes(1, 96)[:, :4])
    with pytest.raises(ValueError, match="levels must be 1 to 7, found 8"):
        PartialConvUNet(levels=8)


def test_final_layer_stays_float32_under_autocast():
    net = PartialConvUNet(0.125, levels=4).eval()
    with torch.autocast("cpu", torch.bfloat16):
        assert net(planes(1, 64)).dtype == torch.float32
