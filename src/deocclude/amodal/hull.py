"""Whole shapes by rules: the visible mask itself, its convex hull, the hull where an occluder can hide it.

Baselines of Zhan et al., "Self-Supervised Scene De-occlusion", CVPR 2020, section 4 (Raw, Convex, ConvexR).
"""

from __future__ import annotations

from deocclude.amodal.result import AmodalMasks
from deocclude.images import Photo
from deocclude.masks import Mask, convex_hull, union
from deocclude.ordering.graph import OrderGraph
from deocclude.scene import Instance, Scene
from deocclude.stages import StageRecord, Stopwatch


def complete_by_rule(scene: Scene, graph: OrderGraph, photo: Photo | None = None, *, rule: str) -> AmodalMasks:
    """Complete every object by one rule.

    Args:
        scene: objects with disjoint visible masks.
        graph: who hides whom; used by ``convexR`` only.
        photo: not looked at; here because every amodal method takes it.
        rule: ``raw`` (what is seen), ``convex`` (hull) or ``convexR`` (the hull's growth is kept only where it lies
            in the visible masks of the object's direct and indirect occluders).
    """
    watch = Stopwatch()
    masks = {item.id: RULES[rule](item, scene, graph) for item in scene.instances}
    return AmodalMasks(masks, StageRecord(rule, {}, watch.seconds))


def _raw(item: Instance, scene: Scene, graph: OrderGraph) -> Mask:
    return item.modal


def _convex(item: Instance, scene: Scene, graph: OrderGraph) -> Mask:
    return convex_hull(item.modal)


def _convex_restricted(item: Instance, scene: Scene, graph: OrderGraph) -> Mask:
    hiders = [scene[ancestor].modal for ancestor in graph.ancestors(item.id)]
    if not hiders:
        return item.modal
    hull = convex_hull(item.modal)
    return item.modal | union((hull & hider for hider in hiders), scene.size)


RULES = {"raw": _raw, "convex": _convex, "convexR": _convex_restricted}
