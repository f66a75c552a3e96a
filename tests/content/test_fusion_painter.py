"""The painter that corrects PCNet-C by a reference: exactly PCNet-C without one, and itself at any scale."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from two_views import hole, photo, psnr, view

from deocclude.content.contest import Candidate, hold
from deocclude.content.diffusion import MarchingSettings, telea
from deocclude.content.fusion import (
    FusionPainter,
    FusionSettings,
    LaidReference,
    fusion_net,
    laid_reference,
)
from deocclude.content.overlay import overlay
from deocclude.content.patch import Patch, Provenance
from deocclude.errors import InputError
from deocclude.masks import Mask
from deocclude.nets.reference_net import Conv3Deconv3, FusionNet
from deocclude.weights import WeightsInfo, save_weights

BASE = telea(MarchingSettings())


def copying() -> FusionNet:
    """A net that takes all of the reference wherever it says something."""
    net = FusionNet(0.25).eval()
    with torch.no_grad():
        bias = net.head.bias.view(6, 4)
        bias[0], bias[1] = 20.0, 1 / (1.0 - 0.0)
        bias[2] = 0.0
    return net


@pytest.fixture(scope="module")
def window() -> LaidReference:
    mask = Mask.from_array(hole())
    return laid_reference(overlay(photo(), mask, Mask.from_array(~hole()), [(view(), None)]), mask)


@pytest.fixture(scope="module")
def laid(window) -> LaidReference:
    """The same in the frame of the whole photo."""
    arrays = ((window.rgb, 0), (window.source, -1), (window.rehearsal, 0), (window.hole, 0))
    return LaidReference(*(window.part(array, patch(), outside) for array, outside in arrays))


def patch(corner=(0, 0)) -> Patch:
    x, y = corner
    return Patch(photo()[y:, x:], hole()[y:, x:], ~hole()[y:, x:], corner=corner)


def test_references_are_laid_over_the_hole_and_what_surrounds_it(laid):
    valid = laid.source >= 0
    assert valid[hole()].mean() > 0.95
    assert valid[~hole()].mean() > 0.3
    assert psnr(laid.rgb, photo(), hole() & valid) > 24
    assert (laid.rehearsal != laid.rgb).any()


def test_a_part_of_the_photo_is_enough(window, laid):
    asked, net = patch((30, 50)), copying()
    assert window.corner != (0, 0)
    assert np.array_equal(window.part(window.source, asked, -1), laid.source[50:, 30:])
    away = Patch(photo()[:5, :5], hole()[:5, :5], ~hole()[:5, :5])
    assert (window.part(window.rgb, away, 3) == 3).all()
    one, other = (FusionPainter(reference, net=net, base=BASE)(asked).rgb for reference in (window, laid))
    assert np.array_equal(one, other)
    assert (one != BASE(asked).rgb).any()


@pytest.mark.parametrize("side", [256, 64])
def test_an_open_gate_copies_the_reference(laid, side):
    painted = FusionPainter(laid, FusionSettings(window=side), net=copying(), base=BASE)(patch())
    inside = hole() & (laid.source >= 0)
    assert np.abs(painted.rgb[inside].astype(int) - laid.rgb[inside]).max() <= 1
    assert (painted.rgb[~hole()] == photo()[~hole()]).all()
    assert (painted.provenance[inside] == Provenance.REFERENCE).mean() > 0.99
    assert painted.method == "fusion"


def test_a_patch_knows_its_place_in_the_photo(laid):
    net = copying()
    whole = FusionPainter(laid, net=net, base=BASE)(patch()).rgb
    part = FusionPainter(laid, net=net, base=BASE)(patch((20, 30))).rgb
    inside = hole() & (laid.source >= 0)
    assert (whole[inside] == laid.rgb[inside]).mean() > 0.9
    assert (part[inside[30:, 20:]] == laid.rgb[inside]).mean() > 0.9


def test_a_useless_reference_changes_nothing(laid):
    plain = BASE(patch()).rgb
    nothing = LaidReference(np.zeros_like(photo()), np.full(hole().shape, -1, np.int16), photo(), hole())
    for reference in (None, nothing):
        assert (FusionPainter(reference, net=copying(), base=BASE)(patch()).rgb == plain).all()
    new = FusionNet(0.25).eval()
    assert (FusionPainter(laid, net=new, base=BASE)(patch()).rgb == plain).all()


def test_tests_of_a_contest_are_answered_from_the_rehearsal(laid):
    told = LaidReference(laid.rgb, laid.source, np.full_like(laid.rgb, 7), laid.hole)
    candidate = Candidate("fusion", FusionPainter(told, net=copying(), base=BASE))
    contest = hold(patch(), [candidate], copies=0)
    (band,) = contest.probes
    (answer,) = contest.answers
    asked = band.patch
    assert asked.corner == (0, 0) or asked.hole.any()
    assert np.nanmedian(answer.tests[0]) == 7
    assert np.median(answer.painted.rgb[hole()]) != 7


def test_the_published_net_paints_too(laid):
    painted = FusionPainter(laid, net=Conv3Deconv3(4).eval(), base=BASE)(patch())
    assert (painted.rgb[~hole()] == photo()[~hole()]).all()
    assert (painted.rgb[hole()] != BASE(patch()).rgb[hole()]).any()


def test_weights(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_weights(path, FusionNet(0.25), WeightsInfo("fusion", {"net": "fusion", "width": 0.25}))
    assert isinstance(fusion_net(tmp_path), FusionNet)
    assert isinstance(FusionPainter(None, FusionSettings(str(path)), base=BASE).net, FusionNet)
    with pytest.raises(InputError, match="deocclude train fusion"):
        fusion_net(tmp_path / "none.safetensors")
    with pytest.raises(InputError, match="network for references"):
        fusion_net("pcnet-m")
