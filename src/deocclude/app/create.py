"""A project folder for a new photo, whole or not at all."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from deocclude.app.inputs import entries_of, settings_value
from deocclude.app.journal import Journal
from deocclude.errors import InputError
from deocclude.files import atomic_folder
from deocclude.formats import read_scene
from deocclude.images import Photo, read_photo, write_like
from deocclude.project.state import Project
from deocclude.scene import Scene, validate


def new_project(
    folder: Path, photo: Path, name: str, masks: Path | Scene | None = None
) -> tuple[Photo, tuple[str, ...]]:
    """Make a project folder with the photo, its objects and nothing done yet.

    Returns the photo as it lies there, and notes of what in ``masks`` was left out.

    Args:
        folder: the folder to make.
        photo: any picture; other than 8-bit RGB becomes an 8-bit RGB PNG.
        name: what to call it.
        masks: visible masks of its objects, in any format that 'run' reads.

    Raises:
        InputError: the photo or the masks are unusable, or do not fit each other; nothing was written.
        OutputError: it cannot be written.
    """
    picture = read_photo(photo, convert=True)
    scene = _scene(picture, masks, name)
    entries = _entries(picture, scene, name)
    suffix = ".png" if picture.converted else (photo.suffix.lower() or ".png")
    with atomic_folder(folder) as part:
        target = part / f"photo{suffix}"
        if picture.converted:
            write_like(picture, picture.pixels, target)
        else:
            shutil.copyfile(photo, target)
        Journal.start(part, {"name": name, "photo": target.name}, entries)
    return replace(picture, path=folder / target.name, converted=False), scene.notes if scene is not None else ()


def _scene(photo: Photo, masks: Path | Scene | None, name: str) -> Scene | None:
    if masks is None:
        return None
    scene = masks if isinstance(masks, Scene) else read_scene(masks, photo_size=photo.size, photo_name=name)
    if scene.size != photo.size:
        raise InputError(f"masks of the photo's size {photo.size}", str(scene.size), field="masks")
    return validate(scene)


def _entries(photo: Photo, scene: Scene | None, name: str) -> dict[str, Any]:
    if scene is None:
        return {"settings": settings_value({}), "scene": {"image_file": name, "image_id": None, "order_truth": None}}
    return entries_of(Project(photo, scene))
