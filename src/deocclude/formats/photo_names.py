"""How annotations name their photos, and how a photo is found by such a name.

Data sets with folders state ``train/1.jpg`` beside ``val/1.jpg``; files that were moved state folders that are gone.
A name is therefore kept with its folders, and compared from its end.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath


def stated_name(text: str) -> str:
    """Return a photo's name as a relative path with ``/``, whichever way its slashes lean.

    Of an absolute path the root goes, of one that climbs (``../photos/1.jpg``) all up to the last ``..``, and of a
    URL all but the last part: its folders say nothing about those on disk.
    """
    if "://" in text:
        return base_name(text)
    parts = [part for part in text.replace("\\", "/").split("/") if part not in ("", ".")]
    if parts and re.fullmatch("[A-Za-z]:", parts[0]):
        del parts[0]
    climbs = [position for position, part in enumerate(parts) if part == ".."]
    return "/".join(parts[climbs[-1] + 1 if climbs else 0 :])


def base_name(path: str) -> str:
    """Return the last part of a file name or URL, whichever way its slashes lean."""
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def agreement(stated: str, path: Path) -> tuple[bool, int]:
    """Return how well the folders of a stated name fit those of a photo's ``path``: whether all do, and how many.

    They are compared from the end; the file names themselves are not looked at. The larger, the better.
    """
    folders = PurePosixPath(stated).parent.parts
    shared = 0
    for one, other in zip(reversed(folders), reversed(path.parent.parts), strict=False):
        if one != other:
            break
        shared += 1
    return shared == len(folders), shared


def find_photo(stated: str, places: Sequence[Path]) -> Path | None:
    """Return the file in one of the folders ``places`` that a photo's stated name means, or ``None``.

    Sought are the whole name, then the name without its first folder, and so on down to the bare file name; each of
    them in every place before the next one.
    """
    parts = stated.split("/")
    tails = (parts[start:] for start in range(len(parts)))
    found = (place.joinpath(*tail) for tail in tails for place in places)
    return next((path for path in found if os.path.isfile(path)), None)  # noqa: PTH113 - takes names that are too long
