"""Typed access to parsed JSON: a wrong value becomes one line that names the file and the field."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deocclude.errors import InputError

_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
_LARGEST_WHOLE = 2**53
"""Beyond it JSON numbers are no longer exact."""


def describe(value: Any) -> str:
    """Say in a few words what a JSON value is."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        text = str(value) if isinstance(value, float) or abs(value) <= _LARGEST_WHOLE else "a huge number"
        return text if len(text) < 30 else "a number"
    if isinstance(value, str):
        return f"the text {value[:40]!r}" if len(value) <= 40 else f"the text {value[:40]!r}..."
    return _KINDS.get(type(value), type(value).__name__)


def is_whole(value: Any) -> bool:
    """Whether a JSON value is a whole number (3 and 3.0 are, true is not)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) <= _LARGEST_WHOLE and value == int(value)


@dataclass(frozen=True)
class Record:
    """One JSON object of a file.

    Attributes:
        values: the parsed object.
        file: the file it stands in.
        place: where in the file, such as ``annotations[3]``; empty at the top.
    """

    values: dict[str, Any]
    file: Path
    place: str = ""

    @staticmethod
    def of(value: Any, file: Path, place: str = "") -> Record:
        """Return the record of a parsed ``value``.

        Raises:
            InputError: it is no JSON object.
        """
        if not isinstance(value, dict):
            raise InputError("an object {...}", describe(value), file=file, field=place or None)
        return Record(value, file, place)

    def field(self, key: str) -> str:
        """Return the full name of ``key`` in the file."""
        return f"{self.place}.{key}" if self.place else key

    def wrong(self, key: str, expected: str, *, found: str | None = None, hint: str | None = None) -> InputError:
        """Return the error for the value of ``key``."""
        if found is None:
            found = describe(self.values[key]) if key in self.values else "nothing"
        return InputError(expected, found, file=self.file, field=self.field(key), hint=hint)

    def has(self, key: str) -> bool:
        """Whether ``key`` is there with a value other than null."""
        return self.values.get(key) is not None

    def whole(self, key: str) -> int:
        """Return a whole number.

        Raises:
            InputError: it is absent or no whole number. So for all methods below.
        """
        value = self.values.get(key)
        if not is_whole(value):
            raise self.wrong(key, "a whole number")
        return int(value)  # type: ignore[arg-type]

    def whole_or_none(self, key: str) -> int | None:
        """Return a whole number, or ``None`` where it is absent or null."""
        return self.whole(key) if self.has(key) else None

    def number(self, key: str) -> float:
        """Return a finite number."""
        return finite(self.values.get(key), self, key)

    def number_or_none(self, key: str) -> float | None:
        """Return a finite number, or ``None`` where it is absent or null."""
        return self.number(key) if self.has(key) else None

    def flag(self, key: str) -> bool:
        """Return true or false, also written 1 or 0; false where it is absent or null."""
        value = self.values.get(key)
        if value is None:
            return False
        if value in (0, 1) and isinstance(value, (bool, int, float)):
            return bool(value)
        raise self.wrong(key, "0 or 1")

    def text(self, key: str) -> str:
        """Return a text that can be written anywhere; the empty one where it is absent or null."""
        return self.exact_text(key).encode("utf-8", "replace").decode("utf-8")

    def exact_text(self, key: str) -> str:
        """Return a text with its halves of surrogate pairs: names of files that are no UTF-8."""
        value = self.values.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.wrong(key, "a text")
        return value

    def identity(self, key: str) -> int | str:
        """Return a number or text that names an image."""
        value = self.values.get(key)
        if isinstance(value, str):
            return value
        if not is_whole(value):
            raise self.wrong(key, "a whole number or a text")
        return int(value)  # type: ignore[arg-type]

    def items(self, key: str) -> list[Any]:
        """Return a list."""
        value = self.values.get(key)
        if not isinstance(value, list):
            raise self.wrong(key, "a list [...]")
        return value

    def record(self, key: str) -> Record:
        """Return the object under ``key``."""
        return Record.of(self.values.get(key), self.file, self.field(key))

    def records(self, key: str) -> Iterator[Record]:
        """Yield the objects of the list under ``key``."""
        for position, value in enumerate(self.items(key)):
            yield Record.of(value, self.file, f"{self.field(key)}[{position}]")


def finite(value: Any, record: Record, key: str) -> float:
    """Return ``value``, found under ``key`` of ``record``, as a finite number.

    Raises:
        InputError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise record.wrong(key, "a number", found=describe(value))
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise record.wrong(key, "a finite number", found=describe(value))
    return number
