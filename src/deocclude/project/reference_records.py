"""References to and from the project folder: the list in ``scene.json``, pixels in ``references/``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deocclude.content.patch import Provenance
from deocclude.errors import InputError
from deocclude.project.records import fill_entries, read_fills, write_fills
from deocclude.references.choice import Choice
from deocclude.references.record import References, ReferenceUsed

FOLDER = "references"


def reference_index(found: References) -> dict[str, Any]:
    """Return what ``scene.json`` says of references, as plain values."""
    return {"pictures": [one.as_plain() for one in found.pictures], "parts": fill_entries(found.parts)}


def write_references(found: References, folder: Path) -> None:
    """Write the pixels that references gave, and a small picture of each reference; no folder where there is none.

    Raises:
        OutputError: a file cannot be written.
    """
    if not found.pictures:
        return
    write_fills(found.parts, folder)
    for position, picture in enumerate(found.pictures):
        if picture.thumbnail:
            (folder / _small(position)).write_bytes(picture.thumbnail)


def read_references(folder: Path, index: Mapping[str, Any]) -> References:
    """Read what :func:`write_references` wrote.

    Raises:
        InputError: a picture is missing or damaged.
        KeyError, TypeError, ValueError: the entry in ``index`` is damaged.
    """
    entry = index.get("references")
    if entry is None:
        return References()
    pictures = []
    for position, plain in enumerate(entry["pictures"]):
        small = folder / _small(position)
        pictures.append(ReferenceUsed.from_plain(plain, small.read_bytes() if small.is_file() else b""))
    known = {one.number for one in pictures}
    parts = read_fills(folder, entry["parts"])
    for identity, part in parts.items():
        for number in {int(code) - Provenance.REFERENCE for code in part.provenance[part.hole]}:
            if number not in known:
                raise InputError("references that are listed", f"pixels of reference {number}, which is not",
                                 file=folder / f"{identity}.provenance.png")  # fmt: skip
    return References(tuple(pictures), parts)


def choices_of(index: Mapping[str, Any]) -> tuple[Choice, ...]:
    """Return the references that were picked or rejected by hand."""
    return tuple(Choice(**entry) for entry in index["corrections"].get("references", ()))


def _small(position: int) -> str:
    return f"picture_{position}.jpg"
