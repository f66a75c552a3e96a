"""What a retrieval evaluation leaves behind: tables, the answers to every query, and a sheet of what went wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deocclude.datasets.retrieval import part
from deocclude.evaluation.retrieval import PROTOCOL, Result, record
from deocclude.evaluation.tables import Table
from deocclude.files import atomic_folder, write_text
from deocclude.images import RGBArray, read_photo, write_picture

TABLES, NUMBERS, SHEET = "retrieval.md", "retrieval.json", "sheet.png"
LINES = 24
"""Queries on a sheet."""
CELL, CAPTION, GAP = 130, 16, 4
GOOD, BAD, PLAIN = (20, 150, 60), (200, 40, 40), (130, 130, 130)


def write_results(folder: Path, results: Sequence[Result], tables: Sequence[Table], about: Sequence[str]) -> None:
    """Write the folder, whole or not at all.

    Args:
        folder: replaced if it is there.
        results: of :func:`deocclude.evaluation.retrieval.measure`.
        tables: of :func:`deocclude.evaluation.retrieval.tables`.
        about: what was searched, a line each.

    Raises:
        OutputError: the place is not writable.
    """
    content = {
        "protocol": PROTOCOL,
        "about": list(about),
        "tables": [table.as_plain() for table in tables],
        "queries": [record(result) for result in results],
    }
    with atomic_folder(folder, replaced=()) as target:
        write_text(target / TABLES, "\n".join(table.markdown() for table in tables))
        write_text(target / NUMBERS, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        write_picture(target / SHEET, sheet(results))


def sheet(results: Sequence[Result]) -> RGBArray:
    """Return a picture uint8 [H, W, 3]: queries whose first picture by the last row is wrong, then some others.

    Each line shows the query and the first pictures, framed green where they show the object and red elsewhere.
    """
    row = list(results[0].places)[-1]
    lines = _spread([one for one in results if not _right(one, row)], LINES)
    lines += _spread([one for one in results if _right(one, row)], LINES - len(lines))
    most = max(len(one.places[row]) for one in lines)
    height = CELL + CAPTION + GAP
    canvas = Image.new("RGB", (GAP + (1 + most) * (CELL + GAP), GAP + len(lines) * height), "white")
    for number, result in enumerate(lines):
        cells = [(_asked(result), PLAIN, f"{result.kind}: {result.case.photo.stem}")]
        cells += [
            (read_photo(one.path, convert=True).pixels, GOOD if one.right else BAD,
             f"{one.probability:.0%} {one.path.stem}")
            for one in result.places[row]
        ]  # fmt: skip
        for place, cell in enumerate(cells):
            _paste(canvas, (GAP + place * (CELL + GAP), GAP + number * height), cell)
    return np.asarray(canvas)


def _right(result: Result, row: str) -> bool:
    return bool(result.places[row]) and result.places[row][0].right


def _spread(results: Sequence[Result], most: int) -> list[Result]:
    """Return ``most`` results at most, evenly spread."""
    count = min(most, len(results))
    return [results[int(place)] for place in np.linspace(0, len(results) - 1, count)] if count > 0 else []


def _asked(result: Result) -> RGBArray:
    rgb, use = part(result.case.photo, result.kind, result.seed)
    return rgb if use is None else np.where(use[..., None], rgb, np.uint8(255)).astype(np.uint8)


def _paste(canvas: Image.Image, corner: tuple[int, int], cell: tuple[RGBArray, tuple[int, int, int], str]) -> None:
    pixels, colour, caption = cell
    image = Image.fromarray(pixels)
    image.thumbnail((CELL - 6, CELL - 6))
    x, y = corner
    draw = ImageDraw.Draw(canvas)
    draw.rectangle((x, y, x + CELL - 1, y + CELL - 1), outline=colour, width=3)
    canvas.paste(image, (x + (CELL - image.width) // 2, y + (CELL - image.height) // 2))
    letters = CELL // 6
    short = caption if len(caption) <= letters else caption[: letters - 1] + "…"
    draw.text((x, y + CELL), short, fill="black", font=ImageFont.load_default(size=11))
