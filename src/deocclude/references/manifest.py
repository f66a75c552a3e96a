"""The table of contents of an index on disk, and the lock that keeps a second writer out.

``index.json`` names the segments that count. It is replaced in one step, and segments never change, so whoever is
killed at whatever moment leaves either the old index or the new one; what no table names is removed by the next
writer.
"""

from __future__ import annotations

import json
import shutil
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from deocclude.errors import InputError
from deocclude.files import only_writer, write_text
from deocclude.references.entries import EntrySettings
from deocclude.references.features import FeatureSettings
from deocclude.settings import from_dict

FORMAT_VERSION = 2
TABLE = "index.json"
SEGMENTS = "segments"
LOCK = "lock"
DAMAGED = "the index is damaged: build it again with 'deocclude index build --force'"
"""What to do about it."""


@dataclass(frozen=True)
class SegmentRecord:
    """A segment that counts.

    Attributes:
        name: its folder below ``segments``.
        pictures: rows in it, removed ones included.
        entries: entries in it, those of removed pictures included.
        removed: rows that do not count any more.
        moved: new paths of pictures that were renamed since, by row.
    """

    name: str
    pictures: int
    entries: int
    removed: tuple[int, ...] = ()
    moved: dict[str, str] = field(default_factory=dict)

    @property
    def alive(self) -> int:
        """Pictures that count."""
        return self.pictures - len(self.removed)


@dataclass(frozen=True)
class Manifest:
    """The table of contents.

    Attributes:
        vocabulary: digest of the vocabulary that the words are of.
        features: how features are extracted, from queries too.
        entries: which parts of a picture are entries.
        segments: the segments that count, the oldest first.
        generation: rises with every change.
    """

    vocabulary: str
    features: FeatureSettings = field(default_factory=FeatureSettings)
    entries: EntrySettings = field(default_factory=EntrySettings)
    segments: tuple[SegmentRecord, ...] = ()
    generation: int = 0


def vocabulary_file(folder: Path, digest: str) -> Path:
    """Return the file of the vocabulary with this digest in an index."""
    return folder / f"vocabulary-{digest[:8]}.npz"


def is_index(folder: Path) -> bool:
    """Whether an index lies in ``folder``."""
    return (folder / TABLE).is_file()


def read_manifest(folder: Path) -> Manifest:
    """Read the table of contents of an index.

    Raises:
        InputError: no index there, a damaged table, or one of another version.
    """
    path = folder / TABLE
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        found = "a folder without one" if folder.is_dir() else "no such folder"
        raise InputError("an index", found, file=folder, hint="make one with 'deocclude index build FOLDER'") from None
    except ValueError:
        raise _damaged(path) from None
    version = content.pop("version", None) if isinstance(content, dict) else None
    if version is None:
        raise _damaged(path)
    if version != FORMAT_VERSION:
        hint = "another release wrote it: build it again with 'deocclude index build --force'"
        raise InputError(f"version {FORMAT_VERSION}", str(version), file=path, field="version", hint=hint)
    try:
        return from_dict(Manifest, content, file=path)
    except (InputError, TypeError):
        raise _damaged(path) from None


def publish(folder: Path, manifest: Manifest) -> None:
    """Make ``manifest`` the table of contents, in one step.

    Raises:
        OutputError: it cannot be written.
    """
    write_text(folder / TABLE, json.dumps({"version": FORMAT_VERSION, **asdict(manifest)}, ensure_ascii=False))


def sweep(folder: Path, manifest: Manifest) -> None:
    """Remove what no table names: replaced segments, and what writers that were killed left behind."""
    wanted = {record.name for record in manifest.segments}
    for path in (folder / SEGMENTS).glob("*"):
        if path.name not in wanted:
            shutil.rmtree(path, ignore_errors=True)
    kept = vocabulary_file(folder, manifest.vocabulary)
    for path in (*folder.glob(".*.part*"), *(other for other in folder.glob("vocabulary-*") if other != kept)):
        path.unlink(missing_ok=True)


def writing(folder: Path) -> AbstractContextManager[None]:
    """Return the lock of an index, to be held while it is changed.

    Raises:
        InputError: another process changes the index.
    """
    return only_writer(folder / LOCK, "an index", "wait until it is done; reading goes on meanwhile")


def _damaged(path: Path) -> InputError:
    return InputError("a table of contents of an index", "a damaged file", file=path, hint=DAMAGED)
