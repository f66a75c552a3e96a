"""The order drawn on the photo."""

from __future__ import annotations

import time

import numpy as np
import pytest

from deocclude.geometry import Size
from deocclude.masks import Mask
from deocclude.ordering.draw import SIDES, colour, draw_order
from deocclude.ordering.graph import Edge, OrderGraph
from deocclude.scene import Instance, Scene


def two_blocks(size: Size) -> Scene:
    unit = size.height // 10
    left = Mask.from_crop(np.ones((4 * unit, 4 * unit)), (unit, 3 * unit), size)
    right = Mask.from_crop(np.ones((4 * unit, 4 * unit)), (9 * unit, 3 * unit), size)
    return Scene(size, (Instance(1, left), Instance(2, right), Instance(3, Mask.empty(size))))


def difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.abs(first.astype(int) - second.astype(int)).max(2) > 0


def test_arrow_is_drawn_between_the_objects():
    size = Size(800, 1200)
    photo = np.full((*size, 3), 90, np.uint8)
    scene = two_blocks(size)
    plain = draw_order(photo, scene, OrderGraph(scene.ids, ()))
    solid = draw_order(photo, scene, OrderGraph(scene.ids, (Edge(1, 2, 0.8),)))
    dashed = draw_order(photo, scene, OrderGraph(scene.ids, (), (Edge(1, 2, 0.8),)))
    assert plain.shape == solid.shape == (800, 1200, 3)
    assert solid.dtype == np.uint8
    assert (photo == 90).all()
    ink = difference(plain, solid)
    assert ink[340:460, 440:680].any(0).all()  # from one to the other
    assert not ink[:200].any()
    assert not ink[600:].any()
    assert difference(solid, dashed).any()
    assert difference(plain, dashed).sum() < ink.sum()
    tinted = difference(plain, photo)
    assert tinted[260:280, 100:380].all()
    assert not tinted[:220].any()


def test_arrows_set_by_hand_say_so():
    size = Size(800, 1200)
    photo, scene = np.zeros((*size, 3), np.uint8), two_blocks(size)
    by_model, by_hand = (
        draw_order(photo, scene, OrderGraph(scene.ids, (Edge(1, 2, 1.0, by_user=flag),))) for flag in (False, True)
    )
    assert difference(by_model, by_hand).any()


def test_large_photo_is_drawn_small():
    size = Size(3000, 4500)
    photo, scene = np.zeros((*size, 3), np.uint8), two_blocks(size)
    watch = time.perf_counter()
    picture = draw_order(photo, scene, OrderGraph(scene.ids, (Edge(2, 1, 0.8), Edge(1, 3, 0.9))))
    assert time.perf_counter() - watch < 10
    assert picture.shape == (round(SIDES[1] * 3000 / 4500), SIDES[1], 3)
    assert picture.any()


def test_objects_at_the_border_and_tiny_ones():
    size = Size(30, 3000)
    dots = [Mask.from_crop(np.ones((1, 1)), corner, size) for corner in ((0, 0), (2999, 29), (1500, 15))]
    scene = Scene(size, tuple(Instance(k, dot) for k, dot in enumerate(dots, 1)))
    picture = draw_order(np.zeros((30, 3000, 3), np.uint8), scene, OrderGraph((1, 2, 3), (Edge(1, 2, 0.7),)))
    assert picture.shape == (16, 1600, 3)


@pytest.mark.parametrize("position", range(8))
def test_colours_of_neighbours_differ(position):
    assert np.abs(np.subtract(colour(position), colour(position + 1))).sum() > 120
