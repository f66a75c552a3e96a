"""Local features of a picture: SIFT key points with RootSIFT descriptors.

SIFT is OpenCV's (Lowe, IJCV 2004), the descriptors are turned into RootSIFT (Arandjelovic and Zisserman, CVPR 2012).
What may not be looked at (hidden regions, other objects) is masked out: no key point lies in or near it, and none
gathers a large part of its descriptor from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deocclude.geometry import Size

WIDTH = 128
"""Numbers in a descriptor."""
BYTE_SCALE = 512.0
"""Factor from RootSIFT to its stored form; values above 255 / 512 (rare) are cut."""
OCTAVE_LAYERS = 3
"""OpenCV divides SIFT's contrast threshold by this number, its default."""
_SUPPORT = 3.0
"""Half the side of a descriptor's support without its faint rim, in key point diameters (OpenCV's ``size``)."""


@dataclass(frozen=True)
class FeatureSettings:
    """How features are extracted.

    Measured on UKBench: enlarging to 480 px finds as much as 640 px in 60 % of the time, and twice as much of a small
    crop as no enlarging; more key points help crops, fewer whole pictures.

    Attributes:
        smallest_side: pictures whose longer side is shorter are enlarged to it first, pixels.
        largest_side: pictures whose longer side is longer are reduced to it first, pixels.
        enlarge_limit: most times by which a picture is enlarged.
        count: most key points of a picture; those of the strongest contrast are kept.
        contrast: SIFT's contrast threshold.
        enough: with fewer key points than this, the contrast threshold is halved, and once more.
        rim: key points this near to what is masked out are dropped, pixels of the given picture.
        foreign_share: key points with more than this share of their support masked out are dropped, 0..1.
    """

    smallest_side: int = 480
    largest_side: int = 1280
    enlarge_limit: float = 4.0
    count: int = 1500
    contrast: float = 0.01
    enough: int = 300
    rim: float = 4.0
    foreign_share: float = 0.3


@dataclass(frozen=True, eq=False)
class Features:
    """Key points of a picture, the strongest first.

    Attributes:
        points: float32 [n, 2], (x, y) in pixels of the given picture.
        scales: float32 [n], diameter of the key point in pixels of the given picture (twice SIFT's sigma).
        angles: float32 [n], orientation in degrees, 0..360, clockwise on the screen.
        descriptors: float32 [n, 128], RootSIFT, unit length.
        size: height and width of the given picture.
    """

    points: NDArray[np.float32]
    scales: NDArray[np.float32]
    angles: NDArray[np.float32]
    descriptors: NDArray[np.float32]
    size: Size

    def __len__(self) -> int:
        """Number of key points."""
        return len(self.points)

    def take(self, chosen: NDArray[Any]) -> Features:
        """Return the features with the key points ``chosen`` (indices or bool [n]) only."""
        return Features(
            self.points[chosen], self.scales[chosen], self.angles[chosen], self.descriptors[chosen], self.size
        )


def extract(
    rgb: NDArray[np.uint8], use: NDArray[np.bool_] | None = None, settings: FeatureSettings | None = None
) -> Features:
    """Return the features of a picture.

    Args:
        rgb: uint8 [H, W, 3].
        use: bool [H, W], the pixels that may be looked at; all of them when not given.
        settings: how.

    Raises:
        ValueError: ``use`` has another size than the picture.
    """
    import cv2

    settings = settings or FeatureSettings()
    size = Size(*rgb.shape[:2])
    if use is not None and use.shape != size:
        raise ValueError(f"use has shape {use.shape}, the picture {tuple(size)}")
    if min(size) == 0 or (use is not None and not use.any()):
        return empty(size)
    grey = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)
    scale = _working_scale(size, settings)
    if scale != 1.0:
        small = (max(1, round(size.width * scale)), max(1, round(size.height * scale)))
        grey = cv2.resize(grey, small, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    factors = np.array([grey.shape[1] / size.width, grey.shape[0] / size.height], np.float32)
    return _detect(grey, size, factors, use, settings)


def empty(size: Size) -> Features:
    """Return features without a key point."""
    none = np.zeros(0, np.float32)
    return Features(none.reshape(0, 2), none, none, none.reshape(0, WIDTH), size)


def to_root(sift: NDArray[Any]) -> NDArray[np.float32]:
    """Return SIFT descriptors [n, 128] as RootSIFT: divided by their sum, square root of each number."""
    return np.asarray(np.sqrt(sift / np.maximum(sift.sum(1, keepdims=True), 1e-12)), np.float32)


def to_bytes(descriptors: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return descriptors [n, 128] in their stored form, a quarter of the size."""
    return np.asarray(np.clip(np.rint(descriptors * BYTE_SCALE), 0, 255), np.uint8)


def from_bytes(stored: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return stored descriptors [n, 128] as float32 of unit length."""
    floats = stored.astype(np.float32)
    return np.asarray(floats / np.maximum(np.linalg.norm(floats, axis=1, keepdims=True), 1e-12), np.float32)


def _working_scale(size: Size, settings: FeatureSettings) -> float:
    longer = max(size)
    if longer < settings.smallest_side:
        return min(settings.smallest_side / longer, settings.enlarge_limit)
    return min(1.0, settings.largest_side / longer)


def _detect(
    grey: NDArray[Any],
    size: Size,
    factors: NDArray[np.float32],
    use: NDArray[np.bool_] | None,
    settings: FeatureSettings,
) -> Features:
    """Return the features of a grey picture that is ``factors`` (x, y) times as large as the one given."""
    import cv2

    sift = cv2.SIFT.create(contrastThreshold=settings.contrast / 4, enable_precise_upscale=True)
    found = sorted(sift.detect(grey, None), key=lambda point: (-point.response, point.pt, point.angle))
    points = np.array([point.pt for point in found], np.float32).reshape(-1, 2)
    points = np.asarray((points + 0.5) / factors - 0.5, np.float32)
    scales = np.array([point.size for point in found], np.float32) / np.float32(factors.mean())
    if use is not None:
        kept = np.flatnonzero(_may_be_used(points, scales, use, settings))
        found, points, scales = [found[k] for k in kept], points[kept], scales[kept]
    found = found[: _strong([point.response * OCTAVE_LAYERS for point in found], settings)]
    if not found:
        return empty(size)
    described, sift_descriptors = sift.compute(grey, found)
    assert len(described) == len(found)
    angles = np.array([point.angle for point in found], np.float32)
    return Features(points[: len(found)], scales[: len(found)], angles, to_root(sift_descriptors), size)


def _strong(contrasts: Sequence[float], settings: FeatureSettings) -> int:
    """Return how many key points are kept, given their contrasts, falling."""
    counts = [sum(value >= settings.contrast / share for value in contrasts) for share in (1, 2, 4)]
    return min(next((count for count in counts if count >= settings.enough), len(contrasts)), settings.count)


def _may_be_used(
    points: NDArray[np.float32], scales: NDArray[np.float32], use: NDArray[np.bool_], settings: FeatureSettings
) -> NDArray[np.bool_]:
    """Return bool [n]: far enough from what is masked out, with little of it in the support."""
    import cv2

    height, width = use.shape
    # A margin of usable pixels: the picture's border is no border of the mask.
    distance = cv2.distanceTransform(np.pad(use.astype(np.uint8), 1, constant_values=1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    columns = np.clip(np.rint(points[:, 0]).astype(int), 0, width - 1)
    rows = np.clip(np.rint(points[:, 1]).astype(int), 0, height - 1)
    far = distance[rows, columns] > settings.rim
    sums = cv2.integral((~use).astype(np.uint8))
    reach = _SUPPORT * scales
    x0, x1 = (np.clip(np.rint(points[:, 0] + sign * reach + 0.5).astype(int), 0, width) for sign in (-1, 1))
    y0, y1 = (np.clip(np.rint(points[:, 1] + sign * reach + 0.5).astype(int), 0, height) for sign in (-1, 1))
    foreign = sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]
    area = np.maximum((x1 - x0) * (y1 - y0), 1)
    return np.asarray(far & (foreign <= settings.foreign_share * area))
