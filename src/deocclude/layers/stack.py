"""The scene taken apart: layers above a background."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from deocclude.errors import InputError
from deocclude.geometry import Box, Size


@dataclass(frozen=True, eq=False)
class Layer:
    """One object, whole.

    Attributes:
        instance_id: the object's id in the scene.
        name: what to call it.
        z: 0 is the layer just above the background; unique in a stack.
        box: where the arrays lie in the photo, half-open; all zeros for a layer without pixels.
        rgba: uint8 [h, w, 4], straight alpha.
        provenance: uint8 [h, w] of :class:`~deocclude.content.patch.Provenance`.
        confidence: uint8 [h, w], 0..255.
    """

    instance_id: int
    name: str
    z: int
    box: Box
    rgba: NDArray[np.uint8]
    provenance: NDArray[np.uint8]
    confidence: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class LayerStack:
    """Layers from bottom to top above a background.

    Attributes:
        size: height and width of the photo.
        background: uint8 [H, W, 3].
        layers: bottom first; ``z`` counts up from 0.
        edges: ``hard`` (alpha 0 or 255) or ``soft``.
        clipped: pixels of whole shapes that were cut from each layer, by id, because they would have covered
            something visible (mutual occlusion, or an order that contradicts the masks). Only ids with any.
        patched: hidden pixels that no fill had painted (a whole shape edited after filling), by id, 0 being the
            background; they have the nearest known colour. Only ids with any.
    """

    size: Size
    background: NDArray[np.uint8]
    layers: tuple[Layer, ...]
    edges: str
    clipped: Mapping[int, int]
    patched: Mapping[int, int] = field(default_factory=dict)

    @property
    def ids(self) -> tuple[int, ...]:
        """Object ids, bottom first."""
        return tuple(layer.instance_id for layer in self.layers)

    def __getitem__(self, instance_id: int) -> Layer:
        """Return the layer of this object.

        Raises:
            InputError: there is none.
        """
        for layer in self.layers:
            if layer.instance_id == instance_id:
                return layer
        known = ", ".join(map(str, self.ids)) or "none, there is no layer"
        raise InputError(f"an object id among {known}", str(instance_id), field="layer")
