"""Order: who hides whom. Methods return :class:`~deocclude.ordering.pairs.PairwiseOrder`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from deocclude.errors import unknown_choice

if TYPE_CHECKING:
    from deocclude.images import Photo
    from deocclude.ordering.pairs import OrderMethod, PairwiseOrder
    from deocclude.scene import Scene


def _rule(name: str) -> Callable[[bool], OrderMethod]:
    def build(reference: bool) -> OrderMethod:
        from deocclude.ordering.heuristics import REFERENCE_ADJACENCY, order_by_rule

        return partial(order_by_rule, rule=name, adjacency=REFERENCE_ADJACENCY if reference else None)

    return build


def _dual_completion(reference: bool) -> OrderMethod:
    from deocclude.ordering import dual_completion

    return dual_completion.order_by_growth if reference else dual_completion.order_by_completion


METHODS: dict[str, Callable[[bool], OrderMethod]] = {
    **{name: _rule(name) for name in ("area-small", "area-large", "y-axis", "convex")},
    "pcnet-m": _dual_completion,
}
"""Builders by name; the argument asks for the reference protocol's behaviour."""


def estimate(
    scene: Scene, photo: Photo | None = None, *, method: str = "convex", reference: bool = False
) -> PairwiseOrder:
    """Estimate who hides whom.

    Args:
        scene: objects with disjoint visible masks (see :func:`deocclude.repair.repair`).
        photo: the photo, for methods that look at it.
        method: a name in :data:`METHODS`.
        reference: behave exactly as the published protocol (adjacency by one pixel), for scoring.

    Raises:
        InputError: unknown method.
    """
    if method not in METHODS:
        raise unknown_choice("ordering method", method, METHODS)
    return METHODS[method](reference)(scene, photo)
