"""The stages in order: repair, order, amodal, references, content, layers. A page one can read aloud."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deocclude import amodal, ordering, rle
from deocclude.content.completed import complete_background, complete_hidden
from deocclude.content.fill import NAMES, fill_background, fill_hidden
from deocclude.content.patch import BACKGROUND, Fill
from deocclude.errors import InputError, unknown_choice
from deocclude.files import sha256
from deocclude.formats import read_scene
from deocclude.images import Photo, read_photo
from deocclude.layers.build import build_layers
from deocclude.masks import Mask, union
from deocclude.nets.chosen import SHIPPED, check_weights, weights_file
from deocclude.ordering.graph import OrderGraph
from deocclude.project.state import Corrections, Project
from deocclude.references.supply import SupplySettings
from deocclude.referencing import add_references, with_stamp
from deocclude.repair import repair
from deocclude.scene import Instance, Scene, validate
from deocclude.stages import StageRecord, Stopwatch

Progress = Callable[[str, int, int], None]
"""Called as (stage, steps done, steps in all)."""


@dataclass(frozen=True)
class Settings:
    """What the pipeline does; every field is a key of a settings file and an option of ``deocclude run``."""

    order: str = "pcnet-m"
    """Ordering method."""
    amodal: str = "pcnet-m"
    """Amodal completion method."""
    fill: str = "auto"
    """How hidden pixels are painted: ``auto`` keeps texture, ``chosen`` lets all painters compete for the least error
    (slower, smoother), or the name of one painter."""
    edges: str = "soft"
    """Layer edges: ``soft`` is anti-aliased, ``hard`` has alpha 0 or 255 and is exactly the whole shape. Both
    recompose to the photo byte for byte."""
    max_gap: int = 4
    """Widest slit between neighbouring masks that the repair closes, in pixels."""
    seed: int = 0
    """For all that draws random numbers."""
    references: tuple[str, ...] = ()
    """Folders of similar pictures, or indexes of such: what they show of a hidden part is taken from them."""
    reference: tuple[str, ...] = ()
    """Similar pictures to try on every hidden part; they too are used only where they agree with what is visible."""
    weights: str = SHIPPED
    """Of the mask network: a bundled name, a weights file, or the folder of a training run."""


WIDEST_GAP = 200
"""Largest ``max_gap``, in pixels; wider slits are background, and cost grows with the square."""
STAGES = ("repair", "order", "amodal", "references", "content", "layers")
_DEPENDS = {
    "repair": ("max_gap",),
    "order": ("order",),
    "amodal": ("amodal",),
    "references": ("references", "reference"),
    "content": ("fill", "seed"),
    "layers": ("edges",),
}
"""The settings that each stage looks at; a stage whose method is a network looks at its weights too."""
_NETWORKS = {"order": ordering.NETWORKS, "amodal": amodal.NETWORKS}
_PCNET_C = "weights_data/pcnet_c.safetensors"
_MODELS: dict[str, dict[str, tuple[str, ...]]] = {
    "order": {"pcnet-m": ("weights_data/pair_net.safetensors", "ordering/pair_model.json")},
    "amodal": {"pcnet-m-rgb": ("weights_data/pcnet_m_rgb.safetensors",)},
    "references": {
        "": (_PCNET_C, "weights_data/fusion.safetensors", "content/stitch_model.json", "references/verify_model.json")
    },
    "content": {"": (_PCNET_C, "content/choice.json", "content/confidence.json")},
}
"""Files of the package from which a stage, or one method of it, knows what it knows, beside the weights that a setting
names: a project that an earlier version made is computed again where they have changed."""


def open_project(photo: Photo | Path | str, masks: Scene | NDArray[np.bool_] | Path | str, **reading: Any) -> Project:
    """Start a project from a photo and the visible masks of its objects.

    Args:
        photo: a photo, or the path of one.
        masks: a scene, bool masks [n, H, W], or the path of a file or folder in any format of ``deocclude.formats``.
        reading: ``image_id``, ``format``, ``skip_empty`` for the masks, ``convert`` for the photo.

    Raises:
        InputError: the photo or the masks are unusable, or do not fit each other.
    """
    convert = bool(reading.pop("convert", False))
    picture = photo if isinstance(photo, Photo) else read_photo(photo, convert=convert)
    if isinstance(masks, np.ndarray):
        from deocclude.scene import scene_from_arrays

        scene = scene_from_arrays(masks)
    elif isinstance(masks, Scene):
        scene = masks
    else:
        scene = read_scene(Path(masks), photo_size=picture.size, photo_name=_name(picture), **reading)
    if scene.size != picture.size:
        raise InputError(
            f"masks of the photo's size {picture.size}",
            str(scene.size),
            file=scene.source,
            hint="the size is the one after the photo's EXIF orientation is applied",
        )
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
    _check(settings)
    report = progress or (lambda stage, done, total: None)
    project = _with_sources(project, settings)
    wanted = _stage_fingerprints(project, settings)
    for stage in STAGES[: STAGES.index(until) + 1]:
        if project.fingerprints.get(stage) != wanted[stage]:
            report(stage, 0, 1)
            project = _COMPUTE[stage](project, settings, report)
            if stage == "references":
                wanted = _stage_fingerprints(project, settings)  # its sources may turn out to be elsewhere
            project = replace(project, fingerprints={**project.fingerprints, stage: wanted[stage]})
            report(stage, 1, 1)
    return project


def stale_from(project: Project, settings: Settings | None = None) -> str | None:
    """Return the first stage that :func:`run` would compute, ``None`` if all results are up to date.

    Raises:
        InputError: an unknown method name, a number out of range, or no such weights or references.
    """
    settings = settings or Settings()
    _check(settings)
    project = _with_sources(project, settings)
    wanted = _stage_fingerprints(project, settings)
    return next((stage for stage in STAGES if project.fingerprints.get(stage) != wanted[stage]), None)


def _stage_fingerprints(project: Project, settings: Settings) -> dict[str, str]:
    """Return what the result of each stage depends on; each stage depends on those before it."""
    upstream, prints = _input_fingerprint(project), {}
    for stage in STAGES:
        upstream = prints[stage] = _fingerprint(
            upstream,
            {key: getattr(settings, key) for key in _DEPENDS[stage]},
            project.fingerprints["weights"] if _asks_network(stage, settings) else None,
            *([project.fingerprints["sources"]] if stage == "references" and _asked(settings) else []),
            *_models(stage, getattr(settings, stage, "") if stage in _NETWORKS else ""),
            _corrections_of(stage, project.corrections),
        )
    return prints


def _repair(project: Project, settings: Settings, progress: Progress) -> Project:
    watch = Stopwatch()
    scene, report = repair(project.given, max_gap=settings.max_gap)
    record = StageRecord("repair", {"max_gap": settings.max_gap}, watch.seconds, notes=report.lines())
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
    return add_references(project, _asked(settings), progress, _models("references"))


def _content(project: Project, settings: Settings, progress: Progress) -> Project:
    """Paint what is hidden; a part whose masks have not changed since it was last painted is kept."""
    watch = Stopwatch()
    scene, whole = _repaired(project), _whole(project)
    shapes = {item.id: (item.modal, whole[item.id], _in_front(project, item)) for item in scene.instances}
    covered, nothing = union(scene.modal, scene.size), Mask.empty(scene.size)
    shapes[BACKGROUND] = (nothing, covered, nothing)
    methods = {key: project.corrections.painters.get(key, settings.fill) for key in shapes}
    prints = {
        f"content/{key}": _content_fingerprint(item, methods[key], settings, project.references.parts.get(key))
        for key, item in shapes.items()
    }
    fills: dict[int, Fill] = {}
    for done, key in enumerate(shapes):
        progress("content", done, len(shapes))
        if project.fills is not None and project.fingerprints.get(f"content/{key}") == prints[f"content/{key}"]:
            fills[key] = project.fills[key]
        else:
            fills[key] = _filled(project, key, shapes[key], methods[key], settings.seed)
    progress("content", len(shapes), len(shapes))
    reasons = [f"{_called(scene, key)}: {fill.fallback_reason}" for key, fill in fills.items() if fill.fallback_reason]
    notes = tuple(f"{_called(scene, key)}: {'; '.join(fill.notes)}" for key, fill in fills.items() if fill.notes)
    record = StageRecord(settings.fill, {"seed": settings.seed}, watch.seconds, "; ".join(reasons) or None, notes)
    kept = {name: value for name, value in project.fingerprints.items() if not name.startswith("content/")}
    return replace(
        project, fills=fills, records={**project.records, "content": record}, fingerprints={**kept, **prints}
    )


def _filled(project: Project, key: int, masks: tuple[Mask, Mask, Mask], method: str, seed: int) -> Fill:
    """Return one hidden part with what references show of it, the rest painted."""
    photo, part = project.photo.pixels, project.references.parts.get(key)
    modal, shape, front = masks
    if key == BACKGROUND and part is None:
        return fill_background(photo, shape, method=method, seed=seed)
    if key == BACKGROUND and part is not None:
        return complete_background(photo, shape, part, method=method, seed=seed)
    if part is None:
        return fill_hidden(photo, modal, shape, instance_id=key, method=method, seed=seed, occluders=front)
    return complete_hidden(photo, modal, shape, part, method=method, seed=seed, occluders=front)


def _in_front(project: Project, item: Instance) -> Mask:
    """Return the visible pixels of all that may hide part of an object: its ancestors, and what its shape runs under.

    The second are more than the order says where an arrow was dropped or a shape was painted by hand.
    """
    hidden, ancestors = _whole(project)[item.id] - item.modal, project.order.ancestors(item.id)
    front = [o.modal for o in _repaired(project).instances if o.id in ancestors or o.modal.overlap(hidden)]
    return union(front, item.modal.size)


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


def _check(settings: Settings) -> None:
    from deocclude.layers.build import EDGES

    for kind, name, known in (
        ("ordering method", settings.order, ordering.METHODS),
        ("amodal method", settings.amodal, amodal.METHODS),
        ("fill method", settings.fill, NAMES),
        ("edges", settings.edges, EDGES),
    ):
        if name not in known:
            raise unknown_choice(kind, name, known)
    if not 0 <= settings.max_gap <= WIDEST_GAP:
        raise InputError(f"0 to {WIDEST_GAP} pixels", str(settings.max_gap), field="max_gap")
    if settings.seed < 0:
        raise InputError("0 or more", str(settings.seed), field="seed")


def _with_sources(project: Project, settings: Settings) -> Project:
    """Return the project with the settings, and fingerprints of the weights and references that they name.

    Raises:
        InputError: one of them is not there, and the project has no result that was made with it.
    """
    before = [list(project.settings.get(key) or ()) for key in _DEPENDS["references"]]
    project = _with_weights(project, settings)
    same = before == [project.settings[key] for key in _DEPENDS["references"]]
    return with_stamp(project, _asked(settings), unchanged=same)


def _asked(settings: Settings) -> SupplySettings:
    return SupplySettings(settings.references, settings.reference)


def _with_weights(project: Project, settings: Settings) -> Project:
    """Return the project with the settings and a fingerprint of the weights that they name.

    A project that comes from another machine, where its weights are not, keeps what it has as long as nothing needs
    them.

    Raises:
        InputError: no such weights, and none that the project's results were made with.
    """
    before = project.settings.get("weights")
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(settings).items()}
    project = replace(project, settings={**project.settings, **plain})
    if not any(_asks_network(stage, settings) for stage in _NETWORKS):
        return project
    path = weights_file(settings.weights)
    if not path.is_file() and before == settings.weights and "weights" in project.fingerprints:
        return project
    check_weights(settings.weights)
    return replace(project, fingerprints={**project.fingerprints, "weights": sha256(path)[:16]})


@cache
def _models(stage: str, method: str = "") -> list[str]:
    """Return hashes of the files of :data:`_MODELS`; none for a method that learnt nothing."""
    return [sha256(Path(__file__).parent / name) for name in _MODELS.get(stage, {}).get(method, ())]


def _asks_network(stage: str, settings: Settings) -> bool:
    return stage in _NETWORKS and getattr(settings, stage) in _NETWORKS[stage]


def _repaired(project: Project) -> Scene:
    assert project.scene is not None  # the stages run in order
    return project.scene


def _whole(project: Project) -> dict[int, Mask]:
    assert project.amodal is not None  # the stages run in order
    return dict(project.amodal.masks)


def _called(scene: Scene, identity: int) -> str:
    return "background" if identity == BACKGROUND else f"{scene[identity].label} ({identity})"


def _name(photo: Photo) -> str | None:
    return photo.path.name if photo.path else None


def _input_fingerprint(project: Project) -> str:
    photo = hashlib.sha256(project.photo.pixels.data).hexdigest()
    return _fingerprint(photo, {item.id: rle.encode(item.modal) for item in project.given.instances})


def _content_fingerprint(shapes: tuple[Mask, ...], method: str, settings: Settings, part: Fill | None) -> str:
    """Return what one fill depends on; the photo of a project never changes."""
    given = [] if part is None else [_part_fingerprint(part)]
    return _fingerprint([rle.encode(mask) for mask in shapes], method, settings.seed, _models("content"), *given)


def _part_fingerprint(part: Fill) -> str:
    planes = (part.hole, part.rgb, part.provenance, part.confidence)
    return _fingerprint(part.box, [hashlib.sha256(np.ascontiguousarray(plane).data).hexdigest() for plane in planes])


def _corrections_of(stage: str, corrections: Corrections) -> Any:
    if stage == "order":
        return [asdict(item) for item in corrections.order]
    if stage == "amodal":
        return {identity: rle.encode(mask) for identity, mask in corrections.amodal.items()}
    if stage == "references" and corrections.references:
        return [one.as_plain() for one in corrections.references]
    if stage == "content" and corrections.painters:
        return dict(corrections.painters)
    return None


def _fingerprint(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
