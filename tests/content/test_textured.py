"""Coarse colours by PCNet-C with copied fine texture."""

from __future__ import annotations

import numpy as np

from deocclude.content import painter
from deocclude.content.exemplar import ExemplarSettings, copies
from deocclude.content.mixing import fine
from deocclude.content.patch import Patch, Provenance
from deocclude.content.textured import own_colours, with_texture


def stripes(seed: int = 0) -> Patch:
    """Fine stripes on a slow gradient, with a hole of 24 pixels."""
    y, x = np.mgrid[:96, :96]
    grey = 110 + 0.4 * x + 20 * np.sign(np.sin(1.5 * y))
    hole = np.zeros((96, 96), bool)
    hole[36:60, 36:60] = True
    rgb = np.repeat(grey[..., None], 3, 2).astype(np.uint8)
    rgb[hole] = [255, 0, 0]
    return Patch(rgb, hole, ~hole, seed)


def detail(rgb: np.ndarray, where: np.ndarray) -> float:
    return float(np.square(fine(rgb.astype(np.float32), np.ones(where.shape, bool))[where]).mean())


def test_has_the_detail_of_the_texture_on_the_colours_of_the_network():
    patch = stripes()
    network, sharp, both = (painter(name)(patch) for name in ("pcnet-c", "exemplar", "textured"))
    assert detail(both.rgb, patch.hole) > 0.5 * detail(sharp.rgb, patch.hole) > 2 * detail(network.rgb, patch.hole)
    coarse = np.abs(both.rgb[patch.hole].mean(0) - network.rgb[patch.hole].mean(0))
    assert coarse.max() < 3


def test_says_that_a_network_took_part_and_changes_nothing_else():
    patch = stripes()
    painted = painter("textured")(patch)
    assert np.array_equal(painted.rgb[~patch.hole], patch.rgb[~patch.hole])
    assert (painted.provenance[patch.hole] == Provenance.NETWORK).all()
    assert painted.method == "textured" and painted.fallback_reason is None
    assert np.array_equal(painted.rgb, painter("textured")(stripes()).rgb)


def test_with_nothing_to_look_at_it_paints_what_the_network_does():
    patch = Patch(stripes().rgb, stripes().hole, np.zeros((96, 96), bool), 0)
    painted = painter("textured")(patch)
    assert painted.fallback_reason and (painted.confidence == 0).all()


def test_with_too_little_to_copy_it_says_that_the_network_painted_alone():
    patch = stripes()
    seen = np.zeros_like(patch.hole)
    seen[35, 36:60] = True
    painted = painter("textured")(Patch(patch.rgb, patch.hole, seen))
    assert painted.method == "pcnet-c" and painted.fallback_reason is None
    assert "textured: too little visible to take texture from" in painted.notes


def halves(seed: int = 0) -> Patch:
    """Dark grain on the left and bright grain on the right, and a hole of 64 pixels in the middle."""
    grain = np.random.default_rng(3).integers(-12, 13, (120, 160))
    grey = np.where(np.arange(160) < 80, 70, 170) + grain
    hole = np.zeros((120, 160), bool)
    hole[28:92, 48:112] = True
    rgb = np.repeat(grey[..., None], 3, 2).astype(np.uint8)
    rgb[hole] = [255, 0, 0]
    return Patch(rgb, hole, ~hole, seed)


def split_at(column: int) -> np.ndarray:
    """Return what a guide says who sees the bright part begin at that column, uint8 [h, w, 3]."""
    return np.where(np.arange(160) < column, 70, 170)[None, :, None].repeat(120, 0).repeat(3, 2).astype(np.uint8)


def test_copies_follow_the_guide():
    patch, rows = halves(), slice(40, 80)
    for column in (64, 96):
        painted, _ = copies(patch, ExemplarSettings(), split_at(column))
        found = painted.rgb[rows, 48:112, 0].astype(float)
        assert found[:, : column - 48 - 8].mean() < 90 and found[:, column - 48 + 8 :].mean() > 150


def test_a_wide_hole_has_grain_and_the_colours_of_both_halves():
    patch = halves()
    painted, sharp = painter("textured")(patch), painter("exemplar")(patch)
    assert detail(painted.rgb, patch.hole) > 0.5 * detail(sharp.rgb, patch.hole)
    left, right = (painted.rgb[40:80, part].mean() for part in (slice(48, 60), slice(100, 112)))
    assert left < 100 < 140 < right


def test_colours_in_between_are_drawn_to_those_that_the_object_shows():
    hole = np.zeros((120, 160), bool)
    hole[:, 48:112] = True
    patch = Patch(halves().rgb, hole, ~hole)
    between = np.where(hole[..., None], np.uint8(130), patch.rgb)
    moved = own_colours(between, patch)
    assert np.array_equal(moved[~hole], patch.rgb[~hole])
    assert np.abs(moved[20:100, 75:85].astype(float) - 170).max() < 12, "the visible part is 70 and 170"
    right = np.where(hole[..., None], split_at(80), patch.rgb)
    assert np.abs(own_colours(right, patch)[hole].astype(float) - right[hole]).mean() < 6, "these stay"


def test_copies_of_a_few_edges_stay_faint_where_the_object_is_smooth():
    y, x = np.mgrid[:120, :160]
    smooth = np.repeat((100 + 0.2 * x)[..., None], 3, 2).astype(np.float32)
    patch = halves()
    combed, rough = smooth.copy(), smooth + np.random.default_rng(0).normal(0, 8, (120, 160, 1)).astype(np.float32)
    combed[patch.hole & (y % 8 == 0)] += 40
    faint = with_texture(smooth, combed, patch)
    assert np.square((faint - smooth)[patch.hole]).mean() < 0.1 * np.square((combed - smooth)[patch.hole]).mean()
    kept = with_texture(smooth, rough.astype(np.float32), patch)
    assert (kept - smooth)[patch.hole].std() > 5, "what the visible part has everywhere is copied"
