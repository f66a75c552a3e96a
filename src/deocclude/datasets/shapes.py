"""Random outlines for synthetic scenes: convex and concave ones, with holes, thin parts and handles.

A family is a function ``draw(rng) -> Drawing``. A drawing is a list of polygons in a free unit (about -1..1, y down),
painted one after the other; a polygon with ``add`` False cuts a hole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Rng = np.random.Generator
SUPERSAMPLING = 4


class Part(NamedTuple):
    """One polygon of a drawing: points (x, y) [k, 2], added or cut out."""

    points: Points
    add: bool = True


Drawing = list[Part]


def _ellipse(x: float, y: float, rx: float, ry: float, *, steps: int = 64) -> Points:
    """Return points of an ellipse."""
    angle = np.linspace(0, 2 * np.pi, steps, endpoint=False)
    return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], 1)


def _box(x0: float, y0: float, x1: float, y1: float) -> Points:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64)


def _stroke(points: Sequence[Any] | Points, width: float, taper: float = 1.0) -> Drawing:
    """Return a line through ``points`` (x, y) with round joints, narrowing linearly to ``taper`` times its width."""
    line = np.asarray(points, np.float64)
    radii = width / 2 * np.linspace(1, taper, len(line))
    parts = [Part(_ellipse(x, y, r, r, steps=16)) for (x, y), r in zip(line, radii, strict=True)]
    for start, end, r0, r1 in zip(line[:-1], line[1:], radii[:-1], radii[1:], strict=True):
        along = (end - start) / max(float(np.hypot(*(end - start))), 1e-9)
        side = np.array([-along[1], along[0]])
        parts.append(Part(np.stack([start + side * r0, end + side * r1, end - side * r1, start - side * r0])))
    return parts


def ellipse(rng: Rng) -> Drawing:
    """Draw an ellipse."""
    return [Part(_ellipse(0, 0, 1, rng.uniform(0.35, 1)))]


def polygon(rng: Rng) -> Drawing:
    """Draw a polygon of 3 to 8 corners, often concave."""
    corners = int(rng.integers(3, 9))
    angle = (np.arange(corners) + rng.uniform(-0.35, 0.35, corners)) * 2 * np.pi / corners
    radius = rng.uniform(0.45, 1, corners)
    return [Part(np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1))]


def star(rng: Rng) -> Drawing:
    """Draw a star of 4 to 9 rays, with a hole now and then."""
    rays, inner = int(rng.integers(4, 10)), rng.uniform(0.35, 0.7)
    angle = np.arange(2 * rays) * np.pi / rays
    radius = np.where(np.arange(2 * rays) % 2, inner, 1.0)
    star_part = Part(np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1))
    return [star_part, Part(_ellipse(0, 0, inner / 2, inner / 2), False)] if rng.random() < 0.3 else [star_part]


def ring(rng: Rng) -> Drawing:
    """Draw an elliptic ring."""
    flat, inner = rng.uniform(0.6, 1), rng.uniform(0.5, 0.8)
    return [Part(_ellipse(0, 0, 1, flat)), Part(_ellipse(0, 0, inner, flat * inner), False)]


def frame(rng: Rng) -> Drawing:
    """Draw a rectangular frame."""
    high, bar = rng.uniform(0.55, 1), rng.uniform(0.15, 0.3)
    return [Part(_box(-1, -high, 1, high)), Part(_box(-1 + bar, -high + bar, 1 - bar, high - bar), False)]


def blob(rng: Rng) -> Drawing:
    """Draw a smooth closed curve with a random Fourier radius."""
    angle = np.linspace(0, 2 * np.pi, 128, endpoint=False)
    radius = np.ones_like(angle)
    for order in range(1, 8):
        size, phase = rng.normal(0, 0.45 / order), rng.uniform(0, 2 * np.pi)
        radius += size * np.cos(order * angle + phase)
    radius = np.maximum(radius, 0.25)
    return [Part(np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1))]


def crescent(rng: Rng) -> Drawing:
    """Draw a disc from which another is cut."""
    return [Part(_ellipse(0, 0, 1, 1)), Part(_ellipse(rng.uniform(0.4, 0.8), 0, 0.85, 0.85), False)]


_LETTERS: dict[str, list[list[tuple[float, float]]]] = {
    "A": [[(-0.7, 1), (0, -1), (0.7, 1)], [(-0.4, 0.3), (0.4, 0.3)]],
    "E": [[(0.6, -1), (-0.6, -1), (-0.6, 1), (0.6, 1)], [(-0.6, 0), (0.4, 0)]],
    "H": [[(-0.6, -1), (-0.6, 1)], [(0.6, -1), (0.6, 1)], [(-0.6, 0), (0.6, 0)]],
    "K": [[(-0.6, -1), (-0.6, 1)], [(0.6, -1), (-0.5, 0), (0.6, 1)]],
    "R": [[(-0.6, 1), (-0.6, -1), (0.5, -1), (0.6, -0.5), (0.5, 0), (-0.6, 0)], [(0, 0), (0.6, 1)]],
    "S": [[(0.6, -0.8), (0, -1), (-0.6, -0.6), (0.6, 0.5), (0, 1), (-0.6, 0.8)]],
    "T": [[(-0.8, -1), (0.8, -1)], [(0, -1), (0, 1)]],
    "W": [[(-1, -1), (-0.5, 1), (0, -0.4), (0.5, 1), (1, -1)]],
}


def letter(rng: Rng) -> Drawing:
    """Draw a letter of thick strokes."""
    lines = _LETTERS[sorted(_LETTERS)[int(rng.integers(len(_LETTERS)))]]
    width = rng.uniform(0.3, 0.55)
    return [part for line in lines for part in _stroke(line, width)]


def hammer(rng: Rng) -> Drawing:
    """Draw a handle with a block across its end."""
    width, head = rng.uniform(0.15, 0.3), rng.uniform(0.4, 0.7)
    return [*_stroke([(0, 1), (0, -0.7)], width, 0.8), Part(_box(-head, -1, head * 0.8, -1 + head * 0.7))]


def key(rng: Rng) -> Drawing:
    """Draw a bow with a hole, a shaft and teeth."""
    bow = rng.uniform(0.35, 0.5)
    parts = [*_stroke([(0, 0), (0, 1)], 0.2), Part(_ellipse(0, -1 + bow, bow, bow))]
    parts.append(Part(_ellipse(0, -1 + bow, bow * 0.6, bow * 0.6), False))
    return [*parts, *(Part(_box(0, y, rng.uniform(0.25, 0.4), y + 0.12)) for y in (0.45, 0.7, 0.9))]


def mug(rng: Rng) -> Drawing:
    """Draw a cup with a handle that one can look through."""
    wide, high, reach = rng.uniform(0.45, 0.6), rng.uniform(0.6, 0.9), rng.uniform(0.35, 0.5)
    handle = [Part(_ellipse(wide, 0, reach, high * 0.6)), Part(_ellipse(wide, 0, reach * 0.6, high * 0.36), False)]
    return [*handle, Part(_box(-wide, -high, wide, high)), Part(_ellipse(0, high, wide, 0.15))]


def hand(rng: Rng) -> Drawing:
    """Draw a palm with five fingers and a wrist."""
    spread, parts = rng.uniform(0.15, 0.28), [Part(_ellipse(0, 0.25, 0.42, 0.45))]
    for finger, length in enumerate((0.85, 1.0, 0.95, 0.8)):
        angle = -np.pi / 2 + (finger - 1.5) * spread
        base = np.array([0.24 * (finger - 1.5), 0.1])
        parts += _stroke([base, base + length * np.array([np.cos(angle), np.sin(angle)])], 0.2, 0.75)
    return [*parts, *_stroke([(-0.2, 0.4), (-0.8, -0.1)], 0.22, 0.75), Part(_box(-0.25, 0.4, 0.25, 1.1))]


def vase(rng: Rng) -> Drawing:
    """Draw a symmetric profile: bottle, vase, glass."""
    y = np.linspace(-1, 1, 40)
    half = 0.4 + sum(rng.normal(0, 0.14) * np.cos(k * np.pi * (y + 1) / 2 + rng.uniform(0, 6.3)) for k in (1, 2, 3))
    half = np.clip(half, 0.1, 0.8)
    return [Part(np.concatenate([np.stack([-half, y], 1), np.stack([half, y], 1)[::-1]]))]


def branch(rng: Rng) -> Drawing:
    """Draw a stem that forks: thin parts and deep bays."""
    parts: Drawing = []

    def grow(start: Points, angle: float, length: float, depth: int) -> None:
        end = start + length * np.array([np.cos(angle), np.sin(angle)])
        parts.extend(_stroke([start, end], 0.06 + 0.05 * depth, 0.7))
        if depth:
            for side in (-1, 1):
                grow(end, angle + side * rng.uniform(0.3, 0.8), length * rng.uniform(0.6, 0.85), depth - 1)

    grow(np.array([0.0, 1.0]), -np.pi / 2, rng.uniform(0.6, 0.8), 3)
    return parts


def animal(rng: Rng) -> Drawing:
    """Draw a body with head, tail and four legs."""
    long, legs = rng.uniform(0.55, 0.75), rng.uniform(0.4, 0.7)
    parts = [Part(_ellipse(0, -0.2, long, 0.32)), Part(_ellipse(long, -0.5, 0.28, 0.24))]
    for x in (-0.8, -0.5, 0.45, 0.75):
        parts += _stroke([(x * long, -0.1), (x * long + rng.uniform(-0.12, 0.12), legs)], 0.16, 0.7)
    return [*parts, *_stroke([(-long + 0.05, -0.25), (-long - 0.3, rng.uniform(-0.8, 0.1))], 0.12, 0.4)]


def comb(rng: Rng) -> Drawing:
    """Draw a fork or comb: a bar with teeth, and perhaps a handle."""
    teeth = int(rng.integers(3, 7))
    parts = [Part(_box(-0.7, 0, 0.7, 0.3))]
    for x in np.linspace(-0.6, 0.6, teeth):
        parts += _stroke([(x, 0.1), (x, -0.9)], 0.7 / teeth, 0.8)
    return [*parts, *_stroke([(0, 0.2), (0, 1.0)], 0.24)] if rng.random() < 0.5 else parts


def spiral(rng: Rng) -> Drawing:
    """Draw a hose rolled up."""
    angle = np.linspace(0, 2 * np.pi * rng.uniform(1.3, 2.2), 60)
    radius = 0.15 + 0.85 * angle / angle[-1]
    return _stroke(np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1), rng.uniform(0.14, 0.22))


def bar(rng: Rng) -> Drawing:
    """Draw a rod, straight or bent."""
    bend = rng.uniform(-0.4, 0.4)
    return _stroke([(-1, 0), (-0.4, bend / 2), (0.4, bend / 2), (1, 0)], rng.uniform(0.16, 0.4), rng.uniform(0.6, 1))


FAMILIES: dict[str, Callable[[Rng], Drawing]] = {
    family.__name__: family
    for family in (
        ellipse, polygon, star, ring, frame, blob, crescent, letter, hammer, key, mug, hand, vase, branch, animal,
        comb, spiral, bar,
    )
}  # fmt: skip
"""Families by name."""


def rasterise(drawing: Drawing, extent: float, angle: float = 0.0) -> NDArray[np.uint8]:
    """Return the coverage of a drawing, uint8 [h, w], 255 where a pixel lies inside.

    Args:
        drawing: its polygons.
        extent: longer side of the result in pixels.
        angle: turn in radians before the drawing is scaled to ``extent``.
    """
    import cv2

    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned = [(part.points @ turn.T, part.add) for part in drawing]
    drawn = np.concatenate([points for points, add in turned if add])
    low, span = drawn.min(0), np.ptp(drawn, axis=0)
    scale = extent * SUPERSAMPLING / float(span.max())
    width, height = (max(1, int(np.ceil(side * scale / SUPERSAMPLING))) for side in span)
    fine = np.zeros((height * SUPERSAMPLING, width * SUPERSAMPLING), np.uint8)
    for points, add in turned:
        corners = np.round(((points - low) * scale - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(fine, [corners], 255 if add else 0, shift=4)
    return np.asarray(cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
