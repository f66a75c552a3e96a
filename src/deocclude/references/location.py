"""Where the index of a folder of pictures lies."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from deocclude.errors import InputError
from deocclude.references.manifest import is_index

NAME = ".deocclude-index"
"""Name of an index in the folder that it is of."""


def index_of(target: Path) -> Path:
    """Return the index that ``target`` means: itself, or that of the folder with pictures.

    Raises:
        InputError: no index there.
    """
    for place in (target, target / NAME, _cached(target)):
        if is_index(place):
            return place
    found = "a folder without one" if target.is_dir() else "no such folder"
    hint = f"make one with: deocclude index build {target}" if target.is_dir() else None
    raise InputError("an index, or a folder that has one", found, file=target, hint=hint)


def index_for(folder: Path) -> Path:
    """Return where the index of a folder with pictures lies or is to be made: in it, else in the user's cache.

    Raises:
        InputError: no such folder.
    """
    if not folder.is_dir():
        raise InputError("a folder of pictures", "a file" if folder.exists() else "no such folder", file=folder)
    inside = folder / NAME
    return inside if inside.is_dir() or os.access(folder, os.W_OK | os.X_OK) else _cached(folder)


def _cached(folder: Path) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "deocclude" / f"index-{hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]}"
