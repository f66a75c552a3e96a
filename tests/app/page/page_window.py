"""The app on 127.0.0.1 with small photos, and what tests do again and again in its page."""

from __future__ import annotations

import io
import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

TOKEN = "for-tests"
WIDTH, HEIGHT = 240, 160
MARGIN, FOOT = 20, 56
"""Pixels round and below a photo that is shown whole, as in stage.js."""
PATIENCE = 120_000
"""Milliseconds that a step may take on a machine that does much else."""


class Server:
    """The app, served from a thread, over a folder of projects."""

    def __init__(self, folder: Path, model: object = None) -> None:
        uvicorn = pytest.importorskip("uvicorn")
        pytest.importorskip("fastapi")
        from deocclude.app.factory import create_app
        from deocclude.app.workspace import Workspace

        self.workspace = Workspace(folder)
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.socket.getsockname()[1]}/"
        app = create_app(self.workspace, TOKEN, model=model)
        settings = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1)
        self.uvicorn = uvicorn.Server(settings)
        self.thread = threading.Thread(target=self.uvicorn.run, kwargs={"sockets": [self.socket]}, daemon=True)
        self.thread.start()
        while not self.uvicorn.started:
            assert self.thread.is_alive(), "the server did not start"
            time.sleep(0.05)

    def stop(self) -> None:
        self.uvicorn.should_exit = True
        self.thread.join(20)


class Window:
    """A page of the app, with what a test does there again and again."""

    def __init__(self, page, server: Server) -> None:
        self.page, self.server = page, server
        self.faults: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._heard)
        page.on("request", self._asked)
        page.goto(f"{server.address}?token={TOKEN}")

    def _heard(self, message) -> None:
        if message.type == "error":
            self.faults.append(message.text)

    def _asked(self, request) -> None:
        if not request.url.startswith((self.server.address, "blob:", "data:")):
            self.faults.append(f"a request to {request.url}")

    def go(self, photo: str, step: str) -> None:
        """Open a step afresh and wait until all of it is there."""
        if self.page.url.endswith(f"#{photo}/{step}"):
            self.page.goto(f"{self.server.address}#{photo}/{'order' if step == 'masks' else 'masks'}")
        self.page.goto(f"{self.server.address}#{photo}/{step}")
        self.page.locator(f"body[data-step={step}]").wait_for()
        self.settle()

    def settle(self) -> None:
        """Wait until nothing is asked for and nothing is computed."""
        for _ in range(3):
            self.page.wait_for_timeout(80)
            self.page.locator("#view:not([aria-busy=true])").wait_for()
            self.page.locator("#job").wait_for(state="hidden")

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the photo is in the window; the photo must be shown whole."""
        box = self.page.locator("canvas.picture").bounding_box()
        room = box["width"] - 2 * MARGIN, box["height"] - MARGIN - FOOT
        scale = min(room[0] / WIDTH, room[1] / HEIGHT, 4)
        left, top = (box["width"] - WIDTH * scale) / 2, MARGIN + (room[1] - HEIGHT * scale) / 2
        return box["x"] + left + (x + 0.5) * scale, box["y"] + top + (y + 0.5) * scale

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag from a point of the photo to another."""
        mouse = self.page.mouse
        mouse.move(*self.at(*start))
        mouse.down()
        mouse.move(*self.at(*np.add(start, end) / 2))
        mouse.move(*self.at(*end))
        mouse.up()

    def colour_at(self, x: float, y: float) -> np.ndarray:
        """The mean colour in the window round a point of the photo."""
        left, top = self.at(x, y)
        shot = self.page.screenshot(caret="initial", clip={"x": left - 3, "y": top - 3, "width": 6, "height": 6})
        return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"), float).mean((0, 1))


def small_coffee(folder: Path) -> tuple[Path, object]:
    """The demo photo at two fifths of its size, with its scene."""
    from deocclude.demo import load_demo
    from deocclude.geometry import Size
    from deocclude.masks import Mask
    from deocclude.scene import Instance, Scene

    demo = load_demo("coffee")
    path = folder / "coffee.png"
    Image.open(demo.photo_path).convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.BOX).save(path)
    items = []
    for item in demo.scene.instances:
        mask = Image.fromarray(item.modal.to_array()).resize((WIDTH, HEIGHT), Image.Resampling.NEAREST)
        items.append(Instance(item.id, Mask.from_array(np.asarray(mask)), item.label))
    return path, Scene(Size(HEIGHT, WIDTH), tuple(items))
