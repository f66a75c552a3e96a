"""Whole shapes by a U-Net that learned annotated whole masks: a baseline for data that have them.

The supervised row of Zhan et al., "Self-Supervised Scene De-occlusion", CVPR 2020, Table 1: the net sees the visible
mask alone, and what it answers is the whole shape, wherever that lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from deocclude.amodal.pcnet_m import PublishedSettings, complete_as_published
from deocclude.amodal.result import AmodalMasks
from deocclude.errors import InputError
from deocclude.nets.completer import MaskCompleter
from deocclude.ordering.graph import OrderGraph
from deocclude.scene import Scene
from deocclude.weights import load_unet, patch_side, read_weights

METHOD = "supervised"
THRESHOLD = 0.5


def load_supervised(path: Path) -> MaskCompleter:
    """Return the net of weights that ``deocclude train supervised`` wrote.

    Raises:
        InputError: missing, damaged, or weights of another network.
    """
    info, _ = read_weights(path)
    if info.task != METHOD:
        raise InputError(f"weights of {METHOD!r}", repr(info.task), file=path, field="task",
                         hint="train some with 'deocclude train supervised'")  # fmt: skip
    return MaskCompleter(path, size=patch_side(info, path), net=load_unet(path))


def complete_supervised(scene: Scene, completer: MaskCompleter) -> AmodalMasks:
    """Complete every object from its visible mask alone.

    Args:
        scene: objects with disjoint visible masks.
        completer: of :func:`load_supervised`.
    """
    settings = PublishedSettings(completer.size, THRESHOLD)
    alone = OrderGraph(scene.ids, ())
    found = complete_as_published(scene, alone, hiders=_nobody, completer=completer, settings=settings)
    return replace(found, record=replace(found.record, method=METHOD))


def _nobody(graph: OrderGraph, identity: int) -> Sequence[int]:
    return ()
