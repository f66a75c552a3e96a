"""HTML written by functions: tags balance by construction, and all text is escaped unless it is markup already."""

from __future__ import annotations

import html
from collections.abc import Iterable

VOID = frozenset({"img", "input", "meta", "link", "br", "hr"})
"""Elements without content and end tag."""


class Html(str):
    """Markup; all other strings are text and get escaped."""

    __slots__ = ()


Child = str | int | float | None
Attribute = str | int | float | bool | None


def escape(text: object) -> Html:
    """Return ``text`` as markup: unchanged if it is markup, else with ``& < > " '`` escaped."""
    return text if isinstance(text, Html) else Html(html.escape(str(text), quote=True))


def tag(name: str, *children: Child, **attributes: Attribute) -> Html:
    """Return an element.

    Args:
        name: e.g. ``td``.
        children: text or markup, in order; ``None`` is left out.
        attributes: a trailing underscore is cut (``class_``), others become hyphens (``data_id``). ``True`` writes
            the bare name, ``False`` and ``None`` leave the attribute out.
    """
    opening = f"<{name}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    if name in VOID:
        return Html(opening)
    return Html(f"{opening}{join(children)}</{name}>")


def join(children: Iterable[Child], separator: str = "") -> Html:
    """Return the children one after the other, ``separator`` (text) between them; ``None`` is left out."""
    return Html(escape(separator).join(escape(child) for child in children if child is not None))


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(value)}"'
