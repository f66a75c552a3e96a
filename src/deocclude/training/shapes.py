"""Random whole silhouettes: shapes that are known to be complete, which masks cut from photos often are not.

Each is the union of one to three parts (blob, box or cylinder seen from any side, bottle-like solid of revolution),
so that convex, concave and holed outlines all occur.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from deocclude.geometry import Size
from deocclude.masks import Mask
from deocclude.scene import Instance, Scene

CANVAS = 320
SCENE = Size(720, 960)
Points = NDArray[np.float64]


def shape_scenes(count: int, seed: int = 0) -> Iterator[Scene]:
    """Yield ``count`` scenes of 960x720 pixels with one silhouette each, inside the picture."""
    for index in range(count):
        rng = np.random.default_rng((seed, index))
        shape = random_shape(rng)
        corner = int(rng.integers(SCENE.width - CANVAS)), int(rng.integers(SCENE.height - CANVAS))
        mask = Mask.from_crop(shape, corner, SCENE)
        yield Scene(SCENE, (Instance(1, mask),), image_file=f"shape-{seed}-{index}")


def random_shape(rng: np.random.Generator, canvas: int = CANVAS) -> NDArray[np.bool_]:
    """Return a random silhouette, bool [canvas, canvas], clear of the border."""
    import cv2

    makers = (_blob, _box, _box, _cylinder, _revolved)
    parts = [makers[rng.integers(len(makers))](rng) for _ in range(rng.choice([1, 2, 3], p=[0.6, 0.3, 0.1]))]
    for k in range(1, len(parts)):
        anchor = parts[0][rng.integers(len(parts[0]))]
        parts[k] = parts[k] * rng.uniform(0.3, 0.7) + anchor * rng.uniform(0.6, 1.0)
    cloud = np.concatenate(parts)
    low, high = cloud.min(0), cloud.max(0)
    scale = 0.8 * canvas / (high - low).max()
    image = np.zeros((canvas, canvas), np.uint8)
    for part in parts:
        pixels = (part - (low + high) / 2) * scale + canvas / 2
        cv2.fillPoly(image, [np.rint(pixels).astype(np.int32)], 255)
    if rng.random() < 0.1:
        _pierce(image, rng)
    rounding = float(rng.uniform(0.5, 5))
    return np.asarray(cv2.GaussianBlur(image, (0, 0), rounding) > 127)


def _pierce(image: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Cut a round hole, as in a ring or a handle."""
    import cv2

    depth = cv2.distanceTransform(image, cv2.DIST_L2, 5)
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    cv2.circle(image, (int(x), int(y)), int(depth.max() * rng.uniform(0.3, 0.8)), 0, -1)


def _turned(points: Points, rng: np.random.Generator) -> Points:
    angle = rng.choice([rng.normal(0, 0.15), rng.uniform(-np.pi, np.pi)])
    cosine, sine = np.cos(angle), np.sin(angle)
    turned: Points = points @ np.array([[cosine, sine], [-sine, cosine]])
    return turned


def _blob(rng: np.random.Generator) -> Points:
    angle = np.linspace(0, 2 * np.pi, 128, endpoint=False)
    order = np.arange(1, 7)[:, None]
    amplitude = rng.normal(0, rng.uniform(0.1, 0.6), (6, 1)) / order**1.3
    radius = np.exp((amplitude * np.cos(order * angle + rng.uniform(0, 2 * np.pi, (6, 1)))).sum(0))
    stretch = np.array([1.0, np.exp(rng.uniform(-0.9, 0.9))])
    outline: Points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1) * stretch
    return _turned(outline, rng)


def _hull_of(solid: NDArray[np.float64], rng: np.random.Generator) -> Points:
    """Return the outline of a convex solid [n, 3] seen from slightly above, turned about its vertical axis."""
    import cv2

    turn, tilt = rng.uniform(0, 2 * np.pi), rng.uniform(0.0, 1.0)
    x = solid[:, 0] * np.cos(turn) - solid[:, 2] * np.sin(turn)
    z = solid[:, 0] * np.sin(turn) + solid[:, 2] * np.cos(turn)
    flat = np.stack([x, solid[:, 1] * np.cos(tilt) + z * np.sin(tilt)], 1)
    return np.asarray(cv2.convexHull(flat.astype(np.float32)), np.float64).reshape(-1, 2)


def _box(rng: np.random.Generator) -> Points:
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    return _turned(_hull_of(corners * np.exp(rng.uniform(-1, 0.3, 3)), rng), rng)


def _cylinder(rng: np.random.Generator) -> Points:
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    top, bottom, height = rng.uniform(0.3, 1.0), rng.uniform(0.3, 1.0), rng.uniform(0.2, 1.8)
    rings = [
        np.stack([r * np.cos(angle), np.full(48, y), r * np.sin(angle)], 1)
        for r, y in ((top, -height), (bottom, height))
    ]
    return _turned(_hull_of(np.concatenate(rings), rng), rng)


def _revolved(rng: np.random.Generator) -> Points:
    knots = np.abs(rng.normal(0.5, 0.3, rng.integers(3, 7))) + 0.08
    height = np.linspace(-1.2, 1.2, 64)
    radius = np.interp(height, np.linspace(-1.2, 1.2, len(knots)), knots)
    radius = np.convolve(np.pad(radius, 6, mode="edge"), np.ones(13) / 13, mode="valid")
    left = np.stack([-radius, height], 1)
    return _turned(np.concatenate([left, (left * [-1, 1])[::-1]]), rng)
