"""What an update has to do: which files are new, changed, renamed, duplicates, or gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deocclude.references.collection import PictureFile, objects_digest, stamp
from deocclude.references.extraction import Skipped
from deocclude.references.segment import Picture, Place
from deocclude.scene import Scene


@dataclass(frozen=True)
class Known:
    """A picture that an index holds.

    Attributes:
        place: where.
        path: its file.
        picture: what is known of it.
    """

    place: Place
    path: Path
    picture: Picture


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        fresh: files to index.
        gone: places that do not count any more.
        moved: places with the path where the same content lies now.
        duplicates: files that have the content of another one, with that one.
        skipped: files that cannot be read.
        unchanged: number of files that are indexed already.
    """

    fresh: tuple[PictureFile, ...]
    gone: tuple[Place, ...]
    moved: Mapping[Place, Path]
    duplicates: tuple[tuple[Path, Path], ...]
    skipped: tuple[Skipped, ...]
    unchanged: int


def make_plan(
    known: Iterable[Known],
    files: Sequence[Path],
    objects: Mapping[Path, Scene],
    *,
    prune: bool,
    progress: Callable[[int], None] = lambda done: None,
) -> Plan:
    """Compare an index with files.

    Content counts, not names: a picture whose file has gone and whose content lies elsewhere was moved.

    Args:
        known: what the index holds.
        files: the picture files.
        objects: the known objects, by file.
        prune: whether indexed pictures whose files have gone are dropped.
        progress: called with the number of files looked at.
    """
    held = {item.path: item for item in known}
    stamps, skipped = _stamps(files, held, progress)
    wanted = {path: (file.sha256, objects_digest(objects.get(path))) for path, file in stamps.items()}
    home = {path: item for path, item in held.items() if wanted.get(path) == _content(item)}
    away = [item for path, item in held.items() if path not in home]
    # What lies elsewhere and was not looked at is as it was.
    home |= {item.path: item for item in away if item.path not in stamps and item.path.exists()}
    away = [item for item in away if item.path not in home]
    strays = {_content(item): item for item in away}
    owners = {item.picture.sha256: path for path, item in home.items()}
    fresh: list[PictureFile] = []
    moved: dict[Place, Path] = {}
    duplicates: list[tuple[Path, Path]] = []
    for path, file in stamps.items():
        if path in home:
            continue
        if file.sha256 in owners:
            duplicates.append((path, owners[file.sha256]))
            continue
        owners[file.sha256] = path
        if wanted[path] in strays:
            moved[strays.pop(wanted[path]).place] = path
        else:
            fresh.append(file)
    gone = [item.place for item in away if item.place not in moved and (prune or item.path in stamps)]
    unchanged = sum(path in home for path in stamps)
    return Plan(tuple(fresh), tuple(gone), moved, tuple(duplicates), tuple(skipped), unchanged)


def _content(item: Known) -> tuple[str, str]:
    return item.picture.sha256, item.picture.objects


def _stamps(
    files: Sequence[Path], held: Mapping[Path, Known], progress: Callable[[int], None]
) -> tuple[dict[Path, PictureFile], list[Skipped]]:
    """Return the files with their digests; those of known length and time are not read again."""
    stamps: dict[Path, PictureFile] = {}
    skipped: list[Skipped] = []
    for done, path in enumerate(files, 1):
        try:
            status = path.stat()
            item = held.get(path)
            if item and (item.picture.bytes, item.picture.modified) == (status.st_size, status.st_mtime_ns):
                stamps[path] = PictureFile(path, item.picture.sha256, status.st_size, status.st_mtime_ns)
            else:
                stamps[path] = stamp(path)
        except OSError as error:
            skipped.append(Skipped(path, error.strerror or str(error)))
        progress(done)
    return stamps, skipped
