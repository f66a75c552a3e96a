"""What all painters share: composing the answer, confidence, and what to do without evidence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deocclude.content.patch import Painted, Patch, Provenance
from deocclude.masks import distance_to

MID_GREY = 128
BLIND = "no visible pixel to take colour from"


def trust(patch: Patch) -> NDArray[np.float32]:
    """Return how far evidence reaches into the hole, float32 [h, w] in 0..1.

    ``sqrt(E / (E + H)) * exp(-d / (2 + sqrt(H) / 2))`` with H and E the numbers of hole and evidence pixels and d the
    distance to the nearest evidence in pixels: about 0.9 beside it, a third in the middle of a round hole that
    evidence surrounds, less where the object must be continued beyond what is seen, and less when little is seen.
    """
    hole, evidence = int(np.count_nonzero(patch.hole)), int(np.count_nonzero(patch.evidence))
    share = np.sqrt(evidence / max(1, evidence + hole))
    return np.asarray(
        share * np.exp(-distance_to(patch.evidence).astype(np.float64) / (2 + np.sqrt(hole) / 2)), np.float32
    )


def compose(
    patch: Patch,
    filled: NDArray[np.float32],
    confidence: NDArray[np.float32],
    provenance: Provenance,
    method: str,
    notes: tuple[str, ...] = (),
) -> Painted:
    """Return ``filled`` float32 [h, w, 3] (0..255) in the hole and the patch itself elsewhere."""
    rgb = patch.rgb.copy()
    rgb[patch.hole] = np.clip(np.rint(filled[patch.hole]), 0, 255).astype(np.uint8)
    sure = np.where(patch.hole, np.clip(confidence, 0, 1), 0).astype(np.float32)
    origin = np.where(patch.hole, np.uint8(provenance), np.uint8(Provenance.NOTHING))
    return Painted(rgb, sure, origin, method, notes=notes)


def paint_blind(patch: Patch, asked: str, why: str = BLIND) -> Painted:
    """Return mid grey with confidence 0: what any painter does when it may look at nothing.

    Args:
        patch: to paint.
        asked: name of the painter that was asked for.
        why: it cannot answer.
    """
    grey = np.full(patch.rgb.shape, MID_GREY, np.float32)
    painted = compose(patch, grey, np.zeros(patch.hole.shape, np.float32), Provenance.MEAN_COLOUR, "mean")
    reason = f"{asked}: {why}, painted grey" if patch.hole.any() else None
    return Painted(painted.rgb, painted.confidence, painted.provenance, "mean", reason)
