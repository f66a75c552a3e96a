"""Pairwise order: what an ordering method returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deocclude.images import Photo
from deocclude.scene import Scene
from deocclude.stages import StageRecord


@dataclass(frozen=True, eq=False)
class PairwiseOrder:
    """Who hides whom, pair by pair.

    Attributes:
        ids: object ids; rows and columns of ``front`` follow them.
        front: float64 [n, n]; ``front[i, j]`` is the probability that i hides part of j. Both directions may be
            high (a hand through a handle). Zero where the two are not related.
        record: method, settings, fallback, seconds.
    """

    ids: tuple[int, ...]
    front: NDArray[np.float64]
    record: StageRecord

    def matrix(self) -> NDArray[np.int8]:
        """Return the reference protocol's matrix: +1 row in front of column, -1 behind, 0 no relation or a tie."""
        return np.sign(self.front - self.front.T).astype(np.int8)


OrderMethod = Callable[[Scene, "Photo | None"], PairwiseOrder]
