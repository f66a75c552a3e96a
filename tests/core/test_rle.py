"""Run lengths agree with pycocotools and refuse damage with a ValueError."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as coco

from deocclude import rle
from deocclude.geometry import Size
from deocclude.masks import Mask

ARRAYS = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=20).flatmap(lambda shape: arrays(bool, shape))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


def reference(array: np.ndarray) -> dict:
    packed = coco.encode(np.asfortranarray(array.astype(np.uint8)))
    return {"size": list(packed["size"]), "counts": packed["counts"].decode()}


@settings(deadline=None)
@given(ARRAYS)
def test_encode_and_decode_as_pycocotools(array):
    mask = Mask.from_array(array)
    assert rle.encode(mask) == reference(array)
    assert rle.decode(reference(array)) == mask
    assert rle.decode({**reference(array), "counts": reference(array)["counts"].encode()}) == mask
    assert np.array_equal(coco.decode(rle.encode(mask)), array)


@settings(deadline=None)
@given(ARRAYS)
def test_uncompressed_runs(array):
    mask = Mask.from_array(array)
    runs = rle.counts(mask)
    flat = np.repeat(np.arange(len(runs)) % 2, runs)
    assert np.array_equal(flat.reshape(array.shape[::-1]).T, array)
    assert all(run > 0 for run in runs[1:])
    assert rle.decode({"size": list(array.shape), "counts": runs}) == mask


def test_runs_merge_across_columns():
    full = Mask.from_array(np.ones((3, 4)))
    assert rle.counts(full) == [0, 12]
    lower = np.zeros((3, 4), bool)
    lower[1:, 1] = lower[0, 2] = True
    assert rle.counts(Mask.from_array(lower)) == [4, 3, 5]
    assert rle.counts(Mask.empty(Size(3, 4))) == [12]


def test_large_numbers_in_text():
    array = np.zeros((1000, 1200), bool)
    array[500:, 700:] = True
    assert rle.decode(reference(array)) == Mask.from_array(array)


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        ({"size": [3, 4]}, "needs 'size'"),
        ({"counts": "04"}, "needs 'size'"),
        ({"size": [3], "counts": [3]}, "needs 'size'"),
        ({"size": [float("inf"), 4], "counts": [3]}, "needs 'size'"),
        ({"size": [-3, -4], "counts": [12]}, "size of 0 to"),
        ({"size": [10**6, 10**6], "counts": [0, 10**12]}, "size of 0 to"),
        ({"size": [3, 4], "counts": [3, 4]}, "add up to 7, but the size 4x3 has 12"),
        ({"size": [3, 4], "counts": [13, -1]}, "negative or larger than the 12 pixels"),
        ({"size": [3, 4], "counts": [3.0, 9.0]}, "list of whole numbers"),
        ({"size": [3, 4], "counts": [[3, 9]]}, "list of whole numbers"),
        ({"size": [3, 4], "counts": None}, "list of whole numbers"),
        ({"size": [3, 4], "counts": "Ā"}, "negative or larger than the 12 pixels"),
        ({"size": [3, 4], "counts": "\x00"}, "damaged"),
        ({"size": [3, 4], "counts": "o" * 20}, "damaged or cut off"),
        ({"size": [3, 4], "counts": "o" * 20 + "0"}, "number is too long"),
        ({"size": [3, 4], "counts": ""}, "add up to 0"),
        (None, "needs 'size'"),
        ([1, 2], "needs 'size'"),
    ],
)
def test_damage_is_named(damaged, message):
    with pytest.raises(ValueError, match=message):
        rle.decode(damaged)


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=30) | st.binary(max_size=30) | st.lists(st.integers(-5, 50), max_size=6), st.data())
def test_damaged_counts_raise_nothing_but_value_error(counts, data):
    size = data.draw(st.tuples(st.integers(0, 9), st.integers(0, 9)))
    try:
        mask = rle.decode({"size": list(size), "counts": counts})
    except ValueError:
        return
    assert mask.size == size


@settings(deadline=None, max_examples=300)
@given(JSON, JSON)
@example([2.5e300, 1], [0])
@example([0, 5], [])
def test_any_json_raises_nothing_but_value_error(size, counts):
    for value in ({"size": size, "counts": counts}, size):
        try:
            rle.decode(value)
        except ValueError:
            continue


@settings(deadline=None)
@given(ARRAYS, st.data())
def test_text_with_one_wrong_character(array, data):
    packed = reference(array)
    text = packed["counts"]
    place = data.draw(st.integers(0, len(text) - 1))
    wrong = text[:place] + data.draw(st.characters(max_codepoint=300)) + text[place + 1 :]
    try:
        mask = rle.decode({**packed, "counts": wrong})
    except ValueError:
        return
    assert mask.size == array.shape


def test_polygons_as_pycocotools():
    size = Size(20, 30)
    polygons = [[2, 2, 10.5, 3, 6, 12.25], [8, 1, 25, 1, 25, 9, 8, 9], [-5, 15, 35, 15, 35, 25, -5, 25]]
    expected = coco.decode(coco.merge(coco.frPyObjects(polygons, *size)))
    assert np.array_equal(rle.from_polygons(polygons, size).to_array(), expected)
    square = rle.from_polygons([[3, 4, 8, 4, 8, 10, 3, 10]], size)
    assert square.area == 30
    assert square.box == (3, 4, 8, 10)
    assert rle.from_polygons([], size) == Mask.empty(size)


@pytest.mark.parametrize(
    ("polygon", "message"),
    [
        ([1, 2, 3, 4], "at least three points x, y, found 4 numbers"),
        ([1, 2, 3, 4, 5, 6, 7], "found 7 numbers"),
        ([1, 2, 3, 4, 5, float("nan")], "finite"),
        ([1, 2, 3, 4, 5, float("inf")], "finite"),
        ([1, 2, 3, 4, 5, 1e12], "far outside"),
        ([[1, 2], [3, 4], [5, 6], [7, 8], [1, 2], [3, 4]], "flat list"),
        ([1, 2, 3, 4, 5, "six"], "flat list"),
        ([1, 2, 3, 4, 5, {}], "flat list"),
        ([1, 2, 3, 4, 5, [6]], "flat list"),
        (7, "flat list"),
        ([0, 0, 5000, 0] * 1000, "outline longer"),
    ],
)
def test_bad_polygons_are_refused(polygon, message):
    with pytest.raises(ValueError, match=message):
        rle.from_polygons([polygon], Size(20, 3000))


@settings(deadline=None, max_examples=200)
@given(st.lists(JSON, max_size=8))
def test_any_polygon_raises_nothing_but_value_error(polygon):
    json.dumps(polygon)
    try:
        rle.from_polygons([polygon], Size(9, 9))
    except ValueError:
        return
