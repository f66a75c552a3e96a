"""Masks kept as crops behave like full arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage
from skimage.morphology import convex_hull_image

from deocclude.errors import InputError
from deocclude.geometry import EMPTY_BOX, Box, Size
from deocclude.masks import Mask, centre_hull, convex_hull, dilate, erode, union

SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14)
ARRAYS = SHAPES.flatmap(lambda shape: arrays(bool, shape))
PAIRS = SHAPES.flatmap(lambda shape: st.tuples(arrays(bool, shape), arrays(bool, shape)))
TRIPLES = SHAPES.flatmap(lambda shape: st.lists(arrays(bool, shape), min_size=1, max_size=4))
MORPHOLOGY = st.sampled_from(["disc", "square", "cross"])


def structure(shape: str, radius: int) -> np.ndarray:
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return {
        "disc": np.hypot(x, y) <= radius,
        "square": np.maximum(abs(x), abs(y)) <= radius,
        "cross": abs(x) + abs(y) <= radius,
    }[shape]


@settings(deadline=None)
@given(PAIRS)
def test_algebra_is_that_of_arrays(pair):
    a, b = pair
    first, second = Mask.from_array(a), Mask.from_array(b)
    assert np.array_equal((first | second).to_array(), a | b)
    assert np.array_equal((first & second).to_array(), a & b)
    assert np.array_equal((first - second).to_array(), a & ~b)
    assert first.overlap(second) == (a & b).sum()
    assert first.area == a.sum()
    assert bool(first) == bool(a.any())
    assert (first == second) == np.array_equal(a, b)
    if first == second:
        assert hash(first) == hash(second)


@settings(deadline=None)
@given(ARRAYS)
def test_box_is_tight_and_pixels_are_read_only(array):
    mask = Mask.from_array(array)
    assert np.array_equal(mask.to_array(), array)
    if not array.any():
        assert mask.box == EMPTY_BOX
        assert mask.pixels.size == 0
        assert np.isnan(mask.centroid).all()
        return
    rows, columns = np.nonzero(array)
    assert mask.box == Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert mask.centroid == pytest.approx((columns.mean(), rows.mean()))
    with pytest.raises(ValueError, match="read-only"):
        mask.pixels[0, 0] = True


@settings(deadline=None)
@given(ARRAYS, st.tuples(*[st.integers(-6, 18)] * 2), st.integers(0, 9), st.integers(0, 9))
def test_crop_is_false_beyond_the_picture(array, corner, width, height):
    box = Box(*corner, corner[0] + width, corner[1] + height)
    wide = np.pad(array, 40)
    expected = wide[40 + box.y0 : 40 + box.y1, 40 + box.x0 : 40 + box.x1]
    assert np.array_equal(Mask.from_array(array).crop(box), expected)


@settings(deadline=None)
@given(ARRAYS, st.integers(-6, 18), st.integers(-6, 18))
def test_from_crop_cuts_off_what_sticks_out(array, x, y):
    size = Size(11, 13)
    canvas = np.zeros((60, 60), bool)
    canvas[20 + y : 20 + y + array.shape[0], 20 + x : 20 + x + array.shape[1]] = array
    assert np.array_equal(Mask.from_crop(array, (x, y), size).to_array(), canvas[20:31, 20:33])


@settings(deadline=None)
@given(TRIPLES)
def test_union_of_many(masks):
    size = Size(*masks[0].shape)
    assert np.array_equal(union(map(Mask.from_array, masks), size).to_array(), np.any(masks, axis=0))


@settings(deadline=None)
@given(ARRAYS, st.integers(0, 4), MORPHOLOGY)
def test_dilate_and_erode_as_scipy(array, radius, shape):
    mask, kernel = Mask.from_array(array), structure(shape, radius)
    grown = ndimage.binary_dilation(array, kernel)
    shrunk = ndimage.binary_erosion(array, kernel, border_value=1)
    assert np.array_equal(dilate(mask, radius, shape=shape).to_array(), grown)
    assert np.array_equal(erode(mask, radius, shape=shape).to_array(), shrunk)


def test_dilation_shapes_of_one_pixel():
    dot = Mask.from_crop(np.ones((1, 1)), (5, 5), Size(11, 11))
    assert dilate(dot, 2, shape="disc").area == 13
    assert dilate(dot, 2, shape="square").area == 25
    assert dilate(dot, 2, shape="cross").area == 13
    assert dilate(dot, 3, shape="disc").area == 29
    assert dilate(dot, 3, shape="cross").area == 25
    assert dilate(dot, 3).box == Box(2, 2, 9, 9)


def test_border_does_not_eat_into_a_mask():
    full = Mask.from_array(np.ones((6, 8)))
    assert erode(full, 2) == full
    half = Mask.from_crop(np.ones((6, 4)), (0, 0), Size(6, 8))
    assert erode(half, 1).box == Box(0, 0, 3, 6)


def test_unknown_shape_is_named():
    with pytest.raises(InputError, match="one of cross, disc, square, found 'disk'; did you mean 'disc'"):
        dilate(Mask.from_array(np.ones((3, 3))), 1, shape="disk")


def test_empty_masks():
    empty = Mask.empty(Size(4, 5))
    full = Mask.from_array(np.ones((4, 5)))
    assert not empty
    assert empty == Mask.from_array(np.zeros((4, 5)))
    assert hash(empty) == hash(Mask.from_array(np.zeros((4, 5))))
    assert empty != Mask.empty(Size(5, 4))
    assert (full | empty) == full
    assert not (full & empty)
    assert (full - empty) == full
    assert not dilate(empty, 3)
    assert not convex_hull(empty)
    assert not centre_hull(empty)
    assert empty != "a mask"
    assert union([], Size(4, 5)) == empty


def test_masks_of_two_pictures_do_not_mix():
    a, b = Mask.from_array(np.ones((4, 5))), Mask.from_array(np.ones((5, 4)))
    for mix in (lambda: a | b, lambda: a & b, lambda: a - b, lambda: a.overlap(b), lambda: union([b], a.size)):
        with pytest.raises(ValueError, match=r"one size, found (5x4|4x5)"):
            mix()
    with pytest.raises(ValueError, match=r"\[H, W\], found shape \(2, 3, 3\)"):
        Mask.from_array(np.ones((2, 3, 3)))


@settings(deadline=None)
@given(ARRAYS)
def test_convex_hull_as_scikit_image(array):
    mask = Mask.from_array(array)
    hull = convex_hull(mask)
    assert not mask - hull
    if mask:
        assert np.array_equal(hull.crop(mask.box), convex_hull_image(mask.pixels))
        assert hull.box == mask.box


@settings(deadline=None)
@given(ARRAYS, st.integers(-3, 12), st.integers(-3, 12), st.integers(0, 9), st.integers(0, 9))
def test_pixels_looked_up_and_cut_out(array, x0, y0, width, height):
    mask, box = Mask.from_array(array), Box(x0, y0, x0 + width, y0 + height)
    y, x = np.mgrid[y0 : y0 + height, x0 : x0 + width]
    assert np.array_equal(mask.holds(x, y), mask.crop(box))
    inside = np.zeros(mask.size, bool)
    inside[box.clip(mask.size).slices] = True
    assert mask.within(box) == Mask.from_array(mask.to_array() & inside)


@settings(deadline=None)
@given(ARRAYS)
def test_centre_hull_lies_between_the_mask_and_its_box(array):
    mask = Mask.from_array(array)
    hull = centre_hull(mask)
    assert not mask - hull
    assert hull.box == mask.box


def test_convex_hull_by_hand():
    ring = np.ones((5, 5), bool)
    ring[1:4, 1:4] = False
    assert convex_hull(Mask.from_array(ring)) == Mask.from_array(np.ones((5, 5)))
    corner = np.zeros((4, 4), bool)
    corner[:, 0] = corner[3] = True
    lower = np.tril(np.ones((4, 4), bool))
    assert convex_hull(Mask.from_array(corner)) == Mask.from_array(lower)


def test_operations_cost_the_object_not_the_photo():
    size = Size(2**20, 2**20)  # a terabyte as an array
    first = Mask.from_crop(np.ones((20, 20)), (500_000, 700_000), size)
    second = Mask.from_crop(np.ones((20, 20)), (500_010, 700_000), size)
    assert (first | second).area == 600
    assert (first & second).area == 200
    assert (first - second).area == 200
    assert dilate(first, 1, shape="square").area == 22 * 22
    assert convex_hull(first) == first
    x, y = np.array([499_999, 500_005, 2**20]), np.array([700_000, 700_019, 3])
    assert first.holds(x, y).tolist() == [False, True, False]
    assert first.within(Box(0, 0, 500_003, 700_002)).box == Box(500_000, 700_000, 500_003, 700_002)
