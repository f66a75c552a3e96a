"""Amodal completion: the whole shape of each object. Methods return :class:`~deocclude.amodal.result.AmodalMasks`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from deocclude.errors import unknown_choice

if TYPE_CHECKING:
    from deocclude.amodal.result import AmodalMasks
    from deocclude.images import Photo
    from deocclude.ordering.graph import OrderGraph
    from deocclude.scene import Scene

    AmodalMethod = Callable[[Scene, OrderGraph, Photo | None], AmodalMasks]


def _rule(name: str) -> Callable[[bool], AmodalMethod]:
    def build(reference: bool) -> AmodalMethod:
        from deocclude.amodal.hull import complete_by_rule

        return partial(complete_by_rule, rule=name)

    return build


def _network(hiders: str) -> Callable[[bool], AmodalMethod]:
    def build(reference: bool) -> AmodalMethod:
        from deocclude.amodal import pcnet_m

        method = pcnet_m.complete_as_published if reference else pcnet_m.complete_by_network
        return partial(method, hiders=pcnet_m.HIDERS[hiders])

    return build


METHODS: dict[str, Callable[[bool], AmodalMethod]] = {
    **{name: _rule(name) for name in ("raw", "convex", "convexR")},
    "pcnet-m": _network("ancestors"),
    "pcnet-m-nog": _network("neighbours"),
}
"""Builders by name; the argument asks for the reference protocol's behaviour."""


def complete(
    scene: Scene, graph: OrderGraph, photo: Photo | None = None, *, method: str = "convexR", reference: bool = False
) -> AmodalMasks:
    """Complete every object of a scene.

    Args:
        scene: objects with disjoint visible masks.
        graph: who hides whom.
        photo: the photo, for methods that look at it.
        method: a name in :data:`METHODS`.
        reference: behave exactly as the published protocol, for scoring.

    Raises:
        InputError: unknown method.
    """
    if method not in METHODS:
        raise unknown_choice("amodal method", method, METHODS)
    return METHODS[method](reference)(scene, graph, photo)
