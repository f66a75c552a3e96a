"""Licences of found pictures: one way to write them, and what they permit."""

from __future__ import annotations

import re
from collections.abc import Sequence

from deocclude.errors import unknown_choice

USES = ("commercial", "modification")
"""What can be asked of a licence."""

_CC = re.compile(r"\bcc[ -]?(by(?:[ -](?:nc|nd|sa))*)\b[ -]?(\d\.\d)?", re.IGNORECASE)
_CC_URL = re.compile(r"creativecommons\.org/licenses/(by(?:-(?:nc|nd|sa))*)/(\d\.\d)?", re.IGNORECASE)
_PUBLIC = re.compile(
    r"\b(cc[ -]?0|pdm|public[ -]domain|pd[ -](?:\w+)|no restrictions)\b|creativecommons\.org/publicdomain/",
    re.IGNORECASE,
)
_FREE = re.compile(
    r"\b(gfdl|gnu free documentation|l?gpl|mit licen[cs]e|bsd|apache|free art licen[cs]e|fal\b|ogl|open government"
    r"|copyrighted free use|attribution only)\b|^attribution$",
    re.IGNORECASE,
)
"""Licences other than Creative Commons that permit both uses."""
_RESTRICTED = {
    "nc": re.compile(r"\bnc(?:sa|nd)?\b|\bno(?:n|t for)?\W*commercial", re.IGNORECASE),
    "nd": re.compile(r"\b(?:nc)?nd\b|\bno\W*deriv", re.IGNORECASE),
}
"""Restrictions however they are written: with other hyphens, in brackets, in words."""
_OPENVERSE_CODES = {
    "cc0": "CC0",
    "pdm": "Public domain",
    "sampling+": "CC Sampling+",
    "nc-sampling+": "CC NC-Sampling+",
}


def licence_name(code: str, version: str = "") -> str:
    """Return the usual name for a code such as ``by-sa`` with a version such as ``4.0``; empty stays empty."""
    code, version = code.strip(), version.strip()
    name = _OPENVERSE_CODES.get(code.lower())
    if name is None:
        is_by = re.fullmatch(r"by(-(nc|nd|sa))*", code, re.IGNORECASE)
        name = f"CC {code.upper()}" if is_by else code
    return f"{name} {version}".strip() if name and name != "Public domain" else name


def permits(licence: str, licence_url: str, use: str) -> bool:
    """Return whether a licence permits a use; one that is not known permits nothing.

    Args:
        licence: its name, such as ``CC BY-SA 4.0``; may be empty.
        licence_url: address of its text; may be empty.
        use: one of :data:`USES`.
    """
    terms = _terms(licence, licence_url)
    if terms is None:
        return False
    return ("nc" if use == "commercial" else "nd") not in terms


def permits_all(licence: str, licence_url: str, uses: Sequence[str]) -> bool:
    """Return whether a licence permits all of ``uses``; without any, every licence will do."""
    return all(permits(licence, licence_url, use) for use in uses)


def parse_uses(asked: str) -> tuple[str, ...]:
    """Return the uses that a text such as ``commercial,modification`` names.

    Raises:
        InputError: one that is none.
    """
    uses = tuple(dict.fromkeys(part.strip() for part in asked.split(",") if part.strip()))
    for use in uses:
        if use not in USES:
            raise unknown_choice("licence", use, USES)
    return uses


def _terms(licence: str, licence_url: str) -> frozenset[str] | None:
    """Return the restrictions of a licence, ``None`` where it is not known."""
    found = [match[1] for match in (_CC_URL.search(licence_url), _CC.search(licence)) if match]
    stated = frozenset(term for term, written in _RESTRICTED.items() if written.search(licence))
    if found:  # where name and address contradict each other, both count
        return stated.union(re.split(r"[ -]", "-".join(found).lower()))
    if "sampling" in licence.lower():
        return frozenset({"nd", *(("nc",) if "nc" in licence.lower() else ())})
    if _PUBLIC.search(licence) or _PUBLIC.search(licence_url) or _FREE.search(licence):
        return stated
    return None
