"""The rows of Table 2: who fills the hole of a sample with a reference, by name.

``original`` is PCNet-C without the reference; ``altered-gt`` and ``similar-ref`` are the two trainings of the published
network; ``ours`` its successor as ``run`` uses it, which sees aligned references that are trusted and nothing else;
``stitched`` the aligned reference itself where it is trusted, PCNet-C elsewhere; ``chosen`` what
:mod:`deocclude.content.choose` makes of all candidates, the network and its mean with the stitched reference
(:mod:`deocclude.content.fused`) among them where the reference is trusted. ``NAME=WEIGHTS`` gives a row its weights,
under any name for networks for references, which are shown every reference: so are ablations compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deocclude.content.contest import Candidate, from_picture
from deocclude.content.patch import Painted, Painter, Patch, Provenance
from deocclude.datasets.reference_patch import reference_patch
from deocclude.datasets.reference_sample import ReferenceSample
from deocclude.errors import InputError
from deocclude.images import RGBArray

if TYPE_CHECKING:
    from deocclude.content.fusion import LaidReference

ORIGINAL, OURS, STITCHED, CHOSEN = "original", "ours", "stitched", "chosen"
BASE = "pcnet-c"
"""The bundled weights that every row builds on."""
FUSED = "fused"
"""The candidate of :mod:`deocclude.content.fused`, as ``choose`` knows it."""
PUBLISHED = ("altered-gt", "similar-ref")
TRUSTED = 0.5
"""An aligned reference is laid in from this confidence on, as in :mod:`deocclude.content.stitch`."""

Fill = Callable[[ReferenceSample, Painted], RGBArray]
"""Given a sample and what PCNet-C painted, the sample's picture with its hole filled."""


def make_rows(named: Sequence[str]) -> dict[str, Fill]:
    """Return the rows, the original first.

    Args:
        named: names, or ``NAME=WEIGHTS`` for networks for references.

    Raises:
        InputError: a network without weights, or weights that are missing, damaged or of another network.
    """
    rows: dict[str, Fill] = {ORIGINAL: lambda _, base: base.rgb}
    for name, weights in networks(named).items():
        if name == STITCHED:
            rows[name] = lambda sample, base: stitched(sample, base)[0]
        elif name == CHOSEN:
            rows[name] = _chosen(weights)
        elif name != ORIGINAL:
            rows[name] = _network(weights, trusted_reference if name == OURS else laid_reference)
    return rows


def networks(named: Sequence[str]) -> dict[str, str]:
    """Return the weights of the network that each row uses, the original first; see :func:`make_rows`.

    Raises:
        InputError: a network without weights, or weights for a row that has none of its own.
    """
    stated = dict.fromkeys((ORIGINAL,), "")
    for text in named:
        name, equals, weights = text.partition("=")
        fixed = name in (ORIGINAL, STITCHED, CHOSEN)
        if equals and fixed:
            hint = f"its network is that of {OURS}=WEIGHTS" if name == CHOSEN else None
            raise InputError("no weights for the row", repr(text), field=f"row {name}", hint=hint)
        if not weights and not fixed and (equals or name != OURS):
            hint = f"name a file or the folder of a training run: {name}=runs/{name}"
            raise InputError("weights for the row", "none", field=f"row {name}", hint=hint)
        stated[name] = weights
    ours = stated.get(OURS) or "fusion"
    used = {ORIGINAL: BASE, STITCHED: BASE, CHOSEN: ours, OURS: ours}
    return {name: weights or used[name] for name, weights in stated.items()}


def paint_base(sample: ReferenceSample) -> Painted:
    """Return what PCNet-C, with its bundled weights, paints in the hole of a sample."""
    from deocclude.content import painter

    return painter(BASE)(reference_patch(sample))


def stitched(sample: ReferenceSample, base: Painted) -> tuple[RGBArray, NDArray[np.bool_]]:
    """Return the aligned reference without a seam, PCNet-C where it says nothing or is not trusted; and where it is."""
    from deocclude.content.membrane import without_seam

    patch = reference_patch(sample)
    filled = patch.hole & sample.aligned_valid
    if sample.alignment < TRUSTED or not filled.any():
        return base.rgb, np.zeros_like(patch.hole)
    known = patch.seen & sample.aligned_valid
    laid = without_seam(
        sample.aligned.astype(np.float32), sample.rgb.astype(np.float32), filled, known, fade=float("inf")
    )
    return np.where(filled[..., None], np.clip(np.rint(laid), 0, 255), base.rgb).astype(np.uint8), filled


def _network(weights: str | Path, shown: Callable[[ReferenceSample], LaidReference | None]) -> Fill:
    from deocclude.content.fusion import FusionPainter, FusionSettings

    net = FusionPainter(None, FusionSettings(str(weights))).net  # what cannot work is refused before the work

    def fill(sample: ReferenceSample, base: Painted) -> RGBArray:
        painter = FusionPainter(shown(sample), net=net, base=_known(base, sample))
        return painter(reference_patch(sample)).rgb

    return fill


def _chosen(weights: str) -> Fill:
    from deocclude.content.choose import choose_among_all
    from deocclude.content.fused import blended
    from deocclude.content.fusion import FusionPainter, FusionSettings

    settings = FusionSettings(weights)

    def fill(sample: ReferenceSample, base: Painted) -> RGBArray:
        extra = []
        patch = reference_patch(sample)
        picture, filled = stitched(sample, base)
        if filled.any():  # a reference that is not trusted has no say
            painter = FusionPainter(trusted_reference(sample), settings)
            best = blended(picture, painter(patch).rgb, filled, ~patch.hole)
            extra = [Candidate("fusion", painter), from_picture(FUSED, best, filled, Provenance.REFERENCE)]
        return choose_among_all(extra)(patch).rgb

    return fill


def trusted_reference(sample: ReferenceSample) -> LaidReference | None:
    """Return what ``run`` shows the network of a sample's reference: what is laid over the photo, if it is trusted."""
    return replace(laid_reference(sample), loose=None) if sample.alignment >= TRUSTED else None


def laid_reference(sample: ReferenceSample) -> LaidReference:
    """Return the reference of a sample as the painter of :mod:`deocclude.content.fusion` takes it, also as it is."""
    from deocclude.content.fusion import LaidReference

    source = np.where(sample.aligned_valid, 0, -1).astype(np.int16)
    loose = sample.reference if sample.reference_valid.any() else None
    if loose is not None:
        rows, columns = (np.flatnonzero(sample.reference_valid.any(axis)) for axis in (1, 0))
        loose = loose[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return LaidReference(sample.aligned, source, sample.aligned, sample.hole, loose)


def _known(base: Painted, sample: ReferenceSample) -> Painter:
    """Return a painter that knows PCNet-C's answer already: all rows correct the same one."""

    def paint(patch: Patch) -> Painted:
        assert patch.rgb.shape == sample.rgb.shape
        return base

    return paint
