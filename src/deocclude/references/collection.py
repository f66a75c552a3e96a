"""A collection of picture files on disk: which files there are, what they contain, whose objects are known."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from deocclude import formats
from deocclude.errors import InputError
from deocclude.files import sha256
from deocclude.formats.photo_names import agreement, base_name
from deocclude.scene import Scene

SUFFIXES = frozenset({
    ".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".ppm", ".pgm", ".gif", ".avif", ".jp2", ".mpo",
})  # fmt: skip


@dataclass(frozen=True)
class PictureFile:
    """A picture file with what tells its content.

    Attributes:
        path: where it is.
        sha256: of its content, hexadecimal.
        bytes: its length.
        modified: time of its last change, nanoseconds.
    """

    path: Path
    sha256: str
    bytes: int
    modified: int


def find_pictures(paths: Iterable[Path]) -> list[Path]:
    """Return the picture files among ``paths`` and below them, by suffix; hidden files and folders are passed over.

    Raises:
        InputError: a path that is not there.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found |= dict.fromkeys(_below(path))
        elif path.is_file():
            found[path] = None
        else:
            raise InputError("a picture file or a folder of them", "no such file or folder", file=path)
    return list(found)


def stamp(path: Path) -> PictureFile:
    """Return a file with the digest of its content.

    Raises:
        OSError: it cannot be read.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # reading a pipe would wait for ever
        raise OSError(errno.EINVAL, "no regular file", str(path))
    return PictureFile(path, sha256(path), status.st_size, status.st_mtime_ns)


def find_masks(folder: Path) -> Path | None:
    """Return the annotation file right in ``folder``, ``None`` unless there is exactly one JSON file of masks."""
    known = []
    for path in sorted(folder.glob("*.json")):
        try:
            formats.list_images(path)
        except InputError:
            continue
        known.append(path)
    return known[0] if len(known) == 1 else None


def read_objects(masks: Path, files: Iterable[Path]) -> dict[Path, Scene]:
    """Return the scenes of an annotation file by the picture of ``files`` that they are about.

    That is the file of the stated name; of several in different folders the one whose folders fit the stated ones best,
    of these the one with the shortest path, and where two paths are equally short, none: masks of another picture do
    more harm than none. For the same reason a name that several scenes share counts only with all its folders.

    Raises:
        InputError: the file cannot be used.
    """
    scenes = list(formats.read_scenes(masks, skip_empty=True))
    shared = Counter(base_name(scene.image_file) for scene in scenes)
    named: dict[str, list[Path]] = {}
    for file in files:
        named.setdefault(file.name, []).append(file)
    found = {}
    for scene in scenes:
        name = base_name(scene.image_file)
        ranks = {file: (agreement(scene.image_file, file), -len(file.parts)) for file in named.get(name, [])}
        best = max(ranks.values(), default=None)
        nearest = [file for file, rank in ranks.items() if rank == best]
        if len(nearest) == 1 and (shared[name] == 1 or agreement(scene.image_file, nearest[0])[0]):
            found[nearest[0]] = scene
    return found


def objects_digest(scene: Scene | None) -> str:
    """Return what tells the objects of one scene from others, or an empty text where none are known."""
    if scene is None:
        return ""
    digest = hashlib.sha256()
    for item in scene.instances:
        about = (item.id, item.category, item.is_stuff, tuple(item.modal.box), tuple(item.modal.size))
        digest.update(repr(about).encode())
        digest.update(item.modal.pixels.tobytes())
    return digest.hexdigest()[:16]


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if Path(name).suffix.lower() in SUFFIXES and not name.startswith("."):
                yield Path(place, name)
