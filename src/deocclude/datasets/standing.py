"""Scenes of cut-outs that stand on the ground before a camera: real outlines, and an up and a down as in photos.

Composites lay real masks anywhere, solids on a table have simple shapes. Here every whole mask of a photo is a board
that stands upright: what is nearer stands lower in the picture, is larger, and hides what is behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from deocclude.datasets.composites import seen_of
from deocclude.datasets.tabletop import MIN_PIXELS, MIN_VISIBLE, SIZE, Floats, free_spot
from deocclude.masks import BoolArray, Mask
from deocclude.scene import Instance, Scene

Rng = np.random.Generator
NEAREST = 0.7
"""Boards stand at least this share of the sum of their radii apart."""


@dataclass(frozen=True, eq=False)
class Board:
    """A cut-out in its place.

    Attributes:
        shape: bool [h, w], its outline as large as the picture shows it.
        foot: x and y of the point of the picture on which it stands.
        near: how near to the camera that point is; larger is nearer.
    """

    shape: BoolArray
    foot: tuple[float, float]
    near: float


def scenes(donors: Sequence[Mask], count: int, seed: int) -> Iterator[Scene]:
    """Yield scenes with visible and whole masks and ``order_truth`` ((a, b): a is seen where b goes on).

    Args:
        donors: whole objects, see :func:`deocclude.datasets.composites.whole_looking`.
        count: number of scenes.
        seed: equal seeds give equal scenes.

    Raises:
        ValueError: no donor.
    """
    if not donors:
        raise ValueError("scenes need at least one whole object to stand there")
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        yield replace(_scene(_boards(donors, rng)), image_file=f"standing-{seed}-{number}")


def _boards(donors: Sequence[Mask], rng: Rng) -> list[Board]:
    """Return boards on the ground, most of them beside another one, as a camera above it sees them."""
    slope, distance = np.deg2rad(rng.uniform(5, 60)), rng.uniform(8, 18)
    focal = distance * SIZE.width / rng.uniform(5, 8)
    placed: list[tuple[Floats, float]] = []
    boards = []
    for _ in range(int(rng.integers(4, 11))):
        extent = 1.5 * 2 ** rng.uniform(-1, 1)
        donor = donors[int(rng.integers(len(donors)))]
        radius = 0.5 * extent * donor.box.width / max(donor.box.width, donor.box.height)
        spot = free_spot(radius, placed, NEAREST, rng)  # right, and towards the camera
        if spot is None:
            continue
        placed.append((spot, radius))
        depth = distance - spot[1] * np.cos(slope)
        scale = focal / depth
        x, y = SIZE.width / 2 + scale * spot[0], SIZE.height / 2 + scale * spot[1] * np.sin(slope)
        below = scale * radius * rng.uniform(0.3, 1.0) * np.sin(slope)
        boards.append(Board(_drawn(donor, scale * extent, rng), (x, y + scale * extent / 3 + below), -depth))
    return boards


def _drawn(donor: Mask, extent: float, rng: Rng) -> BoolArray:
    """Return the outline of a donor whose longer side is ``extent`` pixels, mirrored now and then, turned a little."""
    import cv2

    pixels = (donor.pixels[:, ::-1] if rng.random() < 0.5 else donor.pixels).astype(np.float32)
    height, width = pixels.shape
    scale, side = extent / max(height, width), int(np.ceil(1.3 * extent)) + 2
    middle = ((width - 1) / 2, (height - 1) / 2)
    matrix = np.asarray(cv2.getRotationMatrix2D(middle, rng.normal(0, 4), scale), np.float64)
    matrix[:, 2] += side / 2 - np.array([width, height]) / 2
    small = cv2.GaussianBlur(pixels, (0, 0), 0.4 / scale) if scale < 1 else pixels
    turned = cv2.warpAffine(small, matrix, (side, side), flags=cv2.INTER_LINEAR) > 0.5
    rows, columns = (np.flatnonzero(turned.any(axis)) for axis in (1, 0))
    return turned[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if rows.size else turned


def _scene(boards: Sequence[Board]) -> Scene:
    """Return the scene of boards; those of which little is seen are not listed."""
    behind_first = sorted(boards, key=lambda board: board.near)
    whole = [_placed(board) for board in behind_first]
    seen = seen_of(whole)
    kept = [k for k, mask in enumerate(seen) if mask.area >= max(MIN_PIXELS, MIN_VISIBLE * whole[k].area)]
    order = frozenset((i + 1, j + 1) for i in kept for j in kept if j < i and seen[i].overlap(whole[j]))
    items = tuple(Instance(k + 1, seen[k], amodal=whole[k]) for k in kept)
    return Scene(SIZE, items, order_truth=order)


def _placed(board: Board) -> Mask:
    height, width = board.shape.shape
    corner = round(board.foot[0] - width / 2), round(board.foot[1] - height)
    return Mask.from_crop(board.shape, corner, SIZE)
