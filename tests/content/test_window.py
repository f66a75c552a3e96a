from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from two_views import HEIGHT, WIDTH, photo

from deocclude.content.sampling import FAR, Source, enlarged, inside, pixel_grid, tidied
from deocclude.content.window import LEAST, MOST, window_around
from deocclude.geometry import Box, Size
from deocclude.masks import Mask
from deocclude.references.features import Features


def hole_in(height, width, box):
    return Mask.from_crop(np.ones((box.height, box.width), bool), box[:2], Size(height, width))


def test_small_photo_is_taken_whole():
    window = window_around(hole_in(300, 400, Box(10, 20, 30, 40)))
    assert window.box == Box(0, 0, 400, 300)
    assert not window.reduced


@given(
    st.integers(700, 3000), st.integers(700, 3000), st.integers(0, 600), st.integers(0, 600), st.integers(1, 600),
    st.integers(1, 600),
)  # fmt: skip
@settings(deadline=None, max_examples=25)
def test_window_holds_the_hole(height, width, x, y, across, down):
    box = Box(x, y, min(width, x + across), min(height, y + down))
    hole = hole_in(height, width, box)
    assert height * width > LEAST
    window = window_around(hole)
    assert window.box.intersect(box) == box
    assert window.size.height * window.size.width <= 1.01 * MOST
    small = window.some(hole)
    assert small.shape == window.size
    assert small.any()
    assert not (window.all(Mask.from_array(~hole.to_array())) & small).any()


def test_features_move_with_the_window():
    hole = hole_in(2000, 3000, Box(1000, 800, 2000, 1400))
    window = window_around(hole)
    assert window.reduced
    corner = np.array([[window.box.x0, window.box.y0], [window.box.x1 - 1, window.box.y1 - 1]], np.float32)
    features = Features(
        corner, np.ones(2, np.float32), np.zeros(2, np.float32), np.zeros((2, 128), np.float32), Size(2000, 3000)
    )
    moved = window.features(features)
    factor = window.scale[0]
    assert moved.points[0] == pytest.approx((factor - 1) / 2, abs=0.01)
    assert moved.points[1] == pytest.approx(
        (window.size.width - 1 - (factor - 1) / 2, window.size.height - 1 - (factor - 1) / 2), abs=0.02
    )
    assert moved.scales == pytest.approx(factor, rel=0.01)


def test_source_at_its_own_scale_is_the_picture():
    grid = pixel_grid(HEIGHT, WIDTH)
    assert (Source(photo()).at(grid) == photo()).all()


def test_source_seen_from_afar_is_averaged():
    fine = np.zeros((256, 256, 3), np.uint8)
    fine[::2] = 255
    afar = 4 * pixel_grid(64, 64) + 1.5
    assert np.abs(Source(fine).at(afar) - 127.5).max() < 2


def test_places_nowhere():
    where = np.array([[[np.nan, np.inf], [-np.inf, 3]]])
    assert tidied(where).tolist() == [[[-FAR, FAR], [-FAR, 3]]]
    assert not inside(tidied(where), (10, 10)).any()
    assert inside(np.zeros((1, 1, 2), np.float32), (1, 1)).all()


def test_map_of_a_reduced_picture():
    small = 4 * pixel_grid(20, 30) + 1.5
    inner = (slice(4, -4), slice(4, -4))
    assert np.abs(enlarged(small, 80, 120) - pixel_grid(80, 120))[inner].max() < 1e-3


def test_large_photo_is_filled_in_its_own_resolution():
    from deocclude.content.stitch import stitch

    scale = 5
    size = (scale * WIDTH, scale * HEIGHT)
    large = cv2.resize(photo(), size, interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(0).normal(0, 12, large.shape[:2])[..., None]
    large = np.clip(large + cv2.GaussianBlur(grain, (0, 0), 1.0)[..., None] * 3, 0, 255).astype(np.uint8)
    reference = np.clip(np.roll(large, (6, 9), (0, 1)) * 0.85 + 8, 0, 255).astype(np.uint8)
    hole = hole_in(size[1], size[0], Box(500, 300, 900, 620))
    inside, shown = hole.to_array(), large.copy()
    shown[inside] = 128
    assert window_around(hole).reduced
    rgb, filled = stitch(shown, hole, Mask.from_array(~inside), [(reference, None)]).over(shown)
    assert (rgb[~inside] == shown[~inside]).all()
    assert filled.sum() > 0.98 * hole.area
    off = (rgb.astype(float) - large)[inside]
    assert np.sqrt(np.mean(off**2)) < 6


@pytest.mark.parametrize("width", [512, 511, 575])
def test_a_picture_of_odd_sides_stays_in_place_however_far_away_it_is(width):
    # Of 512 columns these are whole blocks of 8: seen from afar a part of a block lies in its middle.
    picture = np.zeros((90, width, 3), np.uint8)
    picture[30:50, width - 40 : width - 16] = 255
    centre = width - 28.5
    for step in (1, 2, 4, 8):
        columns = np.arange(step / 2 - 0.5, width, step, dtype=np.float32)
        rows = np.arange(step / 2 - 0.5, 90, step, dtype=np.float32)
        found = Source(picture).at(np.stack(np.meshgrid(columns, rows), 2))[..., 0].sum(0)
        assert (found * columns).sum() / found.sum() == pytest.approx(centre, abs=0.25)


def test_looking_up_a_part_gives_what_looking_up_all_does():
    picture = np.random.default_rng(0).integers(0, 255, (70, 91, 3), np.uint8)
    source, where = Source(picture), pixel_grid(70, 91) * np.float32(1.013) - np.float32(2.2)
    whole = source.at(where)
    assert np.array_equal(source.at(where[20:40, 30:60]), whole[20:40, 30:60])
    far = np.full((4, 4, 2), FAR, np.float32)
    assert np.array_equal(source.at(far), np.broadcast_to(picture[-1, -1], (4, 4, 3)))


def test_what_may_be_used_of_a_very_wide_picture():
    shown = np.ones((30, 33_000), bool)
    shown[:, 32_010:] = False
    source = Source(np.zeros((*shown.shape, 3), np.uint8), shown)
    usable = source.inside(pixel_grid(20, 20) + np.float32([32_000, 5]))
    assert usable[:, :10].all()
    assert not usable[:, 10:].any()
