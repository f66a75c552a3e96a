"""Which hypothesis is right where: errors in the rehearsal, and agreement between references.

All of it is smooth, so it is computed on a grid of a few pixels a cell. Errors are mean squared differences of a
channel, in squared grey levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.content.cells import CELL, shrunk
from deocclude.content.target import Aligned, Target

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
NOWHERE = 1e6
"""Cost of a hypothesis where it shows nothing."""


@dataclass(frozen=True)
class AgreementSettings:
    """How hypotheses are compared.

    Attributes:
        largest: differences count as this at most in the rehearsal, grey levels.
        spread: how far an error on the band speaks for the hole, as a share of the root of the hole's area.
        everywhere: weight of the error on the whole band against that nearby.
        consensus: weight of the disagreement with the other hypotheses.
        largest_dissent: differences between hypotheses count as this at most, grey levels.
        kin: weight of hypotheses of the same reference against that of others: they share their errors.
        patience: errors so much larger than the least, in squared grey levels, lessen a vote to a third.
        smoothness: spread of the Gaussian that smooths the costs, cells.
    """

    largest: float = 36.0
    spread: float = 0.3
    everywhere: float = 0.1
    consensus: float = 3.0
    largest_dissent: float = 40.0
    kin: float = 0.25
    patience: float = 200.0
    smoothness: float = 1.5


@dataclass(frozen=True, eq=False)
class Costs:
    """Costs on the grid.

    Attributes:
        error: float32 [n, gh, gw], what the rehearsal says about each hypothesis.
        dissent: float32 [n, gh, gw], mean squared difference to the others.
        total: float32 [n, gh, gw], both together, smoothed; ``NOWHERE`` where a hypothesis shows nothing.
    """

    error: Float
    dissent: Float
    total: Float


def expected_error(target: Target, picture: Float, valid: Bool, settings: AgreementSettings) -> Float:
    """Return the error to expect of a picture on the grid, from that on the band where it is valid.

    Args:
        target: with the band.
        picture: float32 [h, w, 3], made without a look at the band.
        valid: bool [h, w].
        settings: how far errors speak.
    """
    seen = target.band & valid
    if np.count_nonzero(seen) < 2 * CELL * CELL:
        return np.full_like(shrunk(seen), settings.largest**2)
    error = np.minimum(np.square(picture - target.rgb).mean(2), settings.largest**2)
    amount, share = shrunk(error * seen), shrunk(seen)
    sigma = max(1.0, settings.spread * float(np.sqrt(np.count_nonzero(target.hole))) / CELL)
    near, near_share = (
        cv2.GaussianBlur(part, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT) for part in (amount, share)
    )
    weight = settings.everywhere * float(near_share.max())
    return np.asarray((near + weight * amount.sum() / share.sum()) / (near_share + weight), np.float32)


def covering(errors: Float, most: int) -> list[int]:
    """Return the rows of the hypotheses that together err least, the best alone first.

    Each next one is that which lowers the mean of the least errors most: one that is right in a part of the hole where
    the others fail is worth more than a better copy of the first.

    Args:
        errors: float32 [n, cells], to expect of each hypothesis in each cell.
        most: rows wanted.
    """
    if len(errors) == 0:
        return []
    chosen: list[int] = []
    least = np.full(errors.shape[1], np.inf, np.float32)
    while len(chosen) < min(most, len(errors)):
        left = [row for row in range(len(errors)) if row not in chosen]
        # A little of what each is alone: else where nothing is gained any more, any would do.
        costs = [np.minimum(errors[row], least).mean() + 0.05 * errors[row].mean() for row in left]
        chosen.append(left[int(np.argmin(costs))])
        least = np.minimum(least, errors[chosen[-1]])
    return chosen


def compare(target: Target, hypotheses: Sequence[Aligned], settings: AgreementSettings | None = None) -> Costs:
    """Return the costs of all hypotheses, at least one."""
    settings = settings or AgreementSettings()
    shown = np.stack([shrunk(item.valid) for item in hypotheses])
    error = np.stack([expected_error(target, item.rehearsal, item.valid, settings) for item in hypotheses])
    dissent = _dissent(hypotheses, error, shown, settings)
    total = np.stack(
        [cv2.GaussianBlur(cost, (0, 0), settings.smoothness) for cost in error + settings.consensus * dissent]
    )
    return Costs(error, dissent, np.where(shown > 0.5, total, np.float32(NOWHERE)).astype(np.float32))


def _dissent(hypotheses: Sequence[Aligned], error: Float, shown: Float, settings: AgreementSettings) -> Float:
    """Return for each hypothesis the mean squared difference to the others, the good ones counting most."""
    pictures = [shrunk(item.rgb) for item in hypotheses]
    voice = np.exp(-(error - error.min(0)) / settings.patience) * (shown > 0.9)
    total, share = np.zeros_like(error), np.full_like(error, 0.3)
    for first in range(len(hypotheses)):
        for second in range(first):
            difference = np.square(pictures[first] - pictures[second]).mean(2)
            difference = np.minimum(difference, settings.largest_dissent**2)
            kin = settings.kin if hypotheses[first].reference == hypotheses[second].reference else 1.0
            for one, other in ((first, second), (second, first)):
                total[one] += kin * voice[other] * difference
                share[one] += kin * voice[other]
    return np.asarray(total / share, np.float32)
