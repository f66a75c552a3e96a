"""Tests of telling which pixels of a reference show what hides the object."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data
from two_views import HEIGHT, VIEW, WIDTH, photo, unrelated

from deocclude.content.foreign import ForeignSettings, _bordering, trace
from deocclude.masks import Mask
from deocclude.references.features import extract

ROWS, COLUMNS = slice(60, 130), slice(80, 160)


def pasted(picture: np.ndarray, shift: int = 0) -> np.ndarray:
    """The picture with a part of a rocket pasted in, ``shift`` pixels to the left."""
    patch = cv2.resize(data.rocket()[100:400, 200:543], (80, 70), interpolation=cv2.INTER_AREA)
    changed = picture.copy()
    changed[ROWS, COLUMNS.start - shift : COLUMNS.stop - shift] = patch
    return changed


def hider() -> Mask:
    return Mask.from_array(occluder())


def occluder(shift: int = 0) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[ROWS, COLUMNS.start - shift : COLUMNS.stop - shift] = True
    return mask


def traced(reference: np.ndarray):
    before = pasted(photo())
    return trace((before, extract(before)), hider(), (reference, extract(reference)))


@pytest.mark.parametrize("shift", [0, 12, 40])
def test_a_shifted_occluder_is_found(shift):
    found = traced(pasted(photo(), shift)).foreign(hider())
    there = occluder(shift)
    assert (found & there).sum() > 0.95 * there.sum()
    assert (found & ~there).sum() < 0.15 * there.sum()  # a margin round it


def test_a_view_without_the_occluder_has_nothing_foreign():
    found = traced(photo()).foreign(hider())
    assert found.mean() < 0.02


def test_a_turned_occluder_is_found():
    size = (300, 260)
    turned = cv2.warpPerspective(pasted(photo()), VIEW, size, borderValue=(90, 90, 90))
    there = cv2.warpPerspective(occluder().astype(np.uint8), VIEW, size) > 0
    found = traced(turned).foreign(hider())
    assert (found & there).sum() > 0.9 * there.sum()
    assert (found & ~there).sum() < 0.2 * there.sum()


def test_what_borders_on_foreign_pixels_ends_at_the_edge_and_is_near():
    rgb = np.full((60, 90, 3), 100, np.uint8)
    rgb[:, 31:] = 160
    foreign, other = (np.zeros((60, 90), bool) for _ in range(2))
    foreign[:, :25], other[:, 50:] = True, True
    found = _bordering(rgb, foreign, other, ForeignSettings(near=8.0))
    assert found[:, 25:30].all() and not found[:, 33:].any()
    flat = _bordering(np.full_like(rgb, 100), foreign, other, ForeignSettings(near=5.0))
    assert flat[:, 25:30].all() and not flat[:, 31:].any()
    foreign[:, 2:] = False
    assert not _bordering(rgb, foreign, other, ForeignSettings()).any(), "more than what it borders on"


def test_how_much_of_an_object_a_reference_shows():
    assert traced(pasted(photo(), 12)).share(Mask.from_array(~occluder())) > 0.7
    assert traced(unrelated()).share(Mask.from_array(~occluder())) < 0.1
    assert traced(photo()).share(hider()) < 0.2


def test_nothing_foreign_in_an_unrelated_picture():
    found = traced(unrelated())
    assert found.foreign(hider()).mean() < 0.02
    assert found.foreign(Mask.empty(hider().size)).sum() == 0
    assert found.share(Mask.empty(hider().size)) == 0


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (12, 12)])
def test_tiny_references(shape):
    reference = np.full((*shape, 3), 90, np.uint8)
    assert traced(reference).foreign(hider()).shape == shape
