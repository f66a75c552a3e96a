"""The project folder on disk: written whole or not at all, read back equal.

``scene.json`` is the index; it names every other file. Its ``version`` changes when old readers could not follow.
Files in the folder that it does not name belong to the user and survive every save.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deocclude.amodal.result import AmodalMasks
from deocclude.content.patch import BACKGROUND, Fill
from deocclude.content.reference_record import References
from deocclude.errors import InputError
from deocclude.files import atomic_folder, check_output_folder, encoded, keep_others, sha256
from deocclude.formats import read_scene, write_scene
from deocclude.formats.base import LARGEST_KEPT_ID
from deocclude.formats.mask_folder import read_mask
from deocclude.formats.record import Record
from deocclude.geometry import Size
from deocclude.images import Photo, read_labels, read_photo, write_like, write_picture
from deocclude.layers.export import export_png, read_layers
from deocclude.layers.openraster import write_openraster
from deocclude.layers.stack import LayerStack
from deocclude.masks import Mask
from deocclude.ordering.draw import draw_order
from deocclude.project import records
from deocclude.project.provenance import provenance_image
from deocclude.project.reference_records import (
    FOLDER,
    choices_of,
    read_references,
    reference_index,
    write_references,
)
from deocclude.project.report import render_report
from deocclude.project.state import Corrections, Project
from deocclude.scene import Scene

FORMAT, VERSION = "deocclude-project", 1
INDEX = "scene.json"


def is_project(folder: Path) -> bool:
    """Return whether ``folder`` holds a project."""
    return (folder / INDEX).is_file()


def version_of(folder: Path) -> str:
    """Return a text that is another one after every save; empty where there is no project."""
    return sha256(folder / INDEX) if is_project(folder) else ""


def write_project(
    project: Project,
    folder: Path,
    *,
    force: bool = False,
    seen: str | None = None,
    guard: AbstractContextManager[Any] | None = None,
) -> None:
    """Write a project folder; on any failure the old folder is as it was.

    Args:
        project: the state to write; stages that have not run leave no file.
        folder: where to; made if absent.
        force: write into a folder that has files in it. Those of other names stay.
        seen: what :func:`version_of` said when ``project`` was read from the folder; corrections that somebody else
            saved since are then not overwritten.
        guard: held while the new folder takes the place of the old one; whoever writes files of their own into the
            folder meanwhile holds the same, and loses none.

    Raises:
        InputError: the folder has files in it and ``force`` is not set, or was saved by somebody else since ``seen``.
        OutputError: it cannot be written.
    """
    check_output_folder(folder, force=force)
    with ExitStack() as held, atomic_folder(folder) as part:
        _write_inputs(project, part)
        _write_results(project, part)
        written = sorted(path.relative_to(part).as_posix() for path in part.rglob("*") if path.is_file())
        index = {"format": FORMAT, "version": VERSION, **records.index_of(project, _photo_name(project))}
        if "references" in project.records:
            index["references"] = reference_index(project.references)
        index["photo"]["sha256"] = sha256(part / index["photo"]["file"])
        index["files"] = [*written, INDEX]
        (part / INDEX).write_bytes(encoded(json.dumps(index, indent=1, ensure_ascii=False) + "\n"))
        held.enter_context(guard or nullcontext())
        keep_others(folder, part, files_in(folder))
        if seen is not None and version_of(folder) != seen:
            raise InputError("the project as it was read", "one that another command has saved since", file=folder,
                             hint="do it again")  # fmt: skip


def read_project(folder: Path | str) -> Project:
    """Read a project folder back, with every stage result that it holds.

    Raises:
        InputError: no project, another version, a file missing or damaged, or a path that leads outside.
    """
    folder = Path(folder)
    index = _read_index(folder)
    try:
        return _assemble(folder, Record(index, folder / INDEX))
    except (KeyError, TypeError, ValueError, OverflowError, IndexError, AttributeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise InputError(
            "a complete project", f"a damaged entry ({reason})", file=folder / INDEX, hint="run the photo again"
        ) from None


def inside(folder: Path, name: str) -> Path:
    """Return the path of ``name`` in ``folder``.

    Raises:
        InputError: it leads outside of the folder.
    """
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise InputError("a file inside the project folder", repr(name), file=folder / INDEX)
    return path


def _read_index(folder: Path) -> dict[str, Any]:
    file = folder / INDEX
    if not file.is_file():
        found = "a folder without scene.json" if folder.is_dir() else "a file" if folder.exists() else "nothing there"
        raise InputError("a project folder", found, file=folder)
    try:
        index = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError("a project index (JSON)", f"damaged text ({error})", file=file) from None
    if not isinstance(index, dict) or index.get("format") != FORMAT:
        raise InputError(f"a file of format {FORMAT!r}", "another one", file=file)
    if index.get("version") != VERSION:
        raise InputError(
            f"version {VERSION}", str(index.get("version")), file=file, hint="use the deocclude that wrote it"
        )
    return index


def _assemble(folder: Path, index: Record) -> Project:
    plain = index.values
    photo = _read_photo(folder, plain["photo"])
    scene = records.scene_of(index, _read_visible(folder, photo.size))
    given = records.given_of(index, scene)
    corrections = Corrections(
        records.overrides_of(plain), _painted(folder, given), records.painters_of(plain), choices_of(index)
    )
    pairs, graph = records.order_of(index, scene)
    references = read_references(folder / FOLDER, index, scene.size)
    results: dict[str, Any] = {
        "repair": scene if "repair" in plain["stages"] else None,
        "order": graph,
        "amodal": _amodal(folder, index, scene),
        "references": references,
        "content": _fills(folder, index, scene),
        "layers": _layers(folder, scene),
    }
    return Project(
        photo,
        given,
        dict(plain["settings"]),
        corrections,
        results["repair"],
        pairs,
        graph,
        results["amodal"],
        references or References(),
        results["content"],
        results["layers"],
        records.stage_records_of(index),
        _lasting(dict(plain["fingerprints"]), results),
    )


def _read_visible(folder: Path, size: Size) -> NDArray[np.int32]:
    file = inside(folder, "masks/visible.png")
    labels = read_labels(file)
    if labels.shape != size:
        raise InputError(f"masks of the photo's size {size}", str(Size(*labels.shape)), file=file)
    return labels


def _amodal(folder: Path, index: Record, scene: Scene) -> AmodalMasks | None:
    """Return the whole shapes; those of ids beyond what the file's format keeps are known by their place."""
    file = folder / "amodal.json"
    if not file.is_file():
        return None
    whole = read_scene(file, photo_size=scene.size, format="cocoa", skip_empty=False)
    numbers = tuple(range(1, len(scene) + 1)) if max(scene.ids) > LARGEST_KEPT_ID else scene.ids
    if sorted(whole.ids) != sorted(numbers):
        expected = f"the objects {', '.join(map(str, numbers))} of this project"
        raise InputError(expected, ", ".join(map(str, whole.ids)), file=file, field="regions")
    masks = {
        item.id: (whole[number].amodal or item.modal) | item.modal
        for number, item in zip(numbers, scene.instances, strict=True)
    }
    return records.amodal_of(index, masks, folder / "amodal")


def _fills(folder: Path, index: Record, scene: Scene) -> dict[int, Fill] | None:
    """Return the painted parts; nothing where not all are there, so that they are painted again."""
    if "content" not in index.values:
        return None
    fills = records.read_fills(folder / "content", index.records("content"), scene.size)
    return fills if {BACKGROUND, *scene.ids} <= set(fills) else None


def _layers(folder: Path, scene: Scene) -> LayerStack | None:
    """Return the layers; nothing where they are those of other objects, so that they are built again."""
    if not (folder / "layers" / "layers.json").is_file():
        return None
    stack = read_layers(folder / "layers")
    return stack if sorted(stack.ids) == sorted(scene.ids) else None


def _lasting(fingerprints: dict[str, str], results: Mapping[str, Any]) -> dict[str, str]:
    """Return the fingerprints without those of stages whose result is not there: these are computed again."""
    gone = {stage for stage, result in results.items() if result is None}
    return {name: value for name, value in fingerprints.items() if name.split("/")[0] not in gone}


def _read_photo(folder: Path, entry: Mapping[str, Any]) -> Photo:
    path = inside(folder, entry["file"])
    photo = read_photo(path)
    if sha256(path) != entry["sha256"]:
        raise InputError("the photo of this project", "another picture", file=path, hint="put the old photo back")
    return replace(photo, original_name=str(entry.get("name") or ""))


def _painted(folder: Path, scene: Scene) -> dict[int, Mask]:
    painted = {}
    for file in sorted((folder / "masks").glob("amodal_*.png")):
        identity, mask = file.stem.removeprefix("amodal_"), read_mask(file)
        if not re.fullmatch("[0-9]{1,9}", identity) or int(identity) not in scene.ids:
            known = ", ".join(map(str, scene.ids))
            raise InputError(f"amodal_ID.png with an object id among {known}", repr(identity), file=file)
        if mask.size != scene.size:
            raise InputError(f"a mask of the photo's size {scene.size}", str(mask.size), file=file)
        painted[int(identity)] = mask
    return painted


def _photo_name(project: Project) -> str:
    source = _source(project.photo)
    return f"photo{source.suffix.lower()}" if source else "photo.png"


def _source(photo: Photo) -> Path | None:
    """Return the file that holds the photo exactly, if there (still) is one."""
    return photo.path if photo.path is not None and photo.path.is_file() and not photo.converted else None


def _write_inputs(project: Project, part: Path) -> None:
    photo, target = project.photo, part / _photo_name(project)
    source = _source(photo)
    if source is None:
        write_like(photo, photo.pixels, target)
    else:
        shutil.copyfile(source, target)
    scene = project.scene or project.given
    labels = np.zeros(scene.size, np.uint8 if max(len(scene), 1) < 256 else np.uint16)
    for position, item in enumerate(scene.instances):
        labels[item.modal.box.slices][item.modal.pixels] = position + 1
    (part / "masks").mkdir()
    write_picture(part / "masks" / "visible.png", labels)
    for identity, mask in project.corrections.amodal.items():
        write_picture(part / "masks" / f"amodal_{identity}.png", mask.to_array())


def _write_results(project: Project, part: Path) -> None:
    drawing = None
    if project.scene is not None and project.graph is not None:
        drawing = draw_order(project.photo.pixels, project.scene, project.graph)
        write_picture(part / "order.png", drawing)
    if project.amodal is not None:
        write_scene(records.amodal_scene(project), part / "amodal.json", "cocoa")
        records.write_probability(project.amodal.probability, part / "amodal")
    write_references(project.references, part / FOLDER)
    if project.fills is not None:
        records.write_fills(project.fills, part / "content")
        provenance_image(project).save(part / "provenance.png")
    if project.stack is not None:
        profile = project.photo.icc_profile
        export_png(project.stack, part / "layers", icc_profile=profile)
        shutil.copyfile(part / "layers" / "background.png", part / "background.png")
        write_openraster(project.stack, part / "scene.ora", icc_profile=profile, exported=part / "layers")
    (part / "report.html").write_bytes(encoded(render_report(project, drawing)))


def files_in(folder: Path) -> set[str]:
    """Return the files of a project, as paths below its folder with ``/``; all others are a user's own."""
    if not is_project(folder):
        return set()
    named = _read_index(folder).get("files")
    painted = (path.relative_to(folder).as_posix() for path in (folder / "masks").glob("amodal_*.png"))
    return {str(name) for name in (named if isinstance(named, list) else ())} | set(painted)
