"""Neighbours: masks within a distance of each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from deocclude.adjacency import are_near, touching_pairs
from deocclude.geometry import Size
from deocclude.masks import Mask

LABELS = arrays(np.uint8, (9, 11), elements=st.sampled_from([0, 0, 0, 0, 0, 0, 1, 2, 3]))


def parts(labels: np.ndarray) -> list[np.ndarray]:
    return [labels == value for value in (1, 2, 3)]


@settings(deadline=None)
@given(LABELS)
def test_reference_adjacency_is_one_step_of_four_neighbours(labels):
    full = parts(labels)
    cross = ndimage.generate_binary_structure(2, 1)
    expected = [
        (i, j) for i in range(3) for j in range(i + 1, 3) if (ndimage.binary_dilation(full[i], cross) & full[j]).any()
    ]
    assert touching_pairs([Mask.from_array(part) for part in full], 1, shape="cross") == expected


@settings(deadline=None)
@given(LABELS, st.integers(0, 5))
def test_disc_radius_is_the_distance_of_pixel_centres(labels, radius):
    first, second, _ = parts(labels)
    a, b = np.argwhere(first), np.argwhere(second)
    nearest = np.linalg.norm(a[:, None] - b[None], axis=-1).min(initial=np.inf)
    near = are_near(Mask.from_array(first), Mask.from_array(second), radius)
    assert near == (nearest <= radius)
    assert near == are_near(Mask.from_array(second), Mask.from_array(first), radius)


@pytest.mark.parametrize(("gap", "radius", "shape", "expected"), [
    (0, 1, "cross", True), (1, 1, "cross", False), (2, 3, "disc", True), (3, 3, "disc", False), (0, 0, "disc", False),
])  # fmt: skip
def test_gap_by_hand(gap, radius, shape, expected):
    size = Size(10, 30)
    left = Mask.from_crop(np.ones((4, 5)), (2, 2), size)
    right = Mask.from_crop(np.ones((4, 5)), (7 + gap, 2), size)
    assert are_near(left, right, radius, shape=shape) == expected


def test_diagonal_neighbours_touch_by_disc_only_from_two():
    first, second = np.zeros((2, 4, 4), bool)
    first[1, 1] = second[2, 2] = True
    masks = [Mask.from_array(first), Mask.from_array(second)]
    assert touching_pairs(masks, 1) == []
    assert touching_pairs(masks, 1, shape="square") == [(0, 1)]
    assert touching_pairs(masks, 2) == [(0, 1)]


def test_empty_masks_have_no_neighbours():
    empty, full = Mask.empty(Size(4, 4)), Mask.from_array(np.ones((4, 4)))
    assert touching_pairs([empty, full, empty], 3) == []


def test_many_masks_give_the_pairs_of_a_plain_double_loop():
    generator, size = np.random.default_rng(0), Size(60, 80)
    masks = [Mask.empty(size)]
    for _ in range(40):
        side = int(generator.integers(1, 12))
        corner = (int(generator.integers(-4, 78)), int(generator.integers(-4, 58)))
        masks.append(Mask.from_crop(np.ones((side, side)), corner, size))
    every = [(i, j) for i in range(len(masks)) for j in range(i + 1, len(masks))]
    expected = [(i, j) for i, j in every if are_near(masks[i], masks[j], 3)]
    assert 0 < len(expected) < len(every) / 2
    assert touching_pairs(masks, 3) == expected
    assert touching_pairs([], 3) == []
