"""Where the references of a job come from: folders and indexes that are searched, and files that a user names.

What is found is read once, reduced where it is huge, and refused where it can serve nobody: unreadable, blank or
transparent pictures, and those that an earlier job made.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deocclude.errors import InputError
from deocclude.files import sha256
from deocclude.images import read_shown, resized, thumbnail
from deocclude.references.collection import find_pictures
from deocclude.references.credit import Credit, read_credits
from deocclude.references.features import Features, extract
from deocclude.references.index import Index
from deocclude.references.library import open_library
from deocclude.references.location import index_for
from deocclude.references.manifest import TABLE, is_index, read_manifest
from deocclude.references.query import Query
from deocclude.references.search import SearchSettings, search

LARGEST = 12_000_000
"""References with more pixels are reduced to about so many."""
FLAT = 3.0
"""A picture whose grey levels deviate less than this from their mean shows nothing."""
THUMBNAIL = 240
"""Longer side of the small picture that is kept, in pixels."""
NEAR_MISSES = 3
"""Pictures that look like the object but do not show it, listed with the reason, at most so many an object."""
MADE = "scene.json"
"""What tells a folder that an earlier job wrote: its pictures are no references."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SupplySettings:
    """What is asked for.

    Attributes:
        folders: folders of pictures, or indexes.
        files: pictures that are tried on every object.
        most: found references that are tried on one object.
    """

    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    most: int = 4

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.folders or self.files)


@dataclass(frozen=True)
class Offer:
    """A picture that may serve one object as a reference.

    Attributes:
        path: the file.
        probability: that it shows the same thing; ``None`` where a user named it.
        refused: why it does not serve after all, ``None`` if it may.
    """

    path: Path
    probability: float | None = None
    refused: str | None = None


@dataclass(frozen=True, eq=False)
class Reference:
    """A reference that was read.

    Attributes:
        rgb: uint8 [H, W, 3], reduced where it is huge.
        features: of all of it.
        shown: bool [H, W], pixels that are not transparent; ``None`` for all.
    """

    rgb: NDArray[np.uint8]
    features: Features
    shown: NDArray[np.bool_] | None


@dataclass(eq=False)
class Supply:
    """Opened sources of references.

    Attributes:
        settings: what was asked for.
        indexes: of the folders, up to date.
        notes: what a user should know: pictures that cannot be read, folders without any.
    """

    settings: SupplySettings
    indexes: tuple[Index, ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def identity(self) -> str:
        """What tells the contents of this supply from another's, wherever the files lie."""
        held = [sorted(picture.sha256 for _, _, picture in index.pictures()) for index in self.indexes]
        files = [sha256(path) for path in map(Path, self.settings.files) if path.is_file()]
        return _digest([held, files, self.settings.most])

    def offers(self, ask: Callable[[Index], Sequence[Query]], without: Path | None = None) -> list[Offer]:
        """Return the pictures to try on an object: the named ones first, then what is found, then near misses.

        Args:
            ask: makes the questions to an index.
            without: the photo itself.

        Raises:
            InputError: an index is damaged.
        """
        offers = {path.absolute(): Offer(path) for path in map(Path, self.settings.files)}
        found: dict[Path, Offer] = {}
        for index in self.indexes:
            settings = SearchSettings(top=self.settings.most + NEAR_MISSES)
            answer = search(index, ask(index), settings, without=[without] if without else [])
            for one in answer.ranked:
                path = one.hit.path.absolute()
                if path not in offers and one.verdict is not None and not _made(path):
                    missed = one not in answer.references
                    refused = f"not the same thing: {one.reason}" if missed else None
                    found[path] = Offer(path, one.probability, refused)
        ranked = sorted(found.values(), key=lambda offer: -(offer.probability or 0))
        good = [offer for offer in ranked if offer.refused is None][: self.settings.most]
        misses = [offer for offer in ranked if offer.refused is not None][:NEAR_MISSES]
        return [*offers.values(), *good, *misses]

    def credit(self, path: Path) -> Credit:
        """Return whose a picture is, as far as its folder's ``credits.json`` says."""
        return _credits(path.parent).get(path.name, Credit())


def open_supply(settings: SupplySettings, *, progress: Progress | None = None) -> Supply:
    """Open the folders, bringing their indexes up to date.

    Args:
        settings: what is asked for.
        progress: told how many pictures are indexed, and how many there are.

    Raises:
        InputError: a folder is not there, or its index is damaged, of another version, or being changed.
    """
    _credits.cache_clear()
    indexes, notes = [], []
    for name in settings.folders:
        index, report = open_library(Path(name), progress=_only_indexing(progress))
        indexes.append(index)
        if not len(index):
            notes.append(f"no picture in {name}: nothing to search")
        for skipped in report.skipped if report else ():
            notes.append(f"{skipped.path} left out: {skipped.reason}")
    return Supply(settings, tuple(indexes), tuple(notes))


def stamp(settings: SupplySettings) -> str:
    """Return what changes when a source does; looks at names, sizes and dates only.

    Raises:
        InputError: a folder or file is not there, or an index is of another version.
    """
    seen: list[Any] = []
    for folder in map(Path, settings.folders):
        if is_index(folder):
            read_manifest(folder)
            seen.append(sha256(folder / TABLE))
            continue
        if is_index(place := index_for(folder)):
            read_manifest(place)
        seen.append([_dated(path) for path in (*find_pictures([folder]), *sorted(folder.glob("*.json")))])
    for file in map(Path, settings.files):
        if not file.is_file():
            found = "a folder" if file.is_dir() else "no such file"
            hint = "name folders with --references" if file.is_dir() else None
            raise InputError("a picture file", found, file=file, hint=hint)
        seen.append(_dated(file))
    return _digest([seen, settings.most])


def missing(settings: SupplySettings) -> bool:
    """Whether a folder or file is not there."""
    return not all(Path(name).exists() for name in (*settings.folders, *settings.files))


def load(path: Path) -> Reference:
    """Read a reference.

    Raises:
        InputError: it cannot be read, or shows nothing.
    """
    rgb, shown = read_shown(path)
    if shown is not None and not shown.any():
        raise InputError("a picture that shows something", "a fully transparent one", file=path)
    scale = min(1.0, float(np.sqrt(LARGEST / (rgb.shape[0] * rgb.shape[1]))))
    if scale < 1:
        rgb = resized(rgb, scale)
        if shown is not None:
            small = Image.fromarray(shown).resize((rgb.shape[1], rgb.shape[0]), Image.Resampling.NEAREST)
            shown = np.asarray(small, bool)
    if float((rgb if shown is None else rgb[shown]).std(axis=tuple(range(2 if shown is None else 1))).max()) < FLAT:
        raise InputError("a picture that shows something", "a blank one", file=path)
    return Reference(rgb, extract(rgb, shown), shown)


def small_jpeg(rgb: NDArray[np.uint8]) -> bytes:
    """Return a picture, uint8 [H, W, 3], as a small JPEG."""
    stream = io.BytesIO()
    Image.fromarray(thumbnail(np.ascontiguousarray(rgb), THUMBNAIL)).save(stream, "JPEG", quality=80)
    return stream.getvalue()


@lru_cache(maxsize=256)
def _credits(folder: Path) -> dict[str, Credit]:
    return read_credits(folder)


def _made(path: Path) -> bool:
    """Whether a picture lies in the folder of an earlier job."""
    return any((parent / MADE).is_file() for parent in list(path.parents)[:3])


def _dated(path: Path) -> tuple[str, int, int]:
    try:
        status = path.stat()
    except OSError:
        return path.name, -1, -1  # it went away since it was listed; what reads it says so
    return path.name, status.st_size, status.st_mtime_ns


def _only_indexing(progress: Progress | None) -> Callable[[str, int, int], None]:
    def tell(step: str, done: int, total: int) -> None:
        if progress and step == "indexed":
            progress(done, total)

    return tell


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
