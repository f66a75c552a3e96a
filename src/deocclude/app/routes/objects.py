"""Routes of objects: visible masks, whole shapes, order, and masks from boxes, scribbles and clicks."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query

from deocclude.app import edits
from deocclude.app.bodies import ClickBody, NewObject, ObjectPatch, OrderBody, SegmentBody, Shape, Size, WholeBody
from deocclude.app.inputs import pair_key
from deocclude.app.mask_bodies import box_in, mask_in, mask_out, mask_png
from deocclude.app.pictures import scale_of
from deocclude.app.problems import NotReadyError
from deocclude.app.service import ServiceDep, SessionDep, picture
from deocclude.app.session import Session
from deocclude.app.views import mask_version
from deocclude.errors import InputError
from deocclude.masks import Mask, union
from deocclude.segment.prompt import Prompt, stroke_mask
from deocclude.stages import Stopwatch

router = APIRouter(prefix="/api/photos/{photo}", tags=["objects"])


@router.post("/objects")
def create(service: ServiceDep, session: SessionDep, body: NewObject) -> dict[str, Any]:
    """Add an object."""
    mask = mask_in(body.mask, session.photo.size)
    with session.lock:
        return service.act(session, edits.add_object(session, mask, body.name, body.take))


@router.patch("/objects/{identity}")
def change(service: ServiceDep, session: SessionDep, identity: int, body: ObjectPatch) -> dict[str, Any]:
    """Rename an object, draw it anew, or paint on it."""
    wishes = [name for name in ("name", "mask", "paint") if getattr(body, name) is not None]
    if len(wishes) != 1:
        raise InputError("one of name, mask, paint", ", ".join(wishes) or "none", field="body")
    with session.lock:
        session.require(identity)
        session.state.check(f"object/{identity}", body.revision, "this object")
        return service.act(session, _change(session, identity, body))


@router.delete("/objects/{identity}")
def remove(
    service: ServiceDep, session: SessionDep, identity: int, revision: Annotated[int, Query(ge=0)]
) -> dict[str, Any]:
    """Remove an object."""
    with session.lock:
        session.require(identity)
        session.state.check(f"object/{identity}", revision, "this object")
        return service.act(session, edits.remove(session, identity))


@router.put("/objects/{identity}/whole")
def set_whole(service: ServiceDep, session: SessionDep, identity: int, body: WholeBody) -> dict[str, Any]:
    """Set a whole shape by hand, paint on it, or leave it to the model."""
    if body.mask is not None and body.paint is not None:
        raise InputError("mask or paint", "both", field="body")
    size = session.photo.size
    with session.lock:
        session.require(identity)
        session.state.check(f"whole/{identity}", body.revision, "this whole shape")
        if body.paint is not None:
            stroke = mask_in(body.paint.mask, size)
            mask: Mask | None = edits.painted(edits.whole_of(session, identity), stroke, body.paint.mode)
        else:
            mask = mask_in(body.mask, size) if body.mask is not None else None
        return service.act(session, edits.set_whole(session, identity, mask))


@router.put("/order")
def set_order(service: ServiceDep, session: SessionDep, body: OrderBody) -> dict[str, Any]:
    """Set, double, remove or give back an arrow."""
    with session.lock:
        session.require(body.first)
        session.require(body.second)
        session.state.check(pair_key(body.first, body.second), body.revision, "the order of these two objects")
        return service.act(session, edits.set_order(session, body.first, body.second, body.relation))


@router.get("/objects/{identity}/mask.png")
def mask_picture(
    session: SessionDep, identity: int, kind: Shape = "visible", size: Size = "full", v: str | None = None
) -> Any:
    """Return a mask as a picture, cut to its box."""
    with session.lock:
        mask, version = _mask(session, identity, kind), mask_version(session, session.results, identity, kind)
    return picture(mask_png(mask, scale_of(session.photo.size, size)), v, version)


@router.get("/objects/{identity}/mask")
def mask_values(session: SessionDep, identity: int, kind: Shape = "visible") -> dict[str, Any]:
    """Return a mask as run lengths."""
    with session.lock:
        mask = _mask(session, identity, kind)
    return {"box": list(mask.box), "rle": mask_out(mask)["rle"]}


@router.post("/segment")
def segment(session: SessionDep, body: SegmentBody) -> dict[str, Any]:
    """Find a mask from a box and scribbles."""
    from deocclude.segment.grabcut import grabcut

    watch, size = Stopwatch(), session.photo.size
    if body.object is not None and body.start is not None:
        raise InputError("object or start", "both", field="body")
    start = mask_in(body.start, size) if body.start is not None else None
    if body.object is not None:
        with session.lock:
            start = _mask(session, body.object, "visible")
    prompt = Prompt(
        box=box_in(body.box, size) if body.box is not None else None,
        foreground=stroke_mask(body.foreground, body.radius, size),
        background=stroke_mask(body.background, body.radius, size),
        start=start,
        others=union(_spared(session, body.spare), size),
    )
    return mask_out(grabcut(session.photo.pixels, prompt)) | {"seconds": watch.seconds}


@router.post("/click")
def click(service: ServiceDep, session: SessionDep, body: ClickBody) -> dict[str, Any]:
    """Find a mask from clicks, by the model that the user brought."""
    watch, box = Stopwatch(), box_in(body.box, session.photo.size) if body.box is not None else None
    if service.model is None:
        raise NotReadyError("masks by click", "need a model: start deocclude app with --model ENCODER DECODER")
    mask = service.model.segment(service.embedding(session, service.model), body.points, box)
    others = [other for other in _spared(session, body.spare) if not _pointed_at(other, body)]
    mask = mask - union(others, session.photo.size)
    if not mask:
        raise InputError("something under the click", "nothing that is not part of another object", field="points")
    return mask_out(mask) | {"seconds": watch.seconds}


def _change(session: Session, identity: int, body: ObjectPatch) -> edits.Edit:
    size = session.photo.size
    if body.name is not None:
        return edits.rename(session, identity, body.name)
    if body.mask is not None:
        return edits.reshape(session, identity, mask_in(body.mask, size), body.take)
    assert body.paint is not None  # one of the three is there
    stroke = mask_in(body.paint.mask, size)
    mask = edits.painted(edits.visible_of(session, identity), stroke, body.paint.mode)
    verb = "Paint" if body.paint.mode == "add" else "Erase from"
    return edits.reshape(session, identity, mask, body.take and body.paint.mode == "add", verb)


def _spared(session: Session, identities: list[int]) -> list[Mask]:
    """Return the visible masks of objects; those that another tab has removed meanwhile are passed over."""
    with session.lock:
        present = set(session.state.ids("object"))
        return [edits.visible_of(session, identity) for identity in identities if identity in present]


def _pointed_at(mask: Mask, body: ClickBody) -> bool:
    """Whether a click says that something of ``mask`` is wanted."""
    points = np.array([(x, y) for x, y, on in body.points if on]).reshape(-1, 2)
    x, y = np.rint(points).astype(int).T
    return bool(mask.holds(x, y).any())


def _mask(session: Session, identity: int, kind: str) -> Mask:
    session.require(identity)
    if kind == "visible":
        return edits.visible_of(session, identity)
    whole = edits.whole_of(session, identity)
    return whole if kind == "whole" else whole - edits.visible_of(session, identity)
