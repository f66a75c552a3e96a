"""Score methods by name over a data set: order, and amodal masks.

Two protocols. The *reference* one (Zhan et al., CVPR 2020) takes masks as they are, asks pairs that touch, keeps
cycles, so that published numbers can be compared. The other is what ``deocclude run`` does: masks are repaired
first, cycles broken. The truth is the same for both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from deocclude import amodal, ordering
from deocclude.errors import InputError, unknown_choice
from deocclude.evaluation import masks as mask_scores
from deocclude.evaluation import ordering as order_scores
from deocclude.evaluation.datasets import LabelledScene
from deocclude.evaluation.ordering import BoolMatrix
from deocclude.evaluation.ratio import Ratio
from deocclude.evaluation.tables import Cell, Table
from deocclude.images import Photo
from deocclude.masks import Mask
from deocclude.ordering.graph import OrderGraph
from deocclude.ordering.pairs import PairwiseOrder
from deocclude.repair import repair
from deocclude.scene import Scene

TRUE_ORDER = "truth"
"""Name of the order that is taken from the truth, to score amodal completion apart from ordering."""

Progress = Callable[[int], None]
Row = dict[str, Cell]


@dataclass(frozen=True)
class Protocol:
    """How to score."""

    reference: bool = False
    """Behave exactly as the published protocol."""
    truth: str = ""
    """Order truth: ``masks``, ``annotated``, ``auto``; empty for what the data set is scored with."""
    max_gap: int = 4
    """Widest slit between masks that the repair closes, in pixels; not in the reference protocol."""
    samples: int = 1000
    """Resampled sets for the intervals; 0 for none."""
    seed: int = 0
    """Of the resampling."""

    @property
    def note(self) -> str:
        """One line for a table."""
        kind = "reference protocol" if self.reference else f"masks repaired (slits up to {self.max_gap} px)"
        interval = "; in brackets: 95 % bootstrap interval over scenes" if self.samples else ""
        return kind + interval


@dataclass(frozen=True)
class Prepared:
    """A scene as methods get it, and the photo.

    Attributes:
        given: the scene with its truth.
        scene: what methods see: no truth, masks repaired unless the reference protocol is asked for.
        photo: the photo, or ``None``.
    """

    given: LabelledScene
    scene: Scene
    photo: Photo | None


def prepare(labelled: LabelledScene, protocol: Protocol) -> Prepared:
    """Return a scene ready for methods; the truth is taken out, so that none can look at it."""
    blind = replace(
        labelled.scene,
        instances=tuple(replace(item, amodal=None, depth_rank=None) for item in labelled.scene.instances),
        order_truth=None,
    )
    scene = blind if protocol.reference else repair(blind, max_gap=protocol.max_gap)[0]
    return Prepared(labelled, scene, labelled.photo())


def predict_order(prepared: Prepared, method: str, protocol: Protocol) -> PairwiseOrder:
    """Return the order that a method finds among the objects that it sees."""
    return ordering.estimate(prepared.scene, prepared.photo, method=method, reference=protocol.reference)


def predict_graph(prepared: Prepared, method: str, protocol: Protocol) -> OrderGraph:
    """Return the graph that amodal methods build on: of an ordering method, or of the truth (:data:`TRUE_ORDER`)."""
    ids = prepared.scene.ids
    if method == TRUE_ORDER:
        kept = np.flatnonzero(np.isin(prepared.given.scene.ids, ids))
        relations = true_relations(prepared.given, protocol)[np.ix_(kept, kept)]
        return OrderGraph.from_matrix(ids, relations.astype(np.int8), break_cycles=False)
    order = predict_order(prepared, method, protocol)
    if protocol.reference:
        return OrderGraph.from_matrix(ids, order.matrix(), break_cycles=False)
    return OrderGraph.build(order)


def predict_masks(prepared: Prepared, graph: OrderGraph, method: str, protocol: Protocol) -> dict[int, Mask]:
    """Return the whole shapes that a method finds, by id; an object that the repair dropped keeps its visible mask."""
    found = amodal.complete(prepared.scene, graph, prepared.photo, method=method, reference=protocol.reference)
    return {item.id: item.modal for item in prepared.given.scene.instances} | dict(found.masks)


def evaluate_ordering(
    scenes: Iterable[LabelledScene],
    methods: Sequence[str],
    protocol: Protocol | None = None,
    progress: Progress | None = None,
) -> Table:
    """Score ordering methods.

    Args:
        scenes: with true amodal masks or an annotated order, as :func:`open_dataset` yields them.
        methods: names of :data:`deocclude.ordering.METHODS`.
        protocol: how to score.
        progress: is told how many scenes are done.

    Returns:
        One row a method: scored pairs, correct ones, and the scores of
        :func:`deocclude.evaluation.ordering.summarise`.

    Raises:
        InputError: an unknown method, no scene, or scenes without truth.
    """
    protocol = protocol or Protocol()
    _check_methods(methods, ordering.METHODS, "ordering method")
    counts: dict[str, list[order_scores.OrderCounts]] = {method: [] for method in methods}
    for labelled in _usable(scenes, lambda item: has_order(item, protocol), "an order truth", progress):
        relations = true_relations(labelled, protocol)
        prepared = prepare(labelled, protocol)
        for method in methods:
            found = _over(labelled.scene.ids, predict_order(prepared, method, protocol))
            counts[method].append(order_scores.count(found, relations))
    rows: list[Row] = []
    for method, listed in counts.items():
        scores = order_scores.summarise(listed)
        correct, pairs = scores["acc_occpair"].counts
        rows.append({"method": method, "correct": correct, "pairs": pairs, **_estimates(scores, protocol)})
    return Table("Order", tuple(rows), (f"{len(counts[methods[0]])} scenes", protocol.note))


def evaluate_amodal(
    scenes: Iterable[LabelledScene],
    methods: Sequence[str],
    protocol: Protocol | None = None,
    *,
    order: str = "convex",
    progress: Progress | None = None,
) -> tuple[Table, Table]:
    """Score amodal methods.

    Args:
        scenes: with true amodal masks, as :func:`open_dataset` yields them.
        methods: names of :data:`deocclude.amodal.METHODS`.
        protocol: how to score.
        order: the ordering method that says which masks can hide an object, or :data:`TRUE_ORDER`.
        progress: is told how many scenes are done.

    Returns:
        The scores of :func:`deocclude.evaluation.masks.summarise`, one row a method, with the pixels of intersection
        and union that the pooled IoU divides; and pooled, mean and hidden IoU
        by how much of the object is hidden, one row a method and bin.

    Raises:
        InputError: an unknown method, no scene, or scenes without truth.
    """
    protocol = protocol or Protocol()
    _check_methods(methods, amodal.METHODS, "amodal method")
    _check_methods([order], (*ordering.METHODS, TRUE_ORDER), "ordering method")
    counts: dict[str, list[list[mask_scores.ShapeCounts]]] = {method: [] for method in methods}
    for labelled in _usable(scenes, has_masks, "true amodal masks", progress):
        prepared = prepare(labelled, protocol)
        graph = predict_graph(prepared, order, protocol)
        for method in methods:
            found = predict_masks(prepared, graph, method, protocol)
            counts[method].append(mask_scores.measure(labelled.scene, found, labelled.scored))
    first = counts[methods[0]]
    notes = (f"{len(first)} scenes, {sum(map(len, first))} objects, order: {order}", protocol.note)
    whole: list[Row] = []
    for method, listed in counts.items():
        scores = mask_scores.summarise(listed)
        common, joint = scores["iou"].counts
        pixels = f"{common:.0f}/{joint:.0f}"
        whole.append({"method": method, "pixels": pixels, **_estimates(scores, protocol)})
    by_share = Table("Amodal masks by hidden share", _bin_rows(counts, protocol), notes)
    return Table("Amodal masks", tuple(whole), notes), by_share


def has_order(labelled: LabelledScene, protocol: Protocol) -> bool:
    """Whether the scene has the truth that its order is scored with."""
    kind = protocol.truth or labelled.truth
    if kind != "masks" and labelled.scene.order_truth is not None:
        return True
    return kind != "annotated" and all(item.amodal is not None for item in labelled.scene.instances)


def has_masks(labelled: LabelledScene) -> bool:
    """Whether any object of the scene has a true amodal mask that counts."""
    scored = labelled.scored
    return any(item.amodal is not None and (scored is None or item.id in scored) for item in labelled.scene.instances)


def true_relations(labelled: LabelledScene, protocol: Protocol) -> BoolMatrix:
    """Return the true order by the protocol's rule, else the data set's: bool [n, n], row hides part of column."""
    return order_scores.truth(labelled.scene, protocol.truth or labelled.truth)


def _bin_rows(counts: dict[str, list[list[mask_scores.ShapeCounts]]], protocol: Protocol) -> tuple[Row, ...]:
    rows: list[Row] = []
    for method, listed in counts.items():
        for name, scores in mask_scores.by_hidden_share(listed).items():
            chosen = {key: scores[key] for key in ("iou", "mean_iou", "hidden_iou")}
            objects = scores["mean_iou"].counts[1]
            rows.append({"method": method, "hidden": name, "objects": objects, **_estimates(chosen, protocol)})
    return tuple(rows)


def _estimates(scores: Mapping[str, Ratio], protocol: Protocol) -> dict[str, Cell]:
    return {name: score.estimate(samples=protocol.samples, seed=protocol.seed) for name, score in scores.items()}


def _over(ids: tuple[int, ...], order: PairwiseOrder) -> PairwiseOrder:
    """Return the order over ``ids``; objects that the repair dropped have no relation."""
    if order.ids == ids:
        return order
    places = [ids.index(identity) for identity in order.ids]
    front = np.zeros((len(ids), len(ids)))
    front[np.ix_(places, places)] = order.front
    return PairwiseOrder(ids, front, order.record)


def _usable(
    scenes: Iterable[LabelledScene],
    has_truth: Callable[[LabelledScene], bool],
    wanted: str,
    progress: Progress | None,
) -> Iterator[LabelledScene]:
    """Yield the scenes that have truth.

    Raises:
        InputError: none has.
    """
    number, used = 0, 0
    for number, labelled in enumerate(scenes, start=1):
        if has_truth(labelled):
            used += 1
            yield labelled
        if progress:
            progress(number)
    if not used:
        raise InputError(f"scenes with {wanted}", f"none among {number}", hint="score on an amodal data set")


def _check_methods(methods: Sequence[str], known: Iterable[str], kind: str) -> None:
    if not methods:
        raise InputError("at least one method", "none", field=kind)
    for method in methods:
        if method not in (choices := tuple(known)):
            raise unknown_choice(kind, method, choices)
