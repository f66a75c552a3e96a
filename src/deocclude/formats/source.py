"""What a path holds, found out from its content: a JSON file (parsed here, once), a picture, or a folder."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from deocclude.errors import InputError
from deocclude.formats.record import describe


class Kind(Enum):
    """What stands under a path."""

    JSON = "a JSON file"
    PICTURE = "a picture file"
    FOLDER = "a folder"


@dataclass(frozen=True)
class Source:
    """An opened path.

    Attributes:
        path: where it is.
        kind: what it is.
        document: the parsed JSON; ``None`` for pictures and folders.
    """

    path: Path
    kind: Kind
    document: Any = None

    @property
    def description(self) -> str:
        """What was found, for the message that no format fits."""
        if self.kind is Kind.FOLDER:
            empty = not any(self.path.iterdir())
            return "an empty folder" if empty else "a folder without mask PNGs or JSON files of these formats"
        if self.kind is Kind.PICTURE:
            return "a picture file"
        if isinstance(self.document, list) and self.document:
            return f"a JSON list that starts with {_outline(self.document[0])}"
        return "an empty JSON list" if self.document == [] else f"JSON: {_outline(self.document)}"

    @property
    def top_keys(self) -> frozenset[str]:
        """The keys of the JSON object; empty for anything else."""
        return frozenset(self.document) if isinstance(self.document, dict) else frozenset()

    @property
    def annotations(self) -> list[dict[str, Any]]:
        """The objects of the JSON's list ``annotations``; empty where there is none."""
        found = self.document["annotations"] if "annotations" in self.top_keys else None
        return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _outline(value: Any) -> str:
    """Say what a JSON value is, an object by its first keys."""
    if isinstance(value, dict) and value:
        return f"an object with {', '.join(map(repr, list(value)[:6]))}"[:200]
    return describe(value)


def open_source(path: Path | str) -> Source:
    """Look at ``path`` and parse it if it is JSON.

    Raises:
        InputError: nothing is there, it cannot be read, the file is empty, or the JSON is damaged.
    """
    path = Path(path)
    if path.is_dir():
        return Source(path, Kind.FOLDER)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputError("a file or folder of masks", "no such file or folder", file=path) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError("a file that can be read", str(reason), file=path) from None
    if not raw.strip():
        raise InputError("a file of masks", "an empty file", file=path)
    if is_picture(raw):
        return Source(path, Kind.PICTURE)
    return Source(path, Kind.JSON, _parse(raw, path))


def is_picture(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a picture format in use for masks and photos."""
    magic = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF", b"P5", b"P6")
    return head.startswith(magic)


def natural_key(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key under which ``mask_2`` precedes ``mask_10``."""
    parts = re.split(r"([0-9]+)", path.name)
    numbered = [(0, int(part), "") if part.isdecimal() else (1, 0, part.lower()) for part in parts if part]
    return (*numbered, (2, 0, path.name))


def visible_files(folder: Path, *suffixes: str) -> list[Path]:
    """Return the files of ``folder`` with one of ``suffixes``, hidden ones left out, in natural order.

    Raises:
        InputError: the folder cannot be read.
    """
    try:
        found = [
            path
            for path in folder.iterdir()
            if path.suffix.lower() in suffixes and path.is_file() and not path.name.startswith(".")
        ]
    except OSError as error:
        raise InputError("a folder that can be read", error.strerror or str(error), file=folder) from None
    return sorted(found, key=natural_key)


def _parse(raw: bytes, path: Path) -> Any:
    start = raw.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1]
    if start not in (b"{", b"["):
        hint = "write arrays as one PNG a mask into a folder, or hand them to deocclude.open_project in Python"
        raise InputError(
            "JSON, a label picture or a folder of mask PNGs", "a file of another kind", file=path, hint=hint
        )
    try:
        return json.loads(raw.decode(json.detect_encoding(raw)))  # Windows also writes UTF-16
    except json.JSONDecodeError as error:
        place = f"{error.msg} in line {error.lineno}, column {error.colno}"
        cut_off = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated")
        found = "a file that is cut off" if cut_off else f"damage ({place})"
        raise InputError("complete JSON", found, file=path, hint="write or download the file again") from None
    except UnicodeDecodeError:
        raise InputError("JSON in UTF-8 or UTF-16", "another encoding", file=path) from None
    except (RecursionError, ValueError) as error:
        reason = "too deep nesting" if isinstance(error, RecursionError) else str(error)
        raise InputError("JSON that can be parsed", reason, file=path) from None
