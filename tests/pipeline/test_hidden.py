"""Filling what references leave over: as if what they show stood in the photo, at the cost of the hole."""

from __future__ import annotations

import tracemalloc
from dataclasses import fields

import numpy as np
import pytest

from deocclude.content.fill import fill_background, fill_hidden, merged
from deocclude.content.patch import BACKGROUND, Fill, Provenance
from deocclude.geometry import Box
from deocclude.hidden import HiddenPart, fill_part
from deocclude.masks import Mask


def scene(height: int = 120, width: int = 160) -> tuple[np.ndarray, Mask, Mask]:
    """A photo of noise on two colours, an object 80 px wide behind another one: photo, visible mask, whole shape."""
    photo = np.random.default_rng(3).integers(60, 90, (height, width, 3), dtype=np.uint8)
    whole, front = np.zeros((height, width), bool), np.zeros((height, width), bool)
    whole[20:90, 30:110] = True
    front[40:100, 60:90] = True
    photo[whole & ~front] += np.uint8(100)
    return photo, Mask.from_array(whole & ~front), Mask.from_array(whole)


def shown_part(identity: int, box: Box) -> Fill:
    """What a reference shows: all of ``box`` but its first column."""
    hole = np.ones((box.height, box.width), bool)
    hole[:, 0] = False
    rgb = np.where(hole[..., None], np.uint8(200), np.uint8(7)) * np.ones(3, np.uint8)
    provenance = np.where(hole, np.uint8(Provenance.REFERENCE), np.uint8(0))
    return Fill(identity, box, hole, rgb, provenance, np.full(hole.shape, 200, np.uint8), "reference")


def assert_equal(first: Fill, second: Fill, method: str) -> None:
    assert first.method == method
    for field in fields(Fill):
        if field.name != "method":
            assert np.array_equal(getattr(first, field.name), getattr(second, field.name)), field.name


@pytest.mark.parametrize("method", ["biharmonic", "exemplar"])
def test_the_rest_is_painted_as_if_the_shown_part_stood_in_the_photo(method: str) -> None:
    photo, modal, whole = scene()
    part = shown_part(4, Box(60, 40, 75, 70))
    pasted = photo.copy()
    pasted[part.box.slices][part.hole] = part.rgb[part.hole]
    seen = modal | part.mask(modal.size)
    rest = fill_hidden(pasted, seen, whole, instance_id=4, method=method, occluders=whole - modal)
    found = fill_part(photo, HiddenPart(4, modal, whole, whole - modal), part, method=method)
    assert_equal(found, merged([part, rest], whole - modal, 4), f"reference + {rest.method}")

    covered, part = whole, shown_part(BACKGROUND, Box(60, 40, 75, 70))
    left = fill_background(pasted, covered - part.mask(covered.size), method=method)
    nothing = Mask.empty(covered.size)
    found = fill_part(photo, HiddenPart(BACKGROUND, nothing, covered, nothing), part, method=method)
    assert np.array_equal(found.rgb[found.provenance == Provenance.REFERENCE][:, 0], [200] * int(part.hole.sum()))
    assert found.method == f"reference + {left.method}"


def test_memory_follows_the_hole_not_the_photo() -> None:
    photo, modal, whole = scene(3000, 4000)
    part = shown_part(4, Box(60, 40, 75, 70))
    tracemalloc.start()
    try:
        fill_part(photo, HiddenPart(4, modal, whole, whole - modal), part, method="biharmonic")
        assert tracemalloc.get_traced_memory()[1] < photo.nbytes / 4
    finally:
        tracemalloc.stop()
