"""A folder of reference pictures as an index that is up to date: what the other stages open."""

from __future__ import annotations

from pathlib import Path

from deocclude.references.index import Index
from deocclude.references.location import index_for
from deocclude.references.manifest import is_index
from deocclude.references.update import IndexSettings, UpdateReport, build
from deocclude.stages import Progress


def open_library(
    target: Path, settings: IndexSettings | None = None, *, progress: Progress | None = None
) -> tuple[Index, UpdateReport | None]:
    """Open the index of a folder of pictures, made or brought up to date first; or an index as it is.

    The index lies in the folder, or in the user's cache where the folder cannot be written to.

    Args:
        target: a folder with pictures, or an index.
        settings: for a new index.
        progress: told the name of a step, how much of it is done, and how much there is.

    Returns:
        The index, and what was done to it; ``None`` where ``target`` is an index.

    Raises:
        InputError: neither, or the index cannot be used, or another process changes it.
        OutputError: the index cannot be written.
    """
    target = Path(target)
    if is_index(target):
        return Index(target), None
    place = index_for(target)
    report = build(place, [target], settings, progress=progress or (lambda step, done, total: None))
    return Index(place), report
