"""How far the test results of a candidate can be trusted: a fitted model of its error against the safe candidate's.

Fitted on objects whose hidden part is known (``tools/fit_choice.py``) and stored beside this module. Differences on the
test holes shrink on their way to the hole: what is hidden is never quite what is visible.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from deocclude.content.measures import Measured, Shape

Float = NDArray[np.float32]
FILE = "choice.json"
OTHER = "other"
"""Coefficients of candidates that the model does not know."""


@dataclass(frozen=True)
class Belief:
    """What is expected of a candidate: log of its squared error over that of the safe candidate.

    Both are weights of the :func:`cues`: ``tested`` of (1, reach, share, band, copy), ``untested`` of the first three.
    """

    tested: tuple[float, ...]
    untested: tuple[float, ...] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class ChoiceModel:
    """The fitted model.

    Attributes:
        beliefs: by name of the candidate; ``other`` for all that are not there.
        power: weights go with this power of the inverse expected squared error.
        gate: a candidate whose expected squared error is so many times the best one's has no weight.
        detail: what fine detail may cost, as a share of the squared error.
        about: how it was fitted.
    """

    beliefs: Mapping[str, Belief]
    power: float = 3.0
    gate: float = 1.8
    detail: float = 0.002
    about: Mapping[str, object] = field(default_factory=dict)

    def expected(self, name: str, found: Measured, safe: Measured, shape: Shape) -> Float:
        """Return the log of the expected squared error over that of the safe candidate, [h, w] or [1, 1]."""
        belief = self.beliefs.get(name, self.beliefs[OTHER])
        told = cues(found, safe, shape)
        weights = belief.untested if len(told) == len(belief.untested) else belief.tested
        return np.atleast_2d(np.asarray(sum(w * cue for w, cue in zip(weights, told, strict=True)), np.float32))


def cues(found: Measured, safe: Measured, shape: Shape) -> tuple[Float | float, ...]:
    """Return what a belief weighs: (1, reach, share) without a test, (1, reach, share, band, copy) with one.

    ``band`` ([h, w]) and ``copy`` are differences to the safe candidate; if only one was made it stands for both.
    """
    plain = (1.0, shape.reach, shape.share)
    band, copy = _difference(found.band, safe.band), _difference(found.copy, safe.copy)
    known = band if band is not None else copy
    if known is None:
        return plain
    return (*plain, known, copy if copy is not None else known)


def _difference(found: Float | float | None, safe: Float | float | None) -> Float | None:
    return None if found is None or safe is None else np.asarray(np.subtract(found, safe), np.float32)


def to_json(model: ChoiceModel) -> str:
    """Return the model as text."""
    content = asdict(model) | {"beliefs": {name: asdict(belief) for name, belief in model.beliefs.items()}}
    return json.dumps(content, indent=1) + "\n"


def from_json(text: str) -> ChoiceModel:
    """Return the model that :func:`to_json` wrote."""
    content = json.loads(text)
    beliefs = {
        name: Belief(**{key: tuple(weights) for key, weights in belief.items()})
        for name, belief in content["beliefs"].items()
    }
    return ChoiceModel(**{**content, "beliefs": beliefs})


@cache
def bundled() -> ChoiceModel:
    """Return the model that ships with the package."""
    return from_json((resources.files("deocclude.content") / FILE).read_text(encoding="utf-8"))
