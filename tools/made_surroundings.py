"""Make pictures of different things in the same surroundings, in four real views each.

    python tools/made_surroundings.py UKBENCH PHOTOS FOLDER --groups 50

Searches take pictures for the same object that share a table, a box, a price tag. Development groups hold next to none
of these mistakes, so they are made: where a group of UKBench shows something flat in all four views, its inside is
replaced by other photos, laid by the homographies between the views, in the light of the place. Four successive
pictures show one thing, as in UKBench, and their names begin with that of the group. For ``tools/fit_rivals.py``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.datasets.ukbench import read_groups
from deocclude.images import read_photo
from deocclude.references.features import extract
from deocclude.references.matching import match
from deocclude.references.transforms import estimate
from deocclude.references.verify import VerifySettings

FEWEST = 25
"""Matches that lie the same way, between the first view and each other one."""
THINGS = 2, 4
"""Fewest and most things that are laid into one place."""
SHARES = 0.6, 0.75, 0.88
"""Of the flat part's area."""
WITHIN = 0.03
"""Quantile of the matches' places where the flat part begins."""
QUALITY = 88

RGBArray = NDArray[np.uint8]


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ukbench", type=Path, help="pictures in UKBench order")
    parser.add_argument("photos", type=Path, help="photos to lay in")
    parser.add_argument("folder", type=Path, help="where to write")
    parser.add_argument("--groups", type=int, default=50, help="groups to use, the first ones")
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    photos = sorted(given.photos.rglob("*.jpg"))
    rng.shuffle(photos)  # type: ignore[arg-type]
    given.folder.mkdir(parents=True, exist_ok=True)
    insides, written = iter(photos), 0
    for group in read_groups(given.ukbench)[: given.groups]:
        views = [_read(path) for path in group.paths]
        for made in things(views, insides, rng):
            for picture in made:
                path = given.folder / f"{group.key}-{written:05d}.jpg"
                cv2.imwrite(str(path), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
                written += 1
    print(f"{written} pictures of {written // 4} things in {given.folder}")


def things(views: Sequence[RGBArray], insides: Iterator[Path], rng: np.random.Generator) -> Iterator[list[RGBArray]]:
    """Yield the views with another inside each time; nothing where what they show is not flat."""
    found = _between(views)
    if found is None:
        return
    homographies, points = found
    (left, top), (right, bottom) = np.quantile(points, [WITHIN, 1 - WITHIN], axis=0)
    count, share = int(rng.integers(THINGS[0], THINGS[1] + 1)), float(rng.choice(SHARES))
    middle = np.array([left + right, top + bottom]) / 2
    reach = np.array([right - left, bottom - top]) / 2 * np.sqrt(share)
    corners = np.float32([middle + reach * sign for sign in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
    for _ in range(count):
        inside = _cut(_read(next(insides)), reach)
        height, width = inside.shape[:2]
        laid = cv2.getPerspectiveTransform(np.float32([[0, 0], [width, 0], [width, height], [0, height]]), corners)
        yield [_replaced(view, inside, matrix @ laid, rng) for view, matrix in zip(views, homographies, strict=True)]


def _between(views: Sequence[RGBArray]) -> tuple[list[Any], NDArray[np.float64]] | None:
    """Return homographies from the first view to each, and the places in the first that they were found by."""
    settings = VerifySettings()
    first, *others = [extract(view) for view in views]
    homographies, points = [np.eye(3)], []
    for other in others:
        matches = match(first, other, settings.matching)
        found = estimate(matches.source_points, matches.target_points, other.size, settings.transforms)
        if found is None or found.kind != "homography" or found.count < FEWEST:
            return None
        homographies.append(found.target_from_source)
        points.append(matches.source_points[found.inliers])
    return homographies, np.concatenate(points)


def _cut(photo: RGBArray, reach: NDArray[np.float64]) -> RGBArray:
    """Return the middle of a photo in the shape of the flat part, half again as fine."""
    height, width = photo.shape[:2]
    ratio = reach[0] / reach[1]
    wide, high = min(width, round(height * ratio)), min(height, round(width / ratio))
    left, top = (width - wide) // 2, (height - high) // 2
    size = max(8, round(3 * reach[0])), max(8, round(3 * reach[1]))
    return cv2.resize(photo[top : top + high, left : left + wide], size, interpolation=cv2.INTER_AREA)


def _replaced(view: RGBArray, inside: RGBArray, matrix: Any, rng: np.random.Generator) -> RGBArray:
    """Return a view with something else inside, in the light of the place, as soft and noisy as a photo."""
    height, width = view.shape[:2]
    laid = cv2.warpPerspective(inside, matrix, (width, height), flags=cv2.INTER_AREA).astype(np.float32)
    part = cv2.warpPerspective(np.ones(inside.shape[:2], np.float32), matrix, (width, height))
    part = cv2.GaussianBlur(part, (0, 0), 1.0)[..., None]
    light = cv2.GaussianBlur(view.astype(np.float32).mean(2), (0, 0), 40)[..., None]
    laid *= np.clip(light / 128, 0.4, 1.4) * rng.uniform(0.85, 1.15)
    laid = cv2.GaussianBlur(laid, (0, 0), float(rng.uniform(0.5, 1.0))) + rng.normal(0, 4, laid.shape)
    return np.clip(view * (1 - part) + laid * part, 0, 255).astype(np.uint8)


def _read(path: Path) -> RGBArray:
    return read_photo(path, convert=True).pixels


if __name__ == "__main__":
    main()
