"""Choosing among the best source patches."""

from __future__ import annotations

import numpy as np

from deocclude.content import matching

GENERATOR = np.random.default_rng


def features(count: int, spread: float) -> np.ndarray:
    return GENERATOR(1).normal(0, spread, (count, 6)).round().astype(np.float32)


def chosen(target: np.ndarray, source: np.ndarray, variety: float) -> np.ndarray:
    rows = np.zeros(len(target), np.int64)
    return matching.search(target, source, rows, len(source), GENERATOR(0), variety)


def test_without_variety_the_best_is_taken():
    target, source = features(50, 30), features(300, 40)
    squares = np.square(target[:, None] - source).sum(2)
    found = chosen(target, source, 0)
    assert np.array_equal(squares[np.arange(50), found], squares.min(1))


def test_equal_targets_share_the_sources_that_are_about_as_good():
    target, source = np.zeros((3000, 6), np.float32), features(400, 20)
    assert len(np.unique(chosen(target, source, 0))) == 1
    times = np.bincount(chosen(target, source, 10))
    assert np.count_nonzero(times) > 10 and times.max() <= 0.2 * len(target)


def test_a_source_without_rival_is_kept():
    near, far = np.zeros((1, 6), np.float32), np.full((40, 6), 900, np.float32)
    source = np.concatenate([near, far + features(40, 5)])
    target = np.tile(np.ones(6, np.float32), (30, 1))
    assert (chosen(target, source, 10) == 0).all()


def test_equal_seeds_choose_alike():
    target, source = features(200, 3), features(90, 20)
    assert np.array_equal(chosen(target, source, 10), chosen(target, source, 10))
