"""The stages in order: repair, order, amodal, references, content, layers. A page one can read aloud."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deocclude import amodal, ordering
from deocclude.content.patch import BACKGROUND, Fill
from deocclude.errors import InputError, unknown_choice
from deocclude.fingerprints import fill_fingerprint, models, stage_fingerprints, with_sources
from deocclude.formats import read_scene
from deocclude.hidden import HiddenPart, fill_part, hidden_part
from deocclude.images import Photo, read_photo
from deocclude.layers.build import build_layers
from deocclude.masks import Mask
from deocclude.ordering.graph import OrderGraph
from deocclude.plan import STAGES, Settings, check
from deocclude.project.state import Project
from deocclude.referencing import add_references
from deocclude.repair import repair
from deocclude.scene import Scene, scene_from_arrays, validate
from deocclude.stages import Progress, StageRecord, Stopwatch

_UNNOTICED = {2: "mirrored", 3: "upside down", 4: "mirrored and upside down"}
"""EXIF orientations that leave the size as it is, so that masks made for the stored picture seem to fit."""


def open_project(
    photo: Photo | Path | str,
    masks: Scene | NDArray[np.bool_] | Sequence[NDArray[np.bool_]] | Path | str,
    **reading: Any,
) -> Project:
    """Start a project from a photo and the visible masks of its objects.

    Args:
        photo: a photo, or the path of one.
        masks: a scene, bool masks [n, H, W], a list of bool masks [H, W], or the path of a file or folder in any
            format of ``deocclude.formats``.
        reading: ``image_id``, ``format``, ``skip_empty`` for the masks, ``convert`` for the photo.

    Raises:
        InputError: the photo or the masks are unusable, or do not fit each other.
    """
    convert = bool(reading.pop("convert", False))
    picture = photo if isinstance(photo, Photo) else read_photo(photo, convert=convert)
    if isinstance(masks, Scene):
        scene = masks
    elif isinstance(masks, (str, os.PathLike)):
        scene = read_scene(Path(masks), photo_size=picture.size, photo_name=_name(picture), **reading)
    else:
        scene = scene_from_arrays(masks)
    if scene.size != picture.size:
        raise InputError(
            f"masks of the photo's size {picture.size}",
            str(scene.size),
            file=scene.source,
            hint="the size is the one after the photo's EXIF orientation is applied",
        )
    if picture.orientation in _UNNOTICED and not isinstance(masks, Scene):
        turned = f"{picture.name or 'the photo'} is stored {_UNNOTICED[picture.orientation]} (EXIF orientation)"
        note = f"{turned}: the masks are taken as made for it upright, as viewers show it"
        scene = replace(scene, notes=(*scene.notes, note))
    return Project(picture, validate(scene))


def run(
    project: Project, settings: Settings | None = None, *, until: str = "layers", progress: Progress | None = None
) -> Project:
    """Compute every stage up to ``until`` whose inputs have changed since it was last computed.

    Args:
        project: a fresh project, or one read from its folder.
        settings: what to do; the defaults when not given.
        until: the last stage to compute, one of :data:`STAGES`.
        progress: is told how far each stage is.

    Raises:
        InputError: an unknown method or stage name, a number out of range, or no such references.
    """
    settings = settings or Settings()
    if until not in STAGES:
        raise unknown_choice("stage", until, STAGES)
    check(settings)
    report = progress or (lambda stage, done, total: None)
    project = with_sources(project, settings)
    wanted = stage_fingerprints(project, settings)
    for stage in STAGES[: STAGES.index(until) + 1]:
        if project.fingerprints.get(stage) != wanted[stage]:
            report(stage, 0, 1)
            project = _COMPUTE[stage](project, settings, report)
            if stage == "references":
                wanted = stage_fingerprints(project, settings)  # its sources may turn out to be elsewhere
            project = replace(project, fingerprints={**project.fingerprints, stage: wanted[stage]})
            report(stage, 1, 1)
    return project


def stale_from(project: Project, settings: Settings | None = None) -> str | None:
    """Return the first stage that :func:`run` would compute, ``None`` if all results are up to date.

    Raises:
        InputError: an unknown method name, a number out of range, or no such weights or references.
    """
    settings = settings or Settings()
    check(settings)
    project = with_sources(project, settings)
    wanted = stage_fingerprints(project, settings)
    return next((stage for stage in STAGES if project.fingerprints.get(stage) != wanted[stage]), None)


def _repair(project: Project, settings: Settings, progress: Progress) -> Project:
    watch = Stopwatch()
    scene, report = repair(project.given, max_gap=settings.max_gap)
    notes = (*project.given.notes, *report.lines())
    record = StageRecord("repair", {"max_gap": settings.max_gap}, watch.seconds, notes=notes)
    return replace(project, scene=scene, records={**project.records, "repair": record})


def _order(project: Project, settings: Settings, progress: Progress) -> Project:
    scene = _repaired(project)
    pairs = ordering.estimate(scene, project.photo, method=settings.order, weights=settings.weights)
    overrides = [item for item in project.corrections.order if {item.first, item.second} <= set(scene.ids)]
    graph = OrderGraph.build(pairs, overrides)
    notes = [f"arrow {edge.front} > {edge.behind} dropped: it closed a cycle" for edge in graph.dropped]
    notes += [f"objects {a} and {b} hide parts of each other" for a, b in graph.mutual]
    record = replace(pairs.record, notes=(*pairs.record.notes, *notes))
    return replace(project, pairs=pairs, graph=graph, records={**project.records, "order": record})


def _amodal(project: Project, settings: Settings, progress: Progress) -> Project:
    scene = _repaired(project)
    found = amodal.complete(scene, project.order, project.photo, method=settings.amodal, weights=settings.weights)
    by_hand = {
        identity: mask | scene[identity].modal
        for identity, mask in project.corrections.amodal.items()
        if identity in scene.ids
    }
    answers = {identity: answer for identity, answer in found.probability.items() if identity not in by_hand}
    result = replace(found, masks={**found.masks, **by_hand}, probability=answers)
    notes = tuple(f"whole shape of object {identity} painted by hand" for identity in by_hand)
    record = replace(found.record, notes=(*found.record.notes, *notes))
    return replace(project, amodal=result, records={**project.records, "amodal": record})


def _references(project: Project, settings: Settings, progress: Progress) -> Project:
    return add_references(project, settings.supply, progress, models("references"))


def _content(project: Project, settings: Settings, progress: Progress) -> Project:
    """Paint what is hidden; a part whose masks have not changed since it was last painted is kept."""
    watch = Stopwatch()
    scene, parts = _repaired(project), _hidden_parts(project)
    methods = {key: project.corrections.painters.get(key, settings.fill) for key in parts}
    shown = project.references.parts
    prints = {
        f"content/{key}": fill_fingerprint(part.masks, methods[key], settings, shown.get(key))
        for key, part in parts.items()
    }
    fills: dict[int, Fill] = {}
    for done, (key, part) in enumerate(parts.items()):
        progress("content", done, len(parts))
        if project.fills is not None and project.fingerprints.get(f"content/{key}") == prints[f"content/{key}"]:
            fills[key] = project.fills[key]
        else:
            pixels = project.photo.pixels
            fills[key] = fill_part(pixels, part, shown.get(key), method=methods[key], seed=settings.seed)
    progress("content", len(parts), len(parts))
    reasons = [f"{_called(scene, key)}: {fill.fallback_reason}" for key, fill in fills.items() if fill.fallback_reason]
    notes = tuple(f"{_called(scene, key)}: {'; '.join(fill.notes)}" for key, fill in fills.items() if fill.notes)
    record = StageRecord(settings.fill, {"seed": settings.seed}, watch.seconds, "; ".join(reasons) or None, notes)
    kept = {name: value for name, value in project.fingerprints.items() if not name.startswith("content/")}
    return replace(
        project, fills=fills, records={**project.records, "content": record}, fingerprints={**kept, **prints}
    )


def _hidden_parts(project: Project) -> dict[int, HiddenPart]:
    found = (hidden_part(project, identity) for identity in (*_repaired(project).ids, BACKGROUND))
    return {part.id: part for part in found if part is not None}


def _layers(project: Project, settings: Settings, progress: Progress) -> Project:
    watch = Stopwatch()
    scene, fills = _repaired(project), dict(project.fills or {})
    bottom_up = project.order.z_order({item.id: item.modal.area for item in scene.instances})
    stack = build_layers(
        project.photo.pixels, scene, _whole(project), bottom_up, fills, fills[BACKGROUND], edges=settings.edges
    )
    notes = tuple(
        f"{count} px of {_called(scene, identity)}'s whole shape cut: they would cover what is visible"
        for identity, count in stack.clipped.items()
        if count
    )
    record = StageRecord(settings.edges, {}, watch.seconds, notes=notes)
    return replace(project, stack=stack, records={**project.records, "layers": record})


_COMPUTE: dict[str, Callable[[Project, Settings, Progress], Project]] = {
    "repair": _repair, "order": _order, "amodal": _amodal, "references": _references, "content": _content,
    "layers": _layers,
}  # fmt: skip


def _repaired(project: Project) -> Scene:
    assert project.scene is not None  # the stages run in order
    return project.scene


def _whole(project: Project) -> dict[int, Mask]:
    assert project.amodal is not None  # the stages run in order
    return dict(project.amodal.masks)


def _called(scene: Scene, identity: int) -> str:
    return "background" if identity == BACKGROUND else f"{scene[identity].label} ({identity})"


def _name(photo: Photo) -> str | None:
    return str(photo.path.absolute()) if photo.path else None
