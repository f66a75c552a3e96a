"""Questions with known answers to a search for similar pictures: whole pictures, pictures with a hole, small crops.

Two layouts are understood. UKBench order (Nister and Stewenius, CVPR 2006): four successive pictures show one object.
Clean references (Stanford Mobile Visual Search): a folder ``Reference`` and others beside it with photos of the same
names.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deocclude.datasets.ukbench import read_groups
from deocclude.errors import InputError
from deocclude.geometry import Box, Size
from deocclude.images import RGBArray, read_photo

CLEAN = "Reference"
"""Name of the folder with clean references."""
HOLE = 0.22
"""Share of the picture that a hole takes."""
ASPECT = 0.5
"""Natural logarithm of the largest ratio of a hole's sides to those of the picture."""

Rng = np.random.Generator


@dataclass(frozen=True)
class Case:
    """A photo, and the pictures that a search with it should find.

    Attributes:
        group: name of the object.
        photo: what is asked with.
        answers: pictures of the collection that show the same object, the photo itself left out.
    """

    group: str
    photo: Path
    answers: frozenset[Path]


@dataclass(frozen=True)
class Collection:
    """Cases, and the pictures that are searched.

    Attributes:
        name: of the data set.
        pictures: the folder with the pictures to search.
        cases: photos of one group are successive.
        views: pictures of each object in the collection.
    """

    name: str
    pictures: Path
    cases: tuple[Case, ...]
    views: int

    @property
    def partial(self) -> bool:
        """Whether the photos are among the pictures, so that parts of them are asked for too."""
        return self.views > 1


def open_collection(folder: Path | str) -> Collection:
    """Return the cases of a folder, whose layout is recognised.

    Raises:
        InputError: no such folder, no pictures, groups that are not four, or a photo without its reference.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100  (as an index names its pictures: '..' resolved, links kept)
    if (folder / CLEAN).is_dir():
        return _with_references(folder)
    groups = read_groups(folder)
    cases = tuple(Case(group.key, photo, frozenset(group.paths) - {photo}) for group in groups for photo in group.paths)
    return Collection(folder.name, folder, cases, len(groups[0].paths))


def _with_references(folder: Path) -> Collection:
    clean = {path.stem: path for path in sorted((folder / CLEAN).iterdir()) if path.is_file()}
    others = [place for place in sorted(folder.iterdir()) if place.is_dir() and place.name != CLEAN]
    photos = sorted(path for place in others for path in place.iterdir() if path.is_file())
    if not photos:
        raise InputError(f"a folder of photos beside {CLEAN}", "none", file=folder)
    for photo in photos:
        if photo.stem not in clean:
            raise InputError(f"a picture of the same name in {CLEAN}", "none", file=photo)
    cases = tuple(Case(photo.stem, photo, frozenset({clean[photo.stem]})) for photo in photos)
    return Collection(folder.name, folder / CLEAN, cases, 1)


def part(photo: Path, kind: str, seed: int = 0) -> tuple[RGBArray, NDArray[np.bool_] | None]:
    """Return what a search is asked with.

    Args:
        photo: the picture file.
        kind: a key of :data:`KINDS`.
        seed: equal seeds give the same parts of the same files.

    Returns:
        uint8 [h, w, 3], and bool [h, w] of the pixels that may be looked at, ``None`` for all.

    Raises:
        InputError: the file cannot be read.
    """
    rgb = read_photo(photo, convert=True).pixels
    rng = np.random.default_rng((seed, zlib.crc32(f"{photo.name} {kind}".encode())))
    return KINDS[kind](rgb, rng)


def _whole(rgb: RGBArray, rng: Rng) -> tuple[RGBArray, None]:
    return rgb, None


def _hole(rgb: RGBArray, rng: Rng) -> tuple[RGBArray, NDArray[np.bool_]]:
    use = np.ones(rgb.shape[:2], bool)
    use[_window(Size(*rgb.shape[:2]), HOLE, float(rng.uniform(-ASPECT, ASPECT)), rng).slices] = False
    return rgb, use


def _crop(share: float) -> Callable[[RGBArray, Rng], tuple[RGBArray, None]]:
    def cropped(rgb: RGBArray, rng: Rng) -> tuple[RGBArray, None]:
        return np.ascontiguousarray(rgb[_window(Size(*rgb.shape[:2]), share, 0.0, rng).slices]), None

    return cropped


def _window(size: Size, share: float, aspect: float, rng: Rng) -> Box:
    """Return a rectangle of ``share`` of the area somewhere in the picture, ``exp(aspect)`` times as wide as it is."""
    width = min(size.width, max(1, round(size.width * float(np.sqrt(share * np.exp(aspect))))))
    height = min(size.height, max(1, round(share * size.width * size.height / width)))
    x, y = (int(rng.integers(0, whole - side + 1)) for whole, side in ((size.width, width), (size.height, height)))
    return Box(x, y, x + width, y + height)


KINDS: dict[str, Callable[[RGBArray, Rng], tuple[RGBArray, NDArray[np.bool_] | None]]] = {
    "whole": _whole,
    "hole 22 %": _hole,
    "crop 50 %": _crop(0.5),
    "crop 25 %": _crop(0.25),
    "crop 12 %": _crop(0.12),
}
"""What is asked with, by name; holes and crops lie anywhere in the picture."""


def chosen_groups(cases: Sequence[Case], skip: int, limit: int) -> list[Case]:
    """Return the cases of whole groups: without the first ``skip`` groups, and of ``limit`` at most (0 for all)."""
    names = list(dict.fromkeys(case.group for case in cases))[skip:]
    wanted = set(names[: limit or None])
    return [case for case in cases if case.group in wanted]


def chosen_photos(cases: Sequence[Case], views: int) -> list[Case]:
    """Return ``views`` photos of each group (0 for all), another one first in each, so that all views count alike."""
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(case.group, []).append(case)
    chosen: list[Case] = []
    for number, photos in enumerate(groups.values()):
        start = number % len(photos)
        chosen += (photos[start:] + photos[:start])[: views or None]
    return chosen
