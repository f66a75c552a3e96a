from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from deocclude.geometry import Size
from deocclude.images import resized
from deocclude.references.features import extract
from deocclude.references.matching import MatchSettings, match
from deocclude.references.tilted import TiltSettings, extract_tilted
from deocclude.references.transforms import estimate

SLANT = np.array([[0.22, -0.05, 30.0], [0.12, 0.95, 5.0]])
FEW = TiltSettings(tilts=(4.0,), step=180.0)


@pytest.fixture(scope="module")
def pair():
    picture = resized(data.coffee(), 0.55)
    turned = cv2.GaussianBlur(picture, (0, 0), sigmaX=3.0, sigmaY=0.01)
    return picture, cv2.warpAffine(turned, SLANT, (120, 240), borderValue=(128, 128, 128))


def test_points_lie_in_the_picture(pair):
    hidden = np.ones(pair[0].shape[:2], bool)
    hidden[40:120, 60:160] = False
    found = extract_tilted(pair[0], hidden, FEW)
    x, y = found.points.T
    assert x.min() > -2
    assert y.min() > -2
    assert x.max() < pair[0].shape[1] + 1
    assert y.max() < pair[0].shape[0] + 1
    assert found.size == Size(*pair[0].shape[:2])
    assert len(found) > len(extract(pair[0], hidden)) * 0.8
    inner = (x > 66) & (x < 154) & (y > 46) & (y < 114)
    assert not inner.any()


def test_slanted_view_is_matched(pair):
    plain = match(extract(pair[0]), extract(pair[1]))
    slanted = match(extract_tilted(pair[0], settings=FEW), extract(pair[1]), MatchSettings(neighbours=8))
    found = estimate(slanted.source_points, slanted.target_points, Size(*pair[1].shape[:2]))
    assert found is not None
    assert np.abs(found.target_from_source[:2, :2] / found.target_from_source[2, 2] - SLANT[:, :2]).max() < 0.06
    assert found.count > 1.5 * len(plain)
