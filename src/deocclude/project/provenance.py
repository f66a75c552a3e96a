"""Where hidden pixels came from: one picture of codes, one palette, one name for each code."""

from __future__ import annotations

import colorsys
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deocclude.content.patch import BACKGROUND, Provenance
from deocclude.geometry import Box
from deocclude.masks import union
from deocclude.project.state import Project

RGB = tuple[int, int, int]
Codes = NDArray[np.uint8]

_NAMES = {
    Provenance.NOTHING: "nothing",
    Provenance.VISIBLE: "visible in the photo",
    Provenance.DIFFUSION: "diffusion",
    Provenance.OWN_TEXTURE: "own texture",
    Provenance.NETWORK: "network",
    Provenance.MEAN_COLOUR: "mean colour",
}
_FIXED: dict[int, RGB] = {
    Provenance.NOTHING: (0, 0, 0),
    Provenance.VISIBLE: (232, 232, 228),
    Provenance.DIFFUSION: (86, 180, 233),
    Provenance.OWN_TEXTURE: (240, 163, 10),
    Provenance.NETWORK: (204, 121, 167),
    Provenance.MEAN_COLOUR: (213, 94, 0),
}
"""From the palette of Okabe and Ito, which people with any colour vision can tell apart."""


def _colour(code: int) -> RGB:
    if code < Provenance.REFERENCE:
        return _FIXED.get(code, (128, 128, 128))
    step = code - Provenance.REFERENCE
    hue, value = 0.36 + 0.1 * ((step * 0.618034) % 1.0), (0.72, 0.5, 0.9)[step % 3]
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.85, value)
    return round(red * 255), round(green * 255), round(blue * 255)


PROVENANCE_COLOURS: tuple[RGB, ...] = tuple(_colour(code) for code in range(256))
"""RGB of every code; all references are greens. The palette of ``provenance.png``."""


def palette() -> bytes:
    """Return :data:`PROVENANCE_COLOURS` as 768 bytes, as ``PIL.Image.Image.putpalette`` wants them."""
    return bytes(value for colour in PROVENANCE_COLOURS for value in colour)


def provenance_name(code: int) -> str:
    """Return what to call a code of :class:`~deocclude.content.patch.Provenance`; references count from 0."""
    if code >= Provenance.REFERENCE:
        return f"reference {code - Provenance.REFERENCE}"
    return _NAMES[Provenance(code)] if code in _NAMES else f"code {code}"


def provenance_picture(project: Project) -> Codes:
    """Return where the front-most hidden content of each pixel came from.

    The background's painted part lies lowest, the layers' hidden parts above it from bottom to top. Without layers
    the painted parts themselves are taken. A hidden pixel that nothing painted (the shape was edited afterwards,
    and the layers extended the nearest colour) counts as ``MEAN_COLOUR``.

    Returns:
        uint8 [H, W] of :class:`~deocclude.content.patch.Provenance`; ``VISIBLE`` where nothing hidden was found.
    """
    picture = np.full(project.photo.size, Provenance.VISIBLE, np.uint8)
    if project.stack is not None:
        covered = union((item.modal for item in project.objects), project.photo.size)
        picture[covered.box.slices][covered.pixels] = Provenance.MEAN_COLOUR
    for box, codes in _hidden_parts(project):
        window = picture[box.slices]
        np.copyto(window, codes, where=codes > Provenance.VISIBLE)
    return picture


def provenance_image(project: Project) -> Image.Image:
    """Return :func:`provenance_picture` as a palette picture, ready to be saved as ``provenance.png``."""
    image = Image.fromarray(provenance_picture(project))
    image.putpalette(palette())
    return image


def _hidden_parts(project: Project) -> Iterator[tuple[Box, Codes]]:
    """Yield (box, codes) from the back to the front."""
    fills = project.fills or {}
    if BACKGROUND in fills:
        yield fills[BACKGROUND].box, hidden_codes(fills[BACKGROUND].provenance, fills[BACKGROUND].hole)
    if project.stack is not None:
        yield from ((layer.box, layer.provenance) for layer in project.stack.layers)
        return
    order = project.graph.z_order() if project.graph is not None else sorted(fills)
    for identity in order:
        if identity in fills and identity != BACKGROUND:
            yield fills[identity].box, hidden_codes(fills[identity].provenance, fills[identity].hole)


def hidden_codes(codes: Codes, hole: NDArray[np.bool_]) -> Codes:
    """Return ``codes`` in the hole and ``NOTHING`` elsewhere, both [h, w]."""
    return np.where(hole, codes, np.uint8(Provenance.NOTHING))
