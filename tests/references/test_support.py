"""Support: what lies between the matches agrees where both pictures show one object, and contradicts elsewhere."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_pictures import other_view, photo

from deocclude.references.features import empty, extract
from deocclude.references.matching import match
from deocclude.references.search import SearchSettings
from deocclude.references.support import CHANCE, PRIOR, contradiction, support
from deocclude.references.transforms import estimate
from deocclude.references.verify import verify

NEUTRAL = math.log(CHANCE / (1 - CHANCE))
FRAME = 16
"""Width of the rim that two cases share, pixels."""


@pytest.fixture(scope="module")
def case():
    """A picture in a case."""
    return photo("astronaut")


@pytest.fixture(scope="module")
def same(case):
    """The same in another view."""
    return other_view(case, angle=5, scale=0.97)


@pytest.fixture(scope="module")
def other(case):
    """The same case with another picture inside, in the same view."""
    made = case.copy()
    inner = tuple(slice(FRAME, side - FRAME) for side in case.shape[:2])
    size = inner[1].stop - inner[1].start, inner[0].stop - inner[0].start
    made[inner] = cv2.resize(photo("coffee"), size, interpolation=cv2.INTER_AREA)
    return other_view(made, angle=5, scale=0.97)


def judged(candidate, query):
    first, second = extract(candidate), extract(query)
    matches = match(first, second)
    found = estimate(matches.source_points, matches.target_points, second.size)
    return support(first, second, matches.target_points[found.inliers], found.target_from_source)


def test_the_same_object_agrees_between_the_matches(case, same):
    found = judged(same, case)
    assert found.between.mean() > 0.7
    assert found.met[found.between].mean() > 0.5
    measures = found.measures()
    assert measures["between"] > 0
    assert measures["contradiction"] < 3


def test_another_picture_in_the_same_case_contradicts(case, same, other):
    right, wrong = judged(same, case).measures(), judged(other, case).measures()
    assert wrong["contradiction"] > right["contradiction"] + 5
    assert wrong["between"] < right["between"] - 1
    assert wrong["around"] < right["around"] - 1


def test_verification_lets_the_same_in_and_not_another_in_the_same_case(case, same, other):
    """Colours and words as alike as searches find them among pictures of one shop or table."""
    right, wrong = (verify(extract(case), extract(one), 0.9, words=0.1) for one in (same, other))
    assert wrong.inliers >= 12, "the case matches"
    assert right.probability >= SearchSettings().accept > wrong.probability


def test_nothing_is_said_where_nothing_can_be_expected(case):
    features = extract(case)
    shown = features.points[:10]
    far = np.array([[1, 0, 10_000], [0, 1, 0], [0, 0, 1.0]])
    for candidate, matrix in ((features, far), (empty(features.size), np.eye(3))):
        found = support(candidate, features, shown, matrix)
        assert len(found.met) == 0
        assert found.measures() == pytest.approx({"between": NEUTRAL, "around": NEUTRAL, "contradiction": 0})
    line = np.column_stack([np.arange(9), np.arange(9)])
    assert not support(features, features, line, np.eye(3)).between.any()


def test_a_picture_meets_itself_whole(case):
    features = extract(case)
    found = support(features, features, features.points, np.eye(3))
    assert found.met.all()
    assert found.between.all()
    assert found.measures()["contradiction"] == 0


@given(st.integers(1, 60), st.integers(0, 1000))
@settings(deadline=None, max_examples=30)
def test_contradiction_is_that_of_the_worst_window(count, seed):
    """Against a plain loop over all windows."""
    rng = np.random.default_rng(seed)
    cells = 6
    points = np.vstack([[[0, 0], [cells, cells]], rng.uniform(0, cells, (count, 2))])
    met = rng.random(count + 2) < 0.5 * (points[:, 0] > 2)
    worst = 0.0
    place = np.minimum(points.astype(int), cells - 1)
    for x0, x1 in ((a, b) for a in range(cells) for b in range(a + 1, cells + 1)):
        for y0, y1 in ((a, b) for a in range(cells) for b in range(a + 1, cells + 1)):
            inner = (place >= (x0, y0)).all(1) & (place < (x1, y1)).all(1)
            n, k, rest, hits = inner.sum(), met[inner].sum(), (~inner).sum(), met[~inner].sum()
            if rest >= PRIOR:
                rate = min(0.9, max(CHANCE, (hits + CHANCE * PRIOR) / (rest + PRIOR)))
                worst = max(worst, k * math.log(CHANCE / rate) + (n - k) * math.log((1 - CHANCE) / (1 - rate)))
    expected = worst if met.any() and len(met) >= 2 * PRIOR else 0.0
    assert contradiction(points, met) == pytest.approx(expected, abs=1e-9)


def test_a_window_without_any_like_contradicts():
    grid = np.stack(np.meshgrid(np.arange(12.0), np.arange(12.0)), -1).reshape(-1, 2)
    everywhere = np.ones(len(grid), bool)
    hole = ~((grid > 3) & (grid < 9)).all(1)
    assert contradiction(grid, everywhere) == 0
    assert contradiction(grid, hole) > 20
    assert contradiction(grid, ~everywhere) == 0, "nothing is met anywhere: that is for the odds to say"
