"""Whole shapes by rules, on cases by hand."""

from __future__ import annotations

import numpy as np
import pytest

from deocclude import amodal
from deocclude.errors import InputError
from deocclude.geometry import Size
from deocclude.masks import Mask, convex_hull
from deocclude.ordering.graph import OrderGraph
from deocclude.scene import Instance, Scene

SIZE = Size(20, 30)


def block(x: int, y: int, width: int, height: int) -> Mask:
    return Mask.from_crop(np.ones((height, width)), (x, y), SIZE)


BAR = block(10, 5, 4, 10)
BEHIND = block(4, 7, 16, 6) - BAR
"""A wide block in two parts, one on either side of the bar."""
BESIDE = block(4, 13, 6, 4)


def scene() -> Scene:
    return Scene(SIZE, (Instance(1, BAR), Instance(2, BEHIND), Instance(3, BESIDE)))


def graph(*arrows: tuple[int, int]) -> OrderGraph:
    matrix = np.zeros((3, 3), np.int8)
    for front, behind in arrows:
        matrix[front - 1, behind - 1] = 1
    return OrderGraph.from_matrix((1, 2, 3), matrix)


def test_raw_is_what_is_seen():
    masks = amodal.complete(scene(), graph((1, 2)), method="raw").masks
    assert masks == {1: BAR, 2: BEHIND, 3: BESIDE}


def test_convex_is_the_hull_whoever_is_in_front():
    masks = amodal.complete(scene(), graph(), method="convex").masks
    assert masks == {1: BAR, 2: block(4, 7, 16, 6), 3: BESIDE}


def test_restricted_hull_grows_only_below_occluders():
    for arrows, whole in (
        ([(1, 2)], block(4, 7, 16, 6)),
        ([], BEHIND),
        ([(3, 2)], BEHIND),
        ([(2, 1)], BEHIND),
        ([(1, 3), (3, 2)], block(4, 7, 16, 6)),  # the bar hides it over the third
    ):
        completed = amodal.complete(scene(), graph(*arrows), method="convexR")
        assert completed.masks[2] == whole
        assert completed.masks[1] == BAR
        assert completed.record.method == "convexR"


def test_restricted_hull_lies_in_the_masks_of_ancestors():
    corner = block(4, 4, 12, 12) - block(9, 4, 7, 7)
    cover = block(9, 8, 3, 3)
    whole = Scene(SIZE, (Instance(1, cover), Instance(2, corner)))
    order = OrderGraph.from_matrix((1, 2), np.array([[0, 1], [-1, 0]]))
    grown = amodal.complete(whole, order, method="convexR").masks[2] - corner
    assert grown
    assert not grown - cover
    assert grown == (convex_hull(corner) & cover)


def test_masks_contain_what_is_seen_and_keep_the_order_of_objects():
    for method in amodal.METHODS:
        if method not in ("raw", "convex", "convexR"):
            continue
        masks = amodal.complete(scene(), graph((1, 2), (1, 3)), method=method).masks
        assert list(masks) == [1, 2, 3]
        for item in scene().instances:
            assert not item.modal - masks[item.id]


def test_unknown_method_is_named():
    with pytest.raises(InputError, match="amodal method: expected one of .*found 'convexr'; did you mean 'convexR'"):
        amodal.complete(scene(), graph(), method="convexr")
