"""Routes of reference pictures."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Response, UploadFile

from deocclude.app import pictures
from deocclude.app.bodies import Size
from deocclude.app.problems import MissingError
from deocclude.app.routes.photos import stored, upload_folder
from deocclude.app.service import ServiceDep, SessionDep, picture
from deocclude.app.session import Session
from deocclude.app.views import tag
from deocclude.errors import InputError
from deocclude.files import atomic_file, sha256
from deocclude.images import png_bytes, read_photo, write_picture
from deocclude.references.credit import CREDITS, Credit, write_credits

router = APIRouter(prefix="/api/photos/{photo}/references", tags=["references"])

MOST = 500
Text = Annotated[str, Form(max_length=500)]


@router.post("")
def add(
    service: ServiceDep,
    session: SessionDep,
    files: Annotated[list[UploadFile], File()],
    revision: Annotated[int, Form(ge=0)],
    source: Text = "",
    licence: Text = "",
    page: Text = "",
) -> dict[str, Any]:
    """Add reference pictures."""
    with upload_folder() as folder:
        paths = [_checked(stored(file, folder)) for file in files]
        with session.lock:
            session.state.check("references", revision, "the list of references")
            items = list(session.state.value("references", []))
            if len(items) + len(paths) > MOST:
                raise InputError(f"at most {MOST} references", str(len(items) + len(paths)), field="files")
            for path in paths:
                about = {"title": path.name, "source": source, "licence": licence, "page": page}
                items.append({"name": _kept(session, path, {item["name"] for item in items}), **about,
                              "sha256": sha256(path)})  # fmt: skip
            write_credits(session.references, {item["name"]: _credit(item) for item in items})
            label = f"Add {len(paths)} reference{'s' if len(paths) > 1 else ''}"
            return service.act(session, (label, {"references": items}))


@router.delete("/{name}")
def remove(
    service: ServiceDep, session: SessionDep, name: str, revision: Annotated[int, Query(ge=0)]
) -> dict[str, Any]:
    """Take a reference picture away; its file stays, for undo."""
    with session.lock:
        _entry(session, name)
        session.state.check("references", revision, "the list of references")
        items = [item for item in session.state.value("references", []) if item["name"] != name]
        return service.act(session, ("Remove a reference", {"references": items}))


@router.get("/{name}")
def show(session: SessionDep, name: str, size: Size = "screen", v: str | None = None) -> Response:
    """Return a reference picture."""
    entry = _entry(session, name)
    photo = read_photo(session.references / str(entry["name"]), convert=True)
    scaled = pictures.scaled(photo.pixels, pictures.scale_of(photo.size, size))
    return picture(png_bytes(scaled), v, tag(entry["sha256"]))


def _entry(session: Session, name: str) -> dict[str, Any]:
    for item in session.state.value("references", []):
        if item["name"] == name:
            return dict(item)
    raise MissingError("reference", name)


def _credit(item: dict[str, Any]) -> Credit:
    """Return what is known of a reference in the form that the pipeline finds beside the files."""
    told = {key: item[key] or None for key in ("page", "title", "licence")}
    return Credit(provider=item["source"] or None, **told)


def _checked(path: Path) -> Path:
    """Refuse what is no picture; a picture of another kind than 8-bit RGB becomes a PNG."""
    photo = read_photo(path, convert=True)
    if not photo.converted:
        return path
    converted = path.with_suffix(".png")
    write_picture(converted, photo.pixels)
    return converted


def _kept(session: Session, path: Path, names: set[str]) -> str:
    """Copy a picture into the project folder, and return the name that it has there."""
    folder = session.references
    number, name = 1, path.name
    while name in names or name.lower() == CREDITS or (folder / name).exists():
        number += 1
        name = f"{path.stem}-{number}{path.suffix}"
    with atomic_file(folder / name) as part:
        shutil.copyfile(path, part)
    return name
