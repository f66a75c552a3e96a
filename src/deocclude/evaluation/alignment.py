"""Homographies between two pictures, measured: the error at the corners, on HPatches and EVD.

HPatches: Balntas et al., CVPR 2017 (``H_1_k``, first picture to the k-th). EVD, extreme views: Mishkin, Matas and
Perdoch, CVIU 2015 (``1/``, ``2/`` and ``h/``). Both come with true homographies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deocclude.errors import InputError
from deocclude.geometry import Size
from deocclude.images import read_photo

Matrix = NDArray[np.float64]
RGBArray = NDArray[np.uint8]
Finder = Callable[[RGBArray, RGBArray], Matrix | None]
"""Given source and target, the homography from source to target."""
CLOSE = 3.0
"""Largest mean corner error in pixels of a homography that counts as found."""
FEW = 80
"""With fewer inliers a homography is looked for again among the features of slanted views."""
PLANAR = 0.8
"""Inlier distance for scenes that are planes, where nothing else needs room, in pixels at 320 x 240."""
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


def corner_errors(pairs: Iterable[Pair], find: Finder) -> dict[str, float]:
    """Return the mean corner error in pixels of each pair, infinite where nothing was found."""
    errors = {}
    for pair in pairs:
        source, target = (read_photo(path, convert=True).pixels for path in (pair.source, pair.target))
        matrix = find(source, target)
        size = Size(*source.shape[:2])
        errors[pair.name] = math.inf if matrix is None else corner_error(matrix, pair.target_from_source, size)
    return errors


def corner_error(found: Matrix, truth: Matrix, size: Size) -> float:
    """Return the mean distance in pixels between where two homographies put the corners of the source."""
    from deocclude.references.transforms import apply

    right, bottom = size.width - 1, size.height - 1
    corners = np.array([[0.0, 0], [right, 0], [right, bottom], [0, bottom]])
    error = float(np.linalg.norm(apply(found, corners) - apply(truth, corners), axis=1).mean())
    return error if math.isfinite(error) else math.inf


def share_close(errors: dict[str, float], limit: float = CLOSE) -> float:
    """Return the share of pairs with an error of at most ``limit`` pixels."""
    return float(np.mean([error <= limit for error in errors.values()]))


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
