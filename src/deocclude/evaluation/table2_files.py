"""What a Table 2 evaluation leaves behind: tables, the numbers of every sample, and galleries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deocclude.datasets.reference_sample import ReferenceKind
from deocclude.evaluation.table2 import PROTOCOL, Result, record
from deocclude.evaluation.table2_rows import ORIGINAL
from deocclude.evaluation.tables import Table
from deocclude.files import atomic_folder, write_text
from deocclude.images import RGBArray, write_picture

TABLES, NUMBERS = "table2.md", "table2.json"
CELL, GAP, HEAD, CAPTION = 128, 4, 20, 14
GALLERIES = {"samples.png": "spread", "best.png": "best", "worst.png": "worst"}
"""Files, and what they show: samples of the data set (Figure 5 of the paper), gains (Figure 8), losses (Figure 9)."""


def write_table2(folder: Path, results: Sequence[Result], found: Sequence[Table], *, by: str) -> None:
    """Write the folder, whole or not at all.

    Args:
        folder: replaced if it is there.
        results: of :func:`deocclude.evaluation.table2.run_samples`.
        found: its tables.
        by: the row whose gains over the original order the galleries.

    Raises:
        OutputError: the folder cannot be written.
    """
    with atomic_folder(folder, replaced=()) as part:
        write_text(part / TABLES, "\n".join(table.markdown() for table in found))
        about = {"protocol": PROTOCOL, "samples": [record(result) for result in results]}
        write_text(part / NUMBERS, json.dumps(about, indent=1) + "\n")
        for name, which in GALLERIES.items():
            write_picture(part / name, gallery(results, which, by=by))


def gallery(results: Sequence[Result], which: str, *, by: str, most: int = 12) -> RGBArray:
    """Return a picture uint8 [H, W, 3] with a line a sample: given, reference, aligned, each row, truth.

    Args:
        results: of :func:`deocclude.evaluation.table2.run_samples`.
        which: ``best`` and ``worst`` by the gain of a row over the original, or ``spread`` over all.
        by: the row.
        most: lines.
    """
    shown = [result for result in results if result.kind is not ReferenceKind.NONE] or list(results)
    ordered = sorted(shown, key=lambda result: _gain(result, by), reverse=which == "best")
    if which == "spread":
        places = np.unique(np.linspace(0, len(shown) - 1, min(most, len(shown))).astype(int))
        ordered = [shown[int(place)] for place in places]
    lines = ordered[:most]
    names = list(lines[0].pictures)
    sheet = Image.new("RGB", (GAP + len(names) * (CELL + GAP), HEAD + len(lines) * (CELL + CAPTION + GAP)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=11)
    for place, name in enumerate(names):
        draw.text((GAP + place * (CELL + GAP), 4), name[: CELL // 6], fill="black", font=font)
    for number, result in enumerate(lines):
        top = HEAD + number * (CELL + CAPTION + GAP)
        for place, (name, picture) in enumerate(result.pictures.items()):
            left = GAP + place * (CELL + GAP)
            sheet.paste(Image.fromarray(picture).resize((CELL, CELL)), (left, top))
            draw.text((left, top + CELL), _caption(result, name), fill="black", font=font)
    return np.asarray(sheet)


def _caption(result: Result, name: str) -> str:
    if name in result.answers:
        return f"{result.answers[name]['psnr']:.1f} dB"
    return str(result.kind) if name == "reference" else result.key[-(CELL // 6) :] if name == "given" else ""


def _gain(result: Result, row: str) -> float:
    return result.answers[row]["psnr"] - result.answers[ORIGINAL]["psnr"]
