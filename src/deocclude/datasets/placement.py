"""Where the objects of a synthetic scene lie: drawn one on top of the other, so that none vanishes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deocclude.datasets.shapes import FAMILIES, rasterise
from deocclude.errors import unknown_choice
from deocclude.geometry import Box, Size
from deocclude.masks import Mask, dilate

if TYPE_CHECKING:
    from deocclude.datasets.synthetic import SyntheticSettings

Rng = np.random.Generator
TRIES = 30
MIN_PIXELS = 12
WITH_HOLE = ("frame", "ring")
LARGE_BIAS = 0.6
"""Sizes are even on a logarithmic scale at 1; below it large ones come more often."""


@dataclass(frozen=True, eq=False)
class Piece:
    """A shape in its place.

    Attributes:
        family: name of the shape family.
        box: the part of the picture that the shape touches, half-open.
        alpha: uint8 [h, w], how much of each pixel of the box the shape covers.
    """

    family: str
    box: Box
    alpha: NDArray[np.uint8]

    def mask(self, size: Size) -> Mask:
        """Return the pixels that the shape covers by half or more."""
        return Mask.from_crop(self.alpha > 127, self.box[:2], size)


@dataclass(eq=False)
class Stack:
    """Shapes from bottom to top.

    Attributes:
        size: height and width of the picture.
        pieces: bottom first.
        crossing: (index, region): the piece comes once more, above the piece that follows it, within this region
            bool [h, w] of its box; so the two hide parts of each other.
    """

    size: Size
    pieces: list[Piece] = field(default_factory=list)
    crossing: tuple[int, NDArray[np.bool_]] | None = None

    def paint_order(self) -> Iterator[tuple[int, NDArray[np.bool_]]]:
        """Yield (index, region) from bottom to top; regions are bool [h, w] of the piece's box."""
        for index, piece in enumerate(self.pieces):
            yield index, np.ones(piece.alpha.shape, bool)
            if self.crossing is not None and index == self.crossing[0] + 1:
                yield self.crossing

    def labels(self) -> NDArray[np.int32]:
        """Return the index of the piece that is seen at each pixel, int32 [H, W]; -1 is the ground."""
        labels = np.full(self.size, -1, np.int32)
        for index, where in self.paint_order():
            piece = self.pieces[index]
            labels[piece.box.slices][(piece.alpha > 127) & where] = index
        return labels


def place(settings: SyntheticSettings, rng: Rng) -> Stack:
    """Draw the shapes of a scene and where they lie.

    Raises:
        InputError: a setting names an unknown shape family.
    """
    names = settings.families or tuple(FAMILIES)
    for name in names:
        if name not in FAMILIES:
            raise unknown_choice("shape family", name, FAMILIES)
    stack = Stack(Size(settings.height, settings.width))
    wanted = int(rng.integers(settings.objects[0], settings.objects[1] + 1))
    mutual = wanted >= 2 and rng.random() < settings.mutual
    visible: list[Mask] = []
    for _ in range(wanted - 2 if mutual else wanted):
        for _ in range(TRIES):
            piece = _drawn(settings, rng, names, stack)
            left = _left_visible(settings, stack, visible, [piece])
            if left is not None:
                stack.pieces.append(piece)
                visible = left
                break
    if mutual:
        _add_crossing(settings, rng, stack, visible)
    return stack


def _drawn(settings: SyntheticSettings, rng: Rng, names: tuple[str, ...], stack: Stack) -> Piece:
    family = names[int(rng.integers(len(names)))]
    longest = max(settings.largest * max(stack.size), settings.smallest)
    extent = settings.smallest * (longest / settings.smallest) ** (rng.random() ** LARGE_BIAS)
    alpha = rasterise(FAMILIES[family](rng), extent, rng.uniform(0, 2 * np.pi))
    x, y = _centre(settings, rng, stack, extent)
    if rng.random() >= settings.truncation:
        x = _inside(x, alpha.shape[1], stack.size.width)
        y = _inside(y, alpha.shape[0], stack.size.height)
    return _piece(family, alpha, (x, y), stack.size)


def _centre(settings: SyntheticSettings, rng: Rng, stack: Stack, extent: float) -> tuple[float, float]:
    if stack.pieces and rng.random() < settings.crowding:
        areas = np.array([np.sqrt(piece.alpha.size) for piece in stack.pieces])
        other = stack.pieces[int(rng.choice(len(areas), p=areas / areas.sum()))].box.grow(int(extent / 4))
        return rng.uniform(other.x0, other.x1), rng.uniform(other.y0, other.y1)
    return rng.uniform(0, stack.size.width), rng.uniform(0, stack.size.height)


def _inside(centre: float, extent: int, length: int) -> float:
    return length / 2 if extent >= length - 2 else float(np.clip(centre, extent / 2 + 1, length - extent / 2 - 1))


def _piece(family: str, alpha: NDArray[np.uint8], centre: tuple[float, float], size: Size) -> Piece:
    """Return the part of a shape inside the picture; its box is empty where nothing is."""
    corner = round(centre[0] - alpha.shape[1] / 2), round(centre[1] - alpha.shape[0] / 2)
    placed = Size(*alpha.shape).box.moved(*corner)
    box = placed.clip(size)
    return Piece(family, box, alpha[box.window(placed)] if not box.empty else alpha[:0, :0])


def _left_visible(
    settings: SyntheticSettings, stack: Stack, visible: list[Mask], on_top: list[Piece]
) -> list[Mask] | None:
    """Return what stays visible of each object with ``on_top`` added; ``None`` where one nearly vanishes."""
    left = list(visible)
    for piece in on_top:
        whole = piece.mask(stack.size)
        left = [*(mask - whole for mask in left), whole]
    pieces = [*stack.pieces, *on_top]
    needed = [max(MIN_PIXELS, settings.min_visible * np.count_nonzero(piece.alpha > 127)) for piece in pieces]
    for masks in (left, open_gaps(left, settings.gap)):
        if any(mask.area < least for mask, least in zip(masks, needed, strict=True)):
            return None
    return left


def _add_crossing(settings: SyntheticSettings, rng: Rng, stack: Stack, visible: list[Mask]) -> None:
    """Put a rod through a ring on top of all: the ring covers it on one side and is covered on the other."""
    for _ in range(TRIES):
        extent = min(stack.size) * rng.uniform(0.25, 0.45) * min(1.0, 2 * settings.largest)
        family, angle = WITH_HOLE[int(rng.integers(len(WITH_HOLE)))], rng.uniform(0, 2 * np.pi)
        hoop = rasterise(FAMILIES[family](rng), extent, rng.uniform(0, 2 * np.pi))
        rod = rasterise(FAMILIES["bar"](rng), extent * rng.uniform(1.2, 1.6), angle)
        x = _inside(rng.uniform(0, stack.size.width), max(hoop.shape[1], rod.shape[1]), stack.size.width)
        y = _inside(rng.uniform(0, stack.size.height), max(hoop.shape[0], rod.shape[0]), stack.size.height)
        pair = [_piece("bar", rod, (x, y), stack.size), _piece(family, hoop, (x, y), stack.size)]
        if _left_visible(settings, stack, visible, pair) is None:
            continue
        box = pair[0].box
        rows, columns = np.mgrid[box.y0 : box.y1, box.x0 : box.x1]
        stack.crossing = (len(stack.pieces), (columns - x) * np.cos(angle) + (rows - y) * np.sin(angle) > 0)
        stack.pieces.extend(pair)
        return


def open_gaps(masks: Sequence[Mask], gap: int) -> list[Mask]:
    """Return disjoint masks with at least ``gap`` free pixels between each two; of a pair both give way by half."""
    result = list(masks)
    if gap == 0:
        return result
    for i, first in enumerate(masks):
        for j in range(i + 1, len(masks)):
            if first.box.grow(gap).intersect(masks[j].box).empty:
                continue
            trimmed = first - dilate(masks[j], (gap + 1) // 2)
            result[i], result[j] = result[i] & trimmed, result[j] - dilate(trimmed, gap)
    return result
