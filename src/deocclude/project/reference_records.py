"""References to and from the project folder: the list in ``scene.json``, pixels in ``references/``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deocclude.content.patch import Provenance
from deocclude.content.reference_record import References, ReferenceUsed
from deocclude.errors import InputError
from deocclude.formats.record import Record
from deocclude.geometry import Size
from deocclude.project.records import fill_entries, read_fills, write_fills
from deocclude.references.choice import Choice
from deocclude.references.credit import Credit

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


def read_references(folder: Path, index: Record, size: Size) -> References | None:
    """Read what :func:`write_references` wrote of a photo of ``size``; ``None`` where there is nothing.

    Raises:
        InputError: a picture is missing or damaged, or an entry in ``index`` has a value of another type.
        KeyError, TypeError, ValueError: an entry in ``index`` is damaged otherwise.
    """
    if not index.has("references"):
        return None
    entry = index.record("references")
    pictures = []
    for position, plain in enumerate(entry.records("pictures")):
        small = folder / _small(position)
        _check_picture(plain)
        pictures.append(ReferenceUsed.from_plain(plain.values, small.read_bytes() if small.is_file() else b""))
    known = {one.number for one in pictures}
    parts = read_fills(folder, entry.records("parts"), size)
    for identity, part in parts.items():
        for number in {int(code) - Provenance.REFERENCE for code in part.provenance[part.hole]}:
            if number not in known:
                raise InputError("references that are listed", f"pixels of reference {number}, which is not",
                                 file=folder / f"{identity}.provenance.png")  # fmt: skip
    return References(tuple(pictures), parts)


def _check_picture(entry: Record) -> None:
    """Refuse values of another type, which would be met only where the list is shown."""
    for key in ("path", "sha256", "reason_rejected", *Credit.__dataclass_fields__):
        entry.text(key)
    for trial in entry.records("objects"):
        trial.whole("object"), trial.whole("pixels"), trial.number_or_none("probability"), trial.text("reason")


def choices_of(index: Record) -> tuple[Choice, ...]:
    """Return the references that were picked or rejected by hand."""
    said = index.record("corrections")
    entries = said.records("references") if said.has("references") else ()
    return tuple(map(_choice, entries))


def _choice(entry: Record) -> Choice:
    entry.text("path"), entry.text("sha256"), entry.whole_or_none("object")
    return Choice(**entry.values)


def _small(position: int) -> str:
    return f"picture_{position}.jpg"
