"""Whose a reference picture is: where it came from, who made it, what licence it has.

A folder of downloaded pictures states the credits of its files in ``credits.json``: one object, from file name to the
fields of a credit. Whoever uses a picture of the folder finds them there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from deocclude.errors import InputError
from deocclude.files import write_text

CREDITS = "credits.json"
"""Name of the file in a folder of pictures."""


@dataclass(frozen=True)
class Credit:
    """What is known of a picture's origin; ``None`` where it is not known.

    Attributes:
        provider: the service or collection that named it, such as ``openverse``.
        page: address of the page about the picture.
        title: what it is called.
        licence: short name of the licence, such as ``CC BY-SA 4.0``.
        licence_url: address of the licence's text.
        creator: who made it.
        url: address of the picture itself.
    """

    provider: str | None = None
    page: str | None = None
    title: str | None = None
    licence: str | None = None
    licence_url: str | None = None
    creator: str | None = None
    url: str | None = None

    def as_plain(self) -> dict[str, str]:
        """Return what is known, as JSON values."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    @classmethod
    def from_plain(cls, entry: Mapping[str, Any]) -> Credit:
        """Return the credit that :meth:`as_plain` wrote; keys that are none of its fields are left out.

        Raises:
            TypeError: a value is neither text nor ``None``.
        """
        values = {field.name: entry.get(field.name) for field in fields(cls)}
        for key, value in values.items():
            if not isinstance(value, str | None):
                raise TypeError(f"{key} is {value!r} instead of text")
        return cls(**values)


def read_credits(folder: Path) -> dict[str, Credit]:
    """Return the credits of the pictures in ``folder`` by file name; none where it has no ``credits.json``.

    Raises:
        InputError: the file is damaged.
    """
    file = folder / CREDITS
    if not file.is_file():
        return {}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return {str(name): Credit.from_plain(entry) for name, entry in content.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        hint = "correct it, or delete it"
        raise InputError("credits by file name (JSON)", f"none ({error})", file=file, hint=hint) from None


def write_credits(folder: Path, credits: Mapping[str, Credit]) -> None:
    """Write ``credits.json``, whole or not at all: credits by the names of files in ``folder``.

    Raises:
        OutputError: it cannot be written.
    """
    content = {name: credits[name].as_plain() for name in sorted(credits)}
    write_text(folder / CREDITS, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
