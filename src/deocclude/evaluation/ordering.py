"""Scores of an order: pairwise accuracy as Zhan et al. (CVPR 2020) count it; recall, precision, F1 as in InstaOrder.

Everything is counted over sets of pairs i < j, so all counts are whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deocclude.adjacency import touching_pairs
from deocclude.errors import InputError, unknown_choice
from deocclude.evaluation.ratio import Ratio
from deocclude.ordering.pairs import PairwiseOrder
from deocclude.scene import Scene

BoolMatrix = NDArray[np.bool_]
TRUTHS = ("masks", "annotated", "auto")


@dataclass(frozen=True)
class OrderCounts:
    """The score of one scene.

    Attributes:
        correct: pairs i < j that the truth orders and the prediction orders the same way.
        drawn: those of them whose arrow ``run`` also draws, since it is likelier than not.
        occluded: pairs i < j that the truth orders. A predicted "no relation" on them is an error.
        agreed: pairs i < j on which both say the same, "no relation" included.
        pairs: all pairs i < j.
        recall: share of the true directed relations that were predicted, 1 where there is none.
        precision: share of the predicted directed relations that are true, 1 where there is none.
        f1: their harmonic mean, 0 where both are 0.
    """

    correct: int
    drawn: int
    occluded: int
    agreed: int
    pairs: int
    recall: float
    precision: float
    f1: float


def truth_from_masks(scene: Scene) -> BoolMatrix:
    """Return the order that modal and true amodal masks imply, by the reference protocol.

    For each pair that touches (one step of the 4-neighbourhood), a = pixels of i where the whole j extends, b = pixels
    of j where the whole i extends: i is in front if a >= b, j otherwise; no relation if both are 0. A tie goes to the
    object listed first. Each pair has at most one direction (Zhan et al., CVPR 2020, as evaluated by their code).

    Returns:
        bool [n, n]; True where the row hides part of the column.

    Raises:
        InputError: an object has no true amodal mask.
    """
    whole = [instance.amodal for instance in scene.instances]
    for instance in scene.instances:
        if instance.amodal is None:
            raise InputError(
                "a true amodal mask", "none", file=scene.source, field=f"object {instance.id} ({instance.label})"
            )
    matrix = np.zeros((len(scene), len(scene)), bool)
    for i, j in touching_pairs(scene.modal, 1, shape="cross"):
        first, second = whole[i], whole[j]
        assert first is not None and second is not None
        over, under = scene.modal[i].overlap(second), scene.modal[j].overlap(first)
        if over or under:
            matrix[(i, j) if over >= under else (j, i)] = True
    return matrix


def truth_as_annotated(scene: Scene) -> BoolMatrix:
    """Return the order that the annotation states, touching or not: bool [n, n], row hides part of column.

    Both directions are True where two objects hide parts of each other.

    Raises:
        InputError: the annotation states no order.
    """
    if scene.order_truth is None:
        raise InputError("an annotated order", "none", file=scene.source, hint="score with the order that masks imply")
    index = {identity: position for position, identity in enumerate(scene.ids)}
    matrix = np.zeros((len(scene), len(scene)), bool)
    for front, behind in scene.order_truth:
        matrix[index[front], index[behind]] = True
    return matrix


def truth(scene: Scene, kind: str = "masks") -> BoolMatrix:
    """Return the true order, bool [n, n], True where the row hides part of the column.

    Args:
        scene: with true amodal masks, an annotated order, or both.
        kind: ``masks`` (the reference protocol), ``annotated``, or ``auto``: annotated where the scene states an
            order, masks otherwise.

    Raises:
        InputError: no such kind, or the scene lacks what it needs.
    """
    if kind not in TRUTHS:
        raise unknown_choice("order truth", kind, TRUTHS)
    if kind == "annotated" or (kind == "auto" and scene.order_truth is not None):
        return truth_as_annotated(scene)
    return truth_from_masks(scene)


def signed(relations: BoolMatrix) -> NDArray[np.int8]:
    """Return +1 row in front of column, -1 behind, 0 no relation; mutual occlusion has no sign and is 0 too."""
    return relations.astype(np.int8) - relations.T.astype(np.int8)


def count(order: PairwiseOrder, relations: BoolMatrix) -> OrderCounts:
    """Score a predicted order against the true one.

    Args:
        order: n objects in the order of the truth.
        relations: bool [n, n], True where the row hides part of the column.

    Raises:
        ValueError: the two have different numbers of objects.
    """
    if order.front.shape != relations.shape:
        raise ValueError(f"order of {order.front.shape} against truth of {relations.shape}")
    upper = np.triu_indices(len(relations), 1)
    found, wanted = order.matrix()[upper], signed(relations)[upper]
    directed = order.front > 0.5
    right = (wanted != 0) & (found == wanted)
    either = (directed | directed.T)[upper]
    hits, predicted, true = (int(np.count_nonzero(m)) for m in (directed & relations, directed, relations))
    recall, precision = hits / true if true else 1.0, hits / predicted if predicted else 1.0
    return OrderCounts(
        correct=int(np.count_nonzero(right)),
        drawn=int(np.count_nonzero(right & either)),
        occluded=int(np.count_nonzero(wanted)),
        agreed=int(np.count_nonzero(found == wanted)),
        pairs=wanted.size,
        recall=recall,
        precision=precision,
        f1=2 * recall * precision / (recall + precision) if recall + precision else 0.0,
    )


def summarise(counts: Iterable[OrderCounts]) -> dict[str, Ratio]:
    """Return the scores of a data set by name, each resampleable by scene.

    ``acc_occpair`` (the published ordering accuracy: which of the two is likelier in front, however unlikely),
    ``acc_drawn`` (the same, but only arrows that ``run`` draws count) and ``acc_allpair`` pool the pairs of all scenes;
    ``recall``, ``precision`` and ``f1`` are means over scenes (InstaOrder, CVPR 2022).
    """
    listed = list(counts)
    return {
        "acc_occpair": Ratio.of((scene.correct, scene.occluded) for scene in listed),
        "acc_drawn": Ratio.of((scene.drawn, scene.occluded) for scene in listed),
        "acc_allpair": Ratio.of((scene.agreed, scene.pairs) for scene in listed),
        "recall": Ratio.of((scene.recall, 1) for scene in listed),
        "precision": Ratio.of((scene.precision, 1) for scene in listed),
        "f1": Ratio.of((scene.f1, 1) for scene in listed),
    }
