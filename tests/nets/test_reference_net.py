"""The published net and its successor: sizes, what they look at, and that a useless reference changes nothing."""

from __future__ import annotations

import pytest
import torch

from deocclude.nets.reference_net import (
    Conv3Deconv3,
    FusionNet,
    compare,
    join_planes,
    published_planes,
)


def given(size: int = 64, count: int = 2, *, aligned: bool = True, loose: bool = True) -> torch.Tensor:
    """Patches with a hole in the middle, a base and references of random colours."""
    torch.manual_seed(size)
    hole = torch.zeros(count, 1, size, size)
    hole[..., size // 4 : size // 2, size // 4 : size // 2] = 1
    seen = 1 - hole
    planes = torch.cat([torch.rand(count, 3, size, size) * seen, seen, seen, hole], 1)
    references = [torch.rand(count, 4, size, size) for _ in range(2)]
    for reference, there in zip(references, (aligned, loose), strict=True):
        reference[:, 3] = 1
        reference *= float(there)
    return join_planes(planes, torch.rand(count, 3, size, size), *references)


def trained(**settings: object) -> FusionNet:
    """A net whose last layer says something."""
    torch.manual_seed(1)
    net = FusionNet(0.25, **settings).eval()
    torch.nn.init.normal_(net.head.weight, std=0.5)
    torch.nn.init.normal_(net.head.bias, std=0.5)
    return net


def test_published_net_has_the_size_of_the_paper():
    net = Conv3Deconv3()
    assert sum(parameter.numel() for parameter in net.parameters()) == 156_419
    assert net.layers[0].in_channels == 12
    assert net.layers[-1].out_channels == 3
    found = net(given(20))
    assert found.shape == (2, 3, 20, 20)  # never reduced, so any side will do


def test_published_net_sees_thirteen_pixels():
    torch.manual_seed(0)
    net, planes = Conv3Deconv3(8), given(33).requires_grad_()
    net(planes)[0, :, 16, 16].sum().backward()
    reach = torch.nonzero(planes.grad[0].abs().sum(0))
    assert reach.min() == 10
    assert reach.max() == 22


def test_published_planes_hold_six_inputs():
    planes = given(16)
    found = published_planes(planes)
    assert found.shape[1] == 12
    assert torch.equal(found[:, 3] + found[:, 4], torch.ones(2, 16, 16))  # all but the modal pixels is hidden here
    assert torch.equal(found[:, 5], torch.ones(2, 16, 16))
    assert torch.equal(found[:, 6:9], planes[:, 6:9])
    assert torch.equal(found[:, 9:], planes[:, 13:16])


def test_successor_is_small():
    assert sum(parameter.numel() for parameter in FusionNet().parameters()) < 2_000_000


@pytest.mark.parametrize("settings", [{}, {"gate": False}, {"align": False}, {"attention": False}, {"fold": 4}])
@pytest.mark.parametrize("size", [64, 96])
def test_a_new_net_returns_what_pcnet_c_painted(settings, size):
    planes = given(size)
    assert torch.equal(FusionNet(0.25, **settings)(planes), planes[:, 6:9])


def test_without_a_reference_nothing_changes():
    planes = given(aligned=False, loose=False)
    net = trained()
    assert torch.equal(net(planes), planes[:, 6:9])
    assert not torch.equal(net(given()), given()[:, 6:9])


def test_a_shut_gate_is_exactly_zero():
    net = trained()
    with torch.no_grad():
        net.head.bias[:4] = -40
    planes = given()
    assert torch.equal(net(planes), planes[:, 6:9])


def test_switches_change_what_is_looked_at():
    aligned, loose = given(loose=False), given(aligned=False)
    assert torch.equal(trained(align=False)(aligned), aligned[:, 6:9])
    assert torch.equal(trained(attention=False)(loose), loose[:, 6:9])
    assert not torch.equal(trained()(loose), loose[:, 6:9])


def test_attention_finds_the_place_that_looks_alike():
    net = FusionNet(0.25)
    assert net.attention is not None
    torch.manual_seed(3)
    picture = torch.rand(1, 3, 64, 64)
    moved = picture.roll(16, -1)
    ones = torch.ones(1, 1, 64, 64)
    weights = net.attention.weights(picture, moved, ones)[0]
    place = weights.argmax(-1).reshape(8, 8)[2:6, 1:5]
    wanted = torch.arange(64).reshape(8, 8)[2:6, 3:7]
    assert torch.equal(place, wanted)


def test_comparison_says_what_the_seen_pixels_say():
    planes = given()
    planes[:, 9:12] = torch.where(planes[:, 5:6] > 0, planes[:, 9:12], planes[:, :3] - 0.1)
    told = compare(planes)
    inside = planes[:, 5:6] > 0
    assert told.drift[inside.expand(-1, 3, -1, -1)].sub(0.1).abs().max() < 1e-3
    assert told.agreement[inside].sub(torch.exp(torch.tensor(-0.6))).abs().max() < 1e-2
    nothing = compare(given(aligned=False))
    assert nothing.drift.abs().max() == 0
    assert nothing.agreement.max() == 0


def test_sees_the_whole_patch():
    net, planes = trained(), given(128, 1).requires_grad_()
    net(planes)[0, 1, 40, 40].backward()
    reach = torch.nonzero(planes.grad[0, :13].abs().sum(0))
    assert reach.min() <= 4
    assert reach.max() >= 123


def test_learns_to_copy_a_good_reference():
    torch.manual_seed(0)
    planes = given(32, 4, loose=False)
    truth = torch.rand(4, 3, 32, 32)
    planes[:, :3], planes[:, 9:12] = truth * planes[:, 3:4], truth
    net = FusionNet(0.25, levels=3)
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    errors = []
    for _ in range(25):
        error = ((net(planes) - truth).abs() * planes[:, 5:6]).sum() / (3 * planes[:, 5:6].sum())
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        errors.append(error.item())
    assert errors[-1] < 0.5 * errors[0]


def test_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="multiples of 16"):
        FusionNet(0.25)(torch.rand(1, 17, 40, 40))
    with pytest.raises(ValueError, match=r"expected \[B, 17"):
        Conv3Deconv3()(torch.rand(1, 12, 32, 32))
    with pytest.raises(ValueError, match="fold 1, 2 or 4, found 4 and 3"):
        FusionNet(fold=3)
    with pytest.raises(ValueError, match="attention with fold 1 takes 4 levels or more, found 3"):
        FusionNet(levels=3, fold=1)
    assert FusionNet(levels=3, fold=1, attention=False).attention is None
