"""Rows of the table for networks that a user trained on the truth."""

from __future__ import annotations

from pathlib import Path

from deocclude.evaluation.table1 import Learned


def learned_rows(shapes: Path | None = None, order: Path | None = None) -> tuple[Learned, ...]:
    """Return the rows of the supervised networks that are there.

    Args:
        shapes: weights of ``deocclude train supervised``.
        order: weights of ``deocclude train order-net``.

    Raises:
        InputError: weights that are missing, damaged or of another network.
    """
    rows = []
    if order is not None:
        rows.append(_order_net(order))
    if shapes is not None:
        rows.append(_supervised(shapes))
    return tuple(rows)


def _order_net(path: Path) -> Learned:
    from deocclude.ordering.order_net import load_order_net, order_by_net

    loaded = load_order_net(path)
    return Learned("Order net, supervised", order=lambda prepared: order_by_net(prepared.scene, loaded))


def _supervised(path: Path) -> Learned:
    from deocclude.amodal.supervised import complete_supervised, load_supervised

    completer = load_supervised(path)
    return Learned(
        "U-Net, supervised",
        shapes=lambda prepared: {
            **{item.id: item.modal for item in prepared.given.scene.instances},
            **complete_supervised(prepared.scene, completer).masks,
        },
    )
