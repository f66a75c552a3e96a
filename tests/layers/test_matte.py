"""Soft layers: the photo byte for byte, and clean when moved."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from layer_scenes import empty_fill, parts

from deocclude.content.patch import Fill, Provenance
from deocclude.geometry import Size
from deocclude.layers import fringe, matte
from deocclude.layers.build import build_layers
from deocclude.layers.compose import compose
from deocclude.layers.matte import soften
from deocclude.layers.move import Move
from deocclude.layers.nearest import nearest_pixel, signed_distance
from deocclude.layers.stack import Layer
from deocclude.layers.visible import Visible
from deocclude.masks import Mask
from deocclude.scene import Instance, Scene

SIZE = Size(64, 96)


@settings(deadline=None, max_examples=400)
@given(parts)
def test_unmoved_soft_stack_is_the_photo(case):
    stack = build_layers(*case.arguments(), edges="soft")
    assert np.array_equal(compose(stack), case.photo)


@settings(deadline=None, max_examples=100)
@given(parts)
def test_alpha_reaches_no_further_beyond_the_shape_than_traces_are_looked_for(case):
    hard, soft = (build_layers(*case.arguments(), edges=edges) for edges in ("hard", "soft"))
    assert (soft.clipped, soft.patched) == (hard.clipped, hard.patched)
    for sharp, layer in zip(hard.layers, soft.layers, strict=True):
        if sharp.box.empty:
            assert layer.box.empty
            continue
        shape, alpha = np.zeros(case.scene.size, bool), np.zeros(case.scene.size, np.uint8)
        shape[sharp.box.slices] = sharp.rgba[..., 3] > 0
        alpha[layer.box.slices] = layer.rgba[..., 3]
        assert not alpha[signed_distance(shape) < -fringe.WIDTH].any()
        assert np.array_equal(layer.provenance != Provenance.NOTHING, layer.rgba[..., 3] > 0)
        assert layer.box == Mask.from_array(alpha).box


def _scene_with_truth(inside, outside):
    """An anti-aliased disc on a slope: the photo, its parts, and what is behind and in front, exactly."""
    rows, columns = np.mgrid[: SIZE.height, : SIZE.width].astype(float)
    coverage = np.clip(0.5 + 15.3 - np.hypot(rows - 32.2, columns - 28.7), 0, 1)
    behind = np.array(outside)[None, None] + (0.2 * rows + 0.1 * columns)[..., None]
    photo = np.rint(coverage[..., None] * np.array(inside) + (1 - coverage[..., None]) * behind).astype(np.uint8)
    mask = Mask.from_array(coverage >= 0.5)
    clean = np.rint(behind).astype(np.uint8)
    labels = np.full((mask.box.height, mask.box.width), 2, np.uint8)
    fill = Fill(0, mask.box, mask.pixels, clean[mask.box.slices], labels, labels, "truth")
    return photo, Scene(SIZE, (Instance(1, mask),)), fill, clean, coverage


@pytest.mark.parametrize(("inside", "outside"), [((230, 40, 30), (20, 60, 120)), ((10, 10, 10), (200, 210, 190))])
def test_a_moved_layer_is_close_to_the_truth(inside, outside):
    photo, scene, fill, clean, coverage = _scene_with_truth(inside, outside)
    moved = np.roll(coverage, 33, 1)[..., None]
    rim = (moved[..., 0] > 0) & (moved[..., 0] < 1)
    left = (coverage > 0) & (coverage < 1)
    errors = {}
    for edges in ("hard", "soft"):
        stack = build_layers(photo, scene, {}, (1,), {}, fill, edges)
        for ground in (0, 255):
            on_flat = replace(stack, background=np.full_like(clean, ground))
            truth = moved * np.array(inside) + (1 - moved) * ground
            errors[edges, ground] = np.abs(compose(on_flat, [Move(1, dx=33)]) - truth)[rim].mean()
        errors[edges, "left behind"] = np.abs(compose(stack, hide=[1]).astype(int) - clean)[left].mean()
    for what in (0, 255, "left behind"):
        assert errors["soft", what] < 0.4 * errors["hard", what], (what, errors)


def test_no_edge_where_the_picture_cuts_the_object():
    photo = np.zeros((*SIZE, 3), np.uint8)
    half = np.zeros(SIZE, bool)
    half[:, :40] = True
    scene = Scene(SIZE, (Instance(1, Mask.from_array(half)),))
    alpha = build_layers(photo, scene, {}, (1,), {}, empty_fill(0), "soft")[1].rgba[..., 3]
    assert (alpha[:, :38] == 255).all()
    assert (alpha[:, 39] < 255).all()


def test_what_lies_beneath_an_edge_is_cleaned_in_its_own_layer():
    """A disc in front of a plate: the plate's layer loses the disc's colour where the two mix."""
    photo, scene, fill, _, coverage = _scene_with_truth((230, 40, 30), (20, 60, 120))
    disc = scene[1].modal
    plate = Mask.from_array(np.ones(SIZE, bool))
    both = Scene(SIZE, (Instance(1, disc), Instance(2, plate - disc)))
    of_plate = Fill(2, fill.box, fill.hole, fill.rgb, fill.provenance, fill.confidence, "truth")
    ring = (coverage > 0.05) & (coverage < 0.5)
    truth = np.array((20, 60, 120)) + 0.2 * np.mgrid[: SIZE.height, : SIZE.width][0][..., None]
    reds = {}
    for edges in ("hard", "soft"):
        stack = build_layers(photo, both, {2: plate}, (2, 1), {2: of_plate}, empty_fill(0), edges)
        reds[edges] = np.abs(compose(stack, hide=[1]) - truth)[ring][:, 0].mean()
        assert np.array_equal(compose(stack), photo)
    assert reds["hard"] > 20
    assert reds["soft"] < 0.3 * reds["hard"]


@pytest.mark.parametrize("left", [(255, 240, 200), (0, 0, 0)])
def test_a_sliver_that_the_mask_left_out_goes_with_the_object(left):
    """Three pixels of another colour around the mask: bright ones of the object itself, dark ones of sharpening."""
    rng = np.random.default_rng(3)
    truth = np.rint(90 + 4 * rng.standard_normal((*SIZE, 3))).astype(np.uint8)
    rows, columns = np.mgrid[: SIZE.height, : SIZE.width]
    radius = np.hypot(rows - 32, columns - 48)
    photo = truth.copy()
    photo[radius <= 17], photo[radius <= 14] = left, (200, 40, 30)
    mask = Mask.from_array(radius <= 14)
    stack = build_layers(photo, Scene(SIZE, (Instance(1, mask),)), {}, (1,), {}, empty_fill(0), "soft")
    assert np.array_equal(compose(stack), photo)
    around = (radius > 15) & (radius <= 18)
    assert np.abs(stack.background.astype(int) - truth)[around].mean() < 8
    assert stack[1].rgba[..., 3].any()
    plain = build_layers(truth, Scene(SIZE, (Instance(1, mask),)), {}, (1,), {}, empty_fill(0), "soft")
    assert np.array_equal(plain.background[radius > 17], truth[radius > 17])


def test_noise_in_a_dark_channel_makes_no_speckles():
    """A shadow round an object on a red plate: the blue channel, all but black, must not say how opaque it is."""
    rng = np.random.default_rng(5)
    rows, columns = np.mgrid[: SIZE.height, : SIZE.width]
    radius = np.hypot(rows - 32, columns - 48)
    light = np.where(radius <= 18, 0.6, 1.0)[..., None] * np.array((190, 60, 5))
    photo = np.clip(np.rint(light + 1.5 * rng.standard_normal((*SIZE, 3))), 0, 255).astype(np.uint8)
    photo[radius <= 14] = (220, 220, 210)
    mask = Mask.from_array(radius <= 14)
    stack = build_layers(photo, Scene(SIZE, (Instance(1, mask),)), {}, (1,), {}, empty_fill(0), "soft")
    assert np.array_equal(compose(stack), photo)
    alpha = np.zeros(SIZE, np.uint8)
    alpha[stack[1].box.slices] = stack[1].rgba[..., 3]
    shadow = alpha[(radius > 16) & (radius <= 17.5)] / 255
    assert 0.3 < shadow.mean() < 0.5
    assert shadow.std() < 0.05


def test_no_black_rim_goes_along_from_dark_ground():
    """A rim darker than dark ground, as sharpening leaves: a trace there is no eyesore, an opaque black line is one."""
    rng = np.random.default_rng(6)
    rows, columns = np.mgrid[: SIZE.height, : SIZE.width]
    radius = np.hypot(rows - 32, columns - 48)
    light = np.where(radius <= 17, 4.0, 26.0)[..., None] * np.ones(3)
    photo = np.clip(np.rint(light + 1.5 * rng.standard_normal((*SIZE, 3))), 0, 255).astype(np.uint8)
    photo[radius <= 14] = (220, 160, 90)
    stack = build_layers(
        photo, Scene(SIZE, (Instance(1, Mask.from_array(radius <= 14)),)), {}, (1,), {}, empty_fill(0), "soft"
    )
    assert np.array_equal(compose(stack), photo)
    alpha = np.zeros(SIZE, np.uint8)
    alpha[stack[1].box.slices] = stack[1].rgba[..., 3]
    assert alpha[radius > 15.5].max() < 40


@pytest.mark.parametrize(("inside", "outside"), [((255,) * 3, (215,) * 3), ((0,) * 3, (30,) * 3)])
def test_saturated_objects_leave_no_ring_on_ground_of_nearly_their_colour(inside, outside):
    photo, scene, fill, clean, coverage = _scene_with_truth(inside, outside)
    stack = build_layers(photo, scene, {}, (1,), {}, fill, "soft")
    assert np.array_equal(compose(stack), photo)
    assert np.abs(stack.background.astype(int) - clean)[coverage > 0].max() <= 8


def test_texture_is_not_taken_for_a_bled_colour():
    """Grey noise round a red object does not lie between grey and red: it stays as it is."""
    rng = np.random.default_rng(0)
    photo = np.repeat(rng.integers(60, 200, (*SIZE, 1), dtype=np.uint8), 3, 2)
    half = np.zeros(SIZE, bool)
    half[20:40, 20:40] = True
    photo[half] = (250, 0, 0)
    scene = Scene(SIZE, (Instance(1, Mask.from_array(half)),))
    ground = build_layers(photo, scene, {}, (1,), {}, empty_fill(0), "soft").background
    assert (ground[~half] == photo[~half]).all(-1).mean() > 0.98


def test_a_level_lost_to_rounding_does_not_make_the_next_rim_opaque():
    """Where rims of two layers cross on nearly black ground the first may leave 1 where the photo has 0."""
    photo = np.random.default_rng(0).integers(0, 2, (*SIZE, 3), dtype=np.uint8)
    one, other = np.zeros(SIZE, bool), np.zeros(SIZE, bool)
    one[10:40, 10:40], other[10:40, 42:80] = True, True
    photo[one], photo[other] = (200, 180, 160), (90, 200, 20)
    scene = Scene(SIZE, (Instance(1, Mask.from_array(one)), Instance(2, Mask.from_array(other))))
    stack = build_layers(photo, scene, {}, (1, 2), {}, empty_fill(0), "soft")
    beyond = stack[2].rgba[..., 3][10 - stack[2].box.y0 : 40 - stack[2].box.y0, : 42 - stack[2].box.x0]
    assert beyond.size
    assert beyond.max() < 170


def test_softening_one_layer_costs_what_its_crop_costs():
    def peak(side):
        size = (side, side)
        rgba = np.full((50, 50, 4), 255, np.uint8)
        box = Mask.from_crop(np.ones((50, 50)), (20, 30), Size(*size)).box
        labels = np.ones((50, 50), np.uint8)
        owner = np.zeros(size, np.uint16)
        owner[box.slices] = 1
        photo = np.zeros((*size, 3), np.uint8)
        layers = [Layer(k, "", k, box, rgba, labels, labels) for k in range(3)]
        tracemalloc.start()
        soften(Visible(photo, owner), photo, layers)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        # Background, composite and the painter map are there once, whatever the number of layers.
        return top - side * side * (3 + 3 + 2)

    peak(200)
    assert abs(peak(3000) - peak(500)) < 50_000


def test_nearest_pixel_and_signed_distance():
    known = np.zeros((3, 5), bool)
    known[1, 0] = known[1, 4] = True
    rows, columns = nearest_pixel(known, np.ones((3, 5), bool))
    assert (rows == 1).all()
    assert columns.reshape(3, 5)[:, [0, 1, 3, 4]].tolist() == [[0, 0, 4, 4]] * 3
    with pytest.raises(ValueError, match="no pixel"):
        nearest_pixel(np.zeros((2, 2), bool), known)
    shape = np.zeros((1, 6), bool)
    shape[0, :3] = True
    assert signed_distance(shape).tolist() == [[2.5, 1.5, 0.5, -0.5, -1.5, -2.5]]


def test_traces_on_a_neighbour_are_looked_for_where_it_is(monkeypatch):
    size = Size(300, 400)
    rgb = np.full((*size, 3), 120, np.uint8)
    large, small = np.zeros(size, bool), np.zeros(size, bool)
    small[140:160, 180:200] = True
    large[20:280, 200:380] = True
    rgb[large], rgb[small] = 200, 30
    scene = Scene(size, (Instance(1, Mask.from_array(small)), Instance(2, Mask.from_array(large))))
    seen = {}

    def recorded(photo, distance, free):
        seen[photo.shape[:2]] = int(np.count_nonzero(free))
        return fringe.traces(photo, distance, free)

    monkeypatch.setattr(matte, "traces", recorded)
    build_layers(rgb, scene, {}, [1, 2], {}, empty_fill(0), edges="soft")
    assert (18, fringe.LOOK - 1) in seen, "the small one beside the large one, but for its soft rim"
