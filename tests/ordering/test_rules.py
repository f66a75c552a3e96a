"""Order by rules, on cases by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deocclude import ordering
from deocclude.errors import InputError
from deocclude.geometry import Size
from deocclude.masks import Mask
from deocclude.ordering.heuristics import REFERENCE_ADJACENCY, AdjacencySettings, order_by_rule
from deocclude.ordering.pairs import PairwiseOrder
from deocclude.scene import Instance, Scene
from deocclude.stages import StageRecord

SIZE = Size(40, 60)
RULES = ("area-small", "area-large", "y-axis", "convex")


def block(x: int, y: int, width: int, height: int) -> Mask:
    return Mask.from_crop(np.ones((height, width)), (x, y), SIZE)


def scene(*masks: Mask) -> Scene:
    return Scene(SIZE, tuple(Instance(10 * k, mask) for k, mask in enumerate(masks, 1)))


def disc(x: int, y: int, radius: int) -> Mask:
    rows, columns = np.mgrid[: SIZE.height, : SIZE.width]
    return Mask.from_array(np.hypot(columns - x, rows - y) <= radius)


def test_area_in_both_senses():
    small_large = scene(block(0, 10, 10, 10), block(10, 10, 15, 20))  # 100 and 300 px
    small = order_by_rule(small_large, rule="area-small")
    large = order_by_rule(small_large, rule="area-large")
    assert small.ids == (10, 20)
    assert small.front.tolist() == [[0, 0.75], [0.25, 0]]
    assert large.front.tolist() == [[0, 0.25], [0.75, 0]]
    assert small.matrix().tolist() == [[0, 1], [-1, 0]]
    assert large.matrix().tolist() == [[0, -1], [1, 0]]


def test_lower_in_the_picture_is_in_front():
    order = order_by_rule(scene(block(5, 5, 10, 10), block(5, 15, 10, 10)), rule="y-axis")
    assert order.matrix().tolist() == [[0, -1], [1, 0]]
    assert order.front[1, 0] == pytest.approx(19.5 / (19.5 + 9.5))


def test_disc_before_a_rectangle_by_its_hull():
    front = disc(30, 20, 8)
    behind = block(10, 14, 40, 12) - front
    for masks, matrix in (((front, behind), [[0, 1], [-1, 0]]), ((behind, front), [[0, -1], [1, 0]])):
        order = order_by_rule(scene(*masks), rule="convex")
        assert order.matrix().tolist() == matrix
        assert order.front.max() > 0.9


@pytest.mark.parametrize("rule", RULES)
def test_tie_is_no_relation(rule):
    order = order_by_rule(scene(block(5, 10, 10, 10), block(15, 10, 10, 10)), rule=rule)
    assert not order.front.any()
    assert not order.matrix().any()


@pytest.mark.parametrize("rule", RULES)
@settings(deadline=None, max_examples=25)
@given(arrays(np.uint8, (12, 14), elements=st.integers(0, 4)))
def test_matrix_is_antisymmetric_and_front_a_probability(rule, labels):
    masks = [Mask.from_array(labels == value) for value in range(1, 5)]
    whole = Scene(Size(12, 14), tuple(Instance(k, mask) for k, mask in enumerate(masks, 1)))
    order = order_by_rule(whole, rule=rule)
    matrix = order.matrix()
    assert np.array_equal(matrix, -matrix.T)
    assert (order.front >= 0).all()
    sums = order.front + order.front.T
    assert np.isclose(sums[matrix != 0], 1).all()
    assert not sums[matrix == 0].any()


def test_only_neighbours_are_compared():
    apart = scene(block(5, 10, 10, 10), block(18, 10, 10, 12))  # a gap of three
    assert not order_by_rule(apart, rule="area-small").front.any()
    wide = order_by_rule(apart, rule="area-small", adjacency=AdjacencySettings(radius=4))
    assert wide.front[0, 1] > 0.5
    near = scene(block(5, 10, 10, 10), block(16, 10, 10, 12))  # a gap of one
    assert order_by_rule(near, rule="area-small").front.any()
    assert not order_by_rule(near, rule="area-small", adjacency=REFERENCE_ADJACENCY).front.any()


@pytest.mark.parametrize("rule", RULES)
def test_estimate_by_name(rule):
    near = scene(block(5, 10, 10, 10), block(16, 8, 10, 12))
    order = ordering.estimate(near, method=rule)
    assert order.record.method == rule
    assert order.record.settings == {"radius": 3, "shape": "disc"}
    reference = ordering.estimate(near, method=rule, reference=True)
    assert reference.record.settings == {"radius": 1, "shape": "cross"}
    assert not reference.front.any()


def test_unknown_method_is_named():
    with pytest.raises(InputError, match="ordering method: expected one of .*found 'convx'; did you mean 'convex'"):
        ordering.estimate(scene(block(5, 10, 10, 10)), method="convx")


def test_equal_probabilities_have_no_sign():
    front = np.array([[0, 0.9, 0.2], [0.9, 0, 0], [0.1, 0, 0]])
    order = PairwiseOrder((1, 2, 3), front, StageRecord("by hand"))
    assert order.matrix().tolist() == [[0, 0, 1], [0, 0, 0], [-1, 0, 0]]
