"""The app as one thing that a server can serve or a test can call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

from deocclude import __version__
from deocclude.app.answers import add_handlers
from deocclude.app.events import Broker
from deocclude.app.jobs import Jobs
from deocclude.app.routes import objects, photos, references, results, state
from deocclude.app.security import Guard
from deocclude.app.service import Service
from deocclude.app.workspace import Workspace
from deocclude.segment.clicks import ClickModel

STATIC = Path(__file__).parent / "static"


def create_app(workspace: Workspace, token: str, *, model: ClickModel | None = None) -> FastAPI:
    """Return the app.

    Args:
        workspace: the photos.
        token: that every request must know.
        model: makes masks of clicks.
    """
    broker = Broker()
    jobs = Jobs(broker)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        jobs.start()
        yield
        jobs.stop()

    app = FastAPI(title="deocclude", version=__version__, lifespan=lifespan, openapi_url="/api/openapi.json",
                  docs_url=None, redoc_url=None)  # fmt: skip
    app.state.service = Service(workspace, broker, jobs, model)
    add_handlers(app)
    for module in (photos, state, objects, references, results):
        app.include_router(module.router)

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})

    if STATIC.is_dir():
        app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(Guard, token=token)
    return app
