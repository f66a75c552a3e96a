"""Copied texture that follows PCNet-C's colours."""

from __future__ import annotations

import numpy as np

from deocclude.content import painter
from deocclude.content.exemplar import ExemplarSettings, exemplar
from deocclude.content.patch import Painted, Patch, Provenance


def halves(seed: int = 0) -> Patch:
    """Dark grain on the left and bright grain on the right, and a hole of 64 pixels in the middle."""
    grain = np.random.default_rng(3).integers(-12, 13, (120, 160))
    grey = np.where(np.arange(160) < 80, 70, 170) + grain
    hole = np.zeros((120, 160), bool)
    hole[28:92, 48:112] = True
    rgb = np.repeat(grey[..., None], 3, 2).astype(np.uint8)
    rgb[hole] = [255, 0, 0]
    return Patch(rgb, hole, ~hole, seed)


def split_at(column: int) -> Painted:
    """Return what a guide says who sees the bright part begin at that column."""
    patch = halves()
    grey = np.where(np.arange(160) < column, 70, 170)[None, :, None].repeat(120, 0).repeat(3, 2).astype(np.uint8)
    nothing = np.zeros(patch.hole.shape)
    return Painted(grey, nothing.astype(np.float32), nothing.astype(np.uint8), "guide")


def test_copies_follow_the_guide():
    patch, rows = halves(), slice(40, 80)
    for column in (64, 96):
        painted = exemplar(ExemplarSettings(), lambda _, at=column: split_at(at))(patch)
        found = painted.rgb[rows, 48:112, 0].astype(float)
        assert found[:, : column - 48 - 8].mean() < 90 and found[:, column - 48 + 8 :].mean() > 150


def test_all_pixels_are_copies_and_nothing_else_changes():
    patch = halves()
    painted = painter("guided")(patch)
    assert np.array_equal(painted.rgb[~patch.hole], patch.rgb[~patch.hole])
    assert (painted.provenance[patch.hole] == Provenance.OWN_TEXTURE).all()
    assert painted.method == "guided" and painted.fallback_reason is None
    assert painted.rgb[patch.hole].std() > 40, "grain of both halves, not their mean"
    assert np.array_equal(painted.rgb, painter("guided")(halves()).rgb)


def test_with_nothing_to_look_at_it_says_so():
    patch = Patch(halves().rgb, halves().hole, np.zeros((120, 160), bool))
    painted = painter("guided")(patch)
    assert painted.fallback_reason and (painted.confidence == 0).all() and painted.method != "guided"
