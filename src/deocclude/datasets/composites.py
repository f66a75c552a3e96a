"""Composites of real masks: objects laid over and under the objects of another photo, so that the order is known.

What a photo's own objects hide of each other stays unknown; only pairs with a laid object have a truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deocclude.adjacency import touching_pairs
from deocclude.datasets.placement import open_gaps
from deocclude.geometry import Size
from deocclude.masks import BoolArray, Mask, convex_hull
from deocclude.scene import Instance, Scene

Rng = np.random.Generator
TRIES = 20
MIN_PIXELS = 40


@dataclass(frozen=True)
class CompositeSettings:
    """What composites look like.

    Attributes:
        laid: fewest and most objects that are added.
        below: share of them that come under everything else; the others come on top.
        meeting: share of them that are laid so that they meet another object.
        touching: share of them that are moved until they only touch other objects.
        overlap: the share of an added object that meets others is drawn log-uniformly between these; it is moved
            outwards until no more does.
        size_ratio: an added object's size over that of the object it meets, drawn log-uniformly within 1/x..x.
        smallest: shortest longer side of an added object, pixels.
        largest: longest side of an added object, as a share of the photo's longer side.
        min_visible: least visible share of every object.
        gaps: widths of the free space between visible masks to draw from, pixels.
    """

    laid: tuple[int, int] = (2, 6)
    below: float = 0.3
    meeting: float = 0.9
    touching: float = 0.2
    overlap: tuple[float, float] = (0.04, 0.7)
    size_ratio: float = 2.5
    smallest: int = 24
    largest: float = 0.7
    min_visible: float = 0.12
    gaps: tuple[int, ...] = (0, 0, 0, 1, 2, 5)


@dataclass(frozen=True, eq=False)
class Composite:
    """A composite and what is known about it.

    Attributes:
        scene: visible masks; ``amodal`` where the whole shape is known; ``order_truth`` has (a, b) where a hides part
            of b, for known pairs only.
        laid: ids of the added objects; a pair is known if it holds one.
    """

    scene: Scene
    laid: frozenset[int]

    def known(self, first: int, second: int) -> bool:
        """Whether the truth about two objects is known."""
        return first in self.laid or second in self.laid


def whole_looking(scene: Scene, *, smallest: int = 32) -> list[Mask]:
    """Return the masks of a photo that seem neither occluded nor cut by the photo's border.

    An object seems occluded if its convex hull reaches into a neighbour by more than 2 % of its area ("convex" rule of
    Zhan et al., CVPR 2020), unless the neighbour's reaches much further into it.
    """
    masks = [item.modal for item in scene.instances]
    hulls = [convex_hull(mask) for mask in masks]
    occluded = set()
    for i, j in touching_pairs(masks, 3):
        first, second = hulls[i].overlap(masks[j]), hulls[j].overlap(masks[i])
        occluded |= {k for k, own, other in ((i, first, second), (j, second, first))
                     if own > 0.02 * masks[k].area and own > 0.5 * other}  # fmt: skip
    return [
        mask
        for k, mask in enumerate(masks)
        if k not in occluded
        and max(mask.box.width, mask.box.height) >= smallest
        and mask.box.grow(3).clip(mask.size) == mask.box.grow(3)
    ]


def compose(base: Scene, donors: Sequence[Mask], settings: CompositeSettings, seed: int | tuple[int, ...]) -> Composite:
    """Return ``base`` with objects of other photos laid over and under its own.

    Args:
        base: a photo's objects with disjoint visible masks.
        donors: whole objects, see :func:`whole_looking`.
        settings: what it looks like.
        seed: equal seeds give equal composites.

    Raises:
        ValueError: no donor.
    """
    rng = np.random.default_rng(seed)
    if not donors:
        raise ValueError("composites need at least one whole object to lay")
    stack = [item.modal for item in base.instances if item.modal]
    own = {id(mask) for mask in stack}
    for _ in range(int(rng.integers(settings.laid[0], settings.laid[1] + 1))):
        for _ in range(TRIES):
            candidate = _with_one_more(stack, donors, settings, rng, base.size)
            if candidate is not None:
                stack = candidate
                break
    return _described(stack, own, base.size, int(rng.choice(settings.gaps)))


def _with_one_more(
    stack: list[Mask], donors: Sequence[Mask], settings: CompositeSettings, rng: Rng, size: Size
) -> list[Mask] | None:
    """Return the stack, bottom first, with a random object added; ``None`` where that hides too much."""
    other = stack[int(rng.integers(len(stack)))] if stack and rng.random() < settings.meeting else None
    shape = _scaled(donors[int(rng.integers(len(donors)))], other, settings, rng, size)
    if not shape.any():  # a thin object made small
        return None
    below = rng.random() < settings.below
    low, high = settings.overlap
    share = 0.0 if rng.random() < settings.touching else low * (high / low) ** rng.random()
    mask = _slid(shape, _corner(shape, other, rng, size), stack, share, rng, size)
    if mask.area < MIN_PIXELS:
        return None
    grown = [mask, *stack] if below else [*stack, mask]
    pairs = zip(seen_of(grown), grown, strict=True)
    enough = all(
        seen.area >= min(whole.area, max(MIN_PIXELS, settings.min_visible * whole.area)) for seen, whole in pairs
    )
    return grown if enough else None


def _scaled(donor: Mask, other: Mask | None, settings: CompositeSettings, rng: Rng, size: Size) -> BoolArray:
    """Return the pixels of ``donor``, mirrored now and then, at a size that goes with the object it is to meet."""
    import cv2

    longest = max(donor.box.width, donor.box.height)
    usual = longest if other is None else max(other.box.width, other.box.height)
    wanted = usual * settings.size_ratio ** rng.uniform(-1, 1)
    scale = float(np.clip(wanted, settings.smallest, settings.largest * max(size))) / longest
    pixels = donor.pixels[:, ::-1] if rng.random() < 0.5 else donor.pixels
    target = max(1, round(donor.box.width * scale)), max(1, round(donor.box.height * scale))
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels.astype(np.float32), target, interpolation=flags) > 0.5)


def _corner(shape: BoolArray, other: Mask | None, rng: Rng, size: Size) -> tuple[int, int]:
    """Return a place (x, y) at which a random point of the shape meets one of ``other``, or any in the photo."""
    y, x = _random_pixel(shape, rng)
    if other is None:
        return int(rng.integers(size.width)) - x, int(rng.integers(size.height)) - y
    row, column = _random_pixel(other.pixels, rng)
    return other.box.x0 + column - x, other.box.y0 + row - y


def _slid(shape: BoolArray, corner: tuple[int, int], stack: Sequence[Mask], share: float, rng: Rng, size: Size) -> Mask:
    """Return the shape, moved in a random direction until at most ``share`` of it meets other objects."""
    angle = rng.uniform(0, 2 * np.pi)
    most = share * np.count_nonzero(shape)

    def at(distance: int) -> Mask:
        x, y = round(distance * np.cos(angle)), round(distance * np.sin(angle))
        return Mask.from_crop(shape, (corner[0] + x, corner[1] + y), size)

    def fits(mask: Mask) -> bool:
        return bool(sum(mask.overlap(other) for other in stack) <= most)

    reach = 0
    while not fits(at(reach)):
        reach += 8
    while reach > 0 and fits(at(reach - 1)):
        reach -= 1
    return at(reach)


def _random_pixel(pixels: BoolArray, rng: Rng) -> tuple[int, int]:
    rows, columns = np.nonzero(pixels)
    pick = int(rng.integers(rows.size))
    return int(rows[pick]), int(columns[pick])


def seen_of(stack: Sequence[Mask]) -> list[Mask]:
    """Return what is seen of each mask of a stack, bottom first."""
    seen = []
    for level, mask in enumerate(stack):
        for above in stack[level + 1 :]:
            mask = mask - above
        seen.append(mask)
    return seen


def _described(stack: Sequence[Mask], own: set[int], size: Size, gap: int) -> Composite:
    visible = seen_of(stack)
    seen = open_gaps(visible, gap)
    laid = frozenset(k + 1 for k, mask in enumerate(stack) if id(mask) not in own)
    order = frozenset(
        (i + 1, j + 1)
        for i, above in enumerate(visible)
        for j, below in enumerate(stack)
        if j < i and (i + 1 in laid or j + 1 in laid) and above.overlap(below)
    )
    items = [Instance(k + 1, mask, amodal=stack[k] if k + 1 in laid else None) for k, mask in enumerate(seen) if mask]
    kept = {item.id for item in items}
    pairs = frozenset(pair for pair in order if kept.issuperset(pair))
    return Composite(Scene(size, tuple(items), order_truth=pairs), laid & kept)
