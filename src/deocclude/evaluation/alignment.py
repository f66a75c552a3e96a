"""Homographies between two pictures, measured against the true ones: the error at the corners."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from deocclude.datasets.homographies import Matrix, Pair
from deocclude.errors import unknown_choice
from deocclude.evaluation.ratio import Ratio
from deocclude.evaluation.tables import Cell, Table
from deocclude.geometry import Size
from deocclude.images import RGBArray, read_photo
from deocclude.stages import Stopwatch

Finder = Callable[[RGBArray, RGBArray], Matrix | None]
"""Given source and target, the homography from source to target."""
CLOSE = 3.0
"""Largest mean corner error in pixels of a homography that counts as found."""
FEW = 80
"""With fewer inliers a homography is looked for again among the features of slanted views."""
PLANAR = 0.8
"""Inlier distance for scenes that are planes, where nothing else needs room, in pixels at 320 x 240."""
LIMITS = (1.0, CLOSE, 5.0, 10.0)
"""Corner errors that the table counts pairs up to, pixels."""


@dataclass(frozen=True)
class Found:
    """What one row found for a pair: the mean corner error in pixels, infinite without a homography, and seconds."""

    pair: str
    row: str
    error: float
    seconds: float


def find_all(
    pairs: Sequence[Pair],
    rows: Sequence[str],
    *,
    jobs: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Found]:
    """Return what each row finds for each pair, pair by pair.

    Args:
        pairs: of :func:`~deocclude.datasets.homographies.read_pairs`.
        rows: keys of :data:`ROWS`.
        jobs: processes to use.
        progress: is told how many pairs are done, and of how many.

    Raises:
        InputError: an unknown row, or a picture that cannot be read.
    """
    from joblib import Parallel, delayed

    for row in rows:
        if row not in ROWS:
            raise unknown_choice("row", row, ROWS)
    found: list[Found] = []
    work = (delayed(_find)(pair, tuple(rows)) for pair in pairs)
    for done, part in enumerate(Parallel(n_jobs=jobs, return_as="generator")(work), 1):
        found += part
        progress(done, len(pairs))
    return found


def _find(pair: Pair, rows: tuple[str, ...]) -> list[Found]:
    source, target = (read_photo(path, convert=True).pixels for path in (pair.source, pair.target))
    found = []
    for row in rows:
        watch = Stopwatch()
        matrix = ROWS[row](source, target)
        seconds = watch.seconds
        size = Size(*source.shape[:2])
        error = math.inf if matrix is None else corner_error(matrix, pair.target_from_source, size)
        found.append(Found(pair.name, row, error, seconds))
    return found


def table(found: Sequence[Found], name: str) -> Table:
    """Return the table of a data set, a row a method.

    Args:
        found: of :func:`find_all`.
        name: of the data set.
    """
    rows = []
    for row in dict.fromkeys(one.row for one in found):
        errors = {one.pair: one.error for one in found if one.row == row}
        cells: dict[str, Cell] = {"row": row, "pairs": len(errors)}
        for limit in LIMITS:
            cells[f"<= {limit:g} px"] = Ratio.of((float(error <= limit), 1) for error in errors.values()).value
        close = [error for error in errors.values() if error <= CLOSE]
        cells["median"] = float(np.median(close)) if close else math.nan
        cells["s"] = float(np.mean([one.seconds for one in found if one.row == row]))
        rows.append(cells)
    missed = [f"{one.pair} {one.error:.1f} px" for one in found if one.row == OURS and one.error > CLOSE]
    notes = (
        "Share of pairs whose homography puts the corners of the first picture so near to where the true one does, on "
        f"average; median: error of those within {CLOSE:g} px; s: seconds a pair.",
        f"Missed by {OURS}: {', '.join(missed) or 'none'}.",
    )
    return Table(f"Homographies, {name}", tuple(rows), notes)


def corner_error(found: Matrix, truth: Matrix, size: Size) -> float:
    """Return the mean distance in pixels between where two homographies put the corners of the source."""
    from deocclude.references.transforms import apply

    right, bottom = size.width - 1, size.height - 1
    corners = np.array([[0.0, 0], [right, 0], [right, bottom], [0, bottom]])
    error = float(np.linalg.norm(apply(found, corners) - apply(truth, corners), axis=1).mean())
    return error if math.isfinite(error) else math.inf


def find_homography(source: RGBArray, target: RGBArray) -> Matrix | None:
    """Find the homography the way references are aligned; with features of slanted views where few plain ones match."""
    from deocclude.references.features import extract
    from deocclude.references.matching import MatchSettings, match
    from deocclude.references.tilted import extract_tilted
    from deocclude.references.transforms import TransformSettings, estimate

    settings = TransformSettings(threshold=PLANAR)
    size = Size(*target.shape[:2])
    matches = match(extract(source), extract(target))
    found = estimate(matches.source_points, matches.target_points, size, settings)
    if found is None or found.count < FEW:
        matches = match(extract_tilted(source), extract_tilted(target), MatchSettings(neighbours=12))
        found = estimate(matches.source_points, matches.target_points, size, settings) or found
    return None if found is None else np.asarray(found.target_from_source, np.float64)


def find_by_default_recipe(source: RGBArray, target: RGBArray) -> Matrix | None:
    """Find the homography the way of OpenCV's tutorial: SIFT, ratio test 0.75, RANSAC with 5 pixels."""
    import cv2

    detector, matcher = cv2.SIFT.create(), cv2.BFMatcher(cv2.NORM_L2)
    (first, one), (second, two) = (
        detector.detectAndCompute(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), None) for picture in (source, target)
    )
    if one is None or two is None or len(two) < 2:
        return None
    good = [a for a, b in matcher.knnMatch(one, two, k=2) if a.distance < 0.75 * b.distance]
    if len(good) < 10:
        return None
    points = [np.array([first[m.queryIdx].pt for m in good]), np.array([second[m.trainIdx].pt for m in good])]
    matrix, _ = cv2.findHomography(points[0], points[1], cv2.RANSAC, 5.0)
    return None if matrix is None else np.asarray(matrix, np.float64)


RECIPE, OURS = "opencv", "ours"
ROWS: dict[str, Finder] = {RECIPE: find_by_default_recipe, OURS: find_homography}
"""What is compared: the recipe of OpenCV's tutorial, and the way references are aligned."""
