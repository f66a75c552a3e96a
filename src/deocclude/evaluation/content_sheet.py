"""Contact sheet of content trials: best, median and worst, with the truth, what was given, and what each row made."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deocclude.evaluation.content_run import Result, ranked
from deocclude.images import RGBArray

CELL = 150
GAP = 4
HEAD = 22
CAPTION = 14
DIM = 0.35
"""Brightness of what is not the object."""


def contact_sheet(results: Sequence[Result], by: str, *, each: int = 3) -> RGBArray:
    """Return a picture uint8 [H, W, 3] with one line a trial.

    Args:
        results: of :func:`deocclude.evaluation.content_run.run_trials`.
        by: the row whose error orders the trials.
        each: trials of the best, of the middle and of the worst.
    """
    lines = pick(list(ranked(results, by)), each)
    columns = ["given", "truth", *results[0].answers]
    width = GAP + len(columns) * (CELL + GAP)
    line = CELL + CAPTION + GAP
    sheet = Image.new("RGB", (width, HEAD + len(lines) * line), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=11)
    for place, name in enumerate(columns):
        draw.text((GAP + place * (CELL + GAP), 5), _short(name, CELL), fill="black", font=font)
    for number, (label, result) in enumerate(lines):
        top = HEAD + number * line
        captions = [f"{label}: {result.share:.0%} hidden", result.key, *_errors(result)]
        for place, (view, caption) in enumerate(zip(_views(result), captions, strict=True)):
            left = GAP + place * (CELL + GAP)
            sheet.paste(_thumbnail(view), (left, top))
            draw.text((left, top + CELL), _short(caption, CELL), fill="black", font=font)
    return np.asarray(sheet)


def pick(ordered: Sequence[Result], each: int) -> list[tuple[str, Result]]:
    """Return (label, result) of the first, middle and last ``each`` of ordered results; all of them if they are few."""
    count = len(ordered)
    if count <= 3 * each:
        return [(f"{place + 1} of {count}", result) for place, result in enumerate(ordered)]
    middle = (count - each) // 2
    parts = (("best", 0), ("median", middle), ("worst", count - each))
    return [(label, result) for label, start in parts for result in ordered[start : start + each]]


def _views(result: Result) -> list[RGBArray]:
    pictures = [result.given, result.truth, *(answer.view for answer in result.answers.values())]
    light = np.where(result.target, 1.0, DIM)[..., None]
    shown = [(picture * light).astype(np.uint8) for picture in pictures]
    return [result.given, *shown[1:]]


def _errors(result: Result) -> list[str]:
    return [f"{answer.hidden['psnr']:.1f} dB {answer.hidden['ms_ssim']:.2f}" for answer in result.answers.values()]


def _thumbnail(view: RGBArray) -> Image.Image:
    """Return the picture in the middle of a square cell, enlarged where it is smaller."""
    image = Image.fromarray(view)
    scale = CELL / max(image.size)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    cell = Image.new("RGB", (CELL, CELL), "white")
    cell.paste(image.resize(size, Image.Resampling.BICUBIC), ((CELL - size[0]) // 2, (CELL - size[1]) // 2))
    return cell


def _short(text: str, width: int) -> str:
    """Return the end of a text that is too long for a cell: data set and folder say less than the file's name."""
    letters = width // 6
    return text if len(text) <= letters else "…" + text[-letters + 1 :]
