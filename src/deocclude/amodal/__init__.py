"""Amodal completion: the whole shape of each object. Methods return :class:`~deocclude.amodal.result.AmodalMasks`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from deocclude.errors import unknown_choice
from deocclude.nets.chosen import SHIPPED, Weights, completer_for

if TYPE_CHECKING:
    from deocclude.amodal.result import AmodalMasks
    from deocclude.images import Photo
    from deocclude.ordering.graph import OrderGraph
    from deocclude.scene import Scene

    AmodalMethod = Callable[[Scene, OrderGraph, Photo | None], AmodalMasks]


def _rule(name: str) -> Callable[[bool, Weights], AmodalMethod]:
    def build(reference: bool, weights: Weights) -> AmodalMethod:
        from deocclude.amodal.hull import complete_by_rule

        return partial(complete_by_rule, rule=name)

    return build


def _network(hiders: str) -> Callable[[bool, Weights], AmodalMethod]:
    def build(reference: bool, weights: Weights) -> AmodalMethod:
        from deocclude.amodal import pcnet_m

        chosen = pcnet_m.HIDERS[hiders]
        if reference:
            return partial(pcnet_m.complete_as_published, hiders=chosen, completer=completer_for(weights))
        views = pcnet_m.CompletionSettings().views
        return partial(pcnet_m.complete_by_network, hiders=chosen, completer=completer_for(weights, views))

    return build


def _looking(reference: bool, weights: Weights) -> AmodalMethod:
    from deocclude.amodal import pcnet_m
    from deocclude.nets.completer import bundled

    return partial(
        pcnet_m.complete_by_network,
        completer=completer_for(weights),
        looker=bundled("pcnet-m-rgb"),
        settings=pcnet_m.LOOKING,
    )


METHODS: dict[str, Callable[[bool, Weights], AmodalMethod]] = {
    **{name: _rule(name) for name in ("raw", "convex", "convexR")},
    "pcnet-m": _network("ancestors"),
    "pcnet-m-nog": _network("neighbours"),
    "pcnet-m-rgb": _looking,
}
"""Builders by name; the arguments ask for the reference protocol's behaviour, and say which weights a network has."""
NETWORKS = frozenset({"pcnet-m", "pcnet-m-nog", "pcnet-m-rgb"})
"""The methods that use weights."""
NEED_PHOTO = frozenset({"pcnet-m-rgb"})
"""The methods that look at the photo."""


def complete(
    scene: Scene,
    graph: OrderGraph,
    photo: Photo | None = None,
    *,
    method: str,
    reference: bool = False,
    weights: Weights = SHIPPED,
) -> AmodalMasks:
    """Complete every object of a scene.

    Args:
        scene: objects with disjoint visible masks.
        graph: who hides whom.
        photo: the photo, for methods that look at it.
        method: a name in :data:`METHODS`.
        reference: behave exactly as the published protocol, for scoring.
        weights: of the mask network, for methods that use one; the shipped ones by default.

    Raises:
        InputError: unknown method, or weights that are missing, damaged or of another network.
    """
    if method not in METHODS:
        raise unknown_choice("amodal method", method, METHODS)
    found = METHODS[method](reference, weights)(scene, graph, photo)
    if method not in NETWORKS:
        return found
    own = {} if weights == SHIPPED else {"weights": str(weights)}
    return replace(found, record=replace(found.record, method=method, settings={**found.record.settings, **own}))
