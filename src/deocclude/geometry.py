"""Boxes: half-open pixel rectangles (x0, y0, x1, y1)."""

from __future__ import annotations

from typing import NamedTuple


class Size(NamedTuple):
    """Height and width of a picture in pixels, in NumPy's order."""

    height: int
    width: int

    def __str__(self) -> str:
        """Write it the way people do: width x height."""
        return f"{self.width}x{self.height}"

    @property
    def box(self) -> Box:
        """All of the picture."""
        return Box(0, 0, self.width, self.height)


class Box(NamedTuple):
    """A half-open rectangle: columns x0 <= x < x1, rows y0 <= y < y1."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        """Number of columns, never negative."""
        return max(0, self.x1 - self.x0)

    @property
    def height(self) -> int:
        """Number of rows, never negative."""
        return max(0, self.y1 - self.y0)

    @property
    def empty(self) -> bool:
        """Whether the box holds no pixel."""
        return self.width == 0 or self.height == 0

    def grow(self, margin: int) -> Box:
        """Return the box enlarged by ``margin`` pixels on each side (shrunk if negative)."""
        return Box(self.x0 - margin, self.y0 - margin, self.x1 + margin, self.y1 + margin)

    def moved(self, dx: int, dy: int) -> Box:
        """Return the box so many pixels further right and down."""
        return Box(self.x0 + dx, self.y0 + dy, self.x1 + dx, self.y1 + dy)

    def clip(self, size: Size) -> Box:
        """Return the part of the box that lies inside a picture of ``size``; an empty one is all zeros."""
        return self.intersect(size.box)

    def intersect(self, other: Box) -> Box:
        """Return the common part; all zeros when there is none."""
        box = Box(max(self.x0, other.x0), max(self.y0, other.y0), min(self.x1, other.x1), min(self.y1, other.y1))
        return EMPTY_BOX if box.empty else box

    def join(self, other: Box) -> Box:
        """Return the smallest box around both; empty boxes do not count."""
        if self.empty:
            return other
        if other.empty:
            return self
        return Box(min(self.x0, other.x0), min(self.y0, other.y0), max(self.x1, other.x1), max(self.y1, other.y1))

    def window(self, within: Box) -> tuple[slice, slice]:
        """Return the (rows, columns) slices of this box in an array that covers ``within``."""
        return (
            slice(self.y0 - within.y0, self.y1 - within.y0),
            slice(self.x0 - within.x0, self.x1 - within.x0),
        )

    @property
    def slices(self) -> tuple[slice, slice]:
        """The (rows, columns) slices of this box in the whole picture."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)


EMPTY_BOX = Box(0, 0, 0, 0)
