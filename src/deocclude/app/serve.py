"""Running the app: a free port on 127.0.0.1, a token, a browser."""

from __future__ import annotations

import socket
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from deocclude.app.security import new_token
from deocclude.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from deocclude.app.service import Service
    from deocclude.app.workspace import Workspace

HOST = "127.0.0.1"
PATIENCE = 10
"""Seconds that answers which are under way may take when the server is to end."""


def listen(port: int) -> socket.socket:
    """Return a socket that listens on 127.0.0.1; port 0 takes one that is free.

    Raises:
        InputError: the port is taken, or may not be used.
    """
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
        found.listen(128)
    except (OSError, OverflowError) as error:
        found.close()
        raise InputError("a free port", f"{port} ({error})", field="--port") from None
    return found


def serve(
    workspace: Workspace,
    *,
    port: int = 0,
    model: tuple[Path, Path] | None = None,
    ready: Callable[[str], None] = lambda address: None,
    say: Callable[[str], None] = lambda line: None,
    browser: bool = True,
) -> None:
    """Serve the app until it is interrupted.

    Args:
        workspace: the photos.
        port: to listen on; 0 takes one that is free.
        model: encoder and decoder (ONNX) for click masks.
        ready: is told the address, token included, once the server answers.
        say: is told, line by line, what is lost when it ends.
        browser: open the address in the user's browser.

    Raises:
        MissingExtraError: FastAPI or uvicorn is not installed, or ONNX Runtime where there is a model.
        InputError: the port is taken, or the model is none, or of another interface.
    """
    try:
        import uvicorn  # noqa: F401

        from deocclude.app.factory import create_app
        from deocclude.segment.clicks import ClickModel
    except ImportError as error:
        if (error.name or "").startswith("deocclude"):
            raise
        raise MissingExtraError("the browser app", "app") from None

    clicks = ClickModel(*model) if model is not None else None
    listening = listen(port)
    token = new_token()
    address = f"http://{HOST}:{listening.getsockname()[1]}/?token={token}"
    app = create_app(workspace, token, model=clicks)

    def started() -> None:
        ready(address)
        if browser:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    with suppress(KeyboardInterrupt):  # the way to end it
        _server(app, started, say).run(sockets=[listening])


def _server(app: FastAPI, started: Callable[[], None], say: Callable[[str], None]) -> uvicorn.Server:
    """Return a server that tells when it answers, ends what tabs listen to, and says what is lost when it stops."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                started()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            service: Service = app.state.service
            service.broker.close()
            if service.jobs.writing:
                say("the last results are being written")
            await super().shutdown(sockets)
            for line in service.jobs.unfinished():
                say(line)

    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=PATIENCE, server_header=False
    )
    return Server(config)
