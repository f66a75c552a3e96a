"""Routes of a photo as a whole: its state, what is done with it, news, computing."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from deocclude.app import edits
from deocclude.app.bodies import ArrangementBody, ComputeBody, DoneBody, RevisionBody, SettingsBody
from deocclude.app.events import Event
from deocclude.app.exports import annotate
from deocclude.app.service import ServiceDep, SessionDep
from deocclude.errors import InputError, unknown_choice
from deocclude.plan import STAGES

router = APIRouter(prefix="/api", tags=["state"])


@router.get("/photos/{photo}")
def state(service: ServiceDep, session: SessionDep) -> dict[str, Any]:
    """Return the state of a photo; it becomes the current one."""
    service.workspace.current = session.identity
    return service.state(session)


@router.post("/photos/{photo}/undo")
def undo(service: ServiceDep, session: SessionDep, body: RevisionBody) -> dict[str, Any]:
    """Undo the last action."""
    session.undo(body.revision)
    return service.acted(session)


@router.post("/photos/{photo}/redo")
def redo(service: ServiceDep, session: SessionDep, body: RevisionBody) -> dict[str, Any]:
    """Do again what was undone."""
    session.redo(body.revision)
    return service.acted(session)


@router.put("/photos/{photo}/settings")
def settings(service: ServiceDep, session: SessionDep, body: SettingsBody) -> dict[str, Any]:
    """Change settings of the pipeline."""
    with session.lock:
        session.state.check("settings", body.revision, "the settings")
        return service.act(session, edits.set_settings(session, body.settings))


@router.put("/photos/{photo}/arrangement")
def arrange(service: ServiceDep, session: SessionDep, body: ArrangementBody) -> dict[str, Any]:
    """Arrange the layers."""
    with session.lock:
        session.state.check("arrangement", body.revision, "the arrangement of the layers")
        return service.act(session, edits.set_arrangement(session, body.arrangement))


@router.put("/photos/{photo}/done")
def tick(service: ServiceDep, session: SessionDep, body: DoneBody) -> dict[str, Any]:
    """Say whether a photo is finished; its annotation is written then."""
    with session.lock:
        session.state.check("done", body.revision, "whether this photo is done")
        if body.done:
            annotate(session, service.workspace.folder)
        return service.act(session, ("Done" if body.done else "Not done", {"done": body.done}))


@router.post("/photos/{photo}/annotation")
def save_annotation(service: ServiceDep, session: SessionDep) -> dict[str, Any]:
    """Write the annotation into the project folder."""
    annotate(session, service.workspace.folder)
    return service.state(session)


@router.post("/photos/{photo}/compute", status_code=202)
def compute(service: ServiceDep, session: SessionDep, body: ComputeBody) -> dict[str, Any]:
    """Compute what has changed."""
    if body.until not in STAGES:
        raise unknown_choice("stage", body.until, STAGES)
    if not session.state.ids("object"):
        raise InputError("at least one object", "none", hint="draw a mask first")
    return service.jobs.submit("compute", session, until=body.until).to_json()


@router.post("/photos/{photo}/save")
def save(service: ServiceDep, session: SessionDep) -> dict[str, Any]:
    """Write the results into the project folder now, if they could not be written before."""
    if session.unsaved is not None:
        session.save()
    return service.acted(session)


@router.get("/jobs/{job}")
def job(service: ServiceDep, job: int) -> dict[str, Any]:
    """Return how far a job is."""
    return service.jobs.find(job).to_json()


@router.delete("/jobs/{job}")
def cancel(service: ServiceDep, job: int) -> dict[str, Any]:
    """Stop a job."""
    return service.jobs.cancel(job).to_json()


@router.get("/photos/{photo}/events", response_class=StreamingResponse)
async def events(service: ServiceDep, session: SessionDep) -> StreamingResponse:
    """Stream what happens to a photo."""

    def first() -> list[Event]:
        job = service.jobs.current(session)
        news: list[Event] = [("state", {"revision": session.state.revision})]
        return news if job is None else [*news, ("job", job.to_json())]

    stream = service.broker.stream(session.identity, first)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"})
