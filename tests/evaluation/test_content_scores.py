"""Scores of painted pixels: values by hand, properties, and what they refuse."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deocclude.evaluation import content
from deocclude.evaluation.content_features import feature_distance

COLOURS = arrays(np.float64, st.tuples(st.integers(1, 12), st.just(3)), elements=st.floats(0, 255))
PAIRS = st.integers(1, 12).flatmap(
    lambda n: st.tuples(*[arrays(np.float64, (n, 3), elements=st.floats(0, 255)) for _ in range(2)])
)


def picture(seed=0, side=64):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    base = 120 + 60 * np.sin(x / 5)[..., None] + 40 * np.cos(y / 7)[..., None] * np.array([1, 0.5, -1])
    return np.clip(base + rng.normal(0, 6, (side, side, 3)), 0, 255)


def middle(side=64):
    hole = np.zeros((side, side), bool)
    hole[20:44, 18:40] = True
    return hole


@settings(deadline=None)
@given(PAIRS)
def test_distances_keep_their_order(pair):
    x, y = pair
    assert content.mae(x, y) <= content.rmse(x, y) + 1e-9
    assert content.euc_img(x, y) == pytest.approx(math.sqrt(x.size * content.mse(x, y)))
    assert content.euc_px(x, y) <= content.manh_px(x, y) + 1e-9
    assert content.manh_px(x, y) <= math.sqrt(3) * content.euc_px(x, y) + 1e-9
    assert content.manh_px(x, y) == pytest.approx(3 * content.mae(x, y))
    assert 0 <= content.chord(x, y) <= math.sqrt(2) + 1e-9


@settings(deadline=None)
@given(COLOURS)
def test_equal_pixels_have_no_distance(x):
    for name, distance in content.DISTANCES.items():
        assert distance(x, x.copy()) == pytest.approx(68.13 if name == "psnr" else 0, abs=0.01)


def test_distances_by_hand():
    x, y = np.array([[3.0, 0, 0], [0, 0, 0]]), np.array([[0.0, 4, 0], [0, 0, 2]])
    expected = {"mse": 29 / 6, "rmse": math.sqrt(29 / 6), "mae": 1.5, "euc_px": 3.5, "manh_px": 4.5,
                "euc_img": math.sqrt(29), "chord": math.sqrt(2), "psnr": 10 * math.log10(255**2 * 6 / 29)}  # fmt: skip
    assert {name: distance(x, y) for name, distance in content.DISTANCES.items()} == pytest.approx(expected)


def test_chord_of_black_pixels():
    black, grey = np.zeros((2, 3)), np.full((2, 3), 9.0)
    assert content.chord(black, black) == 0
    assert content.chord(black, grey) == content.chord(grey, black) == math.sqrt(2)
    assert content.chord(grey, 3 * grey) == pytest.approx(0, abs=1e-12)
    nearly = np.array([[1.0, 1e-9, 0]])
    assert content.chord(np.array([[1.0, 0, 0]]), nearly) == pytest.approx(1e-9)


@pytest.mark.parametrize("distance", content.DISTANCES.values(), ids=str)
def test_whole_numbers_are_refused(distance):
    bytes_ = np.array([[200, 3, 4]], np.uint8)
    with pytest.raises(TypeError, match="floating-point pixels, found uint8"):
        distance(bytes_, bytes_.astype(np.float64))
    with pytest.raises(TypeError, match="found int64"):
        distance(bytes_.astype(np.float64), bytes_.astype(np.int64))


def test_structure_by_its_formula():
    """One window of SSIM, computed with sums instead of the library."""
    x, y = picture(0, 11)[..., :1].repeat(3, 2), picture(1, 11)[..., :1].repeat(3, 2)
    step = np.arange(-5, 6)
    bell = np.exp(-(step[:, None] ** 2 + step**2) / (2 * 1.5**2))
    bell /= bell.sum()
    a, b = x[..., 0], y[..., 0]
    mean_a, mean_b = (bell * a).sum(), (bell * b).sum()
    var_a, var_b = (bell * (a - mean_a) ** 2).sum(), (bell * (b - mean_b) ** 2).sum()
    both = (bell * (a - mean_a) * (b - mean_b)).sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    contrast = (2 * both + c2) / (var_a + var_b + c2)
    light = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    centre = np.zeros((11, 11), bool)
    centre[5, 5] = True
    assert content.ssim(x, y, centre) == pytest.approx(contrast * light, rel=1e-9)
    assert content._similarity(x, y, contrast_only=True)[5, 5] == pytest.approx(contrast, rel=1e-6)


def test_structure_falls_with_noise_and_only_where_it_is():
    truth, hole = picture(), middle()
    rng = np.random.default_rng(1)
    values = []
    for noise in (0, 10, 40):
        painted = np.where(hole[..., None], truth + rng.normal(0, noise, truth.shape), truth)
        values.append((content.ssim(painted, truth, hole), content.ms_ssim(painted, truth, hole)))
    assert values[0] == (pytest.approx(1), pytest.approx(1))
    assert values[0][0] > values[1][0] + 0.02 > values[2][0]
    assert values[0][1] > values[1][1] > values[2][1]
    far = np.zeros_like(hole)
    far[:8, :8] = True
    assert content.ssim(painted, truth, far) == pytest.approx(1)


@pytest.mark.parametrize(("side", "scales"), [(11, 1), (21, 1), (22, 2), (176, 5), (400, 5)])
def test_scales_follow_the_size(side, scales, monkeypatch):
    seen = []
    monkeypatch.setattr(content, "_similarity", lambda x, y, **_: seen.append(x.shape[0]) or np.ones(x.shape[:2]))
    where = np.ones((side, side), bool)
    assert content.ms_ssim(np.zeros((side, side, 3)), np.zeros((side, side, 3)), where) == pytest.approx(1)
    assert len(seen) == scales
    assert seen[-1] >= content.WINDOW


def test_pictures_below_a_window_have_no_structure():
    tiny = np.zeros((10, 30, 3))
    assert math.isnan(content.ssim(tiny, tiny, np.ones((10, 30), bool)))
    assert math.isnan(content.ms_ssim(tiny, tiny, np.ones((10, 30), bool)))


def test_gradients_see_seams_and_blur():
    ramp = np.repeat(np.arange(20.0)[None, :, None], 20, 0).repeat(3, 2)
    hole = np.zeros((20, 20), bool)
    hole[5:15, 5:15] = True
    flat = np.where(hole[..., None], 10.0, ramp)
    assert content.steepness(ramp, hole) == pytest.approx(1)
    assert content.steepness(flat, hole) == 0
    assert content.steepness(flat, hole[:, ::-1] & (ramp[..., 0] == 7)) == 0
    # A fill that is 8 too bright everywhere has the right gradients inside; its right and lower seams jump by 8.
    shifted = np.where(hole[..., None], ramp + 8, ramp)
    seam = content.gradient_error(shifted, ramp, hole)
    right, below = 8 * 9 / 100, 8 * 9 / 100
    assert seam == pytest.approx(right + below + math.hypot(8, 8) / 100)


def test_features_tell_near_from_far():
    truth, hole = picture(), middle()
    rng = np.random.default_rng(2)
    near, far = (np.clip(truth + hole[..., None] * rng.normal(0, s, truth.shape), 0, 255) for s in (4, 60))
    assert feature_distance(truth, truth, hole) == 0
    assert 0 < feature_distance(near, truth, hole) < feature_distance(far, truth, hole)


def test_all_scores_are_there_and_finite():
    truth, hole = picture(), middle()
    scores = content.score(np.where(hole[..., None], 128.0, truth), truth, hole)
    assert set(scores) == {*content.DISTANCES, "ssim", "ms_ssim", "gradient", "detail", "true_detail"}
    assert all(math.isfinite(value) for value in scores.values())
    assert scores["detail"] < scores["true_detail"]
