"""A sheet of covers that something hides in part (a hand, a cable, a sticker), filled from a clean picture of each.

    python tools/occluded_covers.py FOLDER SHEET.png [--names 073 ...]

``FOLDER`` holds ``Canon/`` (photos) and ``Reference/`` (clean pictures of the same names), as the DVD covers of the
Stanford Mobile Visual Search set. No mask is given: where the clean picture, laid over the photo in its colours,
differs from it over a larger place within the cover, something lies on it. There is no truth; look at the sheet.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.content.colour import match_colours
from deocclude.content.stitch import stitch
from deocclude.images import read_photo, resized, write_picture
from deocclude.masks import distance_to
from deocclude.references.features import extract
from deocclude.references.verify import verify

DIFFERENT = 45.0
"""Grey levels (mean of the channels, smoothed) by which what lies on a cover differs from it."""
SPREAD = 4.0
INNER = 8
"""Pixels at the rim of a cover that do not count."""
LEAST, MOST = 0.01, 0.45
"""Smallest and largest share of a cover that is taken as hidden."""
HEIGHT = 240
WHITE = 235

RGBArray = NDArray[np.uint8]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Cover:
    """A cover, what hides it, and the cover filled."""

    name: str
    photo: RGBArray
    reference: RGBArray
    hole: Bool
    filled: RGBArray
    share: float


def uncover(name: str, photo: RGBArray, reference: RGBArray) -> Cover | None:
    """Return a cover with its hidden part filled; ``None`` where it is not found, or nothing lies on it."""
    features = extract(reference)
    verdict = verify(extract(photo), features)
    if verdict.target_from_source is None or not verdict.accepted:
        return None
    hole, cover = _hidden(photo, reference, verdict.target_from_source)
    share = np.count_nonzero(hole) / max(1, np.count_nonzero(cover))
    if not LEAST < share < MOST:
        return None
    found = stitch(photo, hole, ~hole, [(reference, features)])
    return Cover(name, photo, reference, hole, found.rgb, share)


def trimmed(picture: RGBArray) -> RGBArray:
    """Return a clean picture without the white margin that makes it square."""
    rows, columns = (np.flatnonzero((picture < WHITE).any(axis=(axis, 2))) for axis in (1, 0))
    if not len(rows):
        return picture
    return np.ascontiguousarray(picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def _hidden(photo: RGBArray, reference: RGBArray, matrix: NDArray[np.floating]) -> tuple[Bool, Bool]:
    """Return what lies on the cover, and the cover, both bool [h, w]."""
    size = photo.shape[1::-1]
    warped = cv2.warpPerspective(reference, matrix, size, flags=cv2.INTER_AREA)
    shown = cv2.warpPerspective(np.ones(reference.shape[:2], np.uint8), matrix, size, flags=cv2.INTER_NEAREST) > 0
    cover = distance_to(~shown) > INNER
    matched = match_colours(warped.astype(np.float32), photo.astype(np.float32), cover)
    off = np.abs(matched - photo).mean(2) * cover
    smooth = cv2.GaussianBlur(off.astype(np.float32), (0, 0), SPREAD)
    marked = ((smooth > DIFFERENT) & cover).astype(np.uint8)
    marked = cv2.morphologyEx(marked, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(marked)
    large = [k for k in range(1, count) if stats[k, cv2.CC_STAT_AREA] > LEAST / 2 * np.count_nonzero(cover)]
    grown = cv2.dilate(np.isin(labels, large).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    return grown & shown, cover


def line_of(cover: Cover) -> RGBArray:
    """Return a line of the sheet: photo, what is hidden (white), the cover filled, the clean picture."""
    given = np.where(cover.hole[..., None], np.uint8(255), cover.photo).astype(np.uint8)
    pictures = [cover.photo, given, cover.filled, cover.reference]
    small = [resized(picture, HEIGHT / picture.shape[0])[:HEIGHT] for picture in pictures]
    return np.hstack([np.pad(one, ((2, HEIGHT + 2 - one.shape[0]), (2, 2), (0, 0))) for one in small])


def main() -> None:
    """Fill all covers that are hidden in part, and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--names", nargs="*", default=(), help="names of the covers to look at; all by default")
    given = parser.parse_args()
    lines = []
    for path in sorted((given.folder / "Reference").iterdir()):
        if given.names and path.stem not in given.names:
            continue
        photo = read_photo(given.folder / "Canon" / path.name, convert=True).pixels
        cover = uncover(path.stem, photo, trimmed(read_photo(path, convert=True).pixels))
        if cover is None:
            continue
        changed = bool((cover.filled != cover.photo).any())
        print(f"{cover.name}: {cover.share:.0%} hidden, {'filled' if changed else 'not filled'}", flush=True)
        lines.append(line_of(cover))
    if lines:
        width = max(line.shape[1] for line in lines)
        write_picture(given.sheet, np.vstack([np.pad(k, ((0, 0), (0, width - k.shape[1]), (0, 0))) for k in lines]))


if __name__ == "__main__":
    main()
