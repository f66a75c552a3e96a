"""Painter for wide holes of objects: texture copied from the object's own, where PCNet-C says what colour it has.

Copied texture alone has the wrong colour where the object changes under the hole; a network alone is smooth. The
texture painter's search starts from PCNet-C's colours, and all pixels are copies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from deocclude.content.exemplar import ExemplarSettings, exemplar
from deocclude.content.patch import Painted, Painter, Patch
from deocclude.content.pcnet_c import PCNetCSettings, pcnet_c

NAME = "guided"


@dataclass(frozen=True)
class GuidedSettings:
    """Settings of the painter.

    Attributes:
        weights: of PCNet-C: name of bundled weights, a weights file or the folder of a training run.
    """

    weights: str = PCNetCSettings.weights


def guided(settings: GuidedSettings) -> Painter:
    """Return the painter; its confidence is that of :func:`~deocclude.content.exemplar.exemplar`.

    Raises:
        InputError: PCNet-C has no weights.
    """
    copy = exemplar(ExemplarSettings(), pcnet_c(PCNetCSettings(weights=settings.weights)))

    def paint(patch: Patch) -> Painted:
        painted = copy(patch)
        return painted if painted.fallback_reason else replace(painted, method=NAME)

    return paint
