"""Routes of what was computed: pictures, holes and their candidates, exports."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from deocclude.app import edits, pictures
from deocclude.app.bodies import ChoiceBody, Size
from deocclude.app.candidates import Candidate, Candidates, candidate_picture
from deocclude.app.exports import export as write_export
from deocclude.app.inputs import settings_of
from deocclude.app.problems import MissingError, NotReadyError
from deocclude.app.service import ServiceDep, SessionDep, picture
from deocclude.app.session import Session
from deocclude.app.views import address, overlays_tag, picture_tag, results_tag
from deocclude.content.patch import BACKGROUND
from deocclude.errors import InputError
from deocclude.hidden import hidden_part
from deocclude.images import png_bytes, read_small, thumbnail
from deocclude.layers.arrange import recompose
from deocclude.layers.stack import LayerStack

router = APIRouter(prefix="/api/photos/{photo}", tags=["results"])


@router.get("/picture")
def photo_picture(service: ServiceDep, photo: str, size: Size = "screen", v: str | None = None) -> Response:
    """Return the photo."""
    place = service.workspace.place(photo)
    file = place.picture
    if size == "thumb" and file is not None and file.is_file():  # a list of photos opens none of them
        longest, known = pictures.LONGEST[size], service.workspace.opened(photo)
        small = read_small(file, longest) if known is None else thumbnail(known.photo.pixels, longest)
        return picture(png_bytes(small), v, picture_tag(place))
    session = service.workspace.session(photo)
    pixels = session.photo.pixels
    scaled = pictures.scaled(pixels, pictures.scale_of(session.photo.size, size))
    return picture(png_bytes(scaled), v, session.photo_tag)


@router.get("/layers/{identity}.png")
def layer_picture(session: SessionDep, identity: int, size: Size = "screen", v: str | None = None) -> Response:
    """Return a layer, cut to its box."""
    stack, version = _stack(session)
    layer = next((layer for layer in stack.layers if layer.instance_id == identity), None)
    if layer is None:
        raise MissingError("layer", identity)
    of = layer.rgba.shape[:2] if size == "thumb" and layer.rgba.size else session.photo.size
    return picture(png_bytes(pictures.scaled(pictures.layer_picture(layer.rgba), _scale(of, size))), v, version)


@router.get("/background.png")
def background(session: SessionDep, size: Size = "screen", v: str | None = None) -> Response:
    """Return the photo without objects."""
    stack, version = _stack(session)
    return picture(png_bytes(pictures.scaled(stack.background, _scale(session.photo.size, size))), v, version)


@router.get("/composed.png")
def composed(session: SessionDep, size: Size = "screen", v: str | None = None) -> Response:
    """Return the layers as they are arranged."""
    with session.lock:
        (stack, _), plan = _stack(session), edits.arrangement_of(session)
    return picture(png_bytes(pictures.scaled(recompose(stack, plan), _scale(session.photo.size, size))), v, None)


@router.get("/overlays/{name}.png")
def overlay(
    session: SessionDep, name: Literal["provenance", "confidence"], size: Size = "screen", v: str | None = None
) -> Response:
    """Return where hidden content came from, or how sure it is, as colours."""
    results = session.computed("hidden content")
    if results.fills is None:
        raise NotReadyError("hidden content")
    make = pictures.provenance_overlay if name == "provenance" else pictures.confidence_overlay
    scaled = pictures.scaled(make(results), _scale(session.photo.size, size))
    return picture(png_bytes(scaled), v, overlays_tag(results))


@router.post("/holes/{identity}/candidates", status_code=202)
def make_candidates(service: ServiceDep, session: SessionDep, identity: int) -> dict[str, Any]:
    """Fill a hole in every way that there is."""
    _require_hole(session, identity)
    return service.jobs.submit("candidates", session, hole=identity).to_json()


@router.get("/holes/{identity}/candidates")
def list_candidates(session: SessionDep, identity: int) -> dict[str, Any]:
    """Return what could fill a hole."""
    _require_hole(session, identity)
    found = _fresh(session, identity)
    if found is None:
        return {"fresh": False, "candidates": []}
    choice = session.state.value(f"choice/{identity}", {"pick": None, "reject": []})
    told = [_candidate(session, identity, found.version, item, choice) for item in found.items]
    return {"fresh": True, "candidates": told}


@router.get("/holes/{identity}/candidates/picture")
def show_candidate(
    session: SessionDep, identity: int, name: str, size: Size = "full", v: str | None = None
) -> Response:
    """Return a candidate as a picture."""
    _require_hole(session, identity)
    found = _fresh(session, identity)
    fill = next((item.fill for item in found.items if item.name == name), None) if found is not None else None
    hole = hidden_part(session.computed("whole shapes"), identity)
    if found is None or fill is None or hole is None:
        raise MissingError("candidate", name)
    pixels = pictures.layer_picture(candidate_picture(session.photo.pixels, hole, fill))
    return picture(png_bytes(pictures.scaled(pixels, _scale(session.photo.size, size))), v, found.version)


@router.put("/holes/{identity}/choice")
def choose(service: ServiceDep, session: SessionDep, identity: int, body: ChoiceBody) -> dict[str, Any]:
    """Pick what fills a hole, and say what must not."""
    with session.lock:
        _require_hole(session, identity)
        session.state.check(f"choice/{identity}", body.revision, "the choice for this hole")
        return service.act(session, edits.set_choice(session, identity, body.pick, body.reject))


@router.get("/export/{form}")
def export(session: SessionDep, form: str) -> FileResponse:
    """Return a file for other programs."""
    folder = Path(tempfile.mkdtemp(prefix="deocclude-"))
    try:
        path, media_type = write_export(session, form, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    task = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
    return FileResponse(path, media_type=media_type, filename=path.name, background=task)


def _candidate(
    session: Session, identity: int, version: str, item: Candidate, choice: dict[str, Any]
) -> dict[str, Any]:
    url = None
    if item.fill is not None:
        url = address(session, f"holes/{identity}/candidates/picture", version, name=item.name)
    return {
        "name": item.name, "kind": item.kind, "title": item.title, "picture_url": url, "confidence": item.confidence,
        "picked": choice["pick"] == item.name, "rejected": item.name in choice["reject"],
        "used": _method(session, identity) == item.name, "error": item.error,
        "notes": list(item.fill.notes) if item.fill is not None else [],
        "source": item.source, "licence": item.licence, "page": item.page,
    }  # fmt: skip


def _method(session: Session, identity: int) -> str | None:
    """Return what a hole is filled by now."""
    results = session.results
    fill = (results.fills or {}).get(identity) if results is not None else None
    return fill.method if fill is not None else None


def _stack(session: Session) -> tuple[LayerStack, str]:
    """Return the layers, and which version they are."""
    results = session.computed("layers")
    if results.stack is None:
        raise NotReadyError("layers")
    return results.stack, results_tag(results)


def _scale(size: Any, name: str) -> float:
    return pictures.scale_of(size, name)


def _require_hole(session: Session, identity: int) -> None:
    if identity != BACKGROUND:
        session.require(identity)
    elif not session.state.ids("object"):
        raise InputError("at least one object", "none", hint="draw a mask first")


def _fresh(session: Session, identity: int) -> Candidates | None:
    """Return the candidates of a hole, if they were made for the hole, the references and the seed as they are."""
    found, results = session.candidates.get(identity), session.results
    hole = hidden_part(results, identity) if results is not None and found is not None else None
    if found is None or hole is None:
        return None
    return found if found.are_for(hole, settings_of(session.state, session.references)) else None
