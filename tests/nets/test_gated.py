"""The fast content net: its smooth start, what it looks at, that it learns."""

from __future__ import annotations

import pytest
import torch

from deocclude.nets.gated import GatedUNet, smooth_fill


def planes(rgb: torch.Tensor, seen: torch.Tensor, own: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
    return torch.cat([rgb * seen, seen, own, hole], 1)


def ramp(size: int = 64, count: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """A horizontal colour ramp with a hole in its middle; everything else is seen and the object's own."""
    rgb = torch.linspace(0.2, 0.8, size).expand(count, 3, size, size).clone()
    hole = torch.zeros(count, 1, size, size)
    quarter = size // 4
    hole[..., quarter : 3 * quarter, quarter : 3 * quarter] = 1
    return rgb, hole


def test_smooth_fill_keeps_own_pixels_and_continues_them():
    rgb, hole = ramp()
    seen = 1 - hole
    found = smooth_fill(planes(rgb, seen, seen, hole))
    assert torch.allclose(found * seen, rgb * seen, atol=1e-5)
    assert ((found - rgb).abs() * hole).max() < 0.06
    assert found.min() >= 0.2 - 1e-4
    assert found.max() <= 0.8 + 1e-4


def test_smooth_fill_takes_the_objects_colour_not_that_of_the_context():
    rgb, hole = ramp()
    seen, own = 1 - hole, torch.zeros_like(hole)
    own[..., 16:48, :16] = 1
    rgb = torch.where(own > 0, 0.1, 0.9).expand(-1, 3, -1, -1)
    found = smooth_fill(planes(rgb, seen, own, hole))
    assert (found * hole).max() < 0.2


def test_smooth_fill_without_own_pixels_takes_what_is_seen_and_grey_without_any():
    rgb, hole = ramp()
    seen, nothing = 1 - hole, torch.zeros_like(hole)
    found = smooth_fill(planes(torch.full_like(rgb, 0.3), seen, nothing, hole))
    assert torch.allclose(found, torch.full_like(found, 0.3), atol=1e-3)
    blind = smooth_fill(planes(rgb, nothing, nothing, hole))
    assert torch.allclose(blind, torch.full_like(blind, 0.5), atol=1e-3)


@pytest.mark.parametrize("size", [48, 80, 160])
def test_a_new_net_paints_the_smooth_fill(size: int):
    rgb, hole = ramp(size)
    given = planes(rgb, 1 - hole, 1 - hole, hole)
    net = GatedUNet(0.25)
    assert net.stride == 16
    found = net(given)
    assert found.shape == (2, 3, size, size)
    assert torch.equal(found, smooth_fill(given))


def test_it_learns_in_a_few_steps():
    torch.manual_seed(0)
    rgb, hole = ramp(32, 4)
    rgb = rgb + 0.2 * torch.sin(torch.arange(32) * 1.5)[:, None]
    given = planes(rgb, 1 - hole, 1 - hole, hole)
    net = GatedUNet(0.25, levels=3)
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    errors = []
    for _ in range(15):
        error = ((net(given) - rgb).abs() * hole).sum() / (3 * hole.sum())
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        errors.append(error.item())
    assert errors[-1] < 0.7 * errors[0]
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_sees_all_of_a_128_pixel_patch():
    torch.manual_seed(0)
    net = GatedUNet(0.25).eval()
    torch.nn.init.normal_(net.head.weight)
    given = torch.rand(1, 6, 128, 128, requires_grad=True)
    net(given)[0, 1, 64, 64].backward()
    reach = torch.nonzero(given.grad[0, 3:].abs().sum(0))
    assert reach.min() <= 4
    assert reach.max() >= 123


def test_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="multiples of 16"):
        GatedUNet(0.25)(torch.rand(1, 6, 40, 40))
    with pytest.raises(ValueError, match="levels must be 2 to 5, found 1"):
        GatedUNet(levels=1)


def test_final_layer_stays_float32_under_autocast():
    rgb, hole = ramp(32)
    with torch.autocast("cpu", torch.bfloat16):
        assert GatedUNet(0.25).eval()(planes(rgb, 1 - hole, 1 - hole, hole)).dtype == torch.float32
