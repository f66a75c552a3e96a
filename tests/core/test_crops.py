import tracemalloc

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deocclude import crops
from deocclude.crops import Square, cut, object_square, outside, paste, reference_square
from deocclude.errors import InputError
from deocclude.geometry import Box, Size
from deocclude.masks import Mask


def disc(size=(120, 160), centre=(80, 60), radius=30):
    rows, columns = np.mgrid[: size[0], : size[1]]
    return Mask.from_array((columns - centre[0]) ** 2 + (rows - centre[1]) ** 2 <= radius**2)


def test_square_around_a_box_by_hand():
    half = 3**0.5 * 15
    assert object_square(Box(10, 20, 40, 50)) == pytest.approx((25 - half, 35 - half, 2 * half))
    assert object_square(Box(0, 0, 100, 10)).side == pytest.approx(110)
    assert object_square(Box(0, 0, 10, 10), area_factor=4, margin=1).side == pytest.approx(20)


def test_reference_square_is_cut_to_whole_numbers():
    assert reference_square(Box(10, 20, 40, 50)) == (0, 9, 51)
    assert reference_square(Box(0, 0, 30, 30)) == (-10, -10, 51)  # -10.98 is cut towards 0


def test_empty_box_has_no_square():
    with pytest.raises(ValueError, match="empty"):
        object_square(Box(0, 0, 0, 0))


def test_nearest_and_linear_equal_opencv_on_whole_squares():
    mask = disc()
    square = reference_square(mask.box)
    crop = mask.crop(square.box).astype(np.float32)
    assert crop.shape == (square.side, square.side)
    nearest = cv2.resize(crop, (256, 256), interpolation=cv2.INTER_NEAREST) > 0
    linear = cv2.resize(crop, (256, 256), interpolation=cv2.INTER_LINEAR) > 0.5
    assert np.array_equal(cut(mask, square, 256, resampling="nearest"), nearest)
    assert np.array_equal(cut(mask, square, 256, resampling="linear"), linear)


def test_same_size_changes_nothing():
    mask = disc()
    square = Square(40, 10, 64)
    for resampling in ("area", "linear", "nearest"):
        assert np.array_equal(cut(mask, square, 64, resampling=resampling), mask.crop(square.box))


def test_area_keeps_the_share_of_thin_structures():
    stripes = Mask.from_array(np.tile(np.arange(128) % 8 < 5, (128, 1)))
    others = Mask.from_array(~stripes.to_array())
    assert cut(stripes, Square(0, 0, 128), 16)[:, :-1].all()
    assert not cut(others, Square(0, 0, 128), 16)[:, :-1].any()


def test_outside_the_photo_nothing_is_set():
    full = Mask.from_array(np.ones((40, 60), bool))
    square = Square(-20, -20, 100)
    beyond = outside(full.size, square, 50)
    assert beyond[:10].all()
    assert beyond[:, :10].all()
    assert not beyond[10:30, 10:40].any()
    assert not cut(full, square, 50)[beyond].any()
    assert cut(full, square, 50)[~beyond].all()


def test_mask_beyond_the_square_is_not_seen():
    assert not cut(disc(), Square(0, 0, 16), 32).any()


@settings(deadline=None, max_examples=40)
@given(st.floats(-20, 90), st.floats(-20, 60), st.floats(70, 140), st.sampled_from([64, 96, 128]))
def test_cut_and_paste_bring_a_shape_back(x0, y0, side, size):
    mask = disc()
    square = Square(x0, y0, side)
    values = cut(mask, square, size).astype(np.float32)
    box = square.box.clip(mask.size)
    back = paste(values, square, box) > 0.5
    wrong = np.count_nonzero(back != (mask.crop(box) & (paste(np.ones_like(values), square, box) > 0.5)))
    assert wrong <= 2 * np.pi * 30 * max(1.0, side / size)


def test_paste_keeps_a_slope_where_it_is():
    size, square = 32, Square(10.25, 20.5, 64)
    x = square.x0 + (np.arange(size) + 0.5) * 2 - 0.5
    patch = np.tile(x, (size, 1)).astype(np.float32)
    box = Box(15, 30, 60, 70)
    found = paste(patch, square, box)
    assert np.allclose(found, np.arange(15, 60), atol=0.07)  # OpenCV interpolates in steps of 1/32


def test_paste_is_zero_outside_the_square():
    found = paste(np.ones((16, 16), np.float32), Square(8, 8, 16), Box(0, 0, 32, 32))
    assert found.sum() == 16 * 16
    assert found[8:24, 8:24].all()


def test_cost_follows_the_object():
    size = Size(20_000, 20_000)
    mask = Mask.from_crop(np.ones((40, 40), bool), (15_000, 15_000), size)
    square = object_square(mask.box)
    assert cut(mask, square, 64).any()
    assert square.box.width < 80


def test_unknown_resampling_is_named():
    with pytest.raises(InputError, match="resampling: expected one of area, linear, nearest, found 'cubic'"):
        cut(disc(), Square(0, 0, 10), 16, resampling="cubic")


def test_blocks_first_give_the_same_patch(monkeypatch):
    """A pixel that a mask fills by half may go either way; half a block to the side twice as many would."""
    chance, changed = np.random.default_rng(0), []
    for _ in range(200):
        blobs = cv2.GaussianBlur(chance.standard_normal((120, 160)).astype(np.float32), (0, 0), 15) > 0
        square = Square(chance.uniform(-20, 90), chance.uniform(-20, 60), chance.uniform(140, 240))
        mask, found = Mask.from_array(blobs), []
        for large in (crops.LARGE, 128):
            with monkeypatch.context() as patch:
                patch.setattr(crops, "LARGE", large)
                found.append(cut(mask, square, 8))
        changed.append(found[0] != found[1])
    assert 0 < np.mean(changed) < 0.0025


def test_a_long_object_costs_no_square_of_its_length():
    pixels = np.zeros((400, 24_000), bool)
    pixels[60:340, 50:-50] = True
    mask = Mask.from_array(pixels)
    tracemalloc.start()
    patch = cut(mask, object_square(mask.box), 128)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150e6
    assert 0 < patch.any(1).sum() <= 2 and patch.any(0).sum() > 110


PHOTO = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)


@settings(deadline=None)
@given(st.floats(-80, 100), st.floats(-80, 80), st.floats(1, 400), st.sampled_from([8, 16, 64]))
def test_colours_averaged_in_two_steps_are_those_averaged_in_one(x0, y0, side, size):
    square = Square(x0, y0, side)
    around = square.box.grow(1)
    rows, columns = np.arange(around.y0, around.y1).clip(0, 59), np.arange(around.x0, around.x1).clip(0, 89)
    pixels = PHOTO[rows[:, None], columns].astype(np.float32) / np.float32(255)
    expected = crops._resample(pixels, around, square, size, shrink=True)
    assert np.array_equal(crops.cut_colours(PHOTO, square, size), expected)


def test_colours_around_a_long_object_cost_no_square_of_its_length():
    photo = np.zeros((100, 5000, 3), np.uint8)
    photo[40:60] = 255
    tracemalloc.start()
    patch = crops.cut_colours(photo, object_square(Box(0, 40, 4999, 60)), 64)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 20e6  # the square has 30 million pixels
    assert 0 < patch.max() <= 1
