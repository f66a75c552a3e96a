"""Which objects are neighbours, and their masks with the slit closed."""

from __future__ import annotations

import numpy as np
import pytest

from deocclude.geometry import Size
from deocclude.masks import Mask
from deocclude.ordering.couples import Nearness, couple, neighbouring
from deocclude.scene import Instance, Scene

SIZE = Size(120, 160)


def rectangle(x0: int, y0: int, x1: int, y1: int) -> Mask:
    return Mask.from_crop(np.ones((y1 - y0, x1 - x0), bool), (x0, y0), SIZE)


def scene(*masks: Mask) -> Scene:
    return Scene(SIZE, tuple(Instance(k + 1, mask) for k, mask in enumerate(masks)))


def test_radius_follows_the_photo():
    near = scene(rectangle(10, 10, 30, 30), rectangle(35, 10, 60, 30))
    assert neighbouring(near, Nearness(radius=2, share=0.05)) == [(0, 1)]
    assert neighbouring(near, Nearness(radius=2, share=0.0)) == []


def test_masks_that_meet_stay_as_they_are():
    first, second = rectangle(10, 10, 30, 30), rectangle(30, 10, 60, 30)
    assert couple(first, second, 8) == (first, second)


@pytest.mark.parametrize("gap", [1, 3, 6])
def test_slits_are_shared_out(gap: int):
    first, second = couple(rectangle(10, 10, 30, 40), rectangle(30 + gap, 10, 60, 40), 8)
    assert not first.overlap(second)
    middle = (first | second).to_array()[25, 10:60]
    assert middle.all(), "the slit is closed"
    assert abs(first.box.x1 - 30 - gap / 2) <= 1
