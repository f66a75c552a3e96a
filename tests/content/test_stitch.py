from __future__ import annotations

import numpy as np
import pytest
from two_views import HEIGHT, VIEW, WIDTH, hole, photo, psnr, stitch_whole, unrelated, view

from deocclude.content import painter
from deocclude.content.align import align
from deocclude.content.blend import NONE
from deocclude.content.overlay import make_target
from deocclude.content.patch import Patch
from deocclude.content.sampling import Source
from deocclude.content.stitch import stitch
from deocclude.content.stitch_homography import stitch_homography
from deocclude.geometry import Box, Size
from deocclude.masks import Mask
from deocclude.references.features import extract
from deocclude.references.matching import match
from deocclude.references.transforms import apply


@pytest.fixture(scope="module")
def plain():
    return painter("telea")(Patch(photo(), hole(), ~hole())).rgb


@pytest.fixture(scope="module")
def stitched():
    return stitch_whole(photo(), hole(), ~hole(), [(unrelated(), None), (view(), None)])


def test_hole_is_filled_from_the_view(stitched, plain):
    assert stitched.filled.sum() > 0.98 * hole().sum()
    assert psnr(stitched.rgb, photo(), hole()) > max(28.0, psnr(plain, photo(), hole()) + 6)
    assert set(np.unique(stitched.source)) == {NONE, 1}
    assert stitched.confidence[stitched.filled].min() > 0.5
    assert stitched.confidence[~stitched.filled].max() == 0


def test_only_hidden_pixels_change(stitched):
    assert (stitched.rgb[~hole()] == photo()[~hole()]).all()
    assert not (stitched.filled & ~hole()).any()
    assert ((stitched.source == NONE) == ~stitched.filled).all()


def test_what_stands_in_the_hole_is_not_looked_at(stitched):
    other = photo().copy()
    other[hole()] = np.random.default_rng(0).integers(0, 256, (hole().sum(), 3))
    again = stitch_whole(other, hole(), ~hole(), [(unrelated(), None), (view(), None)])
    assert (again.rgb[stitched.filled] == stitched.rgb[stitched.filled]).all()


def test_equal_input_gives_equal_output(stitched):
    again = stitch_whole(photo(), hole(), ~hole(), [(unrelated(), None), (view(), None)])
    assert (again.rgb == stitched.rgb).all()


@pytest.mark.parametrize(
    "reference",
    [
        unrelated(),
        np.full((50, 60, 3), 128, np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.random.default_rng(1).integers(0, 256, (90, 120, 3), dtype=np.uint8),
    ],
    ids=["unrelated", "blank", "one pixel", "noise"],
)
def test_useless_references_change_nothing(reference):
    found = stitch_whole(photo(), hole(), ~hole(), [(reference, None)])
    assert not found.filled.any()
    assert (found.rgb == photo()).all()
    assert found.notes and "reference" in found.notes[0]


def test_reference_that_is_hidden_where_the_photo_is():
    reference = photo().copy()
    reference[hole()] = (200, 30, 30)
    found = stitch_whole(photo(), hole(), ~hole(), [(reference, extract(reference, ~hole()))])
    assert found.rgb.shape == photo().shape
    assert (found.rgb[~hole()] == photo()[~hole()]).all()


@pytest.mark.parametrize("usable", ["nothing", "speck"])
def test_nothing_to_look_at(usable):
    known = np.zeros((HEIGHT, WIDTH), bool)
    if usable == "speck":
        known[10:14, 10:14] = True
    found = stitch_whole(photo(), hole(), known, [(view(), None)])
    assert not found.filled.any()


def test_what_is_kept_follows_the_hole():
    large = np.tile(photo(), (6, 6, 1))
    mask = np.zeros(large.shape[:2], bool)
    mask[:HEIGHT, :WIDTH] = hole()
    found = stitch(large, Mask.from_array(mask), Mask.from_array(~mask), [(view(), None)])
    assert found.filled.any()
    assert found.box == Mask.from_array(mask).box.grow(80).clip(Size(*mask.shape))
    assert found.rgb.shape == (found.box.height, found.box.width, 3)
    part = Box(70, 50, 130, 100)
    rgb, filled = found.over(large[part.slices], part[:2])
    whole, everything = found.over(large)
    assert (rgb == whole[part.slices]).all() and (filled == everything[part.slices]).all()


def test_nothing_hidden():
    found = stitch_whole(photo(), np.zeros_like(hole()), ~hole(), [(view(), None)])
    assert (found.rgb == photo()).all()
    assert not found.filled.any()


def test_no_references():
    assert not stitch_whole(photo(), hole(), ~hole(), []).filled.any()


def test_alignment_finds_the_view():
    target = make_target(photo(), hole(), ~hole())
    found = align(target, Source(view()), match(extract(view()), target.features), 3)
    assert {item.reference for item in found} == {3}
    back = np.linalg.inv(found[0].target_from_source)
    corners = np.array([[90.0, 60], [170, 60], [90, 120], [170, 120]])
    assert np.linalg.norm(apply(back, corners) - apply(VIEW, corners), axis=1).max() < 1.5
    for item in found:
        assert psnr(item.rgb, photo(), hole() & item.valid) > 25
        assert psnr(item.rehearsal, photo(), target.band & item.valid) > 25


def test_rehearsal_does_not_look_at_the_band():
    target = make_target(photo(), hole(), ~hole())
    spoilt = photo().copy()
    spoilt[target.band] = 255 - spoilt[target.band]
    other = make_target(spoilt, hole(), ~hole(), target.features)
    matches = match(extract(view()), target.features)
    plain = {item.kind: item for item in align(target, Source(view()), matches, 0)}
    for item in align(other, Source(view()), matches, 0):
        if item.kind in plain and "flow" not in item.kind:
            assert np.abs(item.rehearsal - plain[item.kind].rehearsal).max() < 1e-3


def test_plain_stitching_of_the_paper(plain):
    found = stitch_homography(photo(), hole(), ~hole(), [unrelated(), view()])
    assert found.filled.sum() > 0.98 * hole().sum()
    assert set(np.unique(found.source)) == {NONE, 1}
    assert (found.rgb[~hole()] == photo()[~hole()]).all()
    # Colours are left as they are: the structure is right, the brightness not.
    difference = photo()[hole()].mean(0) - found.rgb[hole()].mean(0)
    assert difference.min() > 8
    assert not stitch_homography(photo(), hole(), ~hole(), [unrelated()]).filled.any()
