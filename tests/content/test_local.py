from __future__ import annotations

import cv2
import numpy as np
import pytest
from two_views import hole, photo, stitch_whole

from deocclude.content.epipolar import epipolar
from deocclude.content.local import LocalSettings, local_maps
from deocclude.content.overlay import make_target
from deocclude.content.window import window_around
from deocclude.geometry import Size
from deocclude.masks import Mask
from deocclude.references.features import empty
from deocclude.references.matching import Matches

NEAR = (14.0, 3.0)
"""Parallax of what surrounds the hole, pixels."""


def target():
    return make_target(photo(), hole(), ~hole(), empty(Size(*hole().shape)))


def shifted(picture, by, turn=0.0):
    matrix = cv2.getRotationMatrix2D((120.0, 90.0), turn, 1.0)
    matrix[:, 2] += by
    return cv2.warpAffine(picture, matrix, picture.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def error_at_hole(affine, by, turn=0.0):
    matrix = cv2.getRotationMatrix2D((120.0, 90.0), turn, 1.0)
    matrix[:, 2] += by
    rows, columns = np.nonzero(hole())
    points = np.stack([columns, rows, np.ones_like(rows)], 1)
    return np.abs(points @ affine[:2].T - points @ matrix.T).max()


@pytest.mark.parametrize("turn", [0.0, 3.0])
def test_what_has_parallax_is_found(turn):
    picture = shifted(0.8 * photo().astype(np.float32) + 10, NEAR, turn)
    found = list(local_maps(target(), picture, np.ones_like(hole()), LocalSettings(reach=0.1)))
    assert min(error_at_hole(one.full, NEAR, turn) for one in found) < 0.7
    assert min(error_at_hole(one.rehearsed, NEAR, turn) for one in found) < 1.0


def test_what_stands_in_hole_and_band_is_not_looked_at():
    spoilt = photo().copy()
    one = target()
    spoilt[hole() | one.band] = 255 - spoilt[hole() | one.band]
    other = make_target(spoilt, hole(), ~hole(), one.features)
    picture, valid = shifted(photo().astype(np.float32), NEAR), np.ones_like(hole())
    pairs = [list(local_maps(given, picture, valid, LocalSettings(reach=0.1))) for given in (one, other)]
    for first, second in zip(*pairs, strict=True):
        assert np.abs(first.rehearsed - second.rehearsed).max() < 1e-4


def test_nothing_is_found_in_noise():
    noise = np.random.default_rng(0).uniform(0, 255, photo().shape).astype(np.float32)
    assert not list(local_maps(target(), noise, np.ones_like(hole()), LocalSettings(likeness=0.5)))


def matches(source, points):
    count = np.arange(len(points))
    return Matches(
        count, count, np.zeros(len(points), np.float32), source.astype(np.float32), points.astype(np.float32)
    )


def test_epipolar_geometry_of_a_rectified_pair():
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 200, (200, 2))
    depth = rng.uniform(2, 30, 200)
    source = points - np.stack([depth, np.zeros(200)], 1)
    geometry = epipolar(matches(source, points), 40, 1.0)
    assert geometry is not None
    grid = np.dstack(np.meshgrid(np.arange(240.0), np.arange(180.0))).astype(np.float32)
    assert geometry.allows(grid - np.array([17, 0], np.float32), hole())
    assert not geometry.allows(grid - np.array([17, 9], np.float32), hole())


def test_flat_scenes_have_no_epipolar_geometry():
    points = np.random.default_rng(0).uniform(0, 200, (200, 2))
    assert epipolar(matches(points + 5, points), 200, 1.0) is None
    assert epipolar(matches(points[:9] + 5, points[:9]), 0, 1.0) is None


def test_a_layer_behind_another_is_filled_with_its_own_parallax():
    """A near strip hides a far wall; between two views the wall moves by 5 pixels, the floor around the photo by 12."""
    wall = cv2.resize(photo(), (360, 270), interpolation=cv2.INTER_CUBIC)[:180, :240]
    left, right = wall.copy(), shifted(wall, (-5, 0))
    left[:, 100:118] = (200, 30, 30)
    right[:, 70:88] = (200, 30, 30)
    hidden = np.zeros(left.shape[:2], bool)
    hidden[40:140, 100:118] = True
    usable = np.ones_like(hidden)
    usable[:, 100:118] = False
    found = stitch_whole(left, hidden, usable, [(right, None)])
    assert found.filled[hidden].mean() > 0.95
    assert np.sqrt(np.square(found.rgb[hidden].astype(float) - wall[hidden]).mean()) < 12


def test_small_holes_are_worked_on_in_a_small_window():
    mask = np.zeros((500, 700), bool)
    mask[200:230, 300:310] = True
    wide = window_around(Mask.from_array(mask))
    near = wide.around(Mask.from_array(mask))
    assert near.box.width < 200 and near.box.height < 200
    assert not near.reduced and wide.box.width == 700
