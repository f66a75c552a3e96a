"""How methods are asked and counted on one scene: what they see, what they are asked, what is scored.

Two protocols. The *reference* one (Zhan et al., CVPR 2020) takes masks as they are, asks pairs that touch, keeps
cycles, so that published numbers can be compared. The other is what ``deocclude run`` does: masks are repaired
first, cycles broken. The truth is the same for both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from deocclude import amodal, ordering
from deocclude.datasets.gaps import part_masks
from deocclude.datasets.labelled_scenes import LabelledScene
from deocclude.errors import InputError, unknown_choice
from deocclude.evaluation import masks as mask_scores
from deocclude.evaluation import ordering as order_scores
from deocclude.evaluation.masks import ShapeCounts
from deocclude.evaluation.ordering import BoolMatrix, OrderCounts
from deocclude.images import Photo
from deocclude.masks import Mask
from deocclude.nets.chosen import SHIPPED
from deocclude.ordering.graph import OrderGraph
from deocclude.ordering.pairs import PairwiseOrder
from deocclude.repair import repair
from deocclude.scene import Scene

TRUE_ORDER = "truth"
"""Name of the order that is taken from the truth, to score amodal completion apart from ordering."""

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Protocol:
    """How to score."""

    reference: bool = False
    """Behave exactly as the published protocol."""
    truth: str = ""
    """Order truth: ``masks``, ``annotated``, ``auto``; empty for what the data set is scored with."""
    max_gap: int = 4
    """Widest slit between masks that the repair closes, in pixels; not in the reference protocol."""
    gap: int = 0
    """Free space that is cut between the visible masks before methods see them, in pixels (see
    :func:`deocclude.datasets.gaps.part_masks`); the truth stays as it is."""
    weights: str = SHIPPED
    """Of the mask network: a bundled name, a weights file, or the folder of a training run."""
    samples: int = 1000
    """Resampled sets for the intervals; 0 for none."""
    seed: int = 0
    """Of the resampling."""

    def __post_init__(self) -> None:
        """Check the truth.

        Raises:
            InputError: no such kind.
        """
        if self.truth and self.truth not in order_scores.TRUTHS:
            raise unknown_choice("order truth", self.truth, order_scores.TRUTHS)

    @property
    def note(self) -> str:
        """One line for a table."""
        kind = "reference protocol" if self.reference else f"masks repaired (slits up to {self.max_gap} px)"
        parted = f"; masks shrunk until they are {self.gap} px apart" if self.gap else ""
        own = f"; weights: {self.weights}" if self.weights != SHIPPED else ""
        return f"{kind}{parted}{own}{self.interval_note}"

    @property
    def interval_note(self) -> str:
        """What the brackets mean, for the end of a line; empty where there are none."""
        return "; in brackets: 95 % bootstrap interval over scenes" if self.samples else ""


@dataclass(frozen=True)
class Prepared:
    """A scene as methods get it.

    Attributes:
        given: the scene with its truth.
        scene: what methods see: no truth, masks repaired unless the reference protocol is asked for.
    """

    given: LabelledScene
    scene: Scene

    @cached_property
    def photo(self) -> Photo:
        """The photo, for methods that look at it.

        Raises:
            InputError: there is none, it is damaged, or the masks are for one of another size.
        """
        scene = self.given.scene
        photo = self.given.photo()
        if photo is None:
            expected = f"the photo {scene.image_file!r} beside it, in photos/ or in images/"
            raise InputError(expected, "none", file=scene.source, hint="other methods need masks only")
        if photo.size != scene.size:
            raise InputError(f"a photo of {scene.size}", f"one of {photo.size}", file=self.given.photo_path,
                             hint="other methods need masks only")  # fmt: skip
        return photo


def prepare(labelled: LabelledScene, protocol: Protocol) -> Prepared:
    """Return a scene ready for methods; the truth is taken out, so that none can look at it."""
    blind = replace(
        labelled.scene,
        instances=tuple(replace(item, amodal=None, depth_rank=None) for item in labelled.scene.instances),
        order_truth=None,
    )
    if protocol.gap:
        blind = part_masks(blind, protocol.gap)
    scene = blind if protocol.reference else repair(blind, max_gap=protocol.max_gap)[0]
    return Prepared(labelled, scene)


def predict_order(prepared: Prepared, method: str, protocol: Protocol) -> PairwiseOrder:
    """Return the order that a method finds among the objects that it sees."""
    return ordering.estimate(prepared.scene, method=method, reference=protocol.reference, weights=protocol.weights)


def graph_of(order: PairwiseOrder, protocol: Protocol) -> OrderGraph:
    """Return the graph that amodal methods build on; cycles are kept in the reference protocol only."""
    if protocol.reference:
        return OrderGraph.from_matrix(order.ids, order.matrix(), break_cycles=False)
    return OrderGraph.build(order)


def predict_graph(prepared: Prepared, method: str, protocol: Protocol) -> OrderGraph:
    """Return the graph that amodal methods build on: of an ordering method, or of the truth (:data:`TRUE_ORDER`)."""
    ids = prepared.scene.ids
    if method == TRUE_ORDER:
        kept = np.flatnonzero(np.isin(prepared.given.scene.ids, ids))
        relations = true_relations(prepared.given, protocol)[np.ix_(kept, kept)]
        return OrderGraph.from_matrix(ids, relations.astype(np.int8), break_cycles=False)
    return graph_of(predict_order(prepared, method, protocol), protocol)


def predict_masks(prepared: Prepared, graph: OrderGraph, method: str, protocol: Protocol) -> dict[int, Mask]:
    """Return the whole shapes that a method finds, by id; an object that the repair dropped keeps its visible mask."""
    photo = prepared.photo if method in amodal.NEED_PHOTO else None
    found = amodal.complete(
        prepared.scene, graph, photo, method=method, reference=protocol.reference, weights=protocol.weights
    )
    return {item.id: item.modal for item in prepared.given.scene.instances} | dict(found.masks)


def count_order(prepared: Prepared, order: PairwiseOrder, protocol: Protocol) -> OrderCounts:
    """Score an order of the objects that a method saw against the truth of all."""
    relations = true_relations(prepared.given, protocol)
    return order_scores.count(_over(prepared.given.scene.ids, order), relations)


def order_counts(labelled: LabelledScene, methods: Sequence[str], protocol: Protocol) -> dict[str, OrderCounts]:
    """Return the score of each ordering method on one scene."""
    prepared = prepare(labelled, protocol)
    return {name: count_order(prepared, predict_order(prepared, name, protocol), protocol) for name in methods}


def shape_counts(
    labelled: LabelledScene, methods: Sequence[str], protocol: Protocol, order: str
) -> dict[str, list[ShapeCounts]]:
    """Return the pixel counts of each amodal method on one scene, grounded on one ordering method."""
    prepared = prepare(labelled, protocol)
    graph = predict_graph(prepared, order, protocol)
    return {
        name: mask_scores.measure(labelled.scene, predict_masks(prepared, graph, name, protocol), labelled.scored)
        for name in methods
    }


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


def usable(
    scenes: Iterable[LabelledScene],
    has_truth: Callable[[LabelledScene], bool],
    wanted: str,
    progress: Progress | None,
) -> Iterator[LabelledScene]:
    """Yield the scenes that have truth.

    Raises:
        InputError: none has.
    """
    number, used, file = 0, 0, None
    for number, labelled in enumerate(scenes, start=1):
        file = labelled.scene.source
        if has_truth(labelled):
            used += 1
            yield labelled
        if progress:
            progress(number)
    if not used:
        raise InputError(f"scenes with {wanted}", f"none among {number}", file=file, hint="score on an amodal data set")


def check_methods(methods: Sequence[str], known: Iterable[str], kind: str) -> None:
    """Refuse names that are not known.

    Raises:
        InputError: an unknown name, or none at all.
    """
    if not methods:
        raise InputError("at least one method", "none", field=kind)
    choices = tuple(known)
    for method in methods:
        if method not in choices:
            raise unknown_choice(kind, method, choices)


def _over(ids: tuple[int, ...], order: PairwiseOrder) -> PairwiseOrder:
    """Return the order over ``ids``; objects that the repair dropped have no relation."""
    if order.ids == ids:
        return order
    places = [ids.index(identity) for identity in order.ids]
    front = np.zeros((len(ids), len(ids)))
    front[np.ix_(places, places)] = order.front
    return PairwiseOrder(ids, front, order.record)
