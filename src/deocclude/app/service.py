"""What all requests share, and how they get at it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request, Response

from deocclude.app.edits import Edit
from deocclude.app.events import Broker
from deocclude.app.jobs import Jobs
from deocclude.app.session import Session
from deocclude.app.views import state_of
from deocclude.app.workspace import Workspace
from deocclude.segment.clicks import ClickModel, Embedding

FOR_EVER = "private, max-age=31536000, immutable"


@dataclass(eq=False)
class Service:
    """The parts of a running app.

    Attributes:
        workspace: the photos.
        broker: carries news to open tabs.
        jobs: long work.
        model: makes masks of clicks, if the user brought one.
    """

    workspace: Workspace
    broker: Broker
    jobs: Jobs
    model: ClickModel | None = None
    _embedding: tuple[str, Embedding] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def state(self, session: Session) -> dict[str, Any]:
        """Return the state of a photo as the page sees it."""
        job = self.jobs.current(session)
        with session.lock:  # or an object that it lists goes while it is described
            return state_of(self.workspace, session, job.to_json() if job is not None else None)

    def act(self, session: Session, edit: Edit) -> dict[str, Any]:
        """Do something, tell all tabs, and return the new state."""
        session.act(*edit)
        return self.acted(session)

    def acted(self, session: Session) -> dict[str, Any]:
        """Tell all tabs that something was done, and return the new state."""
        self.broker.publish(session.identity, "state", {"revision": session.state.revision})
        return self.state(session)

    def embedding(self, session: Session, model: ClickModel) -> Embedding:
        """Return how the click model sees a photo; the last photo's is kept, since it takes long."""
        with self._lock:
            if self._embedding is None or self._embedding[0] != session.identity:
                self._embedding = session.identity, model.embed(session.photo.pixels)
            return self._embedding[1]


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceDep = Annotated[Service, Depends(_service)]


def _session(photo: str, service: ServiceDep) -> Session:
    return service.workspace.session(photo)


SessionDep = Annotated[Session, Depends(_session)]


def picture(data: bytes, asked: str | None, version: str | None, media_type: str = "image/png") -> Response:
    """Return a picture as an answer; it may be cached for ever where its address asks for the version that it is.

    A picture that has changed since its address was told must not be kept under it: undo leads back to that address.
    """
    lasting = version is not None and asked == version
    return Response(data, media_type=media_type, headers={"Cache-Control": FOR_EVER if lasting else "no-store"})
