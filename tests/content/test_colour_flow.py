from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from two_views import HEIGHT, WIDTH, hole, photo

from deocclude.content.cells import shrunk, stretched
from deocclude.content.colour import ColourSettings, gain_and_bias, match_colours
from deocclude.content.flow import Flow, continued, measure, there_and_back
from deocclude.content.mesh import bent, folds
from deocclude.content.sampling import pixel_grid, sample
from deocclude.geometry import Size

GREY = photo().astype(np.float32)


@given(gain=st.tuples(*[st.floats(0.6, 1.6)] * 3), bias=st.tuples(*[st.floats(-20, 20)] * 3), spoilt=st.floats(0, 0.25))
@settings(deadline=None, max_examples=20)
def test_gain_and_bias_despite_outliers(gain, bias, spoilt):
    picture = (GREY - np.float32(bias)) / np.float32(gain)
    picture[:, : int(spoilt * WIDTH)] = 250
    found = gain_and_bias(picture, GREY, np.ones((HEIGHT, WIDTH), bool))
    assert np.allclose(found[0], gain, atol=0.06)
    assert np.allclose(found[1], bias, atol=6)


def test_local_light_is_followed_into_the_hole():
    light = np.linspace(-25, 25, WIDTH, dtype=np.float32)[None, :, None]
    plain = match_colours(GREY + light, GREY, ~hole(), ColourSettings(spread=0))
    local = match_colours(GREY + light, GREY, ~hole())
    inside = hole()
    before, after = (np.abs(found - GREY)[inside].mean() for found in (plain, local))
    assert after < 0.75 * before


def test_small_overlap_leaves_colours():
    overlap = np.zeros((HEIGHT, WIDTH), bool)
    overlap[:5, :5] = True
    assert match_colours(GREY * 0.5, GREY, overlap) is not None
    assert (match_colours(GREY * 0.5, GREY, overlap) == GREY * 0.5).all()


def test_flow_of_a_shift_reaches_into_the_hole():
    shift = np.float32([[1, 0, 2.5], [0, 1, -1.5]])
    moved = cv2.warpAffine(GREY, shift, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    known = ~hole()
    flow = measure(GREY, moved, known, np.ones_like(known))
    assert flow.trust[hole()].max() == 0
    vectors = continued(flow, known)
    assert np.abs(vectors[hole()] - (2.5, -1.5)).max() < 0.8


@pytest.mark.parametrize("finest", [None, 0])
@pytest.mark.parametrize("shape", [(12, 800), (400, 9), (1, 60), (1, 1)])
def test_flow_of_slender_pictures(shape, finest):
    picture = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    for way in there_and_back(picture, picture, finest=finest):
        assert way.shape == (*shape, 2)
        assert np.abs(way).max() < 0.1


def test_flow_that_nobody_trusts_is_none():
    nothing = Flow(np.ones((HEIGHT, WIDTH, 2), np.float32), np.zeros((HEIGHT, WIDTH), np.float32))
    assert (continued(nothing, np.ones((HEIGHT, WIDTH), bool)) == 0).all()


def test_bent_map_follows_matches():
    rng = np.random.default_rng(0)
    target = rng.uniform((0, 0), (WIDTH, HEIGHT), (80, 2)).astype(np.float32)
    source = target + np.stack([3 * np.sin(target[:, 1] / 40), np.zeros(80)], 1).astype(np.float32)
    where = bent(target, source, np.eye(3), Size(HEIGHT, WIDTH))
    assert where is not None
    truth = pixel_grid(HEIGHT, WIDTH)
    truth[..., 0] += 3 * np.sin(truth[..., 1] / 40)
    assert np.abs(where - truth)[20:-20, 20:-20].mean() < 0.4
    assert bent(target[:5], source[:5], np.eye(3), Size(HEIGHT, WIDTH)) is None


def test_folds():
    grid = pixel_grid(20, 30)
    everywhere = np.ones((20, 30), bool)
    assert not folds(grid, everywhere)
    assert folds(grid[:, ::-1], everywhere)
    assert not folds(grid[:, ::-1], ~everywhere)


def test_sampling_at_the_grid_is_the_picture():
    assert (sample(GREY, pixel_grid(HEIGHT, WIDTH)) == GREY).all()


@given(st.integers(1, 40), st.integers(1, 40))
@settings(deadline=None, max_examples=20)
def test_cells_keep_constants(height, width):
    cells = shrunk(np.full((height, width), 7.0))
    assert cells.shape == (-(-height // 4), -(-width // 4))
    assert np.allclose(stretched(cells, height, width), 7.0)
