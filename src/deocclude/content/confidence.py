"""Calibrated confidence: the probability that a painted pixel is close to what is hidden.

Close means: the root mean square of the differences in R, G and B is at most ``CLOSE`` grey levels. Logistic models of
what can be measured without knowing the truth, one where tests were made and one where not; fitted on objects whose
hidden part is known (``tools/calibrate_confidence.py``) and stored beside this module.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import resources

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.content.contest import Contest
from deocclude.content.measures import distances, measure, shape_of

Float = NDArray[np.float32]
FILE = "confidence.json"
CLOSE = 20.0
"""Grey levels."""
PLAIN = ("distance", "disagreement", "contrast", "share", "reach")
TESTED = ("band", "copy", *PLAIN)
"""Names of what the two models look at."""


@dataclass(frozen=True)
class Logistic:
    """Probability ``1 / (1 + exp(-(constant + sum of weight * value)))``."""

    constant: float
    weights: Mapping[str, float]

    def probability(self, values: Mapping[str, Float]) -> Float:
        """Return the probabilities of pixels."""
        total = np.float64(self.constant) + sum(weight * values[name] for name, weight in self.weights.items())
        return np.asarray(1 / (1 + np.exp(-np.clip(total, -30, 30))), np.float32)


@dataclass(frozen=True)
class ConfidenceModel:
    """Both models and how they were fitted."""

    tested: Logistic
    plain: Logistic
    about: Mapping[str, object] = field(default_factory=dict)


def of(contest: Contest, shares: Float, tests: Sequence[Float], model: ConfidenceModel | None = None) -> Float:
    """Return the confidence of each pixel of the hole, float32 [h, w] in 0..1.

    Args:
        contest: all answers.
        shares: float32 [k, h, w], the weight of each.
        tests: what the mixture says on the test holes, float32 [n, 3] each.
        model: the bundled one if not given.
    """
    model, found = model or bundled(), values(contest, shares, tests)
    logistic = model.tested if "band" in found else model.plain
    return logistic.probability({name: found[name] for name in logistic.weights})


def values(contest: Contest, shares: Float, tests: Sequence[Float]) -> dict[str, Float]:
    """Return what the models look at, float32 [h, w] each; ``band`` and ``copy`` only where tests were made.

    ``band``, ``copy``: half the log of the mixture's squared error there; ``distance``: log of 1 + pixels to the
    evidence; ``disagreement``: log of 1 + the weighted spread of the candidates, grey levels; ``contrast``: log of 1 +
    the standard deviation of what is visible; ``share``, ``reach``: the shape of the hole.
    """
    patch = contest.patch
    shape, everywhere = shape_of(patch), np.ones(patch.hole.shape, np.float32)
    seen = patch.rgb[patch.evidence]
    contrast = float(seen.astype(np.float64).std(0).mean()) if len(seen) else 0.0
    found = {
        "distance": np.log1p(distances(patch)),
        "disagreement": np.log1p(_disagreement(contest, shares)),
        "contrast": np.float32(np.log1p(contrast)) * everywhere,
        "share": np.float32(shape.share) * everywhere,
        "reach": np.float32(shape.reach) * everywhere,
    }
    result = measure(contest, tuple(tests))
    band, copy = result.band, result.copy
    if band is None and copy is None:
        return found
    near = band if band is not None else np.float32(copy) * everywhere
    far = np.float32(copy) * everywhere if copy is not None else near
    return {"band": near / 2, "copy": far / 2, **found}


def _disagreement(contest: Contest, shares: Float) -> Float:
    """Return the spread of the answers around their weighted mean, smoothed over 3 pixels, [h, w] in grey levels."""
    pictures = [answer.painted.rgb.astype(np.float32) for answer in contest.answers]
    mean = sum(share[..., None] * picture for share, picture in zip(shares, pictures, strict=True))
    square = sum(share * np.square(picture - mean).mean(2) for share, picture in zip(shares, pictures, strict=True))
    return np.asarray(np.sqrt(cv2.GaussianBlur(np.asarray(square, np.float32), (0, 0), 3.0)), np.float32)


def close(painted: NDArray[np.uint8], truth: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which pixels [..., 3] are close to the truth."""
    off = np.square(painted.astype(np.float32) - truth.astype(np.float32)).mean(-1)
    return np.asarray(off <= CLOSE**2)


def to_json(model: ConfidenceModel) -> str:
    """Return the model as text."""
    return json.dumps(asdict(model), indent=1) + "\n"


def from_json(text: str) -> ConfidenceModel:
    """Return the model that :func:`to_json` wrote."""
    content = json.loads(text)
    return ConfidenceModel(Logistic(**content["tested"]), Logistic(**content["plain"]), content["about"])


@cache
def bundled() -> ConfidenceModel:
    """Return the model that ships with the package."""
    return from_json((resources.files("deocclude.content") / FILE).read_text(encoding="utf-8"))
