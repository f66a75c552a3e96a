"""A page with what a search found: thumbnails with the part that matches outlined, probabilities, paths."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from string import Template

import numpy as np

from deocclude.errors import InputError
from deocclude.files import write_text
from deocclude.geometry import Box
from deocclude.images import RGBArray, read_photo, thumbnail
from deocclude.project.markup import Html, join, tag
from deocclude.project.report_pictures import photo_picture
from deocclude.references.entries import Kind
from deocclude.references.search import Answer, Found

SIDE = 320
"""Longer side of a thumbnail, pixels."""
_OUTLINE = (255, 45, 135)

_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>Similar pictures – deocclude</title><style>
:root { color-scheme: light dark; --line: light-dark(#dedcd4, #33363d); --card: light-dark(#fff, #1d1f24);
  --soft: light-dark(#5a5c63, #a8abb3); --good: light-dark(#0b6b66, #58c9bf); }
body { margin: 0 auto; max-width: 1240px; padding: 28px; font: 16px/1.5 system-ui, sans-serif;
  background: light-dark(#f5f4f0, #131417); color: light-dark(#1c1d20, #ececea); }
h1 { font-size: 1.7rem; margin: 0; } h2 { font-size: 1.2rem; margin: 28px 0 10px; }
p { color: var(--soft); margin: 4px 0; }
.row { display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 16px; }
figure { margin: 0; padding: 10px; border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
figure.found { border: 2px solid var(--good); }
img { display: block; max-width: 100%; height: 220px; object-fit: contain; margin: 0 auto 8px; }
figcaption { overflow-wrap: anywhere; font-size: .86rem; color: var(--soft); } figcaption b { color: var(--good); }
</style></head><body><h1>Similar pictures</h1><p>$summary</p><h2>Asked for</h2><div class="row">$asked</div>
<h2>Found</h2><div class="row">$found</div></body></html>
""")


def write_sheet(target: Path, photos: Sequence[Path], answer: Answer) -> None:
    """Write an HTML page that needs nothing else.

    Args:
        target: the file; replaced as a whole.
        photos: what was asked for.
        answer: what was found.

    Raises:
        OutputError: it cannot be written.
    """
    count = len(answer.references)
    verdict = f"{count} show the same object." if count else "None shows the same object."
    page = _PAGE.substitute(
        summary=join((f"{len(answer.ranked)} pictures that look alike. {verdict}",)),
        asked=join(_figure(photo, Html(tag("span", photo.name))) for photo in photos),
        found=join(_card(rank, one, one in answer.references) for rank, one in enumerate(answer.ranked, 1)),
    )
    write_text(target, page)


def _card(rank: int, one: Found, is_reference: bool) -> Html:
    chance = f"{one.probability:.0%}, {one.inliers} matches" if one.verdict else "not verified"
    caption = join((
        tag("b", f"{rank}. {chance}"), tag("br"), one.hit.path.name, tag("br"),
        f"words {one.hit.words:.2f}, colours {one.hit.colours:.2f}, {one.part}", tag("br"),
        tag("small", str(one.hit.path)),
    ))  # fmt: skip
    outlined = None if one.hit.kind == Kind.PICTURE else one.hit.box
    return _figure(one.hit.path, caption, outlined, found=is_reference)


def _figure(path: Path, caption: Html, box: Box | None = None, *, found: bool = False) -> Html:
    try:
        picture = photo_picture(_outlined(read_photo(path, convert=True).pixels, box), SIDE)
        image = tag("img", src=picture.uri, width=picture.width, height=picture.height, alt=path.name)
    except InputError:
        image = tag("p", "The file cannot be read any more.")
    return tag("figure", image, tag("figcaption", caption), class_="found" if found else None)


def _outlined(pixels: RGBArray, box: Box | None) -> RGBArray:
    """Return a small copy with the box drawn on it."""
    small = np.array(thumbnail(pixels, SIDE))
    if box is None:
        return small
    scale = small.shape[1] / pixels.shape[1]
    x0, y0, x1, y1 = (round(edge * scale) for edge in box)
    frame = np.zeros(small.shape[:2], bool)
    frame[y0:y1, x0:x1] = True
    frame[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2] = False
    small[frame] = _OUTLINE
    return small
