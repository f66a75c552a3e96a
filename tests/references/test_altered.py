"""Altered ground truth: equal seeds, ranges, what is valid, what is cut out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_pictures import photo

from deocclude.references.altered import Altered, AlterSettings, alter, draw_matrix

STILL = AlterSettings((1, 1), (0, 0), (1, 1), 0, 0, 0, 0, 0)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return np.ascontiguousarray(photo("coffee")[:96, :128])


def test_equal_seeds_give_equal_pictures(picture):
    first, again, other = alter(picture, 5), alter(picture, np.random.default_rng(5)), alter(picture, 6)
    assert np.array_equal(first.rgb, again.rgb)
    assert np.array_equal(first.valid, again.valid)
    assert not np.array_equal(first.rgb, other.rgb)


def test_nothing_altered_is_the_truth(picture):
    same = alter(picture, 0, STILL)
    assert np.array_equal(same.rgb, picture)
    assert same.valid.all()
    assert np.allclose(same.altered_from_source, np.eye(3))


@pytest.mark.parametrize("name", ["gamma", "pad", "crop", "rotation", "shear", "hue", "brightness", "second_hole"])
def test_each_setting_does_something(picture, name):
    values = {**vars(STILL), name: getattr(AlterSettings(), name)}
    if name == "second_hole":
        values |= {"second_hole": 1.0, "second_hole_area": (0.05, 0.25)}
    changed = AlterSettings(**values)
    found = [alter(picture, seed, changed) for seed in range(3)]
    assert all(not np.array_equal(one.rgb, picture) for one in found)
    geometry = name in ("pad", "crop", "rotation", "shear")
    assert all(np.allclose(one.altered_from_source, np.eye(3)) != geometry for one in found)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32))
def test_maps_stay_in_the_stated_ranges(seed):
    rng = np.random.default_rng(seed)
    turned = draw_matrix(80, 100, AlterSettings(pad=(0, 0), crop=(1, 1), shear=0), rng)[:2, :2]
    assert abs(np.degrees(np.arctan2(turned[1, 0], turned[0, 0]))) <= 20
    assert np.linalg.det(turned) == pytest.approx(1)
    zoomed = draw_matrix(80, 100, AlterSettings(pad=(0, 0), rotation=0, shear=0), rng)
    assert 1 - 1e-9 <= np.linalg.det(zoomed) <= 1 / 0.75 + 1e-9
    corners = zoomed[:2, :2] @ [[-0.5, 99.5], [-0.5, 79.5]] + zoomed[:2, 2:]
    assert (corners[:, 0] <= -0.5 + 1e-6).all(), "a crop shows nothing beyond the picture"
    assert (corners[:, 1] >= np.array([99.5, 79.5]) - 1e-6).all()
    padded = draw_matrix(80, 100, AlterSettings(crop=(1, 1), rotation=0, shear=0), rng)
    assert 1 / 1.3 - 1e-9 <= padded[0, 0] <= 1
    assert 1 / 1.3 - 1e-9 <= padded[1, 1] <= 1


def test_valid_pixels_show_the_picture(picture):
    shifted = AlterSettings((1, 1), brightness=0, hue=0, second_hole=0)
    for seed in range(5):
        found = alter(picture, seed, shifted)
        rows, columns = np.nonzero(found.valid)
        places = np.linalg.inv(found.altered_from_source) @ np.stack([columns, rows, np.ones_like(rows)])
        assert (places[0] >= -0.02).all()
        assert (places[0] <= picture.shape[1] - 0.98).all()
        assert (places[1] >= -0.02).all()
        assert (places[1] <= picture.shape[0] - 0.98).all()
        near = picture[np.rint(places[1]).astype(int), np.rint(places[0]).astype(int)].astype(float)
        assert np.abs(found.rgb[rows, columns] - near).mean() < 12
        assert 0.3 < found.valid.mean() <= 1


def test_what_is_not_shown_is_gone(picture):
    shown = np.ones(picture.shape[:2], bool)
    shown[30:60, 40:90] = False
    marked = np.zeros_like(picture)
    marked[~shown] = 255
    for seed in range(4):
        found: Altered = alter(marked, seed, AlterSettings(second_hole=0), shown=shown)
        assert not (found.rgb[found.valid] > 0).any()
        assert 1 - found.valid.mean() > 0.02
    assert shown[30:60, 40:90].sum() == 0, "what is handed in stays as it is"


def test_second_holes_come_as_often_as_stated(picture):
    only = AlterSettings((1, 1), (0, 0), (1, 1), 0, 0, 0, 0, 0.5)
    holed = [not alter(picture, seed, only).valid.all() for seed in range(200)]
    assert 75 <= sum(holed) <= 125
