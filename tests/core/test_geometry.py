"""Boxes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deocclude.geometry import EMPTY_BOX, Box, Size

BOXES = st.builds(Box, *[st.integers(-9, 9)] * 4)


def pixels(box: Box) -> set[tuple[int, int]]:
    return {(x, y) for x in range(box.x0, box.x1) for y in range(box.y0, box.y1)}


@given(BOXES, BOXES)
def test_intersect_and_join_as_sets(first, second):
    assert pixels(first.intersect(second)) == pixels(first) & pixels(second)
    assert pixels(first.join(second)) >= pixels(first) | pixels(second)
    assert first.empty == (not pixels(first))
    if first.intersect(second).empty:
        assert first.intersect(second) == EMPTY_BOX


@given(BOXES, st.integers(0, 5))
def test_grow_and_clip(box, margin):
    grown = box.grow(margin)
    assert (grown.x1 - grown.x0, grown.y1 - grown.y0) == (box.x1 - box.x0 + 2 * margin, box.y1 - box.y0 + 2 * margin)
    assert grown.grow(-margin) == box
    assert pixels(box.clip(Size(5, 7))) == {(x, y) for x, y in pixels(box) if 0 <= x < 7 and 0 <= y < 5}


def test_slices_and_text():
    assert Box(2, 3, 5, 9).slices == (slice(3, 9), slice(2, 5))
    assert Box(2, 3, 5, 9).window(Box(1, 1, 9, 9)) == (slice(2, 8), slice(1, 4))
    assert (Box(2, 3, 5, 9).width, Box(2, 3, 5, 9).height, Box(5, 5, 2, 2).width) == (3, 6, 0)
    assert Size(4, 6).box.moved(3, -1) == Box(3, -1, 9, 3)
    assert str(Size(height=480, width=640)) == "640x480"
