"""Painters on patches with known answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deocclude.content import METHODS, painter
from deocclude.content.patch import Patch, Provenance
from deocclude.errors import InputError

WITHOUT_A_NET = [name for name in METHODS if name not in ("pcnet-c", "textured")]
SMOOTH = ["telea", "navier-stokes", "biharmonic"]


def disc(height, width, radius):
    y, x = np.mgrid[:height, :width]
    return (y - height / 2) ** 2 + (x - width / 2) ** 2 <= radius**2


def patch_of(picture, hole, evidence=None, seed=0):
    spoilt = picture.copy()
    spoilt[hole] = [255, 0, 0]
    return Patch(spoilt, hole, ~hole if evidence is None else evidence, seed)


def error(painted, truth, hole):
    return float(np.sqrt(np.square(painted.rgb[hole].astype(float) - truth[hole]).mean()))


@pytest.mark.parametrize("name", WITHOUT_A_NET)
def test_constant_colour_is_continued_exactly(name):
    picture = np.broadcast_to(np.uint8([37, 141, 211]), (60, 70, 3)).copy()
    hole = disc(60, 70, 17)
    painted = painter(name)(patch_of(picture, hole))
    assert np.array_equal(painted.rgb, picture)
    assert painted.method == name
    assert painted.fallback_reason is None


def test_biharmonic_continues_a_gradient():
    y, x = np.mgrid[:50, :50]
    picture = np.stack([2 * x + y, 40 + 3 * y, 200 - 2 * x], 2).astype(np.uint8)
    hole = disc(50, 50, 12)
    assert error(painter("biharmonic")(patch_of(picture, hole)), picture, hole) < 1.0


def test_biharmonic_of_a_large_hole_is_solved_smaller_and_says_so():
    y, x = np.mgrid[:120, :120]
    picture = np.stack([x, y, x + y], 2).astype(np.uint8)
    hole = disc(120, 120, 40)
    painted = painter("biharmonic", {"max_pixels": 600})(patch_of(picture, hole))
    assert any("reduced scale" in note for note in painted.notes)
    assert error(painted, picture, hole) < 4.0


def test_exemplar_continues_a_periodic_texture():
    y, x = np.mgrid[:96, :112]
    wave = np.where((x % 12 < 6) ^ (y % 16 < 8), 210, 60)
    picture = np.stack([wave, wave // 2, 255 - wave], 2).astype(np.uint8)
    hole = disc(96, 112, 16)
    ours = error(painter("exemplar")(patch_of(picture, hole)), picture, hole)
    telea = error(painter("telea")(patch_of(picture, hole)), picture, hole)
    assert ours < 0.5 * telea


def test_exemplar_keeps_the_level_of_detail():
    picture = np.random.default_rng(5).integers(60, 200, (90, 90, 1), np.uint8).repeat(3, 2)
    hole = disc(90, 90, 20)
    painted = painter("exemplar")(patch_of(picture, hole))
    assert painted.rgb[hole].std() > 0.6 * picture[hole].std()
    assert painter("telea")(patch_of(picture, hole)).rgb[hole].std() < 0.6 * picture[hole].std()


@pytest.mark.parametrize("name", WITHOUT_A_NET)
def test_only_evidence_is_looked_at(name):
    rng = np.random.default_rng(2)
    picture = rng.integers(0, 256, (64, 80, 3), np.uint8)
    hole, other = disc(64, 80, 14), np.zeros((64, 80), bool)
    other[:, 48:] = True
    evidence = ~(hole | other)
    first = painter(name)(Patch(picture, hole, evidence))
    changed = picture.copy()
    changed[~evidence] = rng.integers(0, 256, (int((~evidence).sum()), 3), np.uint8)
    second = painter(name)(Patch(changed, hole, evidence))
    assert np.array_equal(first.rgb[hole], second.rgb[hole])
    assert np.array_equal(first.confidence, second.confidence)


@pytest.mark.parametrize("name", WITHOUT_A_NET)
def test_shapes_types_and_the_rest_untouched(name):
    picture = np.random.default_rng(1).integers(0, 256, (40, 50, 3), np.uint8)
    hole = disc(40, 50, 9)
    patch = patch_of(picture, hole)
    before = patch.rgb.copy()
    painted = painter(name)(patch)
    assert np.array_equal(patch.rgb, before)
    assert np.array_equal(painted.rgb[~hole], patch.rgb[~hole])
    assert (painted.rgb.dtype, painted.confidence.dtype, painted.provenance.dtype) == (np.uint8, np.float32, np.uint8)
    assert (painted.provenance[~hole] == Provenance.NOTHING).all()
    assert (painted.provenance[hole] > Provenance.VISIBLE).all()
    assert 0 < painted.confidence[hole].min() <= painted.confidence.max() <= 1


@pytest.mark.parametrize("name", WITHOUT_A_NET)
def test_same_seed_same_result(name):
    picture = np.random.default_rng(1).integers(0, 256, (60, 60, 3), np.uint8)
    first, second = (painter(name)(patch_of(picture, disc(60, 60, 14), seed=7)) for _ in range(2))
    assert np.array_equal(first.rgb, second.rgb)
    assert np.array_equal(first.confidence, second.confidence)


@pytest.mark.parametrize("name", SMOOTH)
def test_confidence_falls_with_the_distance_to_evidence(name):
    picture = np.full((60, 60, 3), 90, np.uint8)
    hole = disc(60, 60, 20)
    sure = painter(name)(patch_of(picture, hole)).confidence[30, 11:31]
    assert (np.diff(sure) < 0).all()
    assert sure[-1] < 0.4 < sure[0]


def test_exemplar_is_less_sure_where_its_patches_do_not_match():
    hole = disc(70, 70, 14)
    plain = np.full((70, 70, 3), 90, np.uint8)
    noise = np.random.default_rng(1).integers(0, 256, (70, 70, 3), np.uint8)
    sure, unsure = (painter("exemplar")(patch_of(picture, hole)).confidence[hole].mean() for picture in (plain, noise))
    assert unsure < 0.8 * sure


def test_bright_speck_casts_no_glow():
    picture = np.full((80, 80, 3), 20, np.uint8)
    hole = disc(80, 80, 25)
    hole[38:42, 38:42] = False
    picture[38:42, 38:42] = 255
    painted = painter("exemplar")(patch_of(picture, hole))
    assert painted.rgb[hole].mean() < 40


@pytest.mark.parametrize("name", WITHOUT_A_NET)
def test_nothing_to_look_at(name):
    hole = np.ones((9, 9), bool)
    painted = painter(name)(patch_of(np.zeros((9, 9, 3), np.uint8), hole))
    assert (painted.rgb == 128).all()
    assert painted.confidence.max() == 0
    assert "no visible pixel" in painted.fallback_reason


def test_evidence_smaller_than_a_patch_falls_back_and_says_so():
    hole = np.zeros((30, 30), bool)
    hole[10:20, 10:20] = True
    evidence = np.zeros_like(hole)
    evidence[14:17, 6:9] = True
    picture = np.full((30, 30, 3), 77, np.uint8)
    painted = painter("exemplar")(Patch(picture, hole, evidence))
    assert painted.method == "biharmonic"
    assert "too little" in painted.fallback_reason
    assert (painted.rgb[hole] == 77).all()


@pytest.mark.parametrize("name", WITHOUT_A_NET)
def test_hole_that_touches_no_evidence(name):
    hole, evidence = np.zeros((50, 90), bool), np.zeros((50, 90), bool)
    hole[10:40, 60:85], evidence[5:45, 3:30] = True, True
    picture = np.full((50, 90, 3), 200, np.uint8)
    picture[evidence] = [10, 60, 110]
    painted = painter(name)(Patch(picture, hole, evidence))
    assert (painted.rgb[hole] == [10, 60, 110]).all()


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 14), st.integers(1, 14), st.integers(0, 2**32 - 1), st.sampled_from(sorted(WITHOUT_A_NET)))
def test_random_tiny_patches(height, width, seed, name):
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, (height, width))
    rgb = rng.integers(0, 256, (height, width, 3), np.uint8)
    painted = painter(name)(Patch(rgb, kind == 0, kind == 1, seed))
    assert np.isfinite(painted.confidence).all()
    assert np.array_equal(painted.rgb[kind != 0], rgb[kind != 0])
    assert (painted.provenance[kind == 0] > 0).all()


def test_wrong_names():
    with pytest.raises(InputError, match=r"content method.*did you mean 'exemplar'"):
        painter("exemplars")
    with pytest.raises(InputError, match=r"ExemplarSettings.*did you mean 'radius'"):
        painter("exemplar", {"radios": 2})
