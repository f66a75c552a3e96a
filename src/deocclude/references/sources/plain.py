"""Reading answers of strangers: the value of the type that is wanted, or none; never an exception."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

LONGEST = 500
"""Longer texts are cut, characters."""
LONGEST_URL = 8192
_SILENT = frozenset({"script", "style"})


def within(content: Any, *path: str | int) -> Any:
    """Return the value at ``path``, keys of objects and places in lists; ``None`` where there is none."""
    for step in path:
        if isinstance(content, Mapping) and isinstance(step, str):
            content = content.get(step)
        elif isinstance(content, list) and isinstance(step, int) and -len(content) <= step < len(content):
            content = content[step]
        else:
            return None
    return content


def entries(content: Any, *path: str | int) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of the list at ``path``; what else is in it is passed over."""
    found = within(content, *path)
    for entry in found if isinstance(found, list) else ():
        if isinstance(entry, Mapping):
            yield entry


def text(content: Any, *path: str | int) -> str:
    """Return the text at ``path`` in one line without control characters, empty where there is none."""
    found = within(content, *path)
    if isinstance(found, int | float) and not isinstance(found, bool):
        found = str(found)
    return one_line(found) if isinstance(found, str) else ""


def number(content: Any, *path: str | int) -> int:
    """Return the whole number at ``path`` (written as text too), 0 where there is none that is positive."""
    found = within(content, *path)
    try:
        value = float(found) if isinstance(found, int | float | str) and not isinstance(found, bool) else 0.0
    except (ValueError, OverflowError):
        return 0
    return int(value) if math.isfinite(value) and 0 < value < 1e9 else 0


def address(content: Any, *path: str | int) -> str:
    """Return the http or https address at ``path``, empty where there is none."""
    found = within(content, *path)
    if not isinstance(found, str):
        return ""
    found = found.strip()
    if found.startswith("//"):
        found = f"https:{found}"
    return found if is_web(found) else ""


def is_web(url: str) -> bool:
    """Return whether this is a whole http or https address."""
    if len(url) > LONGEST_URL or any(char.isspace() or not char.isprintable() for char in url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def one_line(found: str) -> str:
    """Return text in one line, without control characters and lone surrogates, cut where it is long."""
    kept = "".join(char if char.isprintable() else " " for char in found[: 4 * LONGEST])
    return " ".join(kept.split())[:LONGEST]


def unmarked(found: str) -> str:
    """Return the text of a piece of HTML, as artist fields have it, in one line."""
    if "<" not in found and "&" not in found:
        return one_line(found)
    reader = _Text()
    try:
        reader.feed(found[: 20 * LONGEST])
        reader.close()
    except Exception:  # the parser asserts on some malformed declarations
        return one_line(html.unescape(re.sub(r"<[^>]*>?", " ", found[: 20 * LONGEST])))
    return one_line("".join(reader.parts))


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        if tag in ("br", "p", "div", "li", "tr", "td"):
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in _SILENT))

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)
