"""Smooth interpolation: exact where known, bounded elsewhere."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from deocclude.content.membrane import halve, pull_push, without_seam


def test_halve_averages_what_counts():
    values = np.arange(6, dtype=np.float32).reshape(2, 3, 1)
    weight = np.array([[1, 0, 1], [1, 0, 0]], np.float32)
    mean, share = halve(values, weight)
    assert np.allclose(mean[..., 0], [[1.5, 2]])
    assert np.allclose(share, [[0.5, 0.25]])


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_pull_push_keeps_the_known_and_stays_in_their_range(height, width, seed):
    rng = np.random.default_rng(seed)
    values = rng.uniform(10, 20, (height, width, 2)).astype(np.float32)
    known = rng.random((height, width)) < 0.3
    known[0, 0] = True
    values[~known] = np.nan
    result = pull_push(values, known)
    assert np.array_equal(result[known], values[known])
    assert result.min() >= values[known].min() - 1e-3
    assert result.max() <= values[known].max() + 1e-3


def test_seam_of_a_constant_offset_vanishes_at_the_edge():
    truth = np.full((40, 40, 3), 100, np.float32)
    hole = np.zeros((40, 40), bool)
    hole[10:30, 10:30] = True
    result = without_seam(truth - 30, truth, hole, ~hole)
    assert abs(result[hole].max() - 100) < 2
    assert abs(result[10, 20] - 100).max() < 2


def test_no_known_pixel_near_changes_nothing():
    filled = np.ones((9, 9, 3), np.float32)
    hole = np.zeros((9, 9), bool)
    hole[4, 4] = True
    assert np.array_equal(without_seam(filled, filled * 5, hole, np.zeros_like(hole)), filled)
