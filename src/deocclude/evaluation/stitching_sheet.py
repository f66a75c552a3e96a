"""The gallery: a line a query with the truth, what was given, the references, and what each row made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deocclude.datasets.ukbench import Query
from deocclude.evaluation.stitching import Record
from deocclude.evaluation.stitching_references import MOST
from deocclude.geometry import Size
from deocclude.images import RGBArray
from deocclude.masks import Mask

HEIGHT = 150
WIDTH = 200
GAP = 4
CAPTION = 16
MARGIN = 4
"""Where the hole is much smaller than the picture, the line shows so many times the hole's size."""


def line_of(query: Query, record: Record, pictures: Mapping[str, RGBArray]) -> RGBArray:
    """Return a line of the gallery, uint8 [h, w, 3]: all lines of the same rows have the same size."""
    given = np.where(query.hole[..., None], np.uint8(255), query.truth)
    given = np.where((query.usable | query.hole)[..., None], given, given // 3).astype(np.uint8)
    window = _window(query)
    views: list[tuple[str, RGBArray | None]] = [
        ("truth", query.truth[window]),
        (f"{record.key}: {record.hidden:.0%} hidden", given[window]),
    ]
    views += list(zip(query.sources, query.references, strict=True))[:MOST]
    views += [("", None)] * (MOST + 2 - len(views))
    for row, picture in pictures.items():
        views.append((f"{row} {record.answers[row].scores['psnr']:.1f} dB", picture[window]))
    return np.hstack([_cell(caption, picture) for caption, picture in views])


def gallery(lines: Sequence[RGBArray], most: int = 24) -> RGBArray:
    """Return at most ``most`` of the lines below each other, spread evenly over them."""
    chosen = np.unique(np.linspace(0, len(lines) - 1, min(most, len(lines))).astype(int))
    width = max(line.shape[1] for line in lines)
    shown = [lines[int(number)] for number in chosen]
    padded = [np.pad(line, ((0, 0), (0, width - line.shape[1]), (0, 0)), constant_values=255) for line in shown]
    return np.vstack(padded)


def _window(query: Query) -> tuple[slice, slice]:
    """Return the part of the picture to show: all of it, or the surroundings of a small hole."""
    box = Mask.from_array(query.hole).box
    side = MARGIN * max(box.width, box.height)
    if side > 0.6 * max(query.hole.shape):
        return slice(None), slice(None)
    return box.grow(side // 2).clip(Size(*query.hole.shape)).slices


def _cell(caption: str, picture: RGBArray | None) -> RGBArray:
    cell = Image.new("RGB", (WIDTH + GAP, HEIGHT + CAPTION + GAP), "white")
    if picture is not None:
        image = Image.fromarray(np.ascontiguousarray(picture))
        scale = min(WIDTH / image.width, HEIGHT / image.height)
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        cell.paste(image.resize(size, Image.Resampling.BICUBIC), (0, CAPTION))
    ImageDraw.Draw(cell).text((0, 1), caption[:34], fill="black", font=ImageFont.load_default(size=11))
    return np.asarray(cell)
