"""The rows of a content table: painters by name, called the way the pipeline calls them.

A row is a name that ``run --fill`` takes (:func:`deocclude.content.fill.names`), or ``patchmatch``, which serves for
comparison only. ``pcnet-c=WEIGHTS`` is the network with the weights of that file or training run, and
``chosen=WEIGHTS`` the choice with that network among the candidates.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

import numpy as np

from deocclude.content import METHODS, painter
from deocclude.content.fill import AUTO, CHOSEN, fill_hidden
from deocclude.content.patch import Fill, Painted, Painter, Patch, Provenance
from deocclude.datasets.content_trials import Trial
from deocclude.errors import InputError, MissingExtraError, unknown_choice

PATCHMATCH = "patchmatch"
NETWORK = "pcnet-c"
PATCH_RADIUS = 3
"""Of PatchMatch: patches of 7 x 7 pixels, as in the examples of ``pypatchmatch``."""


def known_rows() -> tuple[str, ...]:
    """Return the names of all rows, simple ones first."""
    smooth = ("mean", "telea", "navier-stokes", "biharmonic")
    others = [name for name in METHODS if name not in smooth]
    return (*(name for name in smooth if name in METHODS), PATCHMATCH, *others, AUTO, CHOSEN)


def default_rows() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the rows that can be had here, and why each of the others cannot."""
    rows, reasons = [], []
    for name in known_rows():
        try:
            row_painter(name)
        except (InputError, MissingExtraError) as error:
            reasons.append(f"row {name} left out: {error}")
        else:
            rows.append(name)
    return tuple(rows), tuple(reasons)


@cache
def row_painter(row: str) -> str | Painter:
    """Return what :func:`fill_hidden` takes as its method for a row; a network is loaded once.

    Raises:
        InputError: no such row, or its weights are absent.
        MissingExtraError: ``pypatchmatch`` is not installed.
    """
    name, equals, weights = row.partition("=")
    if name not in known_rows():
        raise unknown_choice("row", name, known_rows())
    if equals and name not in (NETWORK, CHOSEN):
        raise InputError(f"weights for {NETWORK} or {CHOSEN} only", repr(row), field="row")
    if equals and not weights:
        raise InputError("weights behind the equals sign", repr(row), field="row")
    if name == PATCHMATCH:
        return patchmatch()
    if name == CHOSEN:
        return _chosen_with(weights) if weights else CHOSEN
    if name == AUTO:
        return AUTO
    return painter(name, {"weights": weights} if weights else None)


def paint(trial: Trial, row: str) -> Fill:
    """Return what a row paints in the hole of a trial; of the truth it sees what is not hidden.

    Raises:
        InputError: no such row.
        MissingExtraError: ``pypatchmatch`` is not installed.
    """
    return fill_hidden(
        trial.rgb,
        trial.modal,
        trial.target,
        instance_id=1,
        method=row_painter(row),
        seed=trial.seed,
        occluders=trial.occluder,
    )


def patchmatch() -> Painter:
    """Return PatchMatch inpainting restricted to the object's own pixels, with the ``pypatchmatch`` package.

    Barnes et al., PatchMatch, SIGGRAPH 2009; its completion is that of Wexler, Shechtman and Irani, PAMI 2007.

    Raises:
        MissingExtraError: the package is not installed.
    """
    if find_spec("patchmatch") is None:
        raise MissingExtraError("PatchMatch (pypatchmatch)", "dev")
    return _paint_patchmatch


def _chosen_with(weights: str) -> Painter:
    """Return the painter of ``chosen`` with other weights of its network."""
    from deocclude.content.choose import CANDIDATES, choose
    from deocclude.content.contest import Candidate

    return choose(
        [Candidate(name, painter(name, {"weights": weights} if name == NETWORK else None)) for name in CANDIDATES]
    )


def _paint_patchmatch(patch: Patch) -> Painted:
    from patchmatch import inpaint, set_random_seed

    from deocclude.content.painting import compose, paint_blind, trust

    if not (patch.hole.any() and patch.evidence.any()):
        return paint_blind(patch, PATCHMATCH)
    set_random_seed(patch.seed)
    # All that is no evidence is painted: a pixel that is neither painted nor looked at would be a wall.
    unknown = (~patch.evidence).astype(np.uint8)
    filled = inpaint(np.where(unknown[..., None], np.uint8(0), patch.rgb), unknown, patch_size=PATCH_RADIUS)
    return compose(patch, filled.astype(np.float32), trust(patch), Provenance.OWN_TEXTURE, PATCHMATCH)
