"""From the stages' results to layers that recompose to the photo.

Every pixel of the photo shows one thing: the object whose visible mask holds it, or the background. A layer may
hold a hidden pixel only beneath something that stays visible above it; so the topmost layer at each pixel always
shows the photo, and the unmoved stack is the photo, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from deocclude.content.patch import Fill, Provenance
from deocclude.errors import InputError, unknown_choice
from deocclude.geometry import EMPTY_BOX, Box
from deocclude.layers.nearest import nearest_pixel
from deocclude.layers.stack import Layer, LayerStack
from deocclude.layers.visible import Visible, visible_owner
from deocclude.masks import Mask
from deocclude.scene import Instance, Scene

EDGES = ("hard", "soft")
_REACH = 16


def build_layers(
    photo_rgb: NDArray[np.uint8],
    scene: Scene,
    amodal: Mapping[int, Mask],
    z_order: Sequence[int],
    fills: Mapping[int, Fill],
    background: Fill,
    edges: str = "hard",
) -> LayerStack:
    """Return one layer an object and the background behind them.

    Args:
        photo_rgb: uint8 [H, W, 3].
        scene: the objects with their visible masks.
        amodal: whole shapes by object id; an object without one is taken to be wholly visible. The visible mask
            is part of the shape even where an edited shape leaves it out.
        z_order: every object id of the scene once, bottom first.
        fills: the painted hidden parts by object id; an object without one has nothing painted.
        background: the painted background.
        edges: ``hard``: alpha is 0 or 255 and the unmoved stack is the photo byte for byte. ``soft``:
            anti-aliased, colours at the rim freed from their neighbours (:mod:`deocclude.layers.matte`); the
            unmoved stack is the photo byte for byte, too.

    Raises:
        InputError: unknown ``edges``, a photo of another size, or an order that does not hold each object once.
    """
    _check(photo_rgb, scene, z_order, edges)
    instances = {instance.id: instance for instance in scene.instances}
    ordered = [instances[identity] for identity in z_order]
    seen = Visible(photo_rgb, visible_owner([instance.modal for instance in ordered], scene.size))
    ground, unpainted = _background(seen, background)
    clipped, patched, layers = {}, {0: unpainted}, []
    for z, instance in enumerate(ordered):
        whole = amodal.get(instance.id, instance.modal) | instance.modal
        layer, clipped[instance.id], patched[instance.id] = _layer(seen, z, instance, whole, fills.get(instance.id))
        layers.append(layer)
    if edges == "soft":
        from deocclude.layers.matte import soften

        ground, layers = soften(seen, ground, layers)
    return LayerStack(scene.size, ground, tuple(layers), edges, _positive(clipped), _positive(patched))


def _check(photo: NDArray[np.uint8], scene: Scene, z_order: Sequence[int], edges: str) -> None:
    if edges not in EDGES:
        raise unknown_choice("edges", edges, EDGES)
    if photo.shape != (*scene.size, 3) or photo.dtype != np.uint8:
        found = f"{photo.dtype} {'x'.join(map(str, photo.shape))}"
        raise InputError(f"an 8-bit RGB photo of {scene.size}", found, field="photo", file=scene.source)
    if sorted(z_order) != sorted(scene.ids):
        raise InputError(
            f"each object once, of {', '.join(map(str, scene.ids))}",
            ", ".join(map(str, z_order)) or "none",
            field="z order",
            file=scene.source,
        )


def _positive(counts: Mapping[int, int]) -> dict[int, int]:
    return {identity: count for identity, count in counts.items() if count}


def _background(seen: Visible, fill: Fill) -> tuple[NDArray[np.uint8], int]:
    ground = seen.photo.copy()
    covered = seen.owner > 0
    painted = fill.hole & covered[fill.box.slices]
    ground[fill.box.slices][painted] = fill.rgb[painted]
    covered[fill.box.slices] &= ~fill.hole
    missing = Mask.from_array(covered)
    if missing:
        box = missing.box.grow(_REACH).clip(missing.size)
        wanted = missing.crop(box)
        _extend(ground[box.slices], wanted, ~wanted)
    return ground, missing.area


def _layer(seen: Visible, z: int, instance: Instance, whole: Mask, fill: Fill | None) -> tuple[Layer, int, int]:
    """Return the hard layer of an object, the number of pixels clipped and of those no fill had painted."""
    modal = instance.modal.crop(whole.box)
    hidden = whole.pixels & ~modal & (seen.owner[whole.box.slices] > z + 1)
    shape = Mask.from_crop(modal | hidden, whole.box[:2], whole.size)
    box = shape.box
    modal = instance.modal.crop(box)
    rgb = np.zeros((box.height, box.width, 3), np.uint8)
    rgb[modal] = seen.photo[box.slices][modal]
    provenance = np.where(modal, np.uint8(Provenance.VISIBLE), np.uint8(Provenance.NOTHING))
    confidence = np.where(modal, np.uint8(255), np.uint8(0))
    known = modal | _paint(fill, box, shape.pixels & ~modal, (rgb, provenance, confidence))
    missing = shape.pixels & ~known
    if missing.any():
        if not known.any():
            rgb[missing] = np.rint(seen.photo[box.slices][missing].mean(0)).astype(np.uint8)
        _extend(rgb, missing, known)
        provenance[missing] = Provenance.MEAN_COLOUR
    alpha = np.where(shape.pixels, np.uint8(255), np.uint8(0))
    layer = Layer(instance.id, instance.label, z, box, np.dstack([rgb, alpha]), provenance, confidence)
    return layer, whole.area - shape.area, int(np.count_nonzero(missing))


def _paint(
    fill: Fill | None, box: Box, hidden: NDArray[np.bool_], targets: tuple[NDArray[np.uint8], ...]
) -> NDArray[np.bool_]:
    """Copy what ``fill`` painted of ``hidden`` into colour, provenance and confidence; return which pixels."""
    painted = np.zeros_like(hidden)
    common = box.intersect(fill.box) if fill else EMPTY_BOX
    if fill is None or common.empty:
        return painted
    here, there = common.window(box), common.window(fill.box)
    painted[here] = fill.hole[there] & hidden[here]
    inside = painted[here]
    for target, source in zip(targets, (fill.rgb, fill.provenance, fill.confidence), strict=True):
        target[here][inside] = source[there][inside]
    return painted


def _extend(rgb: NDArray[np.uint8], wanted: NDArray[np.bool_], known: NDArray[np.bool_]) -> None:
    """Give pixels of ``wanted`` the nearest colour of ``known``, if there is any, in place."""
    if known.any():
        rgb[wanted] = rgb[nearest_pixel(known, wanted)]
