"""Between the entries that a user edits and the project that the pipeline computes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from deocclude import rle
from deocclude.app.history import State
from deocclude.app.memory import Recent
from deocclude.images import Photo
from deocclude.layers.stack import LayerStack
from deocclude.masks import Mask
from deocclude.ordering.graph import Override
from deocclude.plan import Settings
from deocclude.project.state import Corrections, Project
from deocclude.references.choice import Choice
from deocclude.scene import Instance, Scene
from deocclude.settings import from_dict

PLAIN = ("name", "category", "category_id", "is_stuff", "depth_rank", "cluster", "score")
"""Fields of an object that are kept as they are."""
SCENE, SETTINGS = "scene", "settings"
REFERENCE = "reference:"
"""Begins the name of a candidate that is a reference; all others are painters."""
PREFERRED = ("textured", "exemplar", "pcnet-c", "biharmonic", "telea", "navier-stokes", "mean")
"""All painters, the best first: so they are shown, and so one takes the place of another that was rejected."""
VERDICTS = "verdicts"
"""Words on references that another command was given."""
_MASKS: Recent[Mask] = Recent(200_000_000)
_INPUTS = ("object", "whole", "order", "choice", SCENE, SETTINGS, VERDICTS)


def entries_of(project: Project) -> dict[str, Any]:
    """Return the values by key of all that a project was made from."""
    given, corrections = project.given, project.corrections
    entries: dict[str, Any] = {f"object/{item.id}": object_value(item) for item in given.instances}
    entries |= {f"whole/{identity}": rle.encode(mask) for identity, mask in corrections.amodal.items()}
    entries |= {pair_key(item.first, item.second): asdict(item) for item in corrections.order}
    entries |= {f"choice/{key}": {"pick": name, "reject": []} for key, name in corrections.painters.items()}
    order = None if given.order_truth is None else sorted(map(list, given.order_truth))
    entries[SCENE] = {"image_file": given.image_file, "image_id": given.image_id, "order_truth": order}
    entries[SETTINGS] = settings_value(project.settings)
    entries[VERDICTS] = [one.as_plain() for one in corrections.references] or None
    return entries


def changes_by(project: Project, state: State, base: Mapping[str, Any] | None, files: Path) -> dict[str, Any]:
    """Return the new values of all that another command changed in a project folder.

    Args:
        project: as it is in the folder now.
        state: as the app left it.
        base: the entries that the results were made from before; what is the same there was changed by the user of
            the app alone and stays. ``None`` where they are not known: all that differs is the command's.
        files: the app's folder with references.
    """
    entries, mine = entries_of(project), corrections_of(state, files)
    same = set() if base is None else {key for key in {*entries, *state.entries} if entries.get(key) == base.get(key)}
    for identity in {*state.ids("choice"), *project.corrections.painters}:
        if mine.painters.get(identity) == project.corrections.painters.get(identity):
            entries[f"choice/{identity}"] = state.value(f"choice/{identity}")
    known = [one.as_plain() for one in mine.references]
    told = [one for one in entries[VERDICTS] or () if one not in known]
    entries[VERDICTS] = [*state.value(VERDICTS, []), *told] or None
    settings = entries[SETTINGS]
    settings["reference"] = [path for path in settings["reference"] if not Path(path).is_relative_to(files)]
    gone = [key for key in state.entries if key.partition("/")[0] in _INPUTS and key not in entries]
    return {key: value for key, value in (dict.fromkeys(gone) | entries).items() if key not in same}


def object_value(item: Instance) -> dict[str, Any]:
    """Return the entry of an object as plain JSON."""
    value = {key: getattr(item, key) for key in PLAIN} | {"mask": rle.encode(item.modal)}
    return value | ({"truth": rle.encode(item.amodal)} if item.amodal is not None else {})


def pair_key(first: int, second: int) -> str:
    """Return the key of what was said about a pair, in either direction."""
    return f"order/{min(first, second)}-{max(first, second)}"


def settings_value(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return all settings of the pipeline, those in ``values`` as they say and the rest at their defaults.

    Raises:
        InputError: a value of a wrong type.
    """
    known = {field.name for field in fields(Settings)}
    settings = asdict(from_dict(Settings, {key: value for key, value in values.items() if key in known}))
    return {key: list(value) if isinstance(value, tuple) else value for key, value in settings.items()}


def settings_of(state: State, files: Path) -> Settings:
    """Return the settings in force, with the references in the app's folder ``files``."""
    settings = from_dict(Settings, settings_value(state.value(SETTINGS, {})))
    mine = [str(files / item["name"]) for item in state.value("references", [])]
    return replace(settings, reference=tuple(dict.fromkeys([*settings.reference, *mine])))


def mask_of(value: Mapping[str, Any]) -> Mask:
    """Return the mask of a run-length entry; the same object for the same entry as long as it is remembered."""
    return _MASKS.get((*value["size"], value["counts"]), lambda: rle.decode(dict(value)))


def scene_of(state: State, photo: Photo) -> Scene:
    """Return the objects as the user left them, by ascending id."""
    about = state.value(SCENE, {})
    order = about.get("order_truth")
    scene = Scene(
        photo.size,
        tuple(_instance(identity, state.value(f"object/{identity}")) for identity in state.ids("object")),
        about.get("image_file", ""),
        about.get("image_id"),
        None if order is None else frozenset((int(a), int(b)) for a, b in order),
    )
    return scene.subset(scene.ids)  # the truth about objects that were removed goes with them


def corrections_of(state: State, files: Path) -> Corrections:
    """Return what the user set by hand, oldest first; ``files`` is the app's folder with references."""
    order = sorted(
        (entry.revision, key, entry.value) for key, entry in state.entries.items() if key.startswith("order/")
    )
    whole = {identity: mask_of(state.value(f"whole/{identity}")) for identity in state.ids("whole")}
    choices = {identity: state.value(f"choice/{identity}") for identity in state.ids("choice")}
    painters = {key: name for key, value in choices.items() if (name := _painter(value)) is not None}
    found = Corrections(tuple(Override(**value) for _, _, value in order), whole, painters)
    for value in state.value(VERDICTS, []):
        found = found.with_reference(Choice(**value))
    for identity, value in choices.items():
        for choice in _verdicts(state, identity, value, files):
            found = found.with_reference(choice)
    return found


def _verdicts(state: State, identity: int, value: Mapping[str, Any], files: Path) -> Iterator[Choice]:
    """Yield what the choice for a hole says of references; a painter that was picked leaves no room for any."""
    paths = dict(value.get("paths", {}))
    for item in state.value("references", []):
        paths.setdefault(reference_name(item["sha256"]), [str(files / item["name"]), item["sha256"]])
    pick = value["pick"]
    for name, (path, digest) in paths.items():
        if name == pick:
            yield Choice(path, "pick", identity, digest)
        elif name in value["reject"] or (pick is not None and not pick.startswith(REFERENCE)):
            yield Choice(path, "reject", identity, digest)


def reference_name(sha256: str) -> str:
    """Return what a candidate is called that is a reference with this content."""
    return f"{REFERENCE}{sha256[:16]}"


def project_of(state: State, photo: Photo, base: Project | None, files: Path) -> Project | None:
    """Return the project to compute on: what the user wants, with the results of ``base`` to go on from.

    ``None`` where there is no object. ``files`` is the app's folder with references.
    """
    scene = scene_of(state, photo)
    if not len(scene):
        return None
    project = replace(base, given=scene) if base is not None else Project(photo, scene)
    # The settings stay those of the results: the pipeline compares them with the ones that are asked for.
    project = replace(project, corrections=corrections_of(state, files))
    return with_names(project, scene)


def with_names(project: Project, scene: Scene) -> Project:
    """Return ``project`` with the names that its objects have in ``scene``; nothing is computed for that."""
    names = {item.id: item for item in scene.instances}
    if project.scene is not None:
        renamed = tuple(_renamed(item, names.get(item.id)) for item in project.scene.instances)
        project = replace(project, scene=replace(project.scene, instances=renamed))
    if project.stack is not None:
        project = replace(project, stack=_with_names(project.stack, names))
    return project


def digest(entries: Mapping[str, Any]) -> str:
    """Return a text that is another one where results would be computed from something else."""
    wanted = {key: value for key, value in entries.items() if key.partition("/")[0] in _INPUTS}
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:16]


def _instance(identity: int, value: Mapping[str, Any]) -> Instance:
    truth = mask_of(value["truth"]) if "truth" in value else None
    return Instance(identity, mask_of(value["mask"]), amodal=truth, **{key: value[key] for key in PLAIN})


def _painter(choice: Mapping[str, Any]) -> str | None:
    """Return the painter that a choice asks for; where one was only rejected, the best of the others."""
    pick, reject = choice["pick"], choice["reject"]
    if pick is not None and not pick.startswith(REFERENCE):
        return str(pick)
    if any(not name.startswith(REFERENCE) for name in reject):
        return next((name for name in PREFERRED if name not in reject), None)
    return None


def _renamed(item: Instance, like: Instance | None) -> Instance:
    return item if like is None else replace(item, name=like.name, category=like.category)


def _with_names(stack: LayerStack, names: Mapping[int, Instance]) -> LayerStack:
    return replace(stack, layers=tuple(
        replace(layer, name=names[layer.instance_id].label) if layer.instance_id in names else layer
        for layer in stack.layers
    ))  # fmt: skip
