"""Order by a network that learned annotated orders: a baseline for data that have them.

The OrderNet row (masks only) of Zhan et al., "Self-Supervised Scene De-occlusion", CVPR 2020, Table 1: both visible
masks in the square around the two, asked in both orders.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deocclude.adjacency import touching_pairs
from deocclude.crops import cut, pair_square
from deocclude.errors import InputError
from deocclude.masks import BoolArray, Mask
from deocclude.ordering.pairs import PairwiseOrder
from deocclude.scene import Scene
from deocclude.stages import StageRecord, Stopwatch
from deocclude.weights import load_net, patch_side, read_weights

if TYPE_CHECKING:
    from deocclude.nets.order_net import OrderNet

METHOD = "order-net"


@dataclass(frozen=True, eq=False)
class LoadedOrderNet:
    """A trained order net.

    Attributes:
        net: in evaluation mode.
        size: patch side that it was trained for, pixels.
    """

    net: OrderNet
    size: int


def load_order_net(path: Path) -> LoadedOrderNet:
    """Return the net of weights that ``deocclude train order-net`` wrote.

    Raises:
        InputError: missing, damaged, or weights of another network.
    """
    from deocclude.nets.order_net import OrderNet

    info, _ = read_weights(path)
    net = load_net(path)
    if not isinstance(net, OrderNet):
        raise InputError(f"weights of {METHOD!r}", repr(info.task), file=path, field="task",
                         hint="train some with 'deocclude train order-net'")  # fmt: skip
    return LoadedOrderNet(net, patch_side(info, path))


def order_by_net(scene: Scene, loaded: LoadedOrderNet) -> PairwiseOrder:
    """Order touching pairs (one step of the 4-neighbourhood); each has one direction.

    Args:
        scene: objects with disjoint visible masks.
        loaded: of :func:`load_order_net`.
    """
    from deocclude.nets.order_net import ask

    watch = Stopwatch()
    masks = scene.modal
    front = np.zeros((len(masks), len(masks)))
    pairs = touching_pairs(masks, 1, shape="cross")
    patches = [pair_patch(masks[i], masks[j], loaded.size) for i, j in pairs]
    found = ask(loaded.net, np.stack(patches)) if patches else np.zeros(0)
    for (i, j), probability in zip(pairs, found.tolist(), strict=True):
        front[i, j], front[j, i] = probability, 1 - probability
    return PairwiseOrder(scene.ids, front, StageRecord(METHOD, {"size": loaded.size}, watch.seconds))


def pair_patch(first: Mask, second: Mask, size: int, *, room: float = 1.0) -> BoolArray:
    """Return two visible masks in the square around both, bool [2, size, size].

    Args:
        first: a visible mask.
        second: another one of the same photo.
        size: side of the patch, pixels.
        room: the square is made this many times wider.
    """
    square = pair_square(first.box, second.box).grow(room)
    return np.stack([cut(first, square, size), cut(second, square, size)])
