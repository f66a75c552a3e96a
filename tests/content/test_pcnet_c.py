"""The painter with a network, with nets whose answers are known: an untrained one paints a smooth continuation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from deocclude.content import painter
from deocclude.content.patch import Patch, Provenance
from deocclude.content.pcnet_c import PCNetC, PCNetCSettings
from deocclude.errors import InputError
from deocclude.nets.content_net import ContentNet
from deocclude.nets.gated import GatedUNet
from deocclude.nets.partial_conv import PartialConvUNet


class Recorder(nn.Module):
    """Passes planes on to an untrained net, and keeps them."""

    stride = 16

    def __init__(self):
        super().__init__()
        self.smooth, self.batches = GatedUNet(0.25), []

    def forward(self, x):
        self.batches.append(x.clone())
        return self.smooth(x)


def untrained(**values):
    return PCNetC(PCNetCSettings(**values), net=ContentNet(net=GatedUNet(0.25)))


def disc(height, width, radius):
    y, x = np.mgrid[:height, :width]
    return (y - height / 2) ** 2 + (x - width / 2) ** 2 <= radius**2


def constant(hole, evidence=None, context=None):
    picture = np.broadcast_to(np.uint8([37, 141, 211]), (*hole.shape, 3)).copy()
    picture[hole] = [255, 0, 0]
    return Patch(picture, hole, ~hole if evidence is None else evidence, context=context)


@pytest.mark.parametrize("radius", [5, 40, 120])
def test_constant_colour_is_continued(radius):
    patch = constant(disc(300, 310, radius))
    painted = untrained()(patch)
    assert np.abs(painted.rgb[patch.hole].astype(int) - [37, 141, 211]).max() <= 1
    assert np.array_equal(painted.rgb[~patch.hole], patch.rgb[~patch.hole])
    assert painted.method == "pcnet-c"
    assert painted.fallback_reason is None
    assert (painted.provenance[patch.hole] == Provenance.NETWORK).all()
    assert not painted.provenance[~patch.hole].any()
    assert 0 < painted.confidence[patch.hole].min() <= painted.confidence.max() <= 1


def test_a_large_hole_is_painted_coarse_to_fine_without_steps():
    y, x = np.mgrid[:340, :340]
    picture = np.stack([x / 2, y / 2, 200 - x / 4], 2).astype(np.uint8)
    hole = disc(340, 340, 110)
    painted = untrained()(Patch(np.where(hole[..., None], np.uint8(255), picture), hole, ~hole))
    assert painted.notes == ("pcnet-c: the hole is large, its inside was painted at 1/2 of the scale",)
    assert np.abs(painted.rgb.astype(int) - picture)[hole].mean() < 4
    steps = np.abs(np.diff(painted.rgb.astype(int), axis=1)).max(2)
    assert steps.max() <= 6


def test_small_holes_are_painted_at_the_photos_own_scale():
    net = Recorder()
    hole = np.zeros((400, 400), bool)
    hole[200:230, 150:200] = True
    own, context = ~hole, np.zeros_like(hole)
    own[:, 220:] = False
    context[:, 230:] = True
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (400, 400, 3), np.uint8)
    PCNetC(net=ContentNet(net=net))(Patch(rgb, hole, own, context=context))
    (planes,) = net.batches
    assert planes.shape[0] == 1
    assert max(planes.shape[2:]) <= 160
    colour, seen, mine, wanted = planes[0, :3], planes[0, 3] > 0, planes[0, 4] > 0, planes[0, 5] > 0
    assert wanted.sum() == 30 * 50
    assert not (seen & wanted).any()
    assert not (mine & ~seen).any()
    assert (mine != seen).any()
    assert (colour[:, ~seen] == 0).all()
    top, left = (int(v) for v in torch.nonzero(wanted)[0])
    shown = rgb[200 - top : 200 - top + planes.shape[2], 150 - left : 150 - left + planes.shape[3]]
    expected = torch.from_numpy(shown.transpose(2, 0, 1) / np.float32(255))
    assert torch.allclose(colour[:, seen], expected[:, seen], atol=1e-6)


@pytest.mark.parametrize("radius", [12, 90])
def test_only_evidence_and_context_are_looked_at(radius):
    rng = np.random.default_rng(1)
    rgb = rng.integers(0, 256, (240, 250, 3), np.uint8)
    hole = disc(240, 250, radius)
    evidence, context = ~hole, np.zeros_like(hole)
    evidence[:, 200:] = False
    context[:, 220:] = True
    painted = untrained()(Patch(rgb, hole, evidence, context=context))
    other = np.where((evidence | context)[..., None], rgb, 255 - rgb)
    again = untrained()(Patch(other, hole, evidence, context=context))
    assert np.array_equal(painted.rgb[hole], again.rgb[hole])


def test_many_at_once_give_what_each_gives_alone_and_share_a_batch():
    patches = [constant(disc(120, 120, radius)) for radius in (8, 10, 11)]
    patches.append(constant(np.ones((30, 30), bool), np.zeros((30, 30), bool)))
    rng = np.random.default_rng(0)
    patches.append(Patch(rng.integers(0, 256, (300, 300, 3), np.uint8), disc(300, 300, 90), ~disc(300, 300, 90)))
    net = Recorder()
    found = PCNetC(net=ContentNet(net=net)).paint_many(patches)
    assert len(net.batches[-1]) + len(net.batches[-2]) > 4
    for patch, painted in zip(patches, found, strict=True):
        alone = untrained()(patch)
        assert np.abs(painted.rgb.astype(int) - alone.rgb).max() <= 1
        assert painted.method == alone.method
    assert PCNetC(net=ContentNet(net=net)).paint_many([]) == []


def test_nothing_to_look_at_is_painted_blind():
    hole = disc(40, 40, 10)
    painted = untrained()(constant(hole, np.zeros_like(hole)))
    assert painted.method == "mean"
    assert "no visible pixel" in painted.fallback_reason


def test_a_thin_visible_part_far_from_the_hole_still_gives_its_colour():
    hole, evidence = np.zeros((500, 40), bool), np.zeros((500, 40), bool)
    hole[200:480, 5:35] = True
    evidence[3:5, 10:12] = True
    patch = constant(hole, evidence)
    painted = untrained()(patch)
    assert np.abs(painted.rgb[hole].astype(int) - [37, 141, 211]).max() <= 3


def test_a_net_with_a_large_stride():
    net = ContentNet(net=PartialConvUNet(0.0625))
    patch = constant(disc(90, 150, 30))
    painted = PCNetC(net=net)(patch)
    assert np.array_equal(painted.rgb[~patch.hole], patch.rgb[~patch.hole])
    large = constant(disc(290, 250, 110))
    assert PCNetC(net=net)(large).method == "pcnet-c"


@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**32 - 1), st.integers(24, 60))
@settings(deadline=None, max_examples=25)
def test_any_masks_paint_the_hole_and_nothing_else(height, width, seed, window):
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 4, (height, width)) if seed % 2 else rng.integers(0, 4, (1, width)).repeat(height, 0)
    rgb = rng.integers(0, 256, (height, width, 3), np.uint8)
    patch = Patch(rgb, kind == 0, kind == 1, context=kind == 2)
    painted = untrained(window=window, margin=4, reach=6)(patch)
    assert np.array_equal(painted.rgb[~patch.hole], rgb[~patch.hole])
    assert ((painted.provenance > 0) == patch.hole).all()


def test_missing_weights_are_one_clear_line(tmp_path):
    with pytest.raises(InputError, match=r"none.safetensors: expected weights of the content network, found no such"):
        painter("pcnet-c", {"weights": str(tmp_path / "none.safetensors")})
    with pytest.raises(InputError, match="weights"):
        painter("pcnet-c", {"weights": "pcnet-x"})


@pytest.mark.parametrize(
    ("name", "found"), [("pcnet-m", "UNet"), ("pcnet-m-rgb", "UNet"), ("pair-net", "PairNet"), ("fusion", "FusionNet")]
)
def test_weights_of_other_nets_are_refused(name, found):
    with pytest.raises(InputError, match=f"expected weights of the content network, found those of a {found}"):
        painter("pcnet-c", {"weights": name})(constant(disc(30, 30, 5)))
