"""Key points: where they lie, what they must not see, and how they are stored."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st

from deocclude.references.features import FeatureSettings, empty, extract, from_bytes, to_bytes, to_root


@pytest.fixture(scope="module")
def photo():
    return np.ascontiguousarray(skimage.data.coffee()[:320, :400])


def test_descriptors_have_unit_length(photo):
    found = extract(photo)
    assert len(found) > 300
    assert found.descriptors.dtype == np.float32
    assert np.allclose(np.linalg.norm(found.descriptors, axis=1), 1, atol=1e-5)
    assert found.size == (320, 400)
    assert {array.dtype for array in (found.points, found.scales, found.angles)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("side", [80, 300, 640])
def test_points_are_in_pixels_of_the_given_picture(side):
    y, x = np.mgrid[:side, :side]
    centre = np.array([0.47 * side, 0.41 * side])
    bump = 250 * np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * (side / 16) ** 2))
    found = extract(np.stack([bump.astype(np.uint8)] * 3, 2))
    assert np.abs(found.points - centre).max(1).min() < 0.004 * side
    assert found.scales[0] == pytest.approx(2 * 0.9 * side / 16, rel=0.2)


def test_an_enlarged_photo_has_the_same_points(photo):
    small = extract(photo[:200, :200])
    double = extract(cv2.resize(photo[:200, :200], (400, 400), interpolation=cv2.INTER_CUBIC))
    moved = (double.points + 0.5) / 2 - 0.5
    nearest = np.linalg.norm(small.points[:100, None] - moved[None], axis=2).min(1)
    assert np.median(nearest) < 0.3


def test_masked_out_regions_leave_no_trace(photo):
    use = np.zeros(photo.shape[:2], bool)
    use[60:250, 80:330] = True
    other = photo.copy()
    other[~use] = np.random.default_rng(0).integers(0, 255, 3)
    options = FeatureSettings(foreign_share=0.0, enough=0)
    found, changed = extract(photo, use, options), extract(other, use, options)
    assert len(found) > 50
    assert (found.points.min(0) >= (83, 63)).all()
    assert (found.points.max(0) <= (326, 246)).all()
    similarity = (found.descriptors @ changed.descriptors.T).max(1)
    assert np.mean(similarity > 0.98) > 0.9
    tolerant = extract(photo, use, FeatureSettings(enough=0))
    assert len(tolerant) > len(found), "the rim of the support may overlap a little"


def test_nothing_to_look_at(photo):
    assert len(extract(photo, np.zeros(photo.shape[:2], bool))) == 0
    assert len(extract(np.full((40, 50, 3), 127, np.uint8))) == 0
    assert len(extract(np.zeros((1, 1, 3), np.uint8))) == 0
    assert empty(extract(photo).size).descriptors.shape == (0, 128)


def test_a_mask_of_another_size_is_refused(photo):
    with pytest.raises(ValueError, match="shape"):
        extract(photo, np.ones((3, 3), bool))


def test_count_keeps_the_strongest(photo):
    many, few = extract(photo), extract(photo, settings=FeatureSettings(count=50))
    assert len(few) == 50
    assert np.array_equal(few.points, many.points[:50])
    assert np.array_equal(few.descriptors, many.descriptors[:50])


def test_low_contrast_gets_a_lower_threshold(photo):
    pale = (photo // 12 + 100).astype(np.uint8)
    fixed = extract(pale, settings=FeatureSettings(enough=0))
    assert len(extract(pale)) > 1.5 * len(fixed)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(0, 5))
def test_stored_form_is_within_a_step(seed, count):
    raw = np.random.default_rng(seed).exponential(10, (count, 128)).astype(np.float32)
    sift = np.minimum(raw / np.linalg.norm(raw, axis=1, keepdims=True), 0.2) * 512
    descriptors = to_root(np.rint(sift))
    stored = to_bytes(descriptors)
    assert stored.dtype == np.uint8
    back = from_bytes(stored)
    assert back.shape == descriptors.shape
    assert (np.einsum("ij,ij->i", back, descriptors) > 0.9999).all()
    assert np.abs(to_bytes(back).astype(int) - stored).max(initial=0) <= 1
