"""Layers as a Photoshop file (``.psd``), by psd-tools."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
from PIL import Image

from deocclude.errors import InputError, MissingExtraError
from deocclude.files import atomic_file
from deocclude.layers.compose import compose
from deocclude.layers.naming import plain_text
from deocclude.layers.stack import LayerStack

MAX_SIDE = 30_000
_MAX_NAME = 120


def write_psd(stack: LayerStack, path: Path, *, icc_profile: bytes = b"", hidden: Collection[int] = ()) -> None:
    """Write ``stack`` as a Photoshop file, whole or not at all.

    Args:
        stack: the layers.
        path: the file to make.
        icc_profile: colour profile of the photo, embedded.
        hidden: ids of layers that are there but switched off.

    Raises:
        MissingExtraError: psd-tools is not installed.
        InputError: a side longer than the 30,000 pixels of the format, or a hidden id that the stack does not have.
        OutputError: the disk is full, or the place is not writable.
    """
    try:
        from psd_tools import PSDImage
        from psd_tools.constants import Resource
        from psd_tools.psd.image_resources import ImageResource
    except ImportError:
        raise MissingExtraError("writing Photoshop files", "psd") from None
    if max(stack.size) > MAX_SIDE:
        raise InputError(f"sides of at most {MAX_SIDE} pixels", str(stack.size), field="psd", hint="write ora or png")

    class Document(PSDImage):
        """A document whose merged picture is ours; psd-tools would compose it again, for minutes."""

        def is_updated(self) -> bool:
            return False

    # Mode RGBA: only so does psd-tools keep alpha as the transparency of a layer rather than as its mask.
    document = Document.frompil(Image.fromarray(compose(stack, hide=hidden)).convert("RGBA"))
    if icc_profile:
        resource = ImageResource(key=Resource.ICC_PROFILE, data=icc_profile)
        document.image_resources[Resource.ICC_PROFILE] = resource
    document.create_pixel_layer(Image.fromarray(stack.background).convert("RGBA"), name="background")
    for layer in stack.layers:
        pixels = np.zeros((1, 1, 4), np.uint8) if layer.box.empty else layer.rgba
        made = document.create_pixel_layer(Image.fromarray(pixels), name="layer", top=layer.box.y0, left=layer.box.x0)
        made.name = plain_text(layer.name)[:_MAX_NAME]
        made.visible = layer.instance_id not in hidden
    with atomic_file(path) as part:
        document.save(part)
