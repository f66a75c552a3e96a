from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from deocclude.geometry import Box, Size
from deocclude.images import resized
from deocclude.references.features import Features, empty, extract
from deocclude.references.matching import MatchSettings, match
from deocclude.references.transforms import (
    TransformSettings,
    apply,
    estimate,
    jacobian,
    plausible,
    residual,
    sequential,
)
from deocclude.references.verify import verify

SIZE = Size(240, 320)
H = np.array([[0.9, -0.25, 30.0], [0.2, 1.1, -12.0], [3e-4, -2e-4, 1.0]])


def features(points, descriptors):
    count = len(points)
    points = np.asarray(points, np.float32)
    return Features(points, np.full(count, 4, np.float32), np.zeros(count, np.float32), descriptors, SIZE)


def random_descriptors(count, seed=0):
    return unit(np.abs(np.random.default_rng(seed).standard_normal((count, 128))).astype(np.float32))


def unit(values):
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def disturbed(descriptors, amount, seed):
    return unit(descriptors + np.float32(amount) * random_descriptors(len(descriptors), seed))


def random_points(count, seed=0):
    return np.random.default_rng(seed).uniform((0, 0), (320, 240), (count, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def coffee():
    return resized(data.coffee(), 0.5)


def test_matches_are_the_nearest_neighbours():
    descriptors, points = random_descriptors(50), random_points(50)
    order = np.random.default_rng(1).permutation(50)
    noisy = disturbed(descriptors[order], 0.01, 2)
    found = match(features(points, descriptors), features(points[order], noisy))
    assert len(found) == 50
    assert (order[found.target] == found.source).all()
    assert (found.source_points == found.target_points).all()
    assert (np.diff(found.ratio) >= 0).all()


def test_ambiguous_matches_are_left_out():
    descriptors = random_descriptors(20)
    noisy = disturbed(descriptors, 0.05, 9)
    twice = np.concatenate([descriptors, disturbed(descriptors, 0.01, 8)])
    apart = np.concatenate([random_points(20), random_points(20, 5)])
    assert len(match(features(random_points(20), noisy), features(apart, twice))) == 0
    together = np.concatenate([random_points(20), random_points(20) + 1])
    assert len(match(features(random_points(20), noisy), features(together, twice))) == 20


def test_match_needs_to_be_mutual():
    one = random_descriptors(1)
    crowd = np.concatenate([disturbed(one, 0.1, 7), one])
    source, target = features(random_points(2), crowd), features(random_points(2), np.vstack([one, -one]))
    assert match(source, target).source.tolist() == [1]
    assert len(match(source, target, MatchSettings(mutual=False))) == 2


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 5), (5, 0), (5, 1)])
def test_too_little_to_match(first, second):
    def some(count):
        return features(random_points(count), random_descriptors(count)) if count else empty(SIZE)

    assert len(match(some(first), some(second))) == 0


@given(st.integers(20, 200), st.floats(0, 0.5), st.integers(0, 10))
@settings(deadline=None, max_examples=20)
def test_homography_despite_outliers(count, wrong, seed):
    source = random_points(count, seed)
    target = apply(H, source).astype(np.float32)
    spoilt = int(wrong * count)
    target[:spoilt] = random_points(spoilt, seed + 100)
    if count - spoilt < 14:
        return
    found = estimate(source, target, SIZE)
    assert found is not None
    assert found.kind == "homography"
    assert residual(found.target_from_source, source[spoilt:], target[spoilt:]).max() < 0.5
    assert found.inliers[spoilt:].all()


@pytest.mark.parametrize(("count", "kind"), [(30, "homography"), (9, "affine"), (5, "similarity")])
def test_few_matches_get_a_simple_transform(count, kind):
    angle = 0.4
    turn = 1.3 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    source = random_points(count, 3)
    target = (source @ turn.T + (5, -3)).astype(np.float32)
    found = estimate(source, target, SIZE)
    assert found is not None
    assert found.kind == kind
    assert np.allclose(found.target_from_source[:2, :2], turn, atol=1e-2)
    assert estimate(source[:4], target[:4], SIZE) is None


def test_two_planes_are_told_apart():
    first, second = random_points(60, 1), random_points(40, 2)
    other = np.array([[1.2, 0, -60], [0, 1.2, 40], [0, 0, 1.0]])
    source = np.concatenate([first, second])
    target = np.concatenate([apply(H, first), apply(other, second)]).astype(np.float32)
    found = sequential(source, target, SIZE)
    assert [item.count for item in found] == [60, 40]
    assert found[1].inliers[60:].all()


@pytest.mark.parametrize(
    "matrix",
    [
        np.diag([-1.0, 1, 1]),
        np.diag([20.0, 20, 1]),
        np.diag([0.01, 0.01, 1]),
        np.diag([8.0, 1, 1]),
        np.zeros((3, 3)),
        np.full((3, 3), np.nan),
        np.array([[1, 0, 0], [0, 1, 0], [-0.02, 0, 1.0]]),
    ],
    ids=["mirrored", "huge", "tiny", "stretched", "flat", "not a number", "horizon"],
)
def test_implausible_transforms(matrix):
    assert not plausible(matrix, Box(0, 0, 200, 100))
    assert plausible(H, Box(0, 0, 200, 100))


def test_jacobian_is_the_derivative():
    points = random_points(10).astype(float)
    step = 1e-4
    for axis in (0, 1):
        moved = points + step * np.eye(2)[axis]
        slope = (apply(H, moved) - apply(H, points)) / step
        assert np.allclose(jacobian(H, points)[:, :, axis], slope, atol=1e-3)


def test_threshold_grows_with_the_picture():
    settings_ = TransformSettings()
    assert settings_.reach(Size(100, 100)) == settings_.reach(SIZE) < settings_.reach(Size(2000, 3000))


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_quarter_turns_are_the_same_object(coffee, turns):
    hidden = np.ones(coffee.shape[:2], bool)
    hidden[60:140, 100:180] = False
    turned = np.ascontiguousarray(np.rot90(coffee, turns))
    verdict = verify(extract(coffee, hidden), extract(turned))
    assert verdict.accepted
    assert verdict.probability > 0.9
    assert verdict.kind == "homography"
    angle = np.degrees(np.arctan2(verdict.target_from_source[1, 0], verdict.target_from_source[0, 0]))
    assert abs((angle - 90 * turns + 180) % 360 - 180) < 2


def test_other_things_are_none(coffee):
    verdict = verify(extract(coffee), extract(resized(data.chelsea(), 0.5)))
    assert not verdict.accepted
    assert "matches" in verdict.reason
    assert not verify(extract(coffee), empty(SIZE)).accepted
    assert verify(empty(SIZE), extract(coffee)).kind == "none"


def test_colour_counts(coffee):
    query, candidate = extract(coffee), extract(np.ascontiguousarray(coffee[20:120, 30:150]))
    alike, strange = verify(query, candidate, 0.95), verify(query, candidate, 0.0)
    assert alike.probability >= strange.probability
