"""Everything that could fill a hole, side by side."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deocclude import rle
from deocclude.app.inputs import PREFERRED, reference_name
from deocclude.content.patch import BACKGROUND, Fill
from deocclude.errors import DeoccludeError
from deocclude.files import sha256
from deocclude.hidden import HiddenPart, fill_part, hidden_part
from deocclude.masks import union
from deocclude.plan import Settings
from deocclude.project.state import Project
from deocclude.references.choice import Choice
from deocclude.stages import Progress

ABOUT = {
    "exemplar": ("texture", "own texture"),
    "telea": ("smooth", "smooth (Telea)"),
    "navier-stokes": ("smooth", "smooth (Navier-Stokes)"),
    "biharmonic": ("smooth", "smooth (biharmonic)"),
    "mean": ("smooth", "mean colour"),
    "pcnet-c": ("network", "network (PCNet-C)"),
    "textured": ("network", "network + texture"),
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
        references: paths of the references that were asked for then.
        seed: of painters that draw random numbers.
        items: the candidates.
    """

    hole: str
    references: tuple[str, ...]
    seed: int
    items: tuple[Candidate, ...]

    @cached_property
    def version(self) -> str:
        """A text that is another one for other candidates."""
        digest = hashlib.sha256(f"{self.hole} {self.seed}".encode())
        for item in self.items:
            digest.update(item.name.encode())
            if item.fill is not None:
                digest.update(item.fill.rgb.tobytes())
        return digest.hexdigest()[:16]

    def are_for(self, hole: HiddenPart, settings: Settings) -> bool:
        """Whether they were made for this hole and what is asked for now."""
        return (self.hole, self.references, self.seed) == (fingerprint_of(hole), settings.reference, settings.seed)


def fingerprint_of(part: HiddenPart) -> str:
    """Return a text that is another one for another hidden part."""
    return hashlib.sha256(json.dumps([rle.encode(mask) for mask in part.masks]).encode()).hexdigest()[:16]


def paint_candidates(project: Project, settings: Settings, identity: int, progress: Progress) -> Candidates | None:
    """Fill the hole of an object (0: the background) in every way that there is; runs in the worker."""
    hole = hidden_part(project, identity)
    if hole is None:
        return None
    paths = list(dict.fromkeys([*settings.reference, *_found(project, identity)]))
    items: list[Candidate] = []
    for path in paths:
        progress("candidates", len(items), len(paths) + len(PREFERRED))
        items.append(_by_reference(project, hole, Path(path), settings))
    for name in PREFERRED:
        progress("candidates", len(items), len(paths) + len(PREFERRED))
        items.append(_by_painter(project.photo.pixels, hole, name, settings.seed))
    progress("candidates", len(items), len(items))
    told = {item.name: item for item in reversed(items)}  # two files of one content are one candidate
    return Candidates(fingerprint_of(hole), settings.reference, settings.seed, tuple(reversed(told.values())))


def title_of(method: str) -> str:
    """Return what to call the way in which a hole was filled, such as ``reference + exemplar``."""
    return " + ".join(ABOUT.get(name, ("", name))[1] for name in method.split(" + "))


def _found(project: Project, identity: int) -> list[str]:
    """Return the pictures that the pipeline tried on a hole."""
    return [
        picture.path for picture in project.references.pictures
        if any(trial.object == identity for trial in picture.trials)
    ]  # fmt: skip


def _by_reference(project: Project, hole: HiddenPart, path: Path, settings: Settings) -> Candidate:
    """Return what a reference shows of a hole where it is trusted, the rest painted."""
    from deocclude.content.reference_stage import ReferenceStage
    from deocclude.content.revealed import View
    from deocclude.references.supply import SupplySettings, open_supply
    from deocclude.referencing import holes_of

    assert project.scene is not None  # there is a hole
    photo, key = project.photo.pixels, hole.id
    try:
        supply = open_supply(SupplySettings((), (str(path),)))
        digest, credit = sha256(path), supply.credit(path)
    except (DeoccludeError, OSError) as error:
        return Candidate(reference_name(str(path)), "reference", path.name, error=str(error))
    candidate = Candidate(reference_name(digest), "reference", credit.title or path.name, None, None,
                          credit.provider, credit.licence, credit.page)  # fmt: skip
    try:
        view = View(photo, union(project.scene.modal, project.photo.size))
        stage = ReferenceStage(
            view, project.scene, supply, (Choice(str(path), "pick", key, digest),), project.photo.path
        )
        found, _ = stage.run([one for one in holes_of(project) if one.id == key], lambda done, total: None)
    except DeoccludeError as error:
        return replace(candidate, error=str(error))
    part = found.parts.get(key)
    if part is None:
        reasons = [trial.reason for picture in found.pictures for trial in picture.trials if trial.reason]
        return replace(candidate, error=reasons[0] if reasons else "it shows nothing of the hole")
    fill = fill_part(photo, hole, part, seed=settings.seed)
    return replace(candidate, fill=fill)


def candidate_picture(photo: NDArray[np.uint8], hole: HiddenPart, fill: Fill) -> NDArray[np.uint8]:
    """Return the object with its hole painted, uint8 [h, w, 4]; of the background, what lies round the hole."""
    box = hole.whole.box if hole.id != BACKGROUND else hole.whole.box.grow(MARGIN).clip(hole.whole.size)
    shown = hole.modal.crop(box) if hole.id != BACKGROUND else np.ones((box.height, box.width), bool)
    rgba = np.dstack([photo[box.slices], np.where(shown, 255, 0).astype(np.uint8)])
    common = fill.box.intersect(box)
    target, source = rgba[common.window(box)], common.window(fill.box)
    inside = fill.hole[source]
    target[inside] = np.dstack([fill.rgb[source], np.full(inside.shape, 255, np.uint8)])[inside]
    return rgba


def _by_painter(photo: NDArray[np.uint8], hole: HiddenPart, name: str, seed: int) -> Candidate:
    kind, title = ABOUT.get(name, ("smooth", name))
    try:
        fill = fill_part(photo, hole, method=name, seed=seed)
    except DeoccludeError as error:
        return Candidate(name, kind, title, error=str(error))
    return Candidate(name, kind, title, fill)
