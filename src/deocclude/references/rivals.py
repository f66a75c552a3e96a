"""Rivals: what different things show as well is no sign of any one of them.

Boxes of one series, price tags of one shop, a table on which everything was photographed: such details match, and lie
the same way, in pictures of quite different things. The ratio test of key points (Lowe, IJCV 2004, section 7.1) is
applied to pictures here: the best picture has to be clearly more probable than the best one of *another* thing. Which
pictures of a collection show one thing is told by verifying them against their own nearest neighbours.

Two numbers, the log odds of a picture and its lead over its rival, make the probability that counts; the weights are
fitted on queries with known answers (``tools/fit_references.py``) and stored beside this module.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from deocclude.references.verify import Verdict

FILE = "rivals_model.json"
FLOOR = 0.2
"""Less probable pictures are no rivals, and have none."""
UNKNOWN = 0.1
"""Chance of the best other thing where nothing else was found: there is always something that was not looked at."""
NEIGHBOURS = 7
"""Nearest neighbours of a picture that are compared with it."""
SAME = 0.9
"""Neighbours that are at least so probable may show one thing with the picture, ..."""
SHARE = 0.5
"""... if they share this much, or more, of the matches that its best neighbour shares: in the same surroundings other
things match too, but less."""
EXPANDED = 8
"""Most pictures that are compared with their neighbours, the most probable ones."""
MOST_ODDS, MOST_LEAD = 9.0, 10.0
"""More than this makes no difference."""

Beside = Callable[[int], Sequence[tuple[Path, Verdict]]]
"""Given the place of a picture in a list; returns its nearest neighbours and what verifying them against it said."""


@dataclass(frozen=True)
class RivalsModel:
    """Logistic weights, and how they were fitted.

    Attributes:
        odds: of the log odds of a picture.
        lead: of the log odds less those of the best picture of another thing.
        constant: what is added.
        about: how they were fitted.
    """

    odds: float
    lead: float
    constant: float
    about: Mapping[str, Any] = field(default_factory=dict)

    def probability(self, chance: float, rival: float) -> float:
        """Return the probability of a picture, 0..1.

        Args:
            chance: what verifying said, 0..1.
            rival: the chance of the best picture of another thing, 0..1.
        """
        if chance < FLOOR:
            return chance
        odds, lead = measures(chance, rival)
        return 1 / (1 + math.exp(-(self.odds * odds + self.lead * lead + self.constant)))


@cache
def bundled() -> RivalsModel:
    """Return the model that comes with the package."""
    content = json.loads(resources.files(__package__).joinpath(FILE).read_text(encoding="utf-8"))
    return RivalsModel(**content["weights"], about=content["about"])


def measures(chance: float, rival: float) -> tuple[float, float]:
    """Return the log odds of a picture, and its lead over its rival, both held within bounds."""
    odds = _log_odds(chance)
    return min(odds, MOST_ODDS), min(odds - _log_odds(rival), MOST_LEAD)


def rivals(paths: Sequence[Path], chances: Sequence[float], beside: Beside) -> list[float]:
    """Return for each picture the chance of the most probable one of another thing.

    Args:
        paths: pictures that were found.
        chances: that they show what was asked for, 0..1.
        beside: compares one of them with its neighbours; asked only while it is not clear that all show one thing.

    Returns:
        One chance for each picture: :data:`UNKNOWN` at least.
    """
    order = sorted((place for place, chance in enumerate(chances) if chance >= FLOOR), key=lambda at: -chances[at])
    things = _things([paths[place] for place in order], lambda number: beside(order[number]))
    found = [UNKNOWN] * len(paths)
    for number, place in enumerate(order):
        others = (chances[other] for other, thing in zip(order, things, strict=True)
                  if None not in (thing, things[number]) and thing != things[number])  # fmt: skip
        found[place] = max([UNKNOWN, *others])
    return found


def _things(paths: Sequence[Path], beside: Beside) -> list[Path | None]:
    """Return one picture for each thing that a picture shows, the same for the same thing.

    ``None`` stands where that was not looked at and nothing that was looked at shows it.
    """
    from scipy.cluster.hierarchy import DisjointSet

    things = DisjointSet(paths)
    looked = 0
    while looked < min(EXPANDED, len(paths)) and things.n_subsets > 1:
        near = beside(looked)
        most = max((_alike(verdict) for _, verdict in near), default=0.0)
        for path, verdict in near:
            if path in things and verdict.probability >= SAME and _alike(verdict) >= SHARE * most:
                things.merge(paths[looked], path)
        looked += 1
    found = [things[path] for path in paths]
    return [thing if things.n_subsets == 1 or thing in found[:looked] else None for thing in found]


def _alike(verdict: Verdict) -> float:
    """Return how many matches lie the same way, turned and scaled alike."""
    return math.expm1(verdict.measures.get("alike", 0.0))


def _log_odds(chance: float) -> float:
    held = min(max(chance, 1e-6), 1 - 1e-6)
    return math.log(held / (1 - held))
