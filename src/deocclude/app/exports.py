"""Files for other programs: layers, the flattened photo, the annotation."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from deocclude.app.edits import arrangement_of
from deocclude.app.problems import MissingError, NotReadyError
from deocclude.app.session import Session
from deocclude.files import atomic_file
from deocclude.formats.cocoa import write_cocoa
from deocclude.images import write_like
from deocclude.layers.arrange import Arrangement, recompose, write_arrangement
from deocclude.layers.compose import checked_order
from deocclude.layers.export import export_png, picture_files
from deocclude.layers.move import Move, moved
from deocclude.layers.openraster import write_openraster
from deocclude.layers.psd import write_psd
from deocclude.layers.stack import Layer, LayerStack
from deocclude.project.records import amodal_scene
from deocclude.project.state import Project
from deocclude.scene import Scene

ANNOTATION = "annotation.json"
ANNOTATIONS = "annotations"
"""Folder of the workspace with the annotation that was last saved of each photo, and a copy of the photo beside it."""


@dataclass(frozen=True)
class Export:
    """A form of export.

    Attributes:
        word: what the name of the file says besides that of the photo; empty where the suffix says enough.
        suffix: of the file; empty for the photo's own.
        media_type: of the download.
        write: writes the file.
    """

    word: str
    suffix: str
    media_type: str
    write: Callable[[Session, Path], None]


def export(session: Session, form: str, folder: Path) -> tuple[Path, str]:
    """Write an export into ``folder`` and return the file and its media type.

    Raises:
        MissingError: there is no such form.
        NotReadyError: what it needs has not been computed.
    """
    if form not in EXPORTS:
        raise MissingError("export", form)
    chosen = EXPORTS[form]
    suffix = chosen.suffix or _photo_suffix(session)
    path = folder / f"{_stem(session)}{chosen.word}{suffix}"
    chosen.write(session, path)
    return path, chosen.media_type


def arranged(stack: LayerStack, arrangement: Arrangement) -> LayerStack:
    """Return the stack with its layers moved and restacked, as programs that know no arrangement need it."""
    moves = {move.instance_id: move for move in arrangement.moves}
    layers = []
    for z, identity in enumerate(checked_order(stack, arrangement.order)):
        layer = replace(stack[identity], z=z)
        if identity in moves:
            layer = _moved(layer, moves[identity], stack)
        layers.append(layer)
    return replace(stack, layers=tuple(layers))


def annotation_scene(session: Session) -> Scene:
    """Return order, whole and visible masks as they are now.

    Raises:
        NotReadyError: they have not been computed, or have changed since.
    """
    results = session.computed("order and whole shapes")
    if results.amodal is None or session.stale_from in ("repair", "order", "amodal"):
        raise NotReadyError("order and whole shapes")
    name = results.photo.path.name if results.photo.path is not None else ""
    return replace(amodal_scene(results), image_file=name)


def annotate(session: Session, workspace: Path) -> Path:
    """Write the annotation into the project folder, and with a copy of the photo into the workspace's collection.

    Raises:
        NotReadyError: order and whole shapes have not been computed.
    """
    scene = annotation_scene(session)
    photo = session.photo.path
    assert photo is not None  # every session has its photo in its folder
    with session.lock:
        write_cocoa(scene, session.folder / ANNOTATION)
        collected = workspace / ANNOTATIONS / f"{session.identity}.json"
        copy = collected.with_suffix(photo.suffix)
        with atomic_file(copy) as part:  # no link: what is collected stays as it was annotated, whoever edits the photo
            shutil.copyfile(photo, part)
        write_cocoa(replace(scene, image_file=copy.name), collected)
    return session.folder / ANNOTATION


def _moved(layer: Layer, move: Move, stack: LayerStack) -> Layer:
    box, rgba = moved(layer, move, stack.size)
    nothing = np.zeros(rgba.shape[:2], np.uint8)
    return replace(layer, box=box, rgba=rgba, provenance=nothing, confidence=nothing)


def _untouched(stack: LayerStack, plan: Arrangement) -> bool:
    """Whether the layers lie as they came."""
    return not plan.moves and not plan.hidden and checked_order(stack, plan.order) == stack.ids


def _stack(session: Session) -> tuple[Project, LayerStack]:
    results = session.computed("layers")
    if results.stack is None:
        raise NotReadyError("layers")
    if session.stale_from is not None:
        raise NotReadyError("layers", "are out of date, since something was changed; have them computed first")
    return results, results.stack


def _write_png(session: Session, path: Path) -> None:
    results, stack = _stack(session)
    folder = path.with_suffix("")
    if not _copied_pictures(session, stack, folder):
        export_png(stack, folder, icc_profile=results.photo.icc_profile)
    write_arrangement(folder / "arrangement.json", arrangement_of(session))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"{folder.name}/{file.name}")


def _copied_pictures(session: Session, stack: LayerStack, folder: Path) -> bool:
    """Copy the layers from the project folder if they are there; encoding them again takes seconds."""
    names = picture_files(stack)
    with session.lock:
        made = session.stored("layers")
        if made is None or not all((made / name).is_file() for name in names):
            return False
        folder.mkdir()
        for name in names:
            shutil.copyfile(made / name, folder / name)
    return True


def _write_ora(session: Session, path: Path) -> None:
    results, stack = _stack(session)
    plan = arrangement_of(session)
    with session.lock:
        made = session.stored("scene.ora") if _untouched(stack, plan) else None
        if made is not None:
            shutil.copyfile(made, path)
            return
    write_openraster(arranged(stack, plan), path, icc_profile=results.photo.icc_profile, hidden=plan.hidden)


def _write_psd(session: Session, path: Path) -> None:
    results, stack = _stack(session)
    plan = arrangement_of(session)
    write_psd(arranged(stack, plan), path, icc_profile=results.photo.icc_profile, hidden=plan.hidden)


def _write_photo(session: Session, path: Path) -> None:
    results, stack = _stack(session)
    plan = arrangement_of(session)
    pixels = recompose(stack, replace(plan, background=True))
    write_like(results.photo, pixels, path)


def _write_cocoa(session: Session, path: Path) -> None:
    write_cocoa(annotation_scene(session), path)


def _stem(session: Session) -> str:
    """Return what the user calls the photo, without its suffix and without what a file system may refuse."""
    stem = re.sub(r'[\x00-\x1f\x7f<>:"/\\|?*\ud800-\udfff]+', "_", Path(session.name).stem)
    return stem.encode()[:120].decode(errors="ignore").strip(". ") or session.identity


def _photo_suffix(session: Session) -> str:
    path = session.photo.path
    return path.suffix if path is not None else ".png"


EXPORTS = {
    "png": Export("-layers", ".zip", "application/zip", _write_png),
    "ora": Export("", ".ora", "image/openraster", _write_ora),
    "psd": Export("", ".psd", "image/vnd.adobe.photoshop", _write_psd),
    "photo": Export("-arranged", "", "application/octet-stream", _write_photo),
    "cocoa": Export("-cocoa", ".json", "application/json", _write_cocoa),
}
