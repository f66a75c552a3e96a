"""Hard layers: the unmoved stack is the photo, whatever the order and the shapes."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from layer_scenes import Parts, empty_fill, fill_of, parts

from deocclude.content.patch import Provenance
from deocclude.errors import InputError
from deocclude.geometry import EMPTY_BOX, Size
from deocclude.layers.build import _layer, build_layers
from deocclude.layers.compose import compose
from deocclude.layers.visible import Visible
from deocclude.masks import Mask
from deocclude.scene import Instance, Scene


@settings(deadline=None, max_examples=300)
@given(parts)
def test_unmoved_hard_stack_is_the_photo_byte_for_byte(case):
    stack = build_layers(*case.arguments())
    assert np.array_equal(compose(stack), case.photo)


@settings(deadline=None, max_examples=100)
@given(parts)
def test_every_layer_pixel_says_where_it_came_from(case):
    stack = build_layers(*case.arguments())
    assert [layer.z for layer in stack.layers] == list(range(len(case.scene)))
    for layer in stack.layers:
        opaque = layer.rgba[..., 3] == 255
        assert np.array_equal(layer.provenance != Provenance.NOTHING, opaque)
        assert set(np.unique(layer.rgba[..., 3])) <= {0, 255}
        assert layer.box == Mask.from_array(_full(layer, stack.size)).box
        visible = case.scene[layer.instance_id].modal.crop(layer.box)
        assert np.array_equal(layer.provenance == Provenance.VISIBLE, visible)


def _full(layer, size):
    alpha = np.zeros(size, np.uint8)
    alpha[layer.box.slices] = layer.rgba[..., 3]
    return alpha


def _two_bars(order=(1, 2)):
    """A horizontal bar (1) hidden in the middle by a vertical bar (2)."""
    rng = np.random.default_rng(0)
    size = Size(9, 11)
    upright = np.zeros(size, bool)
    upright[1:8, 4:7] = True
    whole = np.zeros(size, bool)
    whole[3:6, 1:10] = True
    front, bar = Mask.from_array(upright), Mask.from_array(whole)
    scene = Scene(size, (Instance(1, bar - front, "bar"), Instance(2, front, "post")))
    photo = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    fills = {1: fill_of(1, bar & front, rng)}
    return Parts(photo, scene, {1: bar, 2: front}, list(order), fills, fill_of(0, bar | front, rng))


def test_hidden_part_comes_from_the_fill_and_removal_shows_it():
    case = _two_bars()
    stack = build_layers(*case.arguments())
    assert (stack.clipped, stack.patched) == ({}, {})
    fill, without = case.fills[1], compose(stack, hide=[2])
    assert np.array_equal(without[3:6, 4:7], fill.rgb)
    assert np.array_equal(stack[1].provenance[:, 3:6], fill.provenance)
    assert np.array_equal(stack[1].confidence[:, 3:6], fill.confidence)
    bare = compose(stack, hide=[1, 2])
    hole = case.background.hole
    assert np.array_equal(bare[case.background.box.slices][hole], case.background.rgb[hole])
    outside = np.ones(case.scene.size, bool)
    outside[case.background.box.slices] = ~hole
    assert np.array_equal(bare[outside], case.photo[outside])


def test_an_order_that_contradicts_the_masks_is_clipped_and_reported():
    case = _two_bars(order=(2, 1))
    stack = build_layers(*case.arguments())
    assert stack.clipped == {1: 9}
    assert np.array_equal(compose(stack), case.photo)


def test_the_part_of_a_shape_on_visible_background_is_clipped():
    case = _two_bars()
    grown = np.zeros(case.scene.size, bool)
    grown[3:7, 1:10] = True
    case.amodal[1] = Mask.from_array(grown)
    stack = build_layers(*case.arguments())
    assert stack.clipped == {1: 6}
    assert stack.patched == {1: 3}
    assert np.array_equal(compose(stack), case.photo)


def test_mutual_occlusion_keeps_both_visible():
    size = Size(6, 12)
    rng = np.random.default_rng(1)
    a, b = np.zeros(size, bool), np.zeros(size, bool)
    a[1:4, 1:11] = b[2:5, 1:11] = True
    both = a & b
    left = np.zeros(size, bool)
    left[:, :6] = True
    modal_a, modal_b = a & ~(both & ~left), b & ~(both & left)
    scene = Scene(size, (Instance(1, Mask.from_array(modal_a)), Instance(2, Mask.from_array(modal_b))))
    photo = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    amodal = {1: Mask.from_array(a), 2: Mask.from_array(b)}
    stack = build_layers(photo, scene, amodal, (1, 2), {}, empty_fill(0))
    assert np.array_equal(compose(stack), photo)
    assert stack.clipped == {2: 10}
    assert stack.patched == {0: 40, 1: 10}


def test_pixels_no_fill_painted_take_the_nearest_own_colour():
    case = _two_bars()
    case.fills.clear()
    case.photo[case.scene[1].modal.to_array()] = (200, 10, 10)
    stack = build_layers(*case.arguments())
    assert stack.patched == {1: 9}
    hidden = stack[1].provenance == Provenance.MEAN_COLOUR
    assert hidden.sum() == 9
    assert (stack[1].rgba[hidden] == (200, 10, 10, 255)).all()
    assert (stack[1].confidence[hidden] == 0).all()


def test_an_object_wholly_hidden_is_kept_under_its_occluder():
    case = _two_bars()
    scene = Scene(case.scene.size, (Instance(1, Mask.empty(case.scene.size)), case.scene[2]))
    hidden = case.amodal[1] & case.amodal[2]
    stack = build_layers(case.photo, scene, {1: hidden}, (1, 2), {}, case.background)
    assert np.array_equal(compose(stack), case.photo)
    assert stack[1].rgba[..., 3].sum() == 255 * 9
    nothing = build_layers(case.photo, scene, {}, (1, 2), {}, case.background)
    assert nothing[1].box == EMPTY_BOX


def test_a_shape_that_leaves_out_visible_pixels_gets_them_back():
    case = _two_bars()
    case.amodal[2] = Mask.from_crop(np.ones((1, 1)), (4, 1), case.scene.size)
    assert np.array_equal(build_layers(*case.arguments())[2].rgba[..., :3], case.photo[1:8, 4:7])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"edges": "sfot"}, "did you mean 'soft'"),
        ({"z_order": (1,)}, "z order: expected each object once, of 1, 2, found 1"),
        ({"z_order": (1, 1, 2)}, "found 1, 1, 2"),
        ({"photo_rgb": np.zeros((4, 4, 3), np.uint8)}, "expected an 8-bit RGB photo of 11x9, found uint8 4x4x3"),
        ({"photo_rgb": np.zeros((9, 11, 3))}, "found float64 9x11x3"),
    ],
)
def test_wrong_input_is_named(change, text):
    case = _two_bars()
    names = ("photo_rgb", "scene", "amodal", "z_order", "fills", "background")
    with pytest.raises(InputError, match=text):
        build_layers(**(dict(zip(names, case.arguments(), strict=True)) | change))


def test_an_object_costs_what_its_crop_costs():
    """Cutting one object of 50x50 out of a large photo needs the memory it needs in a small one."""

    def peak(side):
        size = Size(side, side)
        mask = Mask.from_crop(np.ones((50, 50)), (20, 30), size)
        hidden = Mask.from_crop(np.ones((10, 50)), (20, 30), size)
        owner = np.ones(size, np.uint16)
        owner[hidden.box.slices] = 2
        seen = Visible(np.zeros((side, side, 3), np.uint8), owner)
        instance = Instance(1, mask - hidden)
        tracemalloc.start()
        _layer(seen, 0, instance, mask, None)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(500)
    assert abs(peak(3000) - peak(500)) < 10_000
