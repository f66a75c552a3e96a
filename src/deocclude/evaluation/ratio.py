"""One kind of number for every score: a ratio of sums over scenes, with a bootstrap interval.

An accuracy is (correct pairs) / (pairs), a pooled IoU (common pixels) / (joint pixels), a mean (sum) / (count). Kept
scene by scene, each can be printed exactly, added to others, and resampled by scene.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Estimate:
    """A score to print.

    Attributes:
        value: numerator / denominator; nan when there was nothing to score.
        low: lower end of the interval; nan when it was not asked for or cannot be had (fewer than two scenes).
        high: upper end of it.
        numerator: sum over all scenes; an ``int`` where it counts something.
        denominator: sum over all scenes.
    """

    value: float
    low: float = float("nan")
    high: float = float("nan")
    numerator: float = 0
    denominator: float = 0

    def __str__(self) -> str:
        """Write the value, and the interval where there is one: ``0.921 [0.90, 0.94]``."""
        if np.isnan(self.value):
            return "–"
        return f"{self.value:.3f}" if np.isnan(self.low) else f"{self.value:.3f} [{self.low:.2f}, {self.high:.2f}]"


@dataclass(frozen=True)
class Ratio:
    """A ratio of sums, kept scene by scene.

    Attributes:
        numerators: one number a scene.
        denominators: one number a scene, 0 where a scene has nothing to score.
    """

    numerators: tuple[float, ...]
    denominators: tuple[float, ...]

    @staticmethod
    def of(pairs: Iterable[tuple[float, float]]) -> Ratio:
        """Build one from (numerator, denominator) of each scene."""
        listed = list(pairs)
        return Ratio(tuple(pair[0] for pair in listed), tuple(pair[1] for pair in listed))

    @staticmethod
    def by_group(parts: Iterable[tuple[str, float, float]]) -> Ratio:
        """Build one from (group, numerator, denominator): what is of one group is added up, and drawn together."""
        sums: dict[str, tuple[float, float]] = {}
        for group, numerator, denominator in parts:
            above, below = sums.get(group, (0, 0))
            sums[group] = above + numerator, below + denominator
        return Ratio.of(sums.values())

    @property
    def value(self) -> float:
        """Sum of the numerators over the sum of the denominators; nan when that is 0."""
        total = sum(self.denominators)
        return float(sum(self.numerators) / total) if total else float("nan")

    @property
    def counts(self) -> tuple[float, float]:
        """The two sums; whole numbers stay exact."""
        return sum(self.numerators), sum(self.denominators)

    def estimate(self, *, samples: int = 1000, level: float = 0.95, seed: int = 0) -> Estimate:
        """Return the value with its percentile bootstrap interval over scenes (Efron 1979).

        Scenes, not objects, are drawn with replacement, since the objects of one photo are not independent.

        Args:
            samples: resampled sets; 0 gives no interval.
            level: share of the resampled values that the interval holds.
            seed: of the random numbers; equal seeds draw equal sets, so two methods are compared on the same ones.
        """
        low, high = _interval(self._resampled(samples, seed), level)
        return Estimate(self.value, low, high, *self.counts)

    def _resampled(self, samples: int, seed: int) -> NDArray[np.float64]:
        """Return the values of the resampled sets; nan for sets without anything to score."""
        scenes = len(self.denominators)
        if scenes < 2:
            return np.full(samples, np.nan)
        weights = _drawn(scenes, samples, seed)
        below = weights @ np.asarray(self.denominators, np.float64)
        above = weights @ np.asarray(self.numerators, np.float64)
        values: NDArray[np.float64] = np.divide(above, below, out=np.full(samples, np.nan), where=below > 0)
        return values


def difference(first: Ratio, second: Ratio, *, samples: int = 1000, level: float = 0.95, seed: int = 0) -> Estimate:
    """Return ``first`` minus ``second`` with the interval of the difference, both over the same resampled scenes.

    Args:
        first: over some scenes.
        second: over the same scenes, in the same order.
        samples: resampled sets; 0 gives no interval.
        level: share of the resampled differences that the interval holds.
        seed: of the random numbers.

    Raises:
        ValueError: different numbers of scenes.
    """
    if len(first.denominators) != len(second.denominators):
        raise ValueError(f"{len(first.denominators)} scenes against {len(second.denominators)}")
    values = first._resampled(samples, seed) - second._resampled(samples, seed)
    return Estimate(first.value - second.value, *_interval(values, level))


@lru_cache(maxsize=1)
def _drawn(scenes: int, samples: int, seed: int) -> NDArray[np.float64]:
    """Return how often each scene is in each resampled set, float64 [samples, scenes]; kept, as all scores need it."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(scenes, np.full(scenes, 1 / scenes), size=samples).astype(np.float64)


def _interval(values: NDArray[np.float64], level: float) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    if not known.size:
        return float("nan"), float("nan")
    tail = (1 - level) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)
