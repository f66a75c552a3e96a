"""Matches between the features of two pictures: nearest neighbours, ratio test, mutual test.

The search is exact (faiss): the largest products of unit vectors are the nearest neighbours. SIFT descriptors turn
with the picture, so pictures that lie on a side or upside down match without being turned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from deocclude.references.features import Features


@dataclass(frozen=True)
class MatchSettings:
    """When two features match.

    Attributes:
        ratio: largest ratio of the distance to the nearest descriptor over that to the nearest one at another place
            (Lowe, IJCV 2004, section 7.1).
        same_place: features of one picture nearer than this, in pixels, are one place: the detector reports a point
            once for each of its directions.
        mutual: also ask that neither has a better partner.
        neighbours: nearest neighbours among which the first one at another place is looked for.
    """

    ratio: float = 0.8
    same_place: float = 3.0
    mutual: bool = True
    neighbours: int = 4


@dataclass(frozen=True, eq=False)
class Matches:
    """Pairs of features, best first.

    Attributes:
        source: int64 [m], rows of the first picture's features.
        target: int64 [m], rows of the second's.
        ratio: float32 [m], distance ratio, 0 (certain) to 1.
        source_points: float32 [m, 2], (x, y) in pixels of the first picture.
        target_points: float32 [m, 2], (x, y) in pixels of the second.
    """

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    ratio: NDArray[np.float32]
    source_points: NDArray[np.float32]
    target_points: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.source)

    def part(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Matches:
        """Return the matches that ``chosen`` (bool [m] or rows) picks."""
        return Matches(
            self.source[chosen],
            self.target[chosen],
            self.ratio[chosen],
            self.source_points[chosen],
            self.target_points[chosen],
        )


def match(source: Features, target: Features, settings: MatchSettings | None = None) -> Matches:
    """Return the matches between two pictures' features, the least ambiguous first, one for each pair of places."""
    settings = settings or MatchSettings()
    if len(source.points) == 0 or len(target.points) < 2:
        return _matches(source, target, np.empty((0, 2), np.int64), np.empty(0, np.float32))
    rows, ratio, back = _search(source, target, settings)
    chosen = np.flatnonzero(ratio <= settings.ratio)
    if settings.mutual:
        chosen = chosen[back[rows[chosen]] == chosen]
    chosen = chosen[np.argsort(ratio[chosen], kind="stable")]
    pairs = np.stack([chosen, rows[chosen]], 1)
    distinct = _distinct(source.points[pairs[:, 0]], target.points[pairs[:, 1]])
    return _matches(source, target, pairs[distinct], ratio[chosen][distinct])


def _search(
    source: Features, target: Features, settings: MatchSettings
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Return the nearest target of each source, the distance ratio, and the nearest source of each target.

    The last is looked for only where the ratio passes, and -1 elsewhere.
    """
    import faiss

    count = min(settings.neighbours, len(target.points))
    likeness, near = faiss.knn(source.descriptors, target.descriptors, count, faiss.METRIC_INNER_PRODUCT)
    rows, ratio = near[:, 0].astype(np.int64), _ratio(target.points[near], likeness, settings.same_place)
    wanted = np.unique(rows[ratio <= settings.ratio])
    back = np.full(len(target.points), -1, np.int64)
    back[wanted] = (target.descriptors[wanted] @ source.descriptors.T).argmax(1)
    return rows, ratio, back


def _ratio(points: NDArray[np.float32], likeness: NDArray[np.float32], same_place: float) -> NDArray[np.float32]:
    """Return the distance to the first of the neighbours [n, k] over that to the first one at another place."""
    distance = np.sqrt(np.maximum(2 - 2 * likeness, 0))
    apart = np.square(points - points[:, :1]).sum(2) > same_place**2
    other = np.where(apart.any(1), apart.argmax(1), points.shape[1] - 1)
    rival = np.take_along_axis(distance, other[:, None], 1)[:, 0]
    return np.asarray(distance[:, 0] / np.maximum(rival, 1e-6), np.float32)


def _distinct(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the rows that are the first to join two places, to the nearest pixel."""
    places = np.rint(np.hstack([first, second])).astype(np.int64)
    return np.sort(np.unique(places, axis=0, return_index=True)[1])


def _matches(source: Features, target: Features, pairs: NDArray[np.int64], ratio: NDArray[np.float32]) -> Matches:
    first, second = pairs[:, 0], pairs[:, 1]
    return Matches(first, second, ratio, source.points[first], target.points[second])
