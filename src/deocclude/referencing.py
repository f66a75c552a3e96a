"""The reference stage of a project: what is hidden, where references are looked for, and what is kept of before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from deocclude.content.fill import MIXED, groups, own_pixels
from deocclude.content.patch import BACKGROUND
from deocclude.content.reference_record import References
from deocclude.content.reference_stage import Before, ReferenceStage
from deocclude.content.revealed import Hole, View
from deocclude.hidden import hidden_part
from deocclude.masks import Mask, dilate, union
from deocclude.project.state import Project
from deocclude.references.supply import Supply, SupplySettings, missing, open_supply, stamp
from deocclude.scene import Scene
from deocclude.stages import Progress, StageRecord, Stopwatch

_PRINT = "references/"
KEPT = "the references are not on this machine: what they gave before is kept"


def with_stamp(project: Project, asked: SupplySettings, *, unchanged: bool) -> Project:
    """Return the project with a fingerprint of the folders and files in which references are looked for.

    Args:
        project: any.
        asked: the folders and files.
        unchanged: whether they are those that its results were made with. Then a project that comes from another
            machine, where they are not, keeps what it has.

    Raises:
        InputError: one of them is not there, or is an index of another version.
    """
    if not asked or (unchanged and "sources" in project.fingerprints and missing(asked)):
        return project
    return replace(project, fingerprints={**project.fingerprints, "sources": stamp(asked)})


def add_references(project: Project, asked: SupplySettings, progress: Progress, models: Sequence[str] = ()) -> Project:
    """Look for references of all hidden parts; a part for which nothing has changed keeps what it has.

    Args:
        project: with whole shapes.
        asked: where to look.
        progress: is told of the steps ``index`` and ``references``.
        models: hashes of the models that take part; parts that others have made are not kept.

    Raises:
        InputError: a folder or its index cannot be used.
    """
    watch, choices = Stopwatch(), project.corrections.references
    kept = {name: value for name, value in project.fingerprints.items() if not name.startswith(_PRINT)}
    if not asked and not choices:
        records = {**project.records, "references": StageRecord("none", {}, watch.seconds)}
        return replace(project, references=References(), records=records, fingerprints=kept)
    scene = _repaired(project)
    supply = _opened(project, asked, progress)
    view = View(project.photo.pixels, union(scene.modal, scene.size))
    stage = ReferenceStage(view, scene, supply, choices, project.photo.path, _before(project), models)
    found, prints = stage.run(holes_of(project), lambda done, total: progress("references", done, total))
    notes = supply.notes if supply else (KEPT,)
    reason = None
    if not any(picture.number is not None for picture in found.pictures):
        reason = f"none of {len(found.pictures)} pictures looked at is used" if found.pictures else "no picture found"
    method = "search" if asked.folders else "named"
    if supply is None:
        kept["sources"] = "kept"  # so that the search is made up for where the references are
    record = StageRecord(method, {"most": asked.most}, watch.seconds, reason, notes)
    return replace(
        project, references=found, records={**project.records, "references": record},
        fingerprints={**kept, **{f"{_PRINT}{key}": value for key, value in prints.items()}},
    )  # fmt: skip


def holes_of(project: Project) -> list[Hole]:
    """Return all hidden parts, the objects' in their order, then the background's.

    What may be looked at is without the pixels into which the colour of what lies in front spills.
    """
    from deocclude.content.spill import spilt, unspilt

    scene, photo = _repaired(project), project.photo.pixels
    covered, nothing = union(scene.modal, scene.size), Mask.empty(scene.size)
    ground = Mask.from_array(~covered.to_array())
    beside = [dilate(covered, MIXED), *(spilt(photo, ground, item.modal) for item in scene.instances)]
    free, holes = ground - union(beside, scene.size), []
    for item in scene.instances:
        part = hidden_part(project, item.id)
        assert part is not None  # the stages run in order
        hidden = part.whole - part.modal
        if hidden:
            own = unspilt(photo, own_pixels(part.modal)[0], part.modal, part.front)
            holes.append(Hole(item.id, (hidden,), own, free, part.modal, covered))
    if covered:
        holes.append(Hole(BACKGROUND, tuple(groups(covered)), nothing, free, nothing, covered))
    return holes


def _opened(project: Project, asked: SupplySettings, progress: Progress) -> Supply | None:
    """Return the opened sources; ``None`` where some are not on this machine and the project has results of them."""
    picks = [one for one in project.corrections.references if one.verdict == "pick"]
    absent = [one for one in picks if not Path(one.path).is_file()]
    used = [picture for picture in project.references.pictures if picture.pixels]
    lost = any(one.means(picture.path, picture.sha256) for one in absent for picture in used)
    if project.references.pictures and (lost or missing(asked)):
        return None
    return open_supply(asked, progress=lambda done, total: progress("index", done, total))


def _before(project: Project) -> Before:
    prints = {name.removeprefix(_PRINT): value for name, value in project.fingerprints.items()
              if name.startswith(_PRINT)}  # fmt: skip
    return Before(project.references, {int(name): value for name, value in prints.items()})


def _repaired(project: Project) -> Scene:
    assert project.scene is not None  # the stages run in order
    return project.scene
