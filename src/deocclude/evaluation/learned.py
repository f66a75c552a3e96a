"""Rows of the table for networks that a user trained on the truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from deocclude.datasets.held_out import photo_key, scene_digest
from deocclude.datasets.labelled_scenes import open_dataset
from deocclude.evaluation.table1 import Learned
from deocclude.evaluation.unseen import check_unseen
from deocclude.weights import read_weights


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


def check_scenes(data: Path, learned: Sequence[Learned]) -> None:
    """Refuse a data set with scenes that a row was trained on, as far as its weights name them.

    Raises:
        InputError: there are such scenes, or no data set.
    """
    trained_on = {row.name: row.scenes for row in learned if row.scenes}
    if trained_on:
        tested = {scene_digest(one.scene): photo_key(one.scene) for one in open_dataset(data)}
        check_unseen(tested, trained_on, data)


def _order_net(path: Path) -> Learned:
    from deocclude.ordering.order_net import load_order_net, order_by_net

    loaded = load_order_net(path)
    return Learned(
        "Order net, supervised",
        order=lambda prepared: order_by_net(prepared.scene, loaded),
        scenes=_trained_on(path),
    )


def _supervised(path: Path) -> Learned:
    from deocclude.amodal.supervised import complete_supervised, load_supervised

    completer = load_supervised(path)
    return Learned(
        "U-Net, supervised",
        shapes=lambda prepared: {
            **{item.id: item.modal for item in prepared.given.scene.instances},
            **complete_supervised(prepared.scene, completer).masks,
        },
        scenes=_trained_on(path),
    )


def _trained_on(path: Path) -> frozenset[str] | None:
    scenes = read_weights(path)[0].data.get("scenes")
    return None if scenes is None else frozenset(scenes)
