"""Everything that could fill a hole, side by side."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deocclude import rle
from deocclude.content import METHODS
from deocclude.content.patch import BACKGROUND, Fill
from deocclude.errors import DeoccludeError
from deocclude.masks import Mask, union
from deocclude.project.state import Project

Progress = Callable[[str, int, int], None]

ABOUT = {
    "exemplar": ("texture", "own texture"),
    "telea": ("smooth", "smooth (Telea)"),
    "navier-stokes": ("smooth", "smooth (Navier-Stokes)"),
    "biharmonic": ("smooth", "smooth (biharmonic)"),
    "mean": ("smooth", "mean colour"),
    "pcnet-c": ("network", "network (PCNet-C)"),
}
"""Kind and title of each painter."""
MARGIN = 24
"""Pixels of the photo shown round a hole of the background."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """One way to fill a hole.

    Attributes:
        name: of a painter, or ``reference:NAME``.
        kind: ``texture``, ``smooth``, ``network`` or ``reference``.
        title: what to call it.
        fill: the painted hole; ``None`` where it could not be made.
        error: why, or ``None``.
        source: where a reference comes from, if known; likewise ``licence`` and ``page``.
    """

    name: str
    kind: str
    title: str
    fill: Fill | None = None
    error: str | None = None
    source: str | None = None
    licence: str | None = None
    page: str | None = None

    @property
    def confidence(self) -> float | None:
        """Mean confidence in the hole, 0..1."""
        if self.fill is None or not self.fill.hole.any():
            return None
        return round(float(self.fill.confidence[self.fill.hole].mean()) / 255, 3)


@dataclass(frozen=True, eq=False)
class Candidates:
    """What may fill one hole.

    Attributes:
        hole: fingerprint of the hole that they were made for.
        items: the candidates.
    """

    hole: str
    items: tuple[Candidate, ...]

    @property
    def version(self) -> str:
        """A text that is another one for other candidates."""
        return self.hole


@dataclass(frozen=True, eq=False)
class Hole:
    """What is hidden of an object, or of the background.

    Attributes:
        identity: the object's id; 0 is the background.
        modal: its visible mask; empty for the background.
        whole: its whole shape; for the background what all objects cover.
        front: the visible pixels of what may hide it.
    """

    identity: int
    modal: Mask
    whole: Mask
    front: Mask

    @property
    def fingerprint(self) -> str:
        """A text that is another one for another hole."""
        parts = [rle.encode(mask) for mask in (self.modal, self.whole, self.front)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def hole_of(project: Project, identity: int) -> Hole | None:
    """Return the hole of an object (0: the background); ``None`` before whole shapes are computed."""
    if project.scene is None or project.amodal is None:
        return None
    size = project.photo.size
    if identity == BACKGROUND:
        return Hole(identity, Mask.empty(size), union(project.scene.modal, size), Mask.empty(size))
    if identity not in project.scene.ids:
        return None
    modal, whole = project.scene[identity].modal, project.amodal.masks[identity]
    ancestors = project.order.ancestors(identity)
    front = [o.modal for o in project.scene.instances if o.id in ancestors or o.modal.overlap(whole - modal)]
    return Hole(identity, modal, whole, union(front, size))


def paint_candidates(project: Project, identity: int, seed: int, progress: Progress) -> Candidates | None:
    """Fill the hole of an object (0: the background) in every way that there is; runs in the worker."""
    hole = hole_of(project, identity)
    if hole is None:
        return None
    items = []
    for done, name in enumerate(METHODS):
        progress("candidates", done, len(METHODS))
        items.append(_candidate(project.photo.pixels, hole, name, seed))
    progress("candidates", len(METHODS), len(METHODS))
    return Candidates(hole.fingerprint, tuple(items))


def candidate_picture(photo: NDArray[np.uint8], hole: Hole, fill: Fill) -> NDArray[np.uint8]:
    """Return the object with its hole painted, uint8 [h, w, 4]; of the background, what lies round the hole."""
    box = hole.whole.box if hole.identity != BACKGROUND else hole.whole.box.grow(MARGIN).clip(hole.whole.size)
    shown = hole.modal.crop(box) if hole.identity != BACKGROUND else np.ones((box.height, box.width), bool)
    rgba = np.dstack([photo[box.slices], np.where(shown, 255, 0).astype(np.uint8)])
    common = fill.box.intersect(box)
    target, source = rgba[common.window(box)], common.window(fill.box)
    inside = fill.hole[source]
    target[inside] = np.dstack([fill.rgb[source], np.full(inside.shape, 255, np.uint8)])[inside]
    return rgba


def _candidate(photo: NDArray[np.uint8], hole: Hole, name: str, seed: int) -> Candidate:
    from deocclude.content.fill import fill_background, fill_hidden

    kind, title = ABOUT.get(name, ("smooth", name))
    try:
        if hole.identity == BACKGROUND:
            fill = fill_background(photo, hole.whole, method=name, seed=seed)
        else:
            fill = fill_hidden(photo, hole.modal, hole.whole, instance_id=hole.identity, method=name, seed=seed,
                               occluders=hole.front)  # fmt: skip
    except DeoccludeError as error:
        return Candidate(name, kind, title, error=str(error))
    return Candidate(name, kind, title, fill)
