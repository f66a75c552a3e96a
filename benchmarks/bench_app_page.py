"""How smoothly a layer is dragged in the page: time between frames with a photo of 12 megapixels and eight layers.

    python benchmarks/bench_app_page.py [--seconds 5] [--chromium /usr/bin/chromium]

Headless Chromium draws without a GPU here, so a real browser is at least as quick. Needs the extra ``dev``.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from deocclude.demo import load_demo
from deocclude.formats import write_scene
from deocclude.scene import scene_from_arrays

HEIGHT, WIDTH, OBJECTS = 3000, 4000, 8
QUICK = {"order": "area-large", "amodal": "convex", "fill": "mean", "edges": "hard"}
"""Settings that make layers quickly; how they came about does not matter to dragging."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
COUNT = "() => { window.frames_ = []; const step = (at) => { window.frames_.push(at); requestAnimationFrame(step); };"


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as runner:
        command = [sys.executable, "-m", "deocclude", "app", "--no-browser", "--workspace", folder]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        browser = runner.chromium.launch(executable_path=options.chromium, args=FLAGS)
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.set_default_timeout(600_000)
            page.goto(address)
            gaps = dragged(page, opened(page, address.partition("?")[0], Path(folder)), options.seconds)
        finally:
            browser.close()
            server.kill()
            server.wait()
    middle, slow = np.percentile(gaps, (50, 95))
    print(f"{len(gaps)} frames: {middle:.1f} ms between two, 95 % below {slow:.1f} ms")


def opened(page: Any, base: str, folder: Path) -> str:
    """Upload the photo and its masks, compute its layers, and return the address of the step Layers."""
    photo, masks = folder / "large.png", folder / "large.json"
    picture = Image.open(load_demo("motorcycle").photo_path).convert("RGB").resize((WIDTH, HEIGHT))
    picture.save(photo, compress_level=1)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    shapes = [
        ((columns - 600 - 400 * k) / 500) ** 2 + ((rows - 1500 + (-1) ** k * 300) / 800) ** 2 < 1
        for k in range(OBJECTS)
    ]
    first = np.argmax(shapes, 0)
    write_scene(scene_from_arrays(np.stack([shape & (first == k) for k, shape in enumerate(shapes)])), masks, "sam")
    form = {"file": part(photo, "image/png"), "masks": part(masks, "application/json")}
    identity = page.request.post(f"{base}api/photos", multipart=form, timeout=600_000).json()["id"]
    page.request.put(f"{base}api/photos/{identity}/settings", data={"revision": 0, "settings": QUICK})
    return f"{base}#{identity}/layers"


def part(path: Path, kind: str) -> dict[str, Any]:
    """Return a file as part of a form."""
    return {"name": path.name, "mimeType": kind, "buffer": path.read_bytes()}


def dragged(page: Any, address: str, seconds: float) -> np.ndarray:
    """Drag a layer round in circles; return the milliseconds between frames."""
    page.goto(address)
    page.locator("li.layer").first.wait_for()
    page.locator("#view:not([aria-busy=true])").wait_for()
    page.wait_for_timeout(1000)
    box = page.locator("canvas.picture").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 5, y)
    page.evaluate(COUNT + " requestAnimationFrame(step); }")
    end, turn = time.perf_counter() + seconds, 0.0
    while time.perf_counter() < end:
        turn += 0.1
        page.mouse.move(x + 100 * math.sin(turn), y + 60 * math.cos(turn))
    frames = page.evaluate("window.frames_")
    page.mouse.up()
    return np.diff(frames)


if __name__ == "__main__":
    main()
