"""Layers back to a picture: moved, hidden, restacked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from deocclude.errors import InputError, unknown_choice
from deocclude.layers.blend import over, over_clear, straight
from deocclude.layers.move import Move, moved
from deocclude.layers.stack import LayerStack


def compose(
    stack: LayerStack,
    moves: Iterable[Move] = (),
    hide: Collection[int] = (),
    order: Sequence[int] | None = None,
    background: bool = True,
) -> NDArray[np.uint8]:
    """Lay the layers over the background, bottom to top, and return the picture.

    Args:
        stack: the layers.
        moves: at most one a layer.
        hide: ids of layers to leave out.
        order: all ids of the stack, bottom first; default: as in the stack.
        background: lay them over the background; without it the picture is clear where no layer is.

    Returns:
        uint8 [H, W, 3]; without the background uint8 [H, W, 4], straight alpha.

    Raises:
        InputError: an id that the stack does not have, two moves of one layer, or an order that is not complete.
    """
    by_id = _checked_moves(stack, moves)
    _check_known(stack, hide, "hidden layer")
    shown = [identity for identity in checked_order(stack, order) if identity not in set(hide)]
    placed = (moved(stack[identity], by_id.get(identity, Move(identity)), stack.size) for identity in shown)
    if background:
        canvas = stack.background.copy()
        for box, rgba in placed:
            canvas[box.slices] = over(rgba, canvas[box.slices])
        return canvas
    clear = np.zeros((*stack.size, 4), np.float32)
    for box, rgba in placed:
        clear[box.slices] = over_clear(rgba, clear[box.slices])
    return _straight_in_strips(clear)


def checked_order(stack: LayerStack, order: Sequence[int] | None) -> tuple[int, ...]:
    """Return ``order``, or the stack's own for ``None``.

    Raises:
        InputError: it does not hold every id of the stack once.
    """
    if order is None:
        return stack.ids
    _check_known(stack, order, "order")
    if sorted(order) != sorted(stack.ids):
        raise InputError(
            f"each layer once, of {', '.join(map(str, stack.ids))}",
            ", ".join(map(str, order)) or "none",
            field="order",
            hint="hide a layer to leave it out",
        )
    return tuple(order)


def restack(order: Sequence[int], instance_id: int, step: str) -> tuple[int, ...]:
    """Return ``order`` (bottom first) with one layer in another place.

    Args:
        order: ids, bottom first.
        instance_id: the layer to move.
        step: ``raise`` or ``lower`` (by one), ``front`` or ``back`` (all the way).

    Raises:
        InputError: an unknown step, or an id that is not in ``order``.
    """
    if instance_id not in order:
        raise InputError(f"an object id among {', '.join(map(str, order))}", str(instance_id), field="order")
    place, last = list(order).index(instance_id), len(order) - 1
    places = {"raise": min(place + 1, last), "lower": max(place - 1, 0), "front": last, "back": 0}
    if step not in places:
        raise unknown_choice("step", step, places)
    rest = [identity for identity in order if identity != instance_id]
    return (*rest[: places[step]], instance_id, *rest[places[step] :])


def _checked_moves(stack: LayerStack, moves: Iterable[Move]) -> dict[int, Move]:
    by_id: dict[int, Move] = {}
    for move in moves:
        if move.instance_id in by_id:
            raise InputError("at most one move a layer", f"two of layer {move.instance_id}", field="moves")
        by_id[move.instance_id] = move
    _check_known(stack, by_id, "moved layer")
    return by_id


def _check_known(stack: LayerStack, ids: Iterable[int], field: str) -> None:
    unknown = [identity for identity in ids if identity not in stack.ids]
    if unknown:
        known = ", ".join(map(str, stack.ids)) or "none, there is no layer"
        raise InputError(f"an object id among {known}", ", ".join(map(str, unknown)), field=field)


def _straight_in_strips(canvas: NDArray[np.float32], rows: int = 256) -> NDArray[np.uint8]:
    out = np.empty(canvas.shape, np.uint8)
    for top in range(0, len(canvas), rows):
        out[top : top + rows] = straight(canvas[top : top + rows])
    return out
