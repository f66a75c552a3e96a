"""Blurring what is known only, at any scale."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from deocclude.content.mixing import fine, smooth


@pytest.mark.parametrize("spread", [1.0, 6.0, 20.0])
def test_what_is_not_known_has_no_say(spread):
    known = np.ones((130, 171), bool)
    known[40:80, 50:90] = False
    picture = np.full((130, 171, 3), [10, 120, 240], np.float32)
    picture[~known] = 1e4
    assert np.allclose(smooth(picture, known, spread)[known], [10, 120, 240], atol=0.1)
    assert np.allclose(smooth(picture[..., 0], known, spread)[known], 10, atol=0.1)
    assert np.abs(fine(picture, known)[known]).max() < 0.1


@pytest.mark.parametrize("spread", [2.0, 9.0, 30.0])
def test_a_wide_blur_at_a_reduced_scale_is_nearly_the_gaussian(spread):
    noise = np.random.default_rng(0).normal(128, 60, (300, 417)).astype(np.float32)
    everything = np.ones(noise.shape, bool)
    exact = cv2.GaussianBlur(noise, (0, 0), spread)
    off = smooth(noise, everything, spread) - exact
    assert np.sqrt(np.square(off[30:-30, 30:-30]).mean()) < 0.2 * exact.std()
