"""A page with what the web knows of an object, whose it is and what one may do with it (An et al., Figure 8)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from deocclude.errors import InputError
from deocclude.files import write_text
from deocclude.images import read_photo
from deocclude.project.markup import Html, join, tag
from deocclude.project.report_pictures import photo_picture
from deocclude.references.search import Found, is_reference
from deocclude.references.sources import plain
from deocclude.references.sources.candidates import Candidate
from deocclude.references.sources.fetch import Fetched

if TYPE_CHECKING:
    from deocclude.references.sources.session import WebQuery

SIDE = 320
"""Longer side of a picture on the page, pixels."""

_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<title>Found on the web – deocclude</title><style>
:root { color-scheme: light dark; --line: light-dark(#dedcd4, #33363d); --card: light-dark(#fff, #1d1f24);
  --soft: light-dark(#5a5c63, #a8abb3); --good: light-dark(#0b6b66, #58c9bf); }
body { margin: 0 auto; max-width: 1240px; padding: 28px; font: 16px/1.5 system-ui, sans-serif;
  background: light-dark(#f5f4f0, #131417); color: light-dark(#1c1d20, #ececea); }
h1 { font-size: 1.7rem; margin: 0; } h2 { font-size: 1.2rem; margin: 28px 0 10px; }
p, li { color: var(--soft); margin: 4px 0; }
a { color: inherit; }
.row { display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 16px; }
figure { margin: 0; padding: 10px; border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
figure.found { border: 2px solid var(--good); }
img { display: block; max-width: 100%; height: 220px; object-fit: contain; margin: 0 auto 8px; }
figcaption { overflow-wrap: anywhere; font-size: .86rem; color: var(--soft); } figcaption b { color: var(--good); }
</style></head><body><h1>Found on the web</h1><p>$summary</p><h2>Asked for</h2><div class="row">$asked</div>
<h2>Found</h2><div class="row">$found</div>$failures</body></html>
""")


def write_sheet(
    target: Path, folder: Path, query: WebQuery, found: Fetched, verified: Mapping[str, Found] | None = None
) -> None:
    """Write an HTML page that needs nothing else.

    Args:
        target: the file; replaced as a whole.
        folder: where the pictures lie.
        query: what was asked.
        found: what came of it.
        verified: what the verification said, by file name.

    Raises:
        OutputError: it cannot be written.
    """
    known = verified or {}
    shown = [one for one in found.answer.candidates if one.url in found.files]
    count = sum(_is_same(known.get(name)) for name in set(found.files.values()))
    verdict = f" {count} of them show the same object." if verified else ""
    page = _PAGE.substitute(
        summary=join((f"{len(shown)} pictures for {query.label}.{verdict}",)),
        asked=_asked(query, found.answer.words),
        found=join(_card(rank, one, folder, found, known) for rank, one in enumerate(shown, 1)),
        failures=_failures(found),
    )
    write_text(target, page)


def _asked(query: WebQuery, words: str) -> Html:
    caption = tag("figcaption", tag("b", query.label), tag("br"), f"words: {words}" if words else "no words")
    if query.picture is None:
        return tag("figure", tag("p", "Asked by words only."), caption)
    data = base64.b64encode(query.picture.data).decode()
    return tag("figure", tag("img", src=f"data:image/jpeg;base64,{data}", alt=query.label), caption)


def _card(rank: int, one: Candidate, folder: Path, found: Fetched, known: Mapping[str, Found]) -> Html:
    name = found.files[one.url]
    verdict = known.get(name)
    chance = f": {verdict.probability:.0%} the same object" if verdict is not None and verdict.verdict else ""
    caption = tag(
        "figcaption",
        tag("b", f"{rank}{chance}"), tag("br"),
        _link(one.page, one.title or "untitled"), f" by {one.creator or 'unknown'}", tag("br"),
        "licence: ", _link(one.licence_url, one.licence or "unknown"), tag("br"),
        tag("small", f"{one.provider}, {name}"),
    )  # fmt: skip
    try:
        picture = photo_picture(read_photo(folder / name, convert=True).pixels, SIDE)
        image = tag("img", src=picture.uri, width=picture.width, height=picture.height, alt=one.title or name)
    except InputError:
        image = tag("p", "The file cannot be read any more.")
    return tag("figure", image, caption, class_="found" if _is_same(verdict) else None)


def _is_same(verdict: Found | None) -> bool:
    return verdict is not None and is_reference(verdict)


def _link(url: str, words: str) -> Html:
    if not plain.is_web(url):
        return tag("span", words)
    return tag("a", words, href=url, rel="noopener noreferrer", target="_blank")


def _failures(found: Fetched) -> Html:
    if not found.failures:
        return Html("")
    lines = (tag("li", f"{one.provider}: {one.reason.value}: {one.text} {one.url}") for one in found.failures)
    return tag("section", tag("h2", "Not found or not fetched"), tag("ul", join(lines)))
