"""Geometric verification: does a candidate show the same object as the query?

Words say that two pictures contain similar details; geometry says that the details lie the same way. Matches are
explained by one plane transform, or, where the scene has depth, by the epipolar geometry of two views. A logistic
model turns what is left (how many, how spread, turned and scaled alike, coloured alike) into a probability; fitted on
pairs that are known to show the same thing or not (``tools/fit_references.py``) and stored beside this module.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deocclude.references.features import Features
from deocclude.references.matching import Matches, MatchSettings, match
from deocclude.references.transforms import Matrix, Transform, TransformSettings, estimate, jacobian

FILE = "verify_model.json"
TURN = 25.0
"""Degrees by which a match may be turned otherwise than the transform turns its place."""
GROWTH = 1.6
"""Factor by which a match may be scaled otherwise."""
ACCEPT = 0.5
"""A picture that somebody named as a reference is one from this probability on; what a search finds among many has to
be surer (:attr:`deocclude.references.search.SearchSettings.accept`)."""
LEAST_WORDS = 0.003
"""Likeness of words below which less makes no difference."""
NO_TRANSFORM = "none"
"""Kind of a verdict where no matches lie the same way."""


@dataclass(frozen=True)
class Verdict:
    """What verification says about a candidate.

    Attributes:
        probability: that it shows the same object, 0..1.
        inliers: matches that lie the same way.
        target_from_source: float64 [3, 3], from the candidate to the query; ``None`` without a plane transform.
        kind: homography, affine, similarity, or none.
        reason: one line for people.
        measures: what the probability was made from, by name.
    """

    probability: float
    inliers: int
    target_from_source: Matrix | None
    kind: str
    reason: str
    measures: Mapping[str, float] = field(default_factory=dict)

    @property
    def accepted(self) -> bool:
        """Whether a picture that was named as a reference may serve as one."""
        return self.probability >= ACCEPT and self.kind != NO_TRANSFORM


@dataclass(frozen=True)
class VerifySettings:
    """How candidates are verified.

    Attributes:
        matching: which features match.
        transforms: which transforms are believed. Both are laxer than for alignment: the probability decides.
    """

    matching: MatchSettings = field(default_factory=lambda: MatchSettings(ratio=0.87))
    transforms: TransformSettings = field(
        default_factory=lambda: TransformSettings(homography_from=8, affine_from=6, similarity_from=4)
    )


@dataclass(frozen=True)
class VerifyModel:
    """Logistic weights by name of the measure, and how they were fitted.

    Attributes:
        plain: from geometry alone.
        coloured: from geometry and colours.
        searched: from geometry, colours and words, as a search knows them; also where geometry found nothing.
        about: how they were fitted.
    """

    plain: Mapping[str, float]
    coloured: Mapping[str, float]
    searched: Mapping[str, float]
    about: Mapping[str, Any] = field(default_factory=dict)

    def probability(self, measures: Mapping[str, float]) -> float:
        """Return the probability that these measures are those of the same object."""
        weights = self.searched if "words" in measures else self.coloured if "colour" in measures else self.plain
        total = weights["constant"] + sum(weights[name] * value for name, value in measures.items() if name in weights)
        return 1 / (1 + math.exp(-min(30.0, max(-30.0, total))))


@cache
def bundled() -> VerifyModel:
    """Return the model that comes with the package."""
    content = json.loads(resources.files(__package__).joinpath(FILE).read_text(encoding="utf-8"))
    return VerifyModel(content["plain"], content["coloured"], content["searched"], content["about"])


def verify(
    query: Features,
    candidate: Features,
    colour: float | None = None,
    settings: VerifySettings | None = None,
    *,
    matches: Matches | None = None,
    words: float | None = None,
) -> Verdict:
    """Return whether ``candidate`` shows the same object as ``query``.

    Args:
        query: features of the query, hidden regions left out.
        candidate: features of the candidate.
        colour: how alike the colours of the two are, 0..1 (:func:`deocclude.references.colour.similarity`), where
            that is known.
        settings: thresholds.
        matches: from the candidate to the query, where they are known already.
        words: how alike the visual words are, 0..1, where the candidate is from a search. Then there is a chance,
            small as it may be, where geometry finds nothing.
    """
    settings = settings or VerifySettings()
    if matches is None:
        matches = match(candidate, query, settings.matching)
    found = estimate(matches.source_points, matches.target_points, query.size, settings.transforms)
    geometry = measure(candidate, query, matches, found) if found else {}
    probability, measures = weigh(geometry, colour, words)
    if found is None:
        return Verdict(probability, 0, None, NO_TRANSFORM, f"{len(matches)} matches, but they do not lie the same way",
                       measures)  # fmt: skip
    reason = f"{found.count} of {len(matches)} matches lie the same way ({found.kind})"
    return Verdict(probability, found.count, found.target_from_source, found.kind, reason, measures)


def weigh(
    geometry: Mapping[str, float], colour: float | None = None, words: float | None = None
) -> tuple[float, dict[str, float]]:
    """Return the probability of the same object, and all that it was made from.

    Args:
        geometry: of :func:`measure`; empty where geometry found nothing.
        colour: how alike the colours are, 0..1, where that is known.
        words: how alike the visual words are, 0..1, where that is known.
    """
    if not geometry and words is None:
        return 0.0, {}
    measures = dict(geometry)
    if colour is not None:
        measures["colour"] = float(colour)
    if words is not None:
        measures |= {"found": float(bool(geometry)), "words": math.log(max(words, LEAST_WORDS))}
    return bundled().probability(measures), measures


def measure(candidate: Features, query: Features, matches: Matches, found: Transform) -> dict[str, float]:
    """Return what speaks for or against the same object, by name, each about -1..7."""
    inner = matches.part(found.inliers)
    alike = consistent(candidate, query, inner, found.target_from_source)
    epipolar = epipolar_count(matches, query)
    points = inner.target_points
    return {
        "inliers": math.log(1 + found.count),
        "alike": math.log(1 + int(np.count_nonzero(alike))),
        "share": found.count / max(1, len(matches)),
        "epipolar": math.log(1 + epipolar),
        "spread": math.sqrt(_hull_share(points, query.size.height * query.size.width)),
        "certainty": 1 - float(np.median(inner.ratio)),
        "affine": float(found.kind == "affine"),
        "similarity": float(found.kind == "similarity"),
    }


def consistent(candidate: Features, query: Features, inner: Matches, matrix: Matrix) -> NDArray[np.bool_]:
    """Return bool [m]: key points turned and scaled as the transform turns and scales their place."""
    local = jacobian(matrix, inner.source_points.astype(np.float64))
    turn = np.degrees(np.arctan2(local[:, 1, 0] - local[:, 0, 1], local[:, 0, 0] + local[:, 1, 1]))
    growth = np.sqrt(np.abs(np.linalg.det(local)))
    turned = query.angles[inner.target] - candidate.angles[inner.source]
    off = np.abs((turned - turn + 180) % 360 - 180)
    grown = query.scales[inner.target] / np.maximum(candidate.scales[inner.source], 1e-6)
    stretch = np.abs(np.log(np.maximum(grown, 1e-6) / np.maximum(growth, 1e-6)))
    return np.asarray((off < TURN) & (stretch < math.log(GROWTH)))


def epipolar_count(matches: Matches, query: Features) -> int:
    """Return how many matches one epipolar geometry explains: more than a plane does where the scene has depth."""
    import cv2

    if len(matches) < 12:
        return 0
    reach = 1.5 * max(1.0, max(query.size) / 320)
    try:
        matrix, flags = cv2.findFundamentalMat(
            matches.source_points, matches.target_points, cv2.USAC_MAGSAC, reach, 0.999, 2000
        )
    except cv2.error:  # OpenCV 5.0 raises on some degenerate samples instead of returning none
        return 0
    return 0 if matrix is None or flags is None else int(np.count_nonzero(flags))


def _hull_share(points: NDArray[np.float32], area: int) -> float:
    import cv2

    return float(cv2.contourArea(cv2.convexHull(np.ascontiguousarray(points)))) / max(1, area)
