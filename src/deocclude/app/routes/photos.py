"""Routes of the server and its list of photos."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, File, Response, UploadFile

from deocclude import __version__
from deocclude.app import pictures
from deocclude.app.bodies import ListedBody
from deocclude.app.security import LARGEST_BODY
from deocclude.app.service import ServiceDep, picture
from deocclude.app.session import Session
from deocclude.app.views import demos, exports, list_photos, photo_of
from deocclude.app.workspace import Workspace
from deocclude.content import fill
from deocclude.demo import load_demo
from deocclude.errors import InputError
from deocclude.images import MAX_PIXELS, png_bytes, read_photo

router = APIRouter(prefix="/api", tags=["photos"])


@router.get("/app")
def about(service: ServiceDep) -> dict[str, Any]:
    """Return what this server is and can do."""
    return {
        "version": __version__,
        "current": service.workspace.current,
        "limits": {"upload_bytes": LARGEST_BODY, "pixels": MAX_PIXELS},
        "demos": demos(),
        "painters": list(fill.names()),
        "exports": exports(),
        "click_model": service.model is not None,
    }


@router.get("/photos")
def photos(service: ServiceDep) -> dict[str, Any]:
    """Return the photos of the list, in the order of next and previous, and those that were taken off it."""
    return list_photos(service.workspace)


@router.put("/photos/{photo}/listed")
def set_listed(service: ServiceDep, photo: str, body: ListedBody) -> dict[str, Any]:
    """Take a photo off the list, or put it back; all of its files stay."""
    place = service.workspace.set_listed(photo, body.listed)
    return {"photo": photo_of(service.workspace, place), "folder": str(place.folder) if place.folder.is_dir() else None}


@router.post("/photos", status_code=201)
def upload(
    service: ServiceDep, file: Annotated[UploadFile, File()], masks: Annotated[UploadFile | None, File()] = None
) -> dict[str, Any]:
    """Add a photo, perhaps with its masks."""
    with upload_folder() as folder:
        photo = stored(file, folder)
        (folder / "masks").mkdir()
        given = stored(masks, folder / "masks") if masks is not None and masks.filename else None
        session = service.workspace.add(photo, last_part(file.filename or "")[:200], given)
    return _told(service.workspace, session)


@router.post("/demos/{name}")
def open_demo(service: ServiceDep, name: str) -> dict[str, Any]:
    """Open a demo."""
    return _told(service.workspace, service.workspace.demo(name))


@router.get("/demos/{name}/thumbnail")
def demo_thumbnail(name: str) -> Response:
    """Return the photo of a demo, small."""
    photo = read_photo(load_demo(name).photo_path)
    return picture(png_bytes(pictures.scaled(photo.pixels, pictures.scale_of(photo.size, "thumb"))), None, None)


@contextmanager
def upload_folder() -> Iterator[Path]:
    """Yield a folder for uploaded files, which goes afterwards.

    Raises:
        InputError: as raised within, but files in the folder are called what their user calls them.
    """
    with tempfile.TemporaryDirectory() as name:
        try:
            yield Path(name)
        except InputError as error:
            file = Path(error.file) if error.file else None
            if file is None or not file.is_relative_to(name):
                raise
            found = error.found.replace(f"{file.parent}{os.sep}", "")
            raise InputError(error.expected, found, file=file.name, field=error.field, hint=error.hint) from None


def stored(upload: UploadFile, folder: Path) -> Path:
    """Write an uploaded file into ``folder`` under a harmless form of its name, and return the path.

    Raises:
        InputError: it has no name that tells its kind.
    """
    name = safe_name(upload.filename or "")
    if not Path(name).suffix:
        raise InputError("a file name with a suffix, such as photo.jpg", repr(name), field="file")
    path = folder / name
    with path.open("wb") as target:
        shutil.copyfileobj(upload.file, target)
    return path


def safe_name(name: str) -> str:
    """Return the last part of a file name without anything that means something to a file system or an address."""
    cleaned = re.sub(r"[^\w.\- ]+", "_", last_part(name), flags=re.ASCII).strip(". ")
    stem, suffix = Path(cleaned).stem[:80], Path(cleaned).suffix[:10]
    return f"{stem}{suffix}"


def last_part(name: str) -> str:
    """Return the last part of a file name, as people know it; masks files name their photos so."""
    return re.split(r"[/\\]", name)[-1]


def _told(workspace: Workspace, session: Session) -> dict[str, Any]:
    return photo_of(workspace, workspace.place(session.identity))
