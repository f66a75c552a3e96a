"""Photograph every view of the browser app, light and dark, wide and narrow, with one of the demo photos.

    python tools/app_screenshots.py OUT [--demo coffee] [--docs docs/images]

``--docs`` also writes the handful that docs/app.md shows, as small JPEG files. Needs Chromium and the extra ``dev``.
"""

from __future__ import annotations

import argparse
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

TOKEN = "pictures"
STEPS = ("start", "masks", "order", "amodal", "content", "layers", "annotate")
LOOKS = tuple((scheme, width) for scheme in ("light", "dark") for width in (1280, 800))
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
DOCS = {"order": ("light", 1280), "content": ("light", 1280), "layers": ("dark", 1280), "masks": ("light", 800)}
"""Which views stand in the docs, and how they look there."""
LARGEST = 150_000
PATIENCE = 600_000
Page = Any


def main() -> None:
    """Read the command line and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--demo", default="coffee")
    parser.add_argument("--docs", type=Path)
    parser.add_argument("--chromium", type=Path, default=Path("/usr/bin/chromium"))
    parser.add_argument("--workspace", type=Path, help="kept from run to run, so that nothing is computed twice")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, serving(options.workspace or Path(scratch)) as address:
        take(address, options)


def take(address: str, options: argparse.Namespace) -> None:
    """Take a picture of each step in each look."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as runner:
        browser = runner.chromium.launch(executable_path=str(options.chromium), args=FLAGS)
        for scheme, width in LOOKS:
            page = browser.new_page(viewport={"width": width, "height": 800 if width > 1000 else 1000},
                                    color_scheme=scheme)  # fmt: skip
            page.set_default_timeout(PATIENCE)
            page.goto(f"{address}?token={TOKEN}")
            photo = page.request.post(f"{address}api/demos/{options.demo}").json()["id"]
            for step in STEPS:
                open_step(page, f"{address}#{'start' if step == 'start' else f'{photo}/{step}'}", step)
                shot = page.screenshot(caret="initial")
                (options.out / f"{step}-{scheme}-{width}.png").write_bytes(shot)
                if options.docs and DOCS.get(step) == (scheme, width):
                    write_small(shot, options.docs / f"app-{step}.jpg")
            page.close()
        browser.close()


def open_step(page: Page, address: str, step: str) -> None:
    """Go to a step and bring it into the state that shows most."""
    page.goto(address)
    page.locator(f"body[data-step={step}]").wait_for()
    settle(page)
    POSES.get(step, lambda page: None)(page)
    settle(page)


def pose_masks(page: Page) -> None:
    """Choose an object."""
    page.keyboard.press("n")


def pose_content(page: Page) -> None:
    """Choose the first object with a hidden part, and show its candidates."""
    page.keyboard.press("n")
    settle(page)
    if page.locator(".candidate").count() == 0:
        page.keyboard.press("c")
        page.locator(".candidate").first.wait_for()


def pose_layers(page: Page) -> None:
    """Move the front-most layer aside, once."""
    page.keyboard.press("n")
    field = page.get_by_label("Right, px")
    if field.input_value() == "0":
        field.fill("-100")
        page.get_by_label("Down, px").fill("-16")
        page.get_by_label("Turn, °").fill("8")
        page.get_by_label("Turn, °").press("Enter")
        page.wait_for_timeout(600)


POSES: dict[str, Callable[[Page], None]] = {
    "masks": pose_masks, "order": pose_masks, "content": pose_content, "layers": pose_layers,
}  # fmt: skip


def settle(page: Page) -> None:
    """Wait until nothing is asked for and nothing is computed."""
    for _ in range(3):
        page.wait_for_timeout(150)
        page.locator("#view:not([aria-busy=true])").wait_for()
        page.locator("#job").wait_for(state="hidden")


def write_small(shot: bytes, path: Path) -> None:
    """Write a picture as JPEG, as well as :data:`LARGEST` bytes allow."""
    picture = Image.open(BytesIO(shot)).convert("RGB")
    picture = picture.resize((round(picture.width * 0.8), round(picture.height * 0.8)), Image.Resampling.LANCZOS)
    path.parent.mkdir(parents=True, exist_ok=True)
    for quality in (90, 85, 80, 70, 60):
        small = BytesIO()
        picture.save(small, "JPEG", quality=quality, subsampling=0, optimize=True)
        if small.tell() <= LARGEST:
            break
    path.write_bytes(small.getvalue())


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve the app over a folder of projects; yields its address."""
    import uvicorn

    from deocclude.app.factory import create_app
    from deocclude.app.workspace import Workspace

    folder.mkdir(parents=True, exist_ok=True)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(Workspace(folder), TOKEN), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    server.should_exit = True
    thread.join(10)


if __name__ == "__main__":
    main()
