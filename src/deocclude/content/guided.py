"""Painter for wide holes of objects: texture copied from the object's own, where PCNet-C says what colour it has.

Copied texture alone has the wrong colour where the object changes under the hole; a network alone is smooth. The
texture painter's search starts from PCNet-C's colours, and all pixels are copies.
"""

from __future__ import annotations

from dataclasses import replace

from deocclude.content.exemplar import ExemplarSettings, exemplar
from deocclude.content.patch import Painted, Painter, Patch
from deocclude.content.pcnet_c import PCNetCSettings, pcnet_c

NAME = "guided"


def guided(settings: PCNetCSettings) -> Painter:
    """Return the painter; its confidence is that of :func:`~deocclude.content.exemplar.exemplar`.

    Args:
        settings: of PCNet-C.

    Raises:
        InputError: PCNet-C has no weights.
    """
    copy = exemplar(ExemplarSettings(), pcnet_c(settings))

    def paint(patch: Patch) -> Painted:
        painted = copy(patch)
        return painted if painted.fallback_reason else replace(painted, method=NAME)

    return paint
