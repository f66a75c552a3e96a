"""Moving, hiding and restacking layers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_scenes import parts

from deocclude.errors import InputError
from deocclude.geometry import EMPTY_BOX, Box, Size
from deocclude.layers.blend import over, over_clear, premultiplied, straight
from deocclude.layers.build import build_layers
from deocclude.layers.compose import compose, restack
from deocclude.layers.move import Move, moved
from deocclude.layers.stack import Layer, LayerStack

SIZE = Size(40, 60)
pixels = st.tuples(*[st.integers(0, 255)] * 7)


def layer_of(rgba, corner=(20, 10), identity=1, z=0):
    height, width = rgba.shape[:2]
    box = Box(corner[0], corner[1], corner[0] + width, corner[1] + height)
    labels = np.ones((height, width), np.uint8)
    return Layer(identity, f"layer {identity}", z, box, rgba, labels, labels)


def stack_of(*layers):
    ground = np.random.default_rng(5).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    return LayerStack(SIZE, ground, layers, "soft", {})


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8)


@settings(deadline=None)
@given(pixels)
def test_over_is_the_rounded_formula(values):
    front, behind = np.array(values[:4], np.uint8), np.array(values[4:], np.uint8)
    exact = (values[3] * front[:3].astype(int) + (255 - values[3]) * behind.astype(int)) / 255
    assert np.array_equal(over(front[None, None], behind[None, None])[0, 0], np.floor(exact + 0.5))
    clear = over_clear(front, np.append(behind, 255).astype(np.float32))
    assert np.abs(straight(clear) - np.append(exact, 255)).max() <= 0.51
    back = straight(premultiplied(front))
    assert np.array_equal(back, front if values[3] else [0, 0, 0, 0])


@settings(deadline=None, max_examples=60)
@given(parts, st.sampled_from(["hard", "soft"]), st.data())
def test_moves_that_do_nothing_change_nothing(case, edges, data):
    stack = build_layers(*case.arguments(), edges=edges)
    still = compose(stack)
    moves = [Move(identity, rotate=data.draw(st.sampled_from([0, 360, -720]))) for identity in stack.ids]
    assert np.array_equal(compose(stack, moves), still)
    assert np.array_equal(compose(stack, order=stack.ids), still)
    if stack.ids:
        first = [Move(stack.ids[0], opacity=0)]
        assert np.array_equal(compose(stack, first), compose(stack, hide=stack.ids[:1]))


@settings(deadline=None, max_examples=60)
@given(st.integers(-70, 70), st.integers(-50, 50))
def test_whole_pixel_shifts_keep_the_bytes(dx, dy):
    layer = layer_of(noise(9, 13))
    box, rgba = moved(layer, Move(1, dx, dy), SIZE)
    placed = Box(20 + dx, 10 + dy, 33 + dx, 19 + dy)
    assert box == placed.clip(SIZE)
    assert np.array_equal(rgba, layer.rgba[box.window(placed)] if not box.empty else np.zeros((0, 0, 4)))
    there = Layer(1, "", 0, box, rgba, rgba[..., 0], rgba[..., 0])
    if box == placed:
        back = moved(there, Move(1, -dx, -dy), SIZE)
        assert back[0] == layer.box
        assert np.array_equal(back[1], layer.rgba)


def test_a_removed_layer_shows_what_lies_beneath():
    opaque = noise(5, 5)
    opaque[..., 3] = 255
    stack = stack_of(layer_of(opaque), layer_of(opaque[::-1].copy(), (22, 12), 2, 1))
    assert np.array_equal(compose(stack, hide=[1, 2]), stack.background)
    assert np.array_equal(compose(stack, hide=[2])[10:15, 20:25], opaque[..., :3])
    assert np.array_equal(compose(stack, [Move(1, dx=1000)], hide=[2]), stack.background)
    swapped = compose(stack, order=(2, 1))
    assert np.array_equal(swapped[10:15, 20:25], opaque[..., :3])
    assert not np.array_equal(swapped, compose(stack))


def test_without_the_background_the_picture_is_clear():
    rgba = noise(6, 8)
    rgba[0, 0, 3] = 0
    out = compose(stack_of(layer_of(rgba)), background=False)
    assert out.shape == (*SIZE, 4)
    expected = np.zeros((*SIZE, 4), np.uint8)
    expected[10:16, 20:28] = np.where(rgba[..., 3:] > 0, rgba, 0)
    assert np.array_equal(out, expected)


def test_a_quarter_turn_is_counter_clockwise():
    rgba = np.zeros((5, 5, 4), np.uint8)
    rgba[..., 3] = 255
    rgba[2, 4] = (255, 0, 0, 255)
    box, turned = moved(layer_of(rgba), Move(1, rotate=90), SIZE)
    red = turned[10 - box.y0 : 15 - box.y0, 20 - box.x0 : 25 - box.x0, 0]
    assert red[0, 2] > 250
    assert red.sum() == red[0, 2]


def test_scaling_keeps_the_centre_and_the_colour():
    rgba = np.full((10, 14, 4), (80, 160, 240, 255), np.uint8)
    for scale in (0.5, 1.7, 0.3):
        box, out = moved(layer_of(rgba), Move(1, scale=scale), SIZE)
        alpha = out[..., 3] / 255
        assert alpha.sum() == pytest.approx(140 * scale**2, rel=0.03)
        rows, columns = np.mgrid[box.y0 : box.y1, box.x0 : box.x1]
        assert (alpha * columns).sum() / alpha.sum() == pytest.approx(26.5, abs=0.02)
        assert (alpha * rows).sum() / alpha.sum() == pytest.approx(14.5, abs=0.02)
        seen = out[..., 3] > 12
        assert np.abs(out[seen][:, :3].astype(int) - (80, 160, 240)).max() <= 8


def test_no_dark_rim_after_a_turn():
    """A white disc, clear (black) outside, turned and laid on white stays white."""
    rows, columns = np.mgrid[:21, :21]
    inside = np.hypot(rows - 10, columns - 10) < 9
    rgba = np.where(inside[..., None], np.uint8(255), np.uint8(0)) * np.ones(4, np.uint8)
    stack = stack_of(layer_of(rgba, (15, 8)))
    stack.background[...] = 255
    turned = compose(stack, [Move(1, dx=0.4, scale=1.1, rotate=33)])
    assert (turned == 255).all()


def test_half_a_pixel_shift_averages_neighbours():
    rgba = np.full((6, 6, 4), (100, 100, 100, 255), np.uint8)
    box, out = moved(layer_of(rgba), Move(1, dx=0.5), SIZE)
    middle = out[13 - box.y0, :, 3]
    assert middle[20 - box.x0] == middle[26 - box.x0]
    assert 120 <= middle[20 - box.x0] <= 145


def test_layers_may_leave_the_picture_at_any_size():
    layer = layer_of(noise(9, 9))
    for move in (Move(1, dx=-5e5), Move(1, dy=60.5, scale=0.02), Move(1, dx=33.3, dy=-900, rotate=7)):
        assert moved(layer, move, SIZE)[0] == EMPTY_BOX
    box, out = moved(layer, Move(1, scale=100, rotate=45), SIZE)
    assert box == Box(0, 0, 60, 40)
    assert out.shape == (40, 60, 4)
    empty = Layer(1, "", 0, EMPTY_BOX, np.zeros((0, 0, 4), np.uint8), *[np.zeros((0, 0), np.uint8)] * 2)
    assert moved(empty, Move(1, dx=2.5), SIZE)[0] == EMPTY_BOX


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dx", math.nan),
        ("dx", "3"),
        ("dx", True),
        ("dx", None),
        ("dy", math.inf),
        ("scale", 0),
        ("scale", -1),
        ("scale", 1e9),
        ("rotate", 1e9),
        ("opacity", 1.1),
    ],
)
def test_absurd_numbers_are_refused(name, value):
    with pytest.raises(InputError, match=rf"layer 4: {name}: expected a number from"):
        Move(4, **{name: value})


def test_restacking():
    order = (1, 2, 3, 4)
    assert restack(order, 2, "raise") == (1, 3, 2, 4)
    assert restack(order, 2, "lower") == (2, 1, 3, 4)
    assert restack(order, 2, "front") == (1, 3, 4, 2)
    assert restack(order, 3, "back") == (3, 1, 2, 4)
    assert restack(order, 4, "raise") == restack(order, 1, "lower") == order
    with pytest.raises(InputError, match="did you mean 'front'"):
        restack(order, 1, "frnt")
    with pytest.raises(InputError, match="found 9"):
        restack(order, 9, "front")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"hide": [7]}, "hidden layer: expected an object id among 1, 2, found 7"),
        ({"moves": [Move(8)]}, "moved layer: expected an object id among 1, 2, found 8"),
        ({"moves": [Move(1), Move(1)]}, "expected at most one move a layer, found two of layer 1"),
        ({"order": [1]}, "order: expected each layer once, of 1, 2, found 1; hide a layer"),
        ({"order": [1, 2, 2]}, "expected each layer once"),
        ({"order": [1, 3]}, "order: expected an object id among 1, 2, found 3"),
    ],
)
def test_wrong_ids_are_named(arguments, text):
    with pytest.raises(InputError, match=text):
        compose(stack_of(layer_of(noise(3, 3)), layer_of(noise(3, 3), identity=2, z=1)), **arguments)
