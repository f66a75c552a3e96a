"""Score methods by name over a data set: order, and amodal masks; and both where masks do not touch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from deocclude import amodal, ordering
from deocclude.datasets.labelled_scenes import LabelledScene
from deocclude.errors import InputError
from deocclude.evaluation import masks as mask_scores
from deocclude.evaluation import ordering as order_scores
from deocclude.evaluation.masks import ShapeCounts
from deocclude.evaluation.ordering import OrderCounts
from deocclude.evaluation.predictions import Predictions
from deocclude.evaluation.protocol import (
    TRUE_ORDER,
    Progress,
    Protocol,
    check_methods,
    has_masks,
    has_order,
    order_counts,
    shape_counts,
    true_relations,
    usable,
)
from deocclude.evaluation.ratio import Ratio, difference
from deocclude.evaluation.tables import Cell, Table

Row = dict[str, Cell]
GAP_SCORES = ("iou", "mean_iou_occluded", "hidden_iou")
"""The scores of amodal masks that are compared with and without a gap."""


def evaluate_ordering(
    scenes: Iterable[LabelledScene],
    methods: Sequence[str],
    protocol: Protocol | None = None,
    progress: Progress | None = None,
    *,
    predictions: Sequence[Predictions] = (),
) -> Table:
    """Score ordering methods.

    Args:
        scenes: with true amodal masks or an annotated order, as :func:`open_dataset` yields them.
        methods: names of :data:`deocclude.ordering.METHODS`.
        protocol: how to score.
        progress: is told how many scenes are done.
        predictions: of other methods, for rows more.

    Returns:
        One row a method: scored pairs, correct ones, and the scores of
        :func:`deocclude.evaluation.ordering.summarise`.

    Raises:
        InputError: an unknown method, no scene, scenes without truth, or predictions that do not fit them.
    """
    protocol = protocol or Protocol()
    (counts,) = _order_counts(scenes, methods, (protocol,), progress, predictions)
    rows: list[Row] = []
    for method, listed in counts.items():
        scores = order_scores.summarise(listed)
        correct, pairs = scores["acc_occpair"].counts
        rows.append({"method": method, "correct": correct, "pairs": pairs, **estimates(scores, protocol)})
    number = len(next(iter(counts.values())))
    return Table("Order", tuple(rows), (f"{number} scenes", *_notes(protocol, methods, predictions)))


def evaluate_amodal(
    scenes: Iterable[LabelledScene],
    methods: Sequence[str],
    protocol: Protocol | None = None,
    *,
    order: str = "convex",
    progress: Progress | None = None,
    predictions: Sequence[Predictions] = (),
) -> tuple[Table, Table]:
    """Score amodal methods.

    Args:
        scenes: with true amodal masks, as :func:`open_dataset` yields them.
        methods: names of :data:`deocclude.amodal.METHODS`.
        protocol: how to score.
        order: the ordering method that says which masks can hide an object, or :data:`TRUE_ORDER`.
        progress: is told how many scenes are done.
        predictions: of other methods, for rows more.

    Returns:
        The scores of :func:`deocclude.evaluation.masks.summarise`, one row a method, with the pixels of intersection
        and union that the pooled IoU divides; and the same scores by how much of the object is hidden, one row a
        method and bin.

    Raises:
        InputError: an unknown method, no scene, scenes without truth, or predictions that do not fit them.
    """
    protocol = protocol or Protocol()
    (counts,) = _shape_counts(scenes, methods, (protocol,), order, progress, predictions)
    about = _about(next(iter(counts.values())), order if methods else "")
    notes = (about, *_notes(protocol, methods, predictions))
    whole: list[Row] = []
    for method, listed in counts.items():
        scores = mask_scores.summarise(listed)
        common, joint = scores["iou"].counts
        pixels = f"{common:.0f}/{joint:.0f}"
        whole.append({"method": method, "pixels": pixels, **estimates(scores, protocol)})
    by_share = Table("Amodal masks by hidden share", _bin_rows(counts, protocol), notes)
    return Table("Amodal masks", tuple(whole), notes), by_share


def compare_ordering(
    scenes: Iterable[LabelledScene], methods: Sequence[str], protocol: Protocol, progress: Progress | None = None
) -> Table:
    """Score ordering methods with the masks as they are and with ``protocol.gap`` free pixels between them.

    The accuracy and correct pairs of both, and what the gap costs; its interval is that of the difference, over the
    same resampled scenes.

    Raises:
        InputError: as :func:`evaluate_ordering`, and a gap below 1.
    """
    before, after = _order_counts(scenes, methods, _with_and_without(protocol), progress)
    rows: list[Row] = []
    for method in methods:
        first, second = (order_scores.summarise(counts[method])["acc_occpair"] for counts in (before, after))
        right = {"correct": first.counts[0], f"correct, {protocol.gap} px": second.counts[0]}
        pairs = first.counts[1]
        rows.append({"method": method, "pairs": pairs, **right, **_pair("acc_occpair", first, second, protocol)})
    notes = (f"{len(before[methods[0]])} scenes", protocol.note)
    return Table(f"Order, without and with a gap of {protocol.gap} px", tuple(rows), notes)


def compare_amodal(
    scenes: Iterable[LabelledScene],
    methods: Sequence[str],
    protocol: Protocol,
    *,
    order: str = "convex",
    progress: Progress | None = None,
) -> Table:
    """Score amodal methods with the masks as they are and with ``protocol.gap`` free pixels between them.

    Order and shapes are both found from the shrunk masks; they are scored against the true whole masks, and the hidden
    part is what lies outside the visible masks as annotated.

    Raises:
        InputError: as :func:`evaluate_amodal`, and a gap below 1.
    """
    before, after = _shape_counts(scenes, methods, _with_and_without(protocol), order, progress)
    rows: list[Row] = []
    for method in methods:
        first, second = (mask_scores.summarise(counts[method]) for counts in (before, after))
        row: Row = {"method": method}
        for name in GAP_SCORES:
            row |= _pair(name, first[name], second[name], protocol)
        rows.append(row)
    notes = (_about(before[methods[0]], order), protocol.note)
    return Table(f"Amodal masks, without and with a gap of {protocol.gap} px", tuple(rows), notes)


def estimates(scores: Mapping[str, Ratio], protocol: Protocol) -> dict[str, Cell]:
    """Return the scores with the intervals that the protocol asks for."""
    return {name: score.estimate(samples=protocol.samples, seed=protocol.seed) for name, score in scores.items()}


def _order_counts(
    scenes: Iterable[LabelledScene],
    methods: Sequence[str],
    protocols: Sequence[Protocol],
    progress: Progress | None,
    predictions: Sequence[Predictions] = (),
) -> list[dict[str, list[OrderCounts]]]:
    """Return, for each protocol, the counts of every scene by method; every scene is read once."""
    names = _row_names(methods, ordering.METHODS, "ordering method", predictions)
    found: list[dict[str, list[OrderCounts]]] = [{name: [] for name in names} for _ in protocols]
    for labelled in usable(scenes, lambda item: has_order(item, protocols[0]), "an order truth", progress):
        for counts, protocol in zip(found, protocols, strict=True):
            for method, score in order_counts(labelled, methods, protocol).items() if methods else ():
                counts[method].append(score)
            for one in predictions:
                relations = true_relations(labelled, protocol)
                counts[one.name].append(order_scores.count(one.order(labelled), relations))
    return found


def _shape_counts(
    scenes: Iterable[LabelledScene],
    methods: Sequence[str],
    protocols: Sequence[Protocol],
    order: str,
    progress: Progress | None,
    predictions: Sequence[Predictions] = (),
) -> list[dict[str, list[list[ShapeCounts]]]]:
    names = _row_names(methods, amodal.METHODS, "amodal method", predictions)
    check_methods([order], (*ordering.METHODS, TRUE_ORDER), "ordering method")
    found: list[dict[str, list[list[ShapeCounts]]]] = [{name: [] for name in names} for _ in protocols]
    for labelled in usable(scenes, has_masks, "true amodal masks", progress):
        for counts, protocol in zip(found, protocols, strict=True):
            for method, score in shape_counts(labelled, methods, protocol, order).items() if methods else ():
                counts[method].append(score)
            for one in predictions:
                counts[one.name].append(mask_scores.measure(labelled.scene, one.shapes(labelled), labelled.scored))
    return found


def _row_names(
    methods: Sequence[str], known: Iterable[str], kind: str, predictions: Sequence[Predictions]
) -> tuple[str, ...]:
    """Return what the rows are called.

    Raises:
        InputError: an unknown method, no row at all, or two of one name.
    """
    if methods or not predictions:
        check_methods(methods, known, kind)
    for one in predictions:
        if one.name in methods:
            hint = "give another with NAME=FILE"
            raise InputError("a name that no method has", repr(one.name), file=one.path, field="predictions", hint=hint)
    return (*methods, *(one.name for one in predictions))


def _notes(protocol: Protocol, methods: Sequence[str], predictions: Sequence[Predictions]) -> tuple[str, ...]:
    """Return the lines below a table; how methods see masks is said only where there are methods."""
    how = protocol.note if methods else protocol.interval_note.removeprefix("; ")
    return tuple(filter(None, (*(one.note for one in predictions), how)))


def _with_and_without(protocol: Protocol) -> tuple[Protocol, Protocol]:
    if protocol.gap < 1:
        raise InputError("a gap of 1 pixel or more", str(protocol.gap), field="gap")
    return replace(protocol, gap=0), protocol


def _pair(name: str, first: Ratio, second: Ratio, protocol: Protocol) -> dict[str, Cell]:
    """Return the cells of one score: without the gap, with it, and what it costs."""
    sampling = {"samples": protocol.samples, "seed": protocol.seed}
    return {
        name: first.estimate(**sampling),
        f"{name}, {protocol.gap} px": second.estimate(**sampling),
        f"{name}, cost": difference(first, second, **sampling),
    }


def _about(counts: Sequence[Sequence[ShapeCounts]], order: str) -> str:
    grounded = f", order: {order}" if order else ""
    return f"{len(counts)} scenes, {sum(map(len, counts))} objects{grounded}"


def _bin_rows(counts: dict[str, list[list[ShapeCounts]]], protocol: Protocol) -> tuple[Row, ...]:
    rows: list[Row] = []
    for method, listed in counts.items():
        for name, scores in mask_scores.by_hidden_share(listed).items():
            objects = scores["mean_iou"].counts[1]
            rows.append({"method": method, "hidden": name, "objects": objects, **estimates(scores, protocol)})
    return tuple(rows)
