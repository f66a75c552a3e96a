"""How sure it is that a hole filled from references is nearer to the truth than the plain fill.

A logistic model of what the rehearsal measures, fitted on holes whose content is known (``tools/fit_references.py``)
and stored beside this module with a description of how.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

FILE = "stitch_model.json"


@dataclass(frozen=True)
class StitchModel:
    """Weights by name of the measure, and how they were fitted.

    Attributes:
        constant: added to the weighted sum.
        weights: one a measure; a measure without weight does not count.
        about: how the model was fitted.
    """

    constant: float
    weights: Mapping[str, float]
    about: Mapping[str, Any] = field(default_factory=dict)

    def confidence(self, measures: Mapping[str, float]) -> float:
        """Return the probability that the references beat the plain fill."""
        total = self.constant + sum(weight * measures[name] for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-min(30.0, max(-30.0, total))))


@cache
def bundled() -> StitchModel:
    """Return the model that comes with the package."""
    content = json.loads(resources.files(__package__).joinpath(FILE).read_text(encoding="utf-8"))
    return StitchModel(content["constant"], content["weights"], content["about"])
