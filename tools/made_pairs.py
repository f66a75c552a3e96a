"""Make pairs of pictures that verification finds hard, out of pairs that show the same object.

No two objects of the first groups of UKBench stand in the same shop or lie in the same kind of case, so what searches
find by mistake there is easy to tell. Here one picture of a true pair is changed: something else inside of what matches
("inside"), or only a piece of it on another picture ("piece"): not the same object. The object on another picture
("elsewhere"), or a side of it covered ("covered"): still the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.images import read_photo

RGBArray = NDArray[np.uint8]
BoolArray = NDArray[np.bool_]
Points = NDArray[np.float64]
Rng = np.random.Generator


@dataclass(frozen=True)
class Changed:
    """A changed picture.

    Attributes:
        kind: how it was changed.
        rgb: uint8 [H, W, 3].
        same: whether it still shows the object.
    """

    kind: str
    rgb: RGBArray
    same: bool


def changed(path: Path, matched: Points, others: Sequence[Path], rng: Rng) -> list[Changed]:
    """Return changed versions of a picture.

    Args:
        path: the picture.
        matched: float [m, 2], its points (x, y) that match a picture of the same object.
        others: pictures of other things.
        rng: what is drawn.
    """
    rgb = read(path)
    made = []
    for kind, (change, same) in CHANGES.items():
        result = change(rgb, matched, others, rng)
        if result is not None:
            made.append(Changed(kind, _in_other_light(result, rng), same))
    return made


def _inside(rgb: RGBArray, matched: Points, others: Sequence[Path], rng: Rng) -> RGBArray:
    """Replace 40 to 80 % of the area between the matches, from the middle on."""
    return _laid(rgb, _other(rgb, others, rng), _hull(rgb, matched, float(np.sqrt(rng.uniform(0.4, 0.8)))))


def _piece(rgb: RGBArray, matched: Points, others: Sequence[Path], rng: Rng) -> RGBArray | None:
    """Keep a strip or a small rectangle with some of the matches, on another picture; ``None`` where none has any."""
    height, width = rgb.shape[:2]
    for _ in range(40):
        strip = rng.random() < 0.4
        across, high = (1.0, rng.uniform(0.12, 0.25)) if strip else rng.uniform(0.15, 0.35, 2)
        size = np.array([width * across, height * high])
        corner = rng.uniform(0, np.array([width, height]) - size + 1e-6)
        inner = ((matched > corner + 4) & (matched < corner + size - 4)).all(1).sum()
        if 6 <= inner <= 0.5 * len(matched) + 6:
            kept = np.zeros((height, width), bool)
            x0, y0, x1, y1 = np.concatenate([corner, corner + size]).astype(int)
            kept[y0:y1, x0:x1] = True
            return _laid(_other(rgb, others, rng), rgb, kept)
    return None


def _elsewhere(rgb: RGBArray, matched: Points, others: Sequence[Path], rng: Rng) -> RGBArray:
    """Lay the object on another picture: smaller, turned, tilted."""
    scene = read(others[int(rng.integers(len(others)))])
    height, width = scene.shape[:2]
    angle = np.radians(rng.uniform(-25, 25))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    tilt = np.array([[1, rng.uniform(-0.2, 0.2)], [0, rng.uniform(0.75, 1)]])
    linear = rng.uniform(0.5, 0.95) * min(height / rgb.shape[0], width / rgb.shape[1]) * turn @ tilt
    shift = np.array([width, height]) * rng.uniform(0.35, 0.65, 2) - linear @ matched.mean(0)
    matrix = np.column_stack([linear, shift])
    shape = _hull(rgb, matched, 1.25).astype(np.uint8)
    return _laid(scene, cv2.warpAffine(rgb, matrix, (width, height)),
                 cv2.warpAffine(shape, matrix, (width, height)) > 0)  # fmt: skip


def _covered(rgb: RGBArray, matched: Points, others: Sequence[Path], rng: Rng) -> RGBArray:
    """Cover what lies behind a line that cuts off 15 to 35 % of the matches."""
    angle = rng.uniform(0, 2 * np.pi)
    along = np.array([np.cos(angle), np.sin(angle)])
    edge = np.quantile(matched @ along, 1 - rng.uniform(0.15, 0.35))
    y, x = np.mgrid[: rgb.shape[0], : rgb.shape[1]]
    return _laid(rgb, _other(rgb, others, rng), x * along[0] + y * along[1] > edge)


Change = Callable[[RGBArray, Points, Sequence[Path], Rng], RGBArray | None]
CHANGES: dict[str, tuple[Change, bool]] = {
    "inside": (_inside, False),
    "piece": (_piece, False),
    "elsewhere": (_elsewhere, True),
    "covered": (_covered, True),
}


def read(path: Path) -> RGBArray:
    """Return the pixels of a picture, uint8 [H, W, 3]."""
    return read_photo(path, convert=True).pixels


def _other(rgb: RGBArray, others: Sequence[Path], rng: Rng) -> RGBArray:
    """Return a part of another picture, in the size of this one."""
    other = read(others[int(rng.integers(len(others)))])
    size = (np.array(other.shape[:2]) * rng.uniform(0.5, 0.9)).astype(int)
    y, x = (int(rng.integers(0, whole - part + 1)) for whole, part in zip(other.shape[:2], size, strict=True))
    part = other[y : y + size[0], x : x + size[1]]
    return np.asarray(cv2.resize(part, rgb.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8)


def _hull(rgb: RGBArray, matched: Points, growth: float) -> BoolArray:
    middle = matched.mean(0)
    hull = cv2.convexHull(np.ascontiguousarray(middle + (matched - middle) * growth, np.float32))
    mask = np.zeros(rgb.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, hull.astype(np.int32), 1)
    return mask > 0


def _laid(below: RGBArray, above: RGBArray, mask: BoolArray) -> RGBArray:
    weight: NDArray[Any] = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1)[..., None]
    return np.asarray(below * (1 - weight) + above * weight, np.uint8)


def _in_other_light(rgb: RGBArray, rng: Rng) -> RGBArray:
    lit = 255 * (rgb / 255.0) ** np.exp(rng.uniform(-0.3, 0.3)) * rng.uniform(0.85, 1.15, 3)
    return np.clip(lit + rng.normal(0, 3, lit.shape), 0, 255).astype(np.uint8)
