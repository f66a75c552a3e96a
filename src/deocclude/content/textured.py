"""Painter for holes of middle size: coarse colours by PCNet-C, fine texture by the exemplar painter.

PCNet-C errs least and is smooth; copied texture is sharp, but whole patches of it may have the wrong colour. The sum of
the one's coarse and the other's fine part errs less than any copy and has as much detail.
"""

from __future__ import annotations

import numpy as np

from deocclude.content.exemplar import ExemplarSettings, exemplar
from deocclude.content.mixing import fine
from deocclude.content.painting import compose
from deocclude.content.patch import Painted, Painter, Patch, Provenance
from deocclude.content.pcnet_c import PCNetCSettings, pcnet_c

NAME = "textured"


def textured(settings: PCNetCSettings) -> Painter:
    """Return the painter.

    Args:
        settings: of PCNet-C.

    Raises:
        InputError: PCNet-C has no weights.
    """
    coarse, sharp = pcnet_c(settings), exemplar(ExemplarSettings())

    def paint(patch: Patch) -> Painted:
        base, texture = coarse(patch), sharp(patch)
        if base.fallback_reason or texture.fallback_reason:
            return base
        known = (patch.hole & (texture.provenance != Provenance.NOTHING)) | patch.evidence
        step = fine(texture.rgb.astype(np.float32), known) - fine(base.rgb.astype(np.float32), known)
        step[~known] = 0
        return compose(patch, base.rgb + step, base.confidence, Provenance.NETWORK, NAME, (*base.notes, *texture.notes))

    return paint
