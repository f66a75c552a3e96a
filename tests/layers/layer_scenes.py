"""Random scenes for the tests of layers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from deocclude.content.patch import Fill, Provenance
from deocclude.geometry import EMPTY_BOX, Size
from deocclude.masks import Mask, dilate, union
from deocclude.scene import Instance, Scene


@dataclass
class Parts:
    photo: np.ndarray
    scene: Scene
    amodal: dict[int, Mask]
    z_order: list[int]
    fills: dict[int, Fill]
    background: Fill

    def arguments(self):
        return self.photo, self.scene, self.amodal, self.z_order, self.fills, self.background


def fill_of(identity, hole, rng):
    box = hole.box
    shape = (box.height, box.width)
    provenance = np.where(hole.pixels, np.uint8(Provenance.NETWORK), np.uint8(0))
    rgb = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    return Fill(identity, box, hole.pixels, rgb, provenance, rng.integers(0, 256, shape, dtype=np.uint8), "test")


def empty_fill(identity):
    none = np.zeros((0, 0), np.uint8)
    return Fill(identity, EMPTY_BOX, none.astype(bool), np.zeros((0, 0, 3), np.uint8), none, none, "test")


def random_mask(rng, size):
    """A blob, a pixel, a line, something that touches the border, or noise."""
    height, width = size
    array = np.zeros(size, bool)
    y, x = rng.integers(0, height), rng.integers(0, width)
    kind = rng.integers(0, 5)
    if kind == 0:
        array[y, x] = True
    elif kind == 1:
        array[y] = True
    elif kind == 2:
        array[y:, x : x + rng.integers(1, 6)] = True
    elif kind == 3:
        array[rng.random(size) < 0.3] = True
    else:
        rows, columns = np.mgrid[:height, :width]
        array = ((rows - y) / rng.uniform(1, height)) ** 2 + ((columns - x) / rng.uniform(1, width)) ** 2 < 0.3
        array[y, x] = True
    return Mask.from_array(array)


def random_photo(rng, size):
    """Noise, flat patches or a ramp: the extremes of what a rim may meet."""
    kind = rng.integers(0, 4)
    if kind == 0:
        return rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    if kind == 1:
        return rng.choice(np.array([0, 255], np.uint8), (*size, 3))
    rows, columns = np.mgrid[: size[0], : size[1]]
    ramp = (rows * 7 + columns * 5)[..., None] * rng.integers(0, 4, 3)
    return (ramp % 256 if kind == 2 else np.clip(ramp, 0, 255)).astype(np.uint8)


def random_parts(seed, tidy=True):
    """A scene whose stages' results are as odd as hand editing can make them (``tidy``: visible masks disjoint)."""
    rng = np.random.default_rng(seed)
    size = Size(int(rng.integers(1, 26)), int(rng.integers(1, 26)))
    photo = random_photo(rng, size)
    instances, amodal, fills, taken = [], {}, {}, Mask.empty(size)
    for identity in rng.permutation(int(rng.integers(0, 6))) + 1:
        whole = random_mask(rng, size)
        modal = whole - taken if tidy else random_mask(rng, size)
        taken = taken | modal
        identity = int(identity)
        instances.append(Instance(identity, modal, name=f"thing {identity}"))
        if rng.random() < 0.8:
            amodal[identity] = whole
        if rng.random() < 0.8:
            hole = (whole - modal) if rng.random() < 0.6 else random_mask(rng, size) - modal
            fills[identity] = fill_of(identity, hole, rng)
    scene = Scene(size, tuple(instances))
    order = [int(i) for i in rng.permutation(scene.ids)]
    covered = union(scene.modal, size)
    hole = [covered, dilate(covered, 2), random_mask(rng, size), Mask.empty(size)][rng.integers(0, 4)]
    return Parts(photo, scene, amodal, order, fills, fill_of(0, hole, rng))


parts = st.builds(random_parts, st.integers(0, 2**32 - 1), st.booleans())
