"""Painter with a network: PCNet-C (Zhan et al., CVPR 2020) on windows at the photo's own resolution.

A small hole is painted in one window around it. A large one is painted at half the scale first, and so on; at its own
scale the network then paints windows along the evidence, where it sees what it continues, and the coarse answer stands
where nothing is near. The reference squeezes the whole object (or photo) into one patch instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deocclude.content.membrane import halve, pull_push, twice
from deocclude.content.painting import compose, paint_blind, trust
from deocclude.content.patch import Painted, Painter, Patch, Provenance
from deocclude.geometry import Box, Size
from deocclude.masks import Mask, distance_to
from deocclude.nets.content_net import ContentNet, content_net

NAME = "pcnet-c"
QUANTUM = 32
"""Windows have sides that are multiples of this, so that many have one size and are painted together."""
LEAST_OWN = 64
"""A window needs so many of the object's own pixels, if it has them."""
SIDE_SHARE = 0.5

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class PCNetCSettings:
    """Settings of the painter.

    Attributes:
        weights: name of bundled weights, a weights file or the folder of a training run.
        window: largest side of a window that is painted at once, pixels; the patches of the training are 128.
        margin: pixels shown around a hole at least.
        reach: distance from the object's own pixels up to which a large hole is painted at its own scale, pixels.
    """

    weights: str = NAME
    window: int = 160
    margin: int = 24
    reach: int = 32


@dataclass(frozen=True, eq=False)
class Level:
    """A patch at some scale.

    Attributes:
        rgb: float32 [h, w, 3] in 0..255, right where ``seen``.
        seen: bool [h, w], pixels that may be looked at.
        own: bool [h, w], the object's own among them.
        hole: bool [h, w], pixels to paint.
        scale: pixels of the patch for each of this level's, a power of two.
    """

    rgb: Float
    seen: Bool
    own: Bool
    hole: Bool
    scale: int = 1

    @property
    def box(self) -> Box:
        """The whole level."""
        return Size(*self.hole.shape).box

    def half(self) -> Level:
        """Return the level at half the scale; a pixel is seen if half of it is, or part of it if no half is own."""
        rgb, seen = halve(self.rgb, self.seen.astype(np.float32))
        _, own = halve(self.rgb[..., :1], self.own.astype(np.float32))
        _, hole = halve(self.rgb[..., :1], self.hole.astype(np.float32))
        mine = own >= 0.5 if (own >= 0.5).any() else own > 0
        visible = mine | (seen >= 0.5)
        return Level(rgb, visible, mine, (hole > 0) & ~visible, 2 * self.scale)

    def cut(self, box: Box) -> Float:
        """Return the planes of ``box``, float32 [6, h, w] (see :mod:`deocclude.nets.planes`); unknown outside."""
        planes = np.zeros((6, box.height, box.width), np.float32)
        inside = box.intersect(self.box)
        there, here = inside.slices, inside.window(box)
        seen = self.seen[there]
        planes[(slice(0, 3), *here)] = (self.rgb[there] * (seen[..., None] / np.float32(255))).transpose(2, 0, 1)
        for plane, mask in ((3, seen), (4, self.own[there]), (5, self.hole[there])):
            planes[(plane, *here)] = mask
        return planes


class PCNetC:
    """The painter; call it with a patch, or :meth:`paint_many` with several, which is faster.

    Args:
        settings: of the painter.
        net: a network to use instead of the weights of the settings.

    Raises:
        InputError: the weights are missing.
    """

    def __init__(self, settings: PCNetCSettings | None = None, *, net: ContentNet | None = None) -> None:
        self.settings = settings or PCNetCSettings()
        self.net = net or content_net(self.settings.weights)

    def __call__(self, patch: Patch) -> Painted:
        """Return ``patch`` with its hole painted.

        Raises:
            InputError: weights that are damaged or of another network.
        """
        return self.paint_many([patch])[0]

    def paint_many(self, patches: Sequence[Patch]) -> list[Painted]:
        """Return ``patches`` with their holes painted; windows of all of them go through the network together.

        Raises:
            InputError: weights that are damaged or of another network.
        """
        sighted = [patch.evidence.any() and patch.hole.any() for patch in patches]
        levels = [_level(patch) for patch, good in zip(patches, sighted, strict=True) if good]
        filled = iter(self._solve(levels) if levels else ())
        return [
            self._painted(patch, next(filled)) if good else paint_blind(patch, NAME)
            for patch, good in zip(patches, sighted, strict=True)
        ]

    def _painted(self, patch: Patch, filled: Float) -> Painted:
        box = _box(patch.hole)
        scale = 1
        while not self._fits(box, scale):
            scale *= 2
        inside = f"{NAME}: the hole is large, its inside was painted at 1/{scale * patch.scale} of the scale"
        notes = (inside,) if scale > 1 else ()
        return compose(patch, filled, trust(patch), Provenance.NETWORK, NAME, notes)

    def _fits(self, hole: Box, scale: int = 1) -> bool:
        return max(hole.width, hole.height) / scale + 2 * self.settings.margin <= self.settings.window

    def _solve(self, levels: Sequence[Level]) -> list[Float]:
        """Return the colours of all levels, float32 [h, w, 3] in 0..255, meaningful where seen or hole."""
        boxes = [_box(level.hole) for level in levels]
        large = [number for number, box in enumerate(boxes) if not self._fits(box)]
        coarse = self._solve([levels[number].half() for number in large]) if large else []
        base = {number: twice(small, levels[number].hole.shape) for number, small in zip(large, coarse, strict=True)}
        places: list[tuple[int, Box]] = []
        for number, level in enumerate(levels):
            found = self._tiles(level) if number in base else [self._window(level, boxes[number])]
            places += [(number, box) for box in found]
        painted = self.net.paint([levels[number].cut(box) for number, box in places])
        mixed = [_Mix(level.hole.shape) for level in levels]
        for (number, box), rgb in zip(places, painted, strict=True):
            mixed[number].add(box, 255 * rgb)
        return [self._join(level, mixed[number], base.get(number)) for number, level in enumerate(levels)]

    def _window(self, level: Level, hole: Box) -> Box:
        """Return the window around a small hole: larger, up to the limit, until enough of the object is in it."""
        margin = max(self.settings.margin, round(SIDE_SHARE * max(hole.width, hole.height)))
        limit = (self.settings.window - max(hole.width, hole.height)) // 2
        margin = max(self.settings.margin, min(margin, limit))
        while True:
            box = self._rounded(hole.grow(margin))
            seen = np.count_nonzero(level.own[box.intersect(level.box).slices])
            if seen >= LEAST_OWN or box.intersect(level.box) == level.box or max(box.width, box.height) > 512:
                return box
            margin += QUANTUM

    def _rounded(self, box: Box) -> Box:
        """Return ``box`` grown to sides that the network takes."""
        step = max(QUANTUM, self.net.stride)
        width, height = (-(-side // step) * step for side in (box.width, box.height))
        x0, y0 = box.x0 - (width - box.width) // 2, box.y0 - (height - box.height) // 2
        return Box(x0, y0, x0 + width, y0 + height)

    def _tiles(self, level: Level) -> list[Box]:
        """Return overlapping windows that cover the part of a large hole that is near the object's own pixels."""
        wanted = level.hole & (distance_to(level.own) < self.settings.reach)
        step = max(QUANTUM, self.net.stride)
        side = max(step, 128 // step * step)
        advance = side - min(48, side // 2)
        region = _box(wanted)
        found = []
        for y in range(region.y0 - (side - advance), region.y1, advance):
            for x in range(region.x0 - (side - advance), region.x1, advance):
                box = Box(x, y, x + side, y + side)
                inside = box.intersect(level.box).slices
                if wanted[inside].any() and level.own[inside].any():
                    found.append(box)
        return found

    def _join(self, level: Level, mix: _Mix, base: Float | None) -> Float:
        """Return what is seen, and in the hole the windows, fading into the coarse answer away from the object."""
        rgb, painted = mix.result()
        if base is None and level.scale == 1:
            return rgb
        if base is None:
            smooth = pull_push(np.where(painted[..., None], rgb, level.rgb), painted | level.own)
            return np.where(level.seen[..., None], level.rgb, smooth)
        near = np.clip(2 - 2 * distance_to(level.own) / self.settings.reach, 0, 1) * painted
        joined = base + (rgb - base) * near[..., None]
        return np.where(level.seen[..., None], level.rgb, joined).astype(np.float32)


class _Mix:
    """Windows laid over each other, each fading towards its edges."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._total = np.zeros((*shape, 3), np.float32)
        self._weight = np.zeros(shape, np.float32)

    def add(self, box: Box, rgb: Float) -> None:
        """Add a window; parts beyond the level are dropped."""
        inside = box.clip(Size(*self._weight.shape))
        if inside.empty:
            return
        there, here = inside.slices, inside.window(box)
        weight = np.minimum.outer(_tent(box.height), _tent(box.width))[here]
        self._total[there] += rgb[here] * weight[..., None]
        self._weight[there] += weight

    def result(self) -> tuple[Float, Bool]:
        """Return the mean, float32 [h, w, 3], and where any window lies, bool [h, w]."""
        mean = self._total / np.maximum(self._weight, np.float32(1e-6))[..., None]
        return np.asarray(mean, np.float32), self._weight > 0


def pcnet_c(settings: PCNetCSettings) -> Painter:
    """Return the painter.

    Raises:
        InputError: the weights are missing.
    """
    return PCNetC(settings)


def _level(patch: Patch) -> Level:
    return Level(patch.rgb.astype(np.float32), patch.seen & ~patch.hole, patch.evidence & ~patch.hole, patch.hole)


def _box(mask: Bool) -> Box:
    return Mask.from_array(mask).box


def _tent(side: int) -> Float:
    near = np.minimum(np.arange(1, side + 1), np.arange(side, 0, -1))
    return np.asarray(near, np.float32)
