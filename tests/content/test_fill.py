"""Filling in place: what may be looked at, what may change."""

from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest

from deocclude.content import METHODS, painter
from deocclude.content.fill import fill_background, fill_hidden
from deocclude.errors import InputError
from deocclude.geometry import Box
from deocclude.masks import Mask, dilate

ALL = ["auto", *(name for name in METHODS if name not in ("pcnet-c", "textured"))]


def scene():
    """A textured blue object behind a saturated red one on green ground; the photo is 96x128."""
    rng = np.random.default_rng(3)
    modal, occluder = np.zeros((96, 128), bool), np.zeros((96, 128), bool)
    modal[20:70, 20:100] = True
    occluder[35:90, 50:75] = True
    amodal = modal.copy()
    modal &= ~occluder
    photo = np.zeros((96, 128, 3), np.uint8)
    photo[..., 1] = rng.integers(100, 140, (96, 128))
    photo[modal] = [20, 40, 200]
    photo[modal] += rng.integers(0, 30, (int(modal.sum()), 3)).astype(np.uint8)
    photo[occluder] = [255, 0, 0]
    return photo, Mask.from_array(modal), Mask.from_array(amodal), Mask.from_array(occluder)


@pytest.mark.parametrize("method", ALL)
def test_pixels_of_other_things_have_no_influence(method):
    photo, modal, amodal, _ = scene()
    noise = np.random.default_rng(9).integers(0, 256, photo.shape, np.uint8)
    other = np.where(modal.to_array()[..., None], photo, noise)
    first = fill_hidden(photo, modal, amodal, instance_id=4, method=method)
    second = fill_hidden(other, modal, amodal, instance_id=4, method=method)
    assert np.array_equal(first.rgb, second.rgb)
    assert np.array_equal(first.confidence, second.confidence)


@pytest.mark.parametrize("method", ALL)
def test_no_red_of_the_occluder_in_the_fill(method):
    photo, modal, amodal, _ = scene()
    fill = fill_hidden(photo, modal, amodal, instance_id=4, method=method)
    assert fill.rgb[fill.hole][:, 0].max() <= 60
    assert fill.rgb[fill.hole][:, 2].min() >= 190
    assert fill.box == (amodal - modal).box
    assert np.array_equal(fill.hole, (amodal - modal).pixels)
    assert not fill.rgb[~fill.hole].any()


def test_mixed_edge_pixels_are_not_used():
    photo, modal, amodal, _ = scene()
    edge = modal.to_array() & ~np.roll(np.roll(modal.to_array(), 1, 1), -2, 1)
    ring = modal.to_array().copy()
    ring[1:-1, 1:-1] &= ~(modal.to_array()[1:-1, :-2] & modal.to_array()[1:-1, 2:])
    assert (edge & ring).any()
    dirty = photo.copy()
    dirty[ring] = [255, 0, 0]
    clean, spoilt = (fill_hidden(p, modal, amodal, instance_id=4) for p in (photo, dirty))
    assert np.array_equal(clean.rgb, spoilt.rgb)


@pytest.mark.parametrize("method", ALL)
def test_background_is_filled_from_the_uncovered(method):
    photo, modal, _, occluder = scene()
    covered = modal | occluder
    before = photo.copy()
    fill = fill_background(photo, covered, method=method, seed=1)
    assert np.array_equal(photo, before)
    assert fill.instance_id == 0
    assert fill.box == covered.box
    inside = fill.rgb[fill.hole]
    assert inside[:, 1].min() >= 95
    assert inside[:, [0, 2]].max() <= 5
    assert (fill.provenance[fill.hole] > 0).all()
    assert not fill.rgb[~fill.hole].any()


def test_background_parts_far_apart_are_filled_each_from_its_own_surroundings():
    photo = np.full((60, 1600, 3), 50, np.uint8)
    photo[:, 800:] = 200
    covered = np.zeros((60, 1600), bool)
    covered[20:40, 30:50] = covered[20:40, 1550:1570] = True
    fill = fill_background(photo, Mask.from_array(covered))
    assert (fill.rgb[:, :20][fill.hole[:, :20]] == 50).all()
    assert (fill.rgb[:, -20:][fill.hole[:, -20:]] == 200).all()


def test_nothing_hidden():
    photo, modal, _, _ = scene()
    assert fill_hidden(photo, modal, modal, instance_id=2).box == Box(0, 0, 0, 0)
    assert not fill_background(photo, Mask.empty(modal.size)).hole.any()


@pytest.mark.parametrize("method", ALL)
def test_no_visible_pixel_gives_grey_with_no_confidence(method):
    photo, _, amodal, _ = scene()
    fill = fill_hidden(photo, Mask.empty(amodal.size), amodal, instance_id=1, method=method)
    assert (fill.rgb[fill.hole] == 128).all()
    assert fill.confidence.max() == 0
    assert "no visible pixel" in fill.fallback_reason


def test_photo_covered_everywhere():
    photo, modal, _, _ = scene()
    fill = fill_background(photo, Mask.from_array(np.ones(modal.size, bool)))
    assert fill.hole.all()
    assert fill.confidence.max() == 0


def test_one_pixel_wide_object_uses_its_edge_and_says_so():
    photo, _, _, _ = scene()
    modal, amodal = np.zeros((96, 128), bool), np.zeros((96, 128), bool)
    modal[10:40, 60], amodal[10:90, 60] = True, True
    photo[10:40, 60] = [9, 90, 9]
    fill = fill_hidden(photo, Mask.from_array(modal), Mask.from_array(amodal), instance_id=1)
    assert (fill.rgb[fill.hole] == [9, 90, 9]).all()
    assert any("thin" in note for note in fill.notes)


def test_auto_says_why():
    photo, modal, amodal, _ = scene()
    fill = fill_hidden(photo, modal, amodal, instance_id=1)
    assert fill.method == "textured"
    assert any(note.startswith("auto: PCNet-C with own texture") for note in fill.notes)
    slit = fill_hidden(photo, modal, modal | (dilate(modal, 1) & amodal), instance_id=1)
    assert slit.method == "biharmonic"
    assert any(note.startswith("auto: biharmonic") for note in slit.notes)


def test_auto_copies_texture_into_a_wide_hole_and_paints_one_colour_as_it_is():
    photo = np.random.default_rng(2).integers(90, 160, (200, 200, 3)).astype(np.uint8)
    whole, seen = np.ones((200, 200), bool), np.ones((200, 200), bool)
    seen[60:120, 60:120] = False
    wide = fill_hidden(photo, Mask.from_array(seen), Mask.from_array(whole), instance_id=1)
    assert wide.method == "textured"
    background = fill_background(photo, Mask.from_array(whole & ~seen))
    assert background.method == "textured"
    flat = fill_hidden(np.full_like(photo, 77), Mask.from_array(seen), Mask.from_array(whole), instance_id=1)
    assert flat.method == "biharmonic" and (flat.rgb[flat.hole] == 77).all()


def test_wrong_method():
    photo, modal, amodal, _ = scene()
    with pytest.raises(InputError, match=r"exemplar.*did you mean 'telea'"):
        fill_hidden(photo, modal, amodal, instance_id=1, method="teela")


def patch_seen(**how):
    """The patch that a painter gets for the scene."""
    photo, modal, amodal, _ = scene()
    seen = []

    def spy(patch):
        seen.append(patch)
        return painter("mean")(patch)

    fill_hidden(photo, modal, amodal, instance_id=1, method=spy, **how)
    return seen[0]


def test_context_is_neither_object_nor_occluder_nor_near_the_hole():
    _, _, amodal, occluder = scene()
    patch = patch_seen(occluders=occluder)
    assert patch.context.any()
    assert not (patch.context & (patch.hole | patch.evidence)).any()
    near = cv2.dilate(patch.hole.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert not (patch.context & near).any()
    red = patch.rgb[..., 0] == 255
    assert not (patch.context & (cv2.dilate(red.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)).any()
    green = patch.context & (patch.rgb[..., 2] == 0)
    assert green.sum() > 0.5 * amodal.area


def test_unknown_occluders_leave_no_context():
    assert patch_seen().context is None


def test_the_crop_reaches_beyond_the_object_when_there_is_context():
    *_, occluder = scene()
    alone = patch_seen()
    around = patch_seen(occluders=occluder)
    assert around.hole.shape[0] > alone.hole.shape[0]
    assert around.context[0].any()
    assert around.evidence.sum() == alone.evidence.sum()


def test_stage_loads_no_heavy_library():
    heavy = "('cv2', 'torch', 'skimage', 'faiss')"
    code = f"import sys, deocclude.content.fill; print([n for n in {heavy} if n in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_distant_parts_of_a_long_object_are_filled_one_by_one():
    size = (600, 12_000)
    photo = np.zeros((*size, 3), np.uint8)
    whole, posts = np.zeros(size, bool), np.zeros(size, bool)
    whole[100:500, 100:11_900] = True
    for left in (1000, 1100, 11_500):
        posts[:, left : left + 30] = True
    photo[whole & ~posts] = [20, 40, 200]
    asked = []

    def paint(patch):
        asked.append(patch.hole.shape)
        return painter("mean")(patch)

    masks = [Mask.from_array(array) for array in (whole & ~posts, whole, posts)]
    fill = fill_hidden(photo, masks[0], masks[1], instance_id=3, method=paint, occluders=masks[2])
    assert len(asked) == 2, "the two that are near are one"
    assert max(width for _, width in asked) < 1500
    assert np.array_equal(fill.mask(masks[1].size).to_array(), whole & posts)
    assert (fill.rgb[fill.hole] == [20, 40, 200]).all()
    assert fill.instance_id == 3
