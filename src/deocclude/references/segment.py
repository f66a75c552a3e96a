"""A segment: a folder with a batch of indexed pictures that never changes once it is there.

Arrays are NumPy files, memory-mapped when read, so opening costs next to nothing and several processes share the
pages. ``segment.json`` states the length of every file; one that is cut off is noticed when the segment is opened.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deocclude.errors import InputError
from deocclude.files import atomic_folder, encoded
from deocclude.geometry import Box, Size
from deocclude.references.features import Features, from_bytes
from deocclude.references.key_points import KeyPostings
from deocclude.references.manifest import DAMAGED
from deocclude.references.postings import Postings

HEADER = "segment.json"
_ARRAYS = ("first", "entries", "colours", "descriptors", "geometry", "key_words")
_POSTINGS = ("words", "starts", "entries", "values")
_KEY_POSTINGS = ("words", "starts", "keys", "signatures")
ENTRY = np.dtype([("picture", "<u4"), ("box", "<i4", 4), ("kind", "u1"), ("category", "<i4"), ("object", "<i4")])
"""An entry: row of its picture, box, kind, number of its category (-1 unknown), number of its object in its scene."""

Place = tuple[int, int]
"""Where an index holds a picture: number of the segment, and row."""


class Picture(NamedTuple):
    """An indexed picture file.

    Attributes:
        path: relative to the folder around the index where it lies below it, else absolute; with ``/``.
        sha256: of the file's content, hexadecimal.
        bytes: length of the file.
        modified: time of its last change, nanoseconds.
        height: in pixels, upright.
        width: in pixels, upright.
        objects: digest of the masks that its object entries were made from, or empty.
    """

    path: str
    sha256: str
    bytes: int
    modified: int
    height: int
    width: int
    objects: str = ""


@dataclass(frozen=True, eq=False)
class Content:
    """What a segment holds.

    Attributes:
        pictures: the pictures, in rows.
        categories: names that entries refer to by number.
        first: int64 [pictures + 1], where each picture's key points begin.
        entries: :data:`ENTRY` [e].
        colours: uint8 [e, c], colour signatures.
        descriptors: uint8 [k, 128].
        geometry: float32 [k, 4]: x, y, scale, angle of each key point.
        key_words: uint32 [k], the nearest visual word of each key point.
        postings: the inverted file over the entries.
        key_postings: the inverted file over the key points.
    """

    pictures: tuple[Picture, ...]
    categories: tuple[str, ...]
    first: NDArray[np.int64]
    entries: NDArray[Any]
    colours: NDArray[np.uint8]
    descriptors: NDArray[np.uint8]
    geometry: NDArray[np.float32]
    key_words: NDArray[np.uint32]
    postings: Postings
    key_postings: KeyPostings


class Segment:
    """A segment on disk, read only where it is looked at."""

    def __init__(self, folder: Path) -> None:
        """Open a segment.

        Raises:
            FileNotFoundError: the folder is gone.
            InputError: a file of it is missing, cut off or damaged.
        """
        self.folder = folder
        header = _header(folder)
        _check_lengths(folder, header["files"])
        self.categories: tuple[str, ...] = tuple(header["categories"])
        arrays = {name: _mapped(folder / f"{name}.npy") for name in _ARRAYS}
        self.first: NDArray[np.int64] = arrays["first"]
        self.entries: NDArray[Any] = arrays["entries"]
        self.colours: NDArray[np.uint8] = arrays["colours"]
        self.descriptors: NDArray[np.uint8] = arrays["descriptors"]
        self.geometry: NDArray[np.float32] = arrays["geometry"]
        self.key_words: NDArray[np.uint32] = arrays["key_words"]
        self.postings = Postings(*(_mapped(folder / f"posting_{name}.npy") for name in _POSTINGS))
        self.key_postings = KeyPostings(*(_mapped(folder / f"key_posting_{name}.npy") for name in _KEY_POSTINGS))
        self._picture_starts = _mapped(folder / "picture_starts.npy")
        self._picture_lines = _mapped(folder / "pictures.npy")

    def __len__(self) -> int:
        """Number of pictures, removed ones included."""
        return len(self.first) - 1

    def picture(self, row: int) -> Picture:
        """Return what is known of the picture in ``row``."""
        start, end = self._picture_starts[row : row + 2]
        return Picture(*json.loads(self._picture_lines[start:end].tobytes()))

    def pictures(self) -> Iterator[Picture]:
        """Yield all pictures in order."""
        return (self.picture(row) for row in range(len(self)))

    def features(self, row: int) -> Features:
        """Return the local features of the picture in ``row``."""
        start, end = self.first[row : row + 2]
        geometry, about = np.asarray(self.geometry[start:end]), self.picture(row)
        points = np.ascontiguousarray(geometry[:, :2])
        size = Size(about.height, about.width)
        return Features(points, geometry[:, 2], geometry[:, 3], from_bytes(self.descriptors[start:end]), size)

    def words(self, row: int) -> NDArray[np.uint32]:
        """Return the nearest visual word of each key point of the picture in ``row``, uint32 [n]."""
        start, end = self.first[row : row + 2]
        return np.asarray(self.key_words[start:end])

    def box(self, entry: int) -> Box:
        """Return the box of an entry."""
        return Box(*(int(edge) for edge in self.entries[entry]["box"]))

    def category(self, entry: int) -> str:
        """Return the class name of an entry, or an empty text."""
        number = int(self.entries[entry]["category"])
        return self.categories[number] if number >= 0 else ""


def write_segment(folder: Path, content: Content) -> None:
    """Write a segment, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    lines = [encoded(json.dumps(list(picture), ensure_ascii=False)) for picture in content.pictures]
    starts = np.cumsum([0, *map(len, lines)]).astype(np.int64)
    arrays: dict[str, NDArray[Any]] = {name: getattr(content, name) for name in _ARRAYS}
    arrays |= {f"posting_{name}": getattr(content.postings, name) for name in _POSTINGS}
    arrays |= {f"key_posting_{name}": getattr(content.key_postings, name) for name in _KEY_POSTINGS}
    arrays |= {"pictures": np.frombuffer(b"".join(lines), np.uint8), "picture_starts": starts}
    with atomic_folder(folder) as part:
        for name, array in arrays.items():
            _write_synced(part / f"{name}.npy", array)
        files = {f"{name}.npy": (part / f"{name}.npy").stat().st_size for name in arrays}
        header = {"categories": list(content.categories), "files": files}
        (part / HEADER).write_bytes(encoded(json.dumps(header, ensure_ascii=False)))


def _header(folder: Path) -> dict[str, Any]:
    try:
        header = json.loads((folder / HEADER).read_text(encoding="utf-8"))
        if isinstance(header["categories"], list) and isinstance(header["files"], dict):
            return dict(header)
    except FileNotFoundError:
        if not folder.is_dir():
            raise
    except (ValueError, KeyError, TypeError):
        pass
    raise damaged(folder / HEADER, "a missing or damaged file")


def _check_lengths(folder: Path, files: dict[str, int]) -> None:
    for name, length in files.items():
        path = folder / name
        found = path.stat().st_size if path.is_file() else None
        if found != length:
            raise damaged(path, "no such file" if found is None else f"{found} bytes instead of {length}")


def damaged(path: Path, found: str) -> InputError:
    """Return the error for a file of an index that is not as it was written."""
    return InputError("a file of an index as it was written", found, file=path, hint=DAMAGED)


def _mapped(path: Path) -> NDArray[Any]:
    try:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except ValueError:
        raise damaged(path, "another kind of file") from None


def _write_synced(path: Path, array: NDArray[Any]) -> None:
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
