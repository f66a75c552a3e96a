"""Painter with room for texture: colours by PCNet-C, texture copied from what is visible by the exemplar painter.

A network errs least and is smooth; copied texture is sharp, but has the wrong colour where the object changes under the
hole. So the network's coarse colours are drawn to those that the object shows (in between two of them it would turn
grey), the search for copies starts from these, and of what it finds only the detail is taken, scale by scale, and no
stronger than the visible part has it: copied edges and highlights stay faint on a smooth object.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from deocclude.content.exemplar import ExemplarSettings, copies
from deocclude.content.mixing import FINE, smooth, smoother
from deocclude.content.painting import compose
from deocclude.content.patch import Painted, Painter, Patch, Provenance
from deocclude.content.pcnet_c import PCNetCSettings, pcnet_c
from deocclude.content.reduced import Shift, paint_reduced
from deocclude.masks import distance_to

NAME = "textured"
COARSEST = 1 / 16
"""Detail is copied up to the scale whose Gaussian spreads so much of the hole's width; the finest always is. On wider
scales copies of an object with parts are a collage of them."""
COLOURS = 3.0
"""Spread in pixels of the Gaussian that leaves the coarse colours."""
NEAR = 8.0
"""Distance in pixels to what is seen at which colours are moved half of the way: beside it the network knows better."""
PALETTE, LIKE = 3000, 64
"""Coarse colours of the object that are looked at, and how many of the likest are averaged."""

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]


def textured(settings: PCNetCSettings) -> Painter:
    """Return the painter; its confidence is PCNet-C's. Large holes are painted by :func:`reduced.paint_reduced`.

    Args:
        settings: of PCNet-C.

    Raises:
        InputError: PCNet-C has no weights.
    """
    network = pcnet_c(settings)

    def paint(patch: Patch) -> tuple[Painted, Shift | None]:
        base = network(patch)
        if base.fallback_reason or not patch.hole.any():
            return base, None
        own = own_colours(base.rgb, patch)
        copied, shift = copies(patch, ExemplarSettings(), own)
        if copied.fallback_reason:
            return replace(base, notes=(*base.notes, f"{NAME}: too little visible to take texture from")), None
        filled = with_texture(own.astype(np.float32), copied.rgb.astype(np.float32), patch)
        notes = (*base.notes, *copied.notes)
        return compose(patch, filled, base.confidence, Provenance.NETWORK, NAME, notes), shift

    return lambda patch: paint_reduced(patch, paint)


def own_colours(painted: NDArray[np.uint8], patch: Patch) -> NDArray[np.uint8]:
    """Return a painted hole uint8 [h, w, 3] with coarse colours moved to the mean of the likest ones that are seen.

    Beside what is seen they stay, further inside they move all the way.

    Args:
        painted: uint8 [h, w, 3], right outside the hole.
        patch: with evidence and a hole.
    """
    picture = painted.astype(np.float32)
    seen = smooth(picture, patch.evidence, COLOURS)[patch.evidence]
    seen = seen[np.random.default_rng(patch.seed).permutation(len(seen))[:PALETTE]]
    coarse = smooth(picture, patch.hole | patch.evidence, COLOURS)[patch.hole]
    colours, which = _distinct(np.rint(coarse).astype(np.int32))
    _, likest = cKDTree(seen).query(colours, k=range(1, min(LIKE, len(seen)) + 1))
    away = distance_to(patch.evidence)[patch.hole, None]
    moved = away / (away + NEAR) * (seen[likest].mean(1)[which] - coarse)
    result = painted.copy()
    result[patch.hole] = np.clip(np.rint(picture[patch.hole] + moved), 0, 255).astype(np.uint8)
    return result


def _distinct(colours: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Return the different ones of colours [n, 3] in 0..255, [m, 3], and which of them each is, [n]."""
    packed, which = np.unique((colours << np.array([16, 8, 0], np.int32)).sum(1, dtype=np.int32), return_inverse=True)
    return (packed[:, None] >> np.array([16, 8, 0], np.int32)) & 255, which


def with_texture(base: Float, copied: Float, patch: Patch) -> Float:
    """Return ``base`` with the detail of ``copied`` in its stead, float32 [h, w, 3], meaningful in the hole.

    The scales are those of a Laplacian pyramid (Burt and Adelson, ACM Transactions on Graphics 1983) without its
    smaller pictures. On each the local strength of the copies is held to the median one of the visible part.

    Args:
        base: float32 [h, w, 3], grey levels.
        copied: float32 [h, w, 3]; both are right outside the hole.
        patch: with evidence and a hole.
    """
    known = patch.hole | patch.evidence
    last = max(FINE, COARSEST * patch.hole_width)
    result, step, spread, blur = base.copy(), copied - base, FINE, smoother(known, FINE)
    while spread <= last:
        wider = smoother(known, 2 * spread)
        coarse, coarse_step = blur(copied), blur(step)
        strength = wider(np.square(copied - coarse).mean(2))
        usual = float(np.median(strength[patch.evidence]))
        share = np.minimum(1, np.sqrt(usual / np.maximum(strength, 1e-3)))
        result += share[..., None] * (step - coarse_step)
        copied, step, spread, blur = coarse, coarse_step, 2 * spread, wider
    return result
