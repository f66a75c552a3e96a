"""Order: who hides whom. Methods return :class:`~deocclude.ordering.pairs.PairwiseOrder`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from deocclude.errors import unknown_choice
from deocclude.nets.chosen import SHIPPED, Weights, completer_for

if TYPE_CHECKING:
    from deocclude.images import Photo
    from deocclude.ordering.pairs import OrderMethod, PairwiseOrder
    from deocclude.scene import Scene


def _rule(name: str) -> Callable[[bool, Weights], OrderMethod]:
    def build(reference: bool, weights: Weights) -> OrderMethod:
        from deocclude.ordering.heuristics import REFERENCE_ADJACENCY, order_by_rule

        return partial(order_by_rule, rule=name, adjacency=REFERENCE_ADJACENCY if reference else None)

    return build


def _dual_completion(reference: bool, weights: Weights) -> OrderMethod:
    from deocclude.ordering import dual_completion as dual

    if reference:
        return partial(dual.order_by_growth, completer=completer_for(weights))
    views = dual.CompletionOrderSettings().views
    return partial(dual.order_by_completion, completer=completer_for(weights, views))


METHODS: dict[str, Callable[[bool, Weights], OrderMethod]] = {
    **{name: _rule(name) for name in ("area-small", "area-large", "y-axis", "convex")},
    "pcnet-m": _dual_completion,
}
"""Builders by name; the arguments ask for the reference protocol's behaviour, and say which weights a network has."""
NETWORKS = frozenset({"pcnet-m"})
"""The methods that use weights."""


def estimate(
    scene: Scene,
    photo: Photo | None = None,
    *,
    method: str,
    reference: bool = False,
    weights: Weights = SHIPPED,
) -> PairwiseOrder:
    """Estimate who hides whom.

    Args:
        scene: objects with disjoint visible masks (see :func:`deocclude.repair.repair`).
        photo: the photo, for methods that look at it.
        method: a name in :data:`METHODS`.
        reference: behave exactly as the published protocol (adjacency by one pixel), for scoring.
        weights: of the mask network, for methods that use one; the shipped ones by default.

    Raises:
        InputError: unknown method, or weights that are missing, damaged or of another network.
    """
    if method not in METHODS:
        raise unknown_choice("ordering method", method, METHODS)
    found = METHODS[method](reference, weights)(scene, photo)
    if method not in NETWORKS or weights == SHIPPED:
        return found
    record = replace(found.record, settings={**found.record.settings, "weights": str(weights)})
    return replace(found, record=record)
