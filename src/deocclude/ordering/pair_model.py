"""What is measured on a pair of neighbours, and the logistic model that makes probabilities of it.

The weights are fitted on scenes whose order is known (``tools/fit_ordering.py``) and stored beside this module, with a
description of how. They belong to the bundled mask network.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deocclude.errors import InputError
from deocclude.ordering.cues import EdgeCues

FILE = "pair_model.json"
SLACK = 0.02
"""Growth is compared on a logarithmic scale above this share of (length of the edge x size of the smaller object)."""
LOOKS, EITHER = "looks", "looks_either"
"""Cues of the pair network: which of the two is in front, and whether either is."""
JUNCTION_LEVEL = 0.15
"""Where this cue levels off: an odd outline must not outvote all else."""


@dataclass(frozen=True)
class SideMeasures:
    """One object of a pair, with the other one as eraser.

    Attributes:
        growth: pixels of the photo inside the other that the network gives more than even odds.
        hull: pixels of the other inside the object's convex hull.
        area: visible pixels of the object.
    """

    growth: float
    hull: float
    area: float


@dataclass(frozen=True)
class PairMeasures:
    """A pair of neighbours.

    Attributes:
        first: one of the two.
        second: the other.
        edge: their common edge, seen from the first.
        looks: logits of the pair network: the first hides part of the second, and the second part of the first.
    """

    first: SideMeasures
    second: SideMeasures
    edge: EdgeCues
    looks: tuple[float, float] = (0.0, 0.0)


def cues(pair: PairMeasures) -> dict[str, tuple[float, float]]:
    """Return the cues of a pair by name: for the first hiding part of the second, and the other way round.

    Cues that compare the two have opposite signs and decide which is in front; ``constant``, ``looks_either`` and
    ``edge_...`` are the same for both and say how probable it is that one hides the other at all.
    """
    one, two, edge = pair.first, pair.second, pair.edge
    length, size = max(4.0, edge.length), math.sqrt(min(one.area, two.area))
    slack = SLACK * length * size + 2

    def ratio(first: float, second: float) -> float:
        return math.log((second + slack) / (first + slack))

    compared = {
        "growth": ratio(one.growth, two.growth),
        "hull": math.tanh(ratio(one.hull, two.hull)),
        "junctions": math.tanh(edge.junctions / JUNCTION_LEVEL),
        LOOKS: (pair.looks[0] - pair.looks[1]) / 2,
    }
    shared = {
        "constant": 1.0,
        EITHER: sum(pair.looks) / 2,
        "edge_gap": edge.gap,
        "edge_length": math.log(length / size),
    }
    return {
        **{name: (value, -value) for name, value in compared.items()},
        **{name: (value, value) for name, value in shared.items()},
    }


@dataclass(frozen=True)
class PairModel:
    """A logistic model over named cues.

    Attributes:
        weights: by cue.
        fitted: how it was fitted: data, network, scores.
    """

    weights: Mapping[str, float]
    fitted: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reads(self) -> bool:
        """Whether it weighs what the pair network says."""
        return bool(self.weights.get(LOOKS) or self.weights.get(EITHER))

    def probability(self, pair: PairMeasures) -> tuple[float, float]:
        """Return the probabilities that the first hides part of the second, and the second part of the first."""
        found = cues(pair)
        first, second = (sum(weight * found[name][k] for name, weight in self.weights.items()) for k in (0, 1))
        return _sigmoid(first), _sigmoid(second)

    def save(self, path: Path) -> None:
        """Write the model as JSON."""
        content = {"weights": dict(self.weights), "fitted": dict(self.fitted)}
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def load(path: Path) -> PairModel:
    """Read a model.

    Raises:
        InputError: missing, damaged, or with cues that are not measured.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        weights = {str(name): float(weight) for name, weight in content["weights"].items()}
        fitted = dict(content["fitted"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError("a pair model (JSON with weights by cue)", f"none ({error})", file=path) from None
    for name in weights:
        if name not in NAMES:
            raise InputError(f"cues among {', '.join(NAMES)}", repr(name), file=path, field="weights")
    return PairModel(weights, fitted)


@cache
def bundled() -> PairModel:
    """Return the model that ships with the package."""
    return load(Path(str(resources.files("deocclude.ordering") / FILE)))


def fit(
    vectors: NDArray[np.float64], labels: NDArray[np.bool_], names: tuple[str, ...], *, penalty: float = 1.0
) -> dict[str, float]:
    """Fit the weights of a logistic model.

    Args:
        vectors: float64 [n, k], cues.
        labels: bool [n], whether the one hides part of the other.
        names: of the k cues.
        penalty: ridge penalty of the weights of cues scaled to unit deviation.

    Returns:
        Weights by cue, rounded to four digits.
    """
    from scipy.optimize import minimize

    spread = vectors.std(0)
    spread[spread < 1e-9] = 1.0
    scaled = vectors / spread

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits = scaled @ weights
        value = np.logaddexp(0, logits).sum() - logits[labels].sum() + penalty * (weights @ weights) / 2
        slope = scaled.T @ (1 / (1 + np.exp(-logits)) - labels) + penalty * weights
        return float(value), slope

    best = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B").x / spread
    return {name: round(float(weight), 4) for name, weight in zip(names, best, strict=True)}


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))


_EXAMPLE = SideMeasures(0.0, 0.0, 1.0)
NAMES = tuple(cues(PairMeasures(_EXAMPLE, _EXAMPLE, EdgeCues(0.0, 0.0, 0.0))))
"""All cues, in order."""
