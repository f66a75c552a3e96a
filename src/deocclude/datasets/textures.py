"""Random surfaces for synthetic scenes: noise, stripes, checks, dots, wood, gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatImage = NDArray[np.float32]
Rng = np.random.Generator
Pattern = Callable[[Rng, int, int], FloatImage]


def _grid(rng: Rng, height: int, width: int) -> tuple[FloatImage, FloatImage]:
    """Return coordinates in pixels, turned by a random angle."""
    angle = rng.uniform(0, np.pi)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle)), y * np.float32(
        np.cos(angle)
    ) - x * np.float32(np.sin(angle))


def octaves(rng: Rng, height: int, width: int, coarse: float = 48.0) -> FloatImage:
    """Return smooth noise with detail at several scales, 0..1."""
    import cv2

    total, weight = np.zeros((height, width), np.float32), 1.0
    for step in (coarse, coarse / 2, coarse / 4, coarse / 8):
        cells = rng.random((int(height / step) + 3, int(width / step) + 3), np.float32)
        total += weight * cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC)
        weight *= 0.55
    low, high = float(total.min()), float(total.max())
    return _as_float((total - low) / max(high - low, 1e-6))


def stripes(rng: Rng, height: int, width: int) -> FloatImage:
    """Return parallel bands, sharp or soft."""
    x, _ = _grid(rng, height, width)
    wave = np.sin(x * np.float32(2 * np.pi / rng.uniform(6, 32)))
    return _as_float(np.clip(0.5 + wave * float(rng.choice([0.5, 4.0])), 0, 1))


def checks(rng: Rng, height: int, width: int) -> FloatImage:
    """Return a chequered surface."""
    x, y = _grid(rng, height, width)
    cell = rng.uniform(5, 24)
    return _as_float((np.floor(x / cell) + np.floor(y / cell)) % 2)


def dots(rng: Rng, height: int, width: int) -> FloatImage:
    """Return dots on a turned grid."""
    x, y = _grid(rng, height, width)
    cell = rng.uniform(8, 24)
    distance = np.hypot(x % cell - cell / 2, y % cell - cell / 2)
    return _as_float(np.clip(cell * rng.uniform(0.2, 0.4) - distance, 0, 1))


def wood(rng: Rng, height: int, width: int) -> FloatImage:
    """Return wavy grain."""
    x, y = _grid(rng, height, width)
    bend = octaves(rng, height, width) * np.float32(rng.uniform(20, 60))
    return _as_float(0.5 + 0.5 * np.sin((x + bend) * (2 * np.pi / rng.uniform(8, 24)) + y * 0.02))


def gradient(rng: Rng, height: int, width: int) -> FloatImage:
    """Return a slow ramp."""
    x, _ = _grid(rng, height, width)
    return _as_float((x - x.min()) / max(float(np.ptp(x)), 1.0))


def plain(rng: Rng, height: int, width: int) -> FloatImage:
    """Return one value."""
    return np.full((height, width), rng.random(), np.float32)


PATTERNS: dict[str, Pattern] = {
    pattern.__name__: pattern for pattern in (octaves, stripes, checks, dots, wood, gradient, plain)
}
"""Patterns by name; each gives float32 [height, width] in 0..1."""


def surface(rng: Rng, height: int, width: int) -> FloatImage:
    """Return a coloured surface, float32 [height, width, 3] in 0..255: a pattern of two colours with fine noise."""
    pattern = PATTERNS[sorted(PATTERNS)[int(rng.integers(len(PATTERNS)))]]
    value = pattern(rng, height, width)[..., None]
    first, second = colour(rng), colour(rng)
    second = first + (second - first) * np.float32(rng.uniform(0.3, 1))
    grain = octaves(rng, height, width, 12.0)[..., None] - 0.5
    return _as_float(np.clip(first + (second - first) * value + grain * rng.uniform(4, 30), 0, 255))


def colour(rng: Rng) -> NDArray[np.float32]:
    """Return a colour, float32 [3] in 0..255, from dull to vivid and dark to bright."""
    base, tint = rng.uniform(40, 215), rng.normal(0, 1, 3)
    tint *= rng.uniform(0, 110) / max(float(np.abs(tint).max()), 1e-6)
    return _as_float(np.clip(base + tint, 5, 250))


def _as_float(values: NDArray[Any]) -> FloatImage:
    return np.asarray(values, np.float32)
