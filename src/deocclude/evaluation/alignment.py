"""Homographies between two pictures, measured: the error at the corners, on HPatches and EVD.

HPatches: Balntas et al., CVPR 2017 (``H_1_k``, first picture to the k-th). EVD, extreme views: Mishkin, Matas and
Perdoch, CVIU 2015 (``1/``, ``2/`` and ``h/``). Both come with true homographies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deocclude.errors import InputError, unknown_choice
from deocclude.evaluation.ratio import Ratio
from deocclude.evaluation.tables import Cell, Table
from deocclude.geometry import Size
from deocclude.images import RGBArray, read_photo
from deocclude.stages import Stopwatch

Matrix = NDArray[np.float64]
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
PICTURES = (".jpg", ".png", ".ppm")


@dataclass(frozen=True)
class Pair:
    """Two pictures of one plane.

    Attributes:
        name: for tables.
        source: picture file.
        target: picture file.
        target_from_source: float64 [3, 3], the truth.
    """

    name: str
    source: Path
    target: Path
    target_from_source: Matrix


def hpatches_pairs(folder: Path | str) -> Iterator[Pair]:
    """Yield the pairs (1, k) of all sequences of a folder.

    Raises:
        InputError: no sequence, or a damaged homography.
    """
    folder = Path(folder)
    found = sorted(folder.glob("*/H_1_*"))
    if not found:
        raise InputError("sequences with homographies H_1_k", "none", file=folder)
    for path in found:
        number = path.name.rsplit("_", 1)[1]
        pictures = [_picture(path.parent, stem) for stem in ("1", number)]
        yield Pair(f"{path.parent.name}/{number}", pictures[0], pictures[1], _matrix(path))


def evd_pairs(folder: Path | str) -> Iterator[Pair]:
    """Yield the pairs of EVD.

    Raises:
        InputError: no pair, or a damaged homography.
    """
    folder = Path(folder)
    found = sorted((folder / "h").glob("*.txt"))
    if not found:
        raise InputError("pairs with homographies in h/", "none", file=folder)
    for path in found:
        yield Pair(path.stem, _picture(folder / "1", path.stem), _picture(folder / "2", path.stem), _matrix(path))


def read_pairs(folder: Path | str) -> list[Pair]:
    """Return the pairs of a folder in either layout.

    Raises:
        InputError: neither, or a damaged homography.
    """
    folder = Path(folder)
    if any(folder.glob("*/H_1_*")):
        return list(hpatches_pairs(folder))
    if any((folder / "h").glob("*.txt")):
        return list(evd_pairs(folder))
    raise InputError("HPatches (sequences with H_1_k) or EVD (folders 1, 2, h)", "neither", file=folder)


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
        pairs: of :func:`read_pairs`.
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


def _picture(folder: Path, stem: str) -> Path:
    for suffix in PICTURES:
        if (folder / f"{stem}{suffix}").is_file():
            return folder / f"{stem}{suffix}"
    raise InputError(f"a picture {stem} ({', '.join(PICTURES)})", "none", file=folder)


def _matrix(path: Path) -> Matrix:
    try:
        values = np.loadtxt(path, dtype=np.float64)
    except ValueError:
        values = np.empty(0)
    if values.shape != (3, 3) or not np.isfinite(values).all():
        raise InputError("a 3x3 homography, three lines of three numbers", "something else", file=path)
    return values
