"""The paper's table of order and whole shapes, on any annotated data set, all rows by the same rules.

Zhan et al., "Self-Supervised Scene De-occlusion", CVPR 2020, Tables 1 and 2: rules, then the mask network with and
without the order. Their rows follow the published protocol; ours is what ``deocclude run`` does. Every number is
measured here; published ones are not mixed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from deocclude.datasets.labelled_scenes import LabelledScene
from deocclude.evaluation import masks as mask_scores
from deocclude.evaluation import ordering as order_scores
from deocclude.evaluation.masks import ShapeCounts
from deocclude.evaluation.ordering import OrderCounts
from deocclude.evaluation.protocol import (
    Prepared,
    Progress,
    Protocol,
    count_order,
    graph_of,
    has_masks,
    has_order,
    predict_masks,
    predict_order,
    prepare,
    usable,
)
from deocclude.evaluation.ratio import Ratio
from deocclude.evaluation.tables import Cell, Table
from deocclude.masks import Mask
from deocclude.ordering.pairs import PairwiseOrder

OrderAnswer = Callable[[Prepared], PairwiseOrder]
ShapeAnswer = Callable[[Prepared], dict[int, Mask]]


@dataclass(frozen=True)
class Entry:
    """A row of the table.

    Attributes:
        name: what it is called.
        order: ordering method; empty where the row has no order of its own.
        amodal: amodal method; empty where the row has no whole shapes.
        grounded_on: the ordering method that says what can hide an object, for ``amodal``.
        reference: by the published protocol.
    """

    name: str
    order: str = ""
    amodal: str = ""
    grounded_on: str = "convex"
    reference: bool = True


ENTRIES = (
    Entry("Area, the smaller in front", order="area-small"),
    Entry("Area, the larger in front", order="area-large"),
    Entry("Y-axis", order="y-axis"),
    Entry("Raw", amodal="raw"),
    Entry("Convex", order="convex", amodal="convex"),
    Entry("ConvexR", amodal="convexR"),
    Entry("PCNet-M, not grounded on order", amodal="pcnet-m-nog", grounded_on="pcnet-m"),
    Entry("PCNet-M, grounded on order", order="pcnet-m", amodal="pcnet-m", grounded_on="pcnet-m"),
    Entry("deocclude", order="pcnet-m", amodal="pcnet-m", grounded_on="pcnet-m", reference=False),
)


@dataclass(frozen=True)
class Learned:
    """A row for a network that learned from the truth; it follows the published protocol.

    Attributes:
        name: what it is called.
        order: finds an order, or ``None``.
        shapes: finds whole shapes by object id, or ``None``.
        scenes: digests (:func:`deocclude.datasets.held_out.scene_digest`) of the scenes that it was trained on;
            ``None`` where they are not known.
    """

    name: str
    order: OrderAnswer | None = None
    shapes: ShapeAnswer | None = None
    scenes: frozenset[str] | None = None


@dataclass
class _Row:
    name: str
    reference: bool
    orders: list[OrderCounts] = field(default_factory=list)
    shapes: list[list[ShapeCounts]] = field(default_factory=list)


def evaluate_table1(
    scenes: Iterable[LabelledScene],
    protocol: Protocol | None = None,
    *,
    learned: Sequence[Learned] = (),
    progress: Progress | None = None,
) -> Table:
    """Score the rules, the network by the published protocol, and what ``deocclude run`` does.

    Args:
        scenes: with true amodal masks, an order truth, or both; each column has the scenes that state its truth.
        protocol: how to score; which rows follow the published protocol is fixed.
        learned: rows for networks that learned from the truth.
        progress: is told how many scenes are done.

    Returns:
        One row a method: accuracy on the pairs that occlude each other, pooled IoU of the whole shapes (the published
        "mIoU") and pooled IoU of their hidden parts.

    Raises:
        InputError: no scene has truth, or weights that are unusable.
    """
    protocol = protocol or Protocol()
    rows = {item.name: _Row(item.name, True) for item in learned}
    rows |= {entry.name: _Row(entry.name, entry.reference) for entry in ENTRIES}
    counted = [0, 0]
    wanted = "an order truth or true amodal masks"
    for labelled in usable(scenes, lambda item: has_order(item, protocol) or has_masks(item), wanted, progress):
        counted[0] += has_order(labelled, protocol)
        counted[1] += has_masks(labelled)
        published = _Scene(labelled, replace(protocol, reference=True))
        ours = _Scene(labelled, replace(protocol, reference=False))
        for entry in ENTRIES:
            (published if entry.reference else ours).score(rows[entry.name], entry)
        for item in learned:
            published.score_answers(rows[item.name], item.order, item.shapes)
    return Table("Order and whole shapes", tuple(_cells(row, protocol) for row in rows.values()),
                 _notes(rows.values(), counted, protocol))  # fmt: skip


class _Scene:
    """One scene under one protocol; every order is asked for once."""

    def __init__(self, labelled: LabelledScene, protocol: Protocol) -> None:
        self.prepared, self.protocol = prepare(labelled, protocol), protocol
        self.with_order, self.with_masks = has_order(labelled, protocol), has_masks(labelled)
        self._orders: dict[str, PairwiseOrder] = {}

    def score(self, row: _Row, entry: Entry) -> None:
        """Add what ``entry`` finds to ``row``."""
        self.score_answers(
            row,
            (lambda _: self.order(entry.order)) if entry.order else None,
            (lambda _: self.shapes(entry)) if entry.amodal else None,
        )

    def score_answers(self, row: _Row, order: OrderAnswer | None, shapes: ShapeAnswer | None) -> None:
        """Add an order and whole shapes to ``row``, as far as the scene has their truth."""
        given = self.prepared.given
        if order is not None and self.with_order:
            row.orders.append(count_order(self.prepared, order(self.prepared), self.protocol))
        if shapes is not None and self.with_masks:
            row.shapes.append(mask_scores.measure(given.scene, shapes(self.prepared), given.scored))

    def order(self, method: str) -> PairwiseOrder:
        """Return the order by ``method``."""
        if method not in self._orders:
            self._orders[method] = predict_order(self.prepared, method, self.protocol)
        return self._orders[method]

    def shapes(self, entry: Entry) -> dict[int, Mask]:
        """Return the whole shapes by the methods of ``entry``."""
        graph = graph_of(self.order(entry.grounded_on), self.protocol)
        return predict_masks(self.prepared, graph, entry.amodal, self.protocol)


def _cells(row: _Row, protocol: Protocol) -> dict[str, Cell]:
    sampling = {"samples": protocol.samples, "seed": protocol.seed}

    def estimate(scores: dict[str, Ratio], name: str, listed: Sequence[object]) -> Cell:
        return scores[name].estimate(**sampling) if listed else None

    order, shapes = order_scores.summarise(row.orders), mask_scores.summarise(row.shapes)
    return {
        "method": row.name,
        "protocol": "reference" if row.reference else "deocclude",
        "ordering accuracy": estimate(order, "acc_occpair", row.orders),
        "amodal mIoU": estimate(shapes, "iou", row.shapes),
        "invisible IoU": estimate(shapes, "hidden_iou", row.shapes),
    }


def _notes(rows: Iterable[_Row], counted: Sequence[int], protocol: Protocol) -> tuple[str, ...]:
    orders = next((row.orders for row in rows if row.orders), [])
    shapes = next((row.shapes for row in rows if row.shapes), [])
    pairs, objects = sum(item.occluded for item in orders), sum(map(len, shapes))
    about = f"{pairs} pairs in {counted[0]} scenes, {objects} objects in {counted[1]} scenes"
    ours = replace(protocol, reference=False)
    return (about, f"IoU pooled over objects; protocol of deocclude: {ours.note}")
