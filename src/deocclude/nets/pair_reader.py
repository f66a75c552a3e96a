"""The pair network behind a plain interface: two masks and their surroundings in, two logits out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from deocclude.crops import Square, cut, object_square, outside, pair_square
from deocclude.masks import BoolArray, Mask, union
from deocclude.nets.loading import load_for
from deocclude.nets.pair_net import PairNet, both_ways

SHIPPED = "pair-net"
SIZE = 128
"""Side of the patches, pixels."""
SHRINK = 2
"""The window around both is shown at this many times fewer pixels a side: it is there for the surroundings."""
NEAR = 1.15
"""Side of the window around the smaller object over that of its usual square."""
LARGEST_BATCH = 32


@dataclass(frozen=True, eq=False)
class PairQuestion:
    """Which of the two hides part of the other?

    Attributes:
        first: a visible mask.
        second: another one of the same photo; where both claim a pixel it is the first one's.
        others: visible masks of all other objects.
    """

    first: Mask
    second: Mask
    others: Sequence[Mask] = ()


def windows(question: PairQuestion) -> tuple[Square, Square]:
    """Return the squares that the network sees: around the smaller of the two, and around both."""
    first, second = question.first, question.second
    smaller = first if first.area <= second.area else second
    return object_square(smaller.box).grow(NEAR), pair_square(first.box, second.box)


def planes(question: PairQuestion, square: Square, size: int) -> BoolArray:
    """Return the inputs of the network for one window, bool [4, size, size]."""
    size_of_photo, seen = question.first.size, square.box
    first = cut(question.first, square, size)
    second = cut(question.second, square, size) & ~first
    near = [mask for mask in question.others if not mask.box.intersect(seen).empty]
    others = cut(union(near, size_of_photo), square, size) & ~first & ~second
    return np.stack([first, second, outside(size_of_photo, square, size), others])


class PairReader:
    """Reads the order of pairs off their masks.

    Args:
        weights: name of bundled weights or a weights file; read when first needed.
        net: a network to use instead of weights, called like :class:`PairNet`.
    """

    def __init__(self, weights: str | Path = SHIPPED, *, net: nn.Module | None = None) -> None:
        self.weights = weights
        if net is not None:
            self.net = net

    @cached_property
    def net(self) -> nn.Module:
        """The network, in evaluation mode.

        Raises:
            InputError: weights that are missing, damaged or of another network.
        """
        return load_for(self.weights, (PairNet,), what="a pair network", command="pair-net")

    @torch.inference_mode()
    def read(self, questions: Sequence[PairQuestion]) -> NDArray[np.float64]:
        """Return for each pair the logits of "the first hides part of the second" and of the converse.

        The answer does not depend on which mask is named first but for the order of the two.

        Returns:
            float64 [n, 2].

        Raises:
            InputError: weights that are missing, damaged or of another network.
        """
        found = [np.zeros((0, 2))]
        for start in range(0, len(questions), LARGEST_BATCH):
            part = [
                [planes(item, square, SIZE) for square in windows(item)]
                for item in questions[start : start + LARGEST_BATCH]
            ]
            near, wide = (np.stack(listed) for listed in zip(*part, strict=True))
            patches = [torch.from_numpy(array).to(torch.float32) for array in (near, wide)]
            logits = both_ways(self.net, patches[0], functional.avg_pool2d(patches[1], SHRINK))
            found.append(logits.to(torch.float64).numpy())
        return np.concatenate(found)


@cache
def bundled() -> PairReader:
    """Return the reader with bundled weights; one for the whole process."""
    return PairReader()
