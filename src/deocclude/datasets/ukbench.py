"""Folders in UKBench order: four successive pictures show one object. Queries with a hole, and the crop protocol.

Source: Nister and Stewenius, Scalable Recognition with a Vocabulary Tree, CVPR 2006. The holes and the crop protocol
follow the appendix of An et al., Better Image De-occlusion Using Similar Images: a picture shows only part of the
object, the other views serve as references (one test picture to three of the collection).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deocclude.errors import InputError, unknown_choice
from deocclude.files import write_text
from deocclude.geometry import Size
from deocclude.images import RGBArray, read_photo, write_picture
from deocclude.masks import Mask

VIEWS = 4
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
HIDDEN = (0.12, 0.36)
"""Least and greatest share of a picture that a hole takes."""
KEPT = (0.5, 0.75)
"""Least and greatest share of a picture that a crop keeps."""
ASPECT = 0.5
"""Natural logarithm of the largest ratio of a rectangle's sides."""
TRIES = 40
MARGIN = 20
"""A rectangle leaves at least so many pixels of a row or column visible."""

Bool = NDArray[np.bool_]
Rng = np.random.Generator


@dataclass(frozen=True)
class Group:
    """The four views of one object.

    Attributes:
        key: name of the first file, without suffix.
        paths: four picture files.
    """

    key: str
    paths: tuple[Path, ...]


@dataclass(frozen=True, eq=False)
class Query:
    """A view with a hole, and other views to fill it from.

    Attributes:
        key: of the group.
        truth: uint8 [h, w, 3].
        hole: bool [h, w].
        usable: bool [h, w], pixels that may be looked at; none of the hole.
        references: uint8 [H, W, 3] each.
        sources: names of the references, one each.
        protocol: name of the protocol.
    """

    key: str
    truth: RGBArray
    hole: Bool
    usable: Bool
    references: tuple[RGBArray, ...]
    sources: tuple[str, ...]
    protocol: str


def read_groups(folder: Path | str) -> list[Group]:
    """Return the groups of a folder.

    Files are taken in the order of their names. Where all names end in numbers, those with the same number divided by
    four belong together, so that whole groups may be absent.

    Raises:
        InputError: no such folder, no pictures in it, or a group has not four.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError("a folder of pictures", "a file" if folder.exists() else "no such folder", file=folder)
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise InputError("pictures in UKBench order, four an object", "no picture", file=folder)
    numbers = [re.search(r"(\d+)$", path.stem) for path in paths]
    members: dict[int, list[Path]] = {}
    for place, (path, number) in enumerate(zip(paths, numbers, strict=True)):
        members.setdefault((int(number[1]) if number and all(numbers) else place) // VIEWS, []).append(path)
    for listed in members.values():
        if len(listed) != VIEWS:
            raise InputError(f"{VIEWS} views of each object", str(len(listed)), file=listed[0],
                             hint="the folder must hold whole groups in UKBench order")  # fmt: skip
    return [Group(listed[0].stem, tuple(listed)) for listed in members.values()]


def make_query(group: Group, protocol: str, seed: int) -> Query:
    """Return the first view of a group with a hole, and the other three; equal seeds give equal holes.

    Args:
        group: four views.
        protocol: a key of :data:`PROTOCOLS`.
        seed: of the hole.

    Raises:
        InputError: no such protocol, or a picture cannot be read.
    """
    if protocol not in PROTOCOLS:
        raise unknown_choice("protocol", protocol, PROTOCOLS)
    truth, *others = (read_photo(path, convert=True).pixels for path in group.paths)
    number = int("".join(re.findall(r"\d", group.key)) or 0)
    rng = np.random.default_rng((seed, number))
    size = Size(*truth.shape[:2])
    hole = PROTOCOLS[protocol](size, rng)
    if protocol == "crop":
        others = [_cropped(picture, rng) for picture in others]
    names = tuple(path.stem for path in group.paths[1:])
    return Query(group.key, truth, hole, ~hole, tuple(others), names, protocol)


def write_modified(groups: Sequence[Group], folder: Path, seed: int = 0) -> None:
    """Write the modified UKBench of the paper: every picture shows a part of its object, one in four is a test.

    ``train/`` holds three cropped pictures a group, ``test/`` the fourth one whole and its hole (white) beside it as
    ``NAME_hole.png``, ``modified.json`` the seed and the names of each group. The pictures are those of the queries
    that ``make_query(group, "crop", seed)`` returns.

    Args:
        groups: of :func:`read_groups`.
        folder: to write into.
        seed: of the crops.

    Raises:
        InputError: a picture cannot be read.
        OutputError: the folder cannot be written.
    """
    members = {}
    for group in groups:
        query = make_query(group, "crop", seed)
        for name, picture in zip(query.sources, query.references, strict=True):
            write_picture(folder / "train" / f"{name}.png", picture)
        write_picture(folder / "test" / f"{group.key}.png", query.truth)
        write_picture(folder / "test" / f"{group.key}_hole.png", query.hole)
        members[group.key] = list(query.sources)
    write_text(folder / "modified.json", json.dumps({"seed": seed, "groups": members}, indent=1) + "\n")


def rectangle(size: Size, rng: Rng) -> Bool:
    """Return a rectangle that takes 12 to 36 % of the picture, somewhere in it."""
    hole = np.zeros(size, bool)
    hole[_window(size, rng, rng.uniform(*HIDDEN))] = True
    return hole


def irregular(size: Size, rng: Rng) -> Bool:
    """Return thick strokes with round ends: 12 to 36 % of the picture, and what the last stroke takes beyond."""
    import cv2

    wanted = rng.uniform(*HIDDEN) * size.height * size.width
    canvas = np.zeros(size, np.uint8)
    while np.count_nonzero(canvas) < wanted:
        width = int(min(size) * rng.uniform(0.06, 0.2))
        points = rng.uniform((0, 0), (size.width, size.height), (int(rng.integers(2, 5)), 2)).astype(np.int32)
        cv2.polylines(canvas, [points], False, 1, max(3, width))
    return canvas.astype(bool)


def mask_shaped(size: Size, rng: Rng) -> Bool:
    """Return the outline of a drawn thing that takes 12 to 36 % of the picture."""
    from deocclude.datasets.shapes import FAMILIES, rasterise

    least, most = (share * size.height * size.width for share in HIDDEN)
    families = sorted(FAMILIES)
    hole = np.zeros(size, bool)
    for _ in range(TRIES):
        drawing = FAMILIES[families[int(rng.integers(len(families)))]](rng)
        small = rasterise(drawing, 64.0, float(rng.uniform(0, 2 * np.pi)))
        extent = 64.0 * np.sqrt(rng.uniform(least, most) / max(1, int(np.count_nonzero(small))))
        shape = _scaled(small > 127, extent / 64.0)
        corner = tuple(int(rng.integers(-length // 4, max(1, side - 3 * length // 4)))
                       for side, length in zip((size.width, size.height), shape.shape[::-1], strict=True))  # fmt: skip
        hole = Mask.from_crop(shape, (corner[0], corner[1]), size).to_array()
        if least <= np.count_nonzero(hole) <= most:
            break
    return hole


def crop(size: Size, rng: Rng) -> Bool:
    """Return all but a rectangle that keeps 50 to 75 % of the picture."""
    hole = np.ones(size, bool)
    hole[_window(size, rng, rng.uniform(*KEPT), margin=0)] = False
    return hole


PROTOCOLS: dict[str, Callable[[Size, Rng], Bool]] = {
    "rectangle": rectangle,
    "irregular": irregular,
    "mask": mask_shaped,
    "crop": crop,
}
"""What is hidden, by name; with ``crop`` references are cropped too."""


def _window(size: Size, rng: Rng, share: float, margin: int = MARGIN) -> tuple[slice, slice]:
    """Return a random window of about ``share`` of the picture."""
    area = share * size.height * size.width
    limit_x, limit_y = max(1, size.width - margin), max(1, size.height - margin)
    width = min(limit_x, np.sqrt(area * np.exp(rng.uniform(-ASPECT, ASPECT)) * size.width / size.height))
    height = min(limit_y, area / width)
    width = min(limit_x, area / height)
    x = int(rng.integers(0, size.width - int(width) + 1))
    y = int(rng.integers(0, size.height - int(height) + 1))
    return slice(y, y + int(height)), slice(x, x + int(width))


def _cropped(picture: RGBArray, rng: Rng) -> RGBArray:
    return picture[_window(Size(*picture.shape[:2]), rng, rng.uniform(*KEPT), margin=0)]


def _scaled(shape: Bool, scale: float) -> Bool:
    import cv2

    target = max(1, round(shape.shape[1] * scale)), max(1, round(shape.shape[0] * scale))
    return np.asarray(cv2.resize(shape.astype(np.float32), target, interpolation=cv2.INTER_LINEAR) > 0.5)


def split(groups: Sequence[Group], fitted: int = 50) -> tuple[Sequence[Group], Sequence[Group]]:
    """Return the groups that models were fitted on (the first ``fitted``) and those to report on."""
    return groups[:fitted], groups[fitted:]
