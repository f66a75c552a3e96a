"""Synthetic scenes as a data set on disk.

Layout of the folder: ``annotations.json`` (COCOA with exact run lengths), ``photos/000000.png``, and for content
scores ``hidden/000000/background.png``, ``hidden/000000/3.png`` (object 3 whole, RGBA, on the full canvas).
``synthetic.json`` holds settings and seed.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deocclude import __version__
from deocclude.datasets.synthetic import HiddenObject, SyntheticScene, SyntheticSettings, generate
from deocclude.files import atomic_folder, write_text
from deocclude.formats import write_scene
from deocclude.geometry import Size
from deocclude.images import write_picture
from deocclude.scene import Scene

DESCRIPTION = "synthetic.json"
ANNOTATIONS = "annotations.json"
PHOTOS = "photos"
HIDDEN = "hidden"


def write_dataset(
    folder: Path,
    n: int,
    settings: SyntheticSettings | None = None,
    seed: int = 0,
    *,
    hidden: bool = True,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write ``n`` scenes; the folder appears whole or not at all, and replaces one of that name.

    Args:
        folder: where to.
        n: number of scenes; scene k is ``generate(settings, (seed, k))``.
        settings: what they look like.
        seed: of the set.
        hidden: also write the hidden colours: an RGBA picture an object and two backgrounds (with and without the
            shadows of the photo) a scene.
        progress: is told how many scenes are done.

    Raises:
        OutputError: the place is not writable.
    """
    settings = settings or SyntheticSettings()
    with atomic_folder(folder) as part:
        images, annotations = [], []
        for number in range(n):
            made = generate(settings, (seed, number))
            name = f"{number:06d}"
            write_picture(part / PHOTOS / f"{name}.png", made.photo)
            if hidden:
                _write_hidden(made, part / HIDDEN / name)
            scene = replace(made.scene, image_id=number, image_file=f"{name}.png")
            images.append({"id": number, "file_name": scene.image_file, "height": scene.size.height,
                           "width": scene.size.width})  # fmt: skip
            annotations.append(_annotation(scene))
            if progress:
                progress(number + 1)
        write_text(part / ANNOTATIONS, json.dumps({"images": images, "annotations": annotations}))
        about = {"version": __version__, "scenes": n, "seed": seed, "settings": asdict(settings)}
        write_text(part / DESCRIPTION, json.dumps(about, indent=2) + "\n")


def _annotation(scene: Scene) -> dict[str, Any]:
    """Return the COCOA annotation of one image, as the writer of that format makes it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scene.json"
        write_scene(scene, file, "cocoa")
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def _write_hidden(made: SyntheticScene, folder: Path) -> None:
    write_picture(folder / "background.png", made.background)
    write_picture(folder / "background_shaded.png", made.background_shaded)
    for item in made.hidden:
        write_picture(folder / f"{item.instance_id}.png", _on_canvas(item, made.scene.size))


def _on_canvas(item: HiddenObject, size: Size) -> NDArray[np.uint8]:
    canvas = np.zeros((*size, 4), np.uint8)
    canvas[item.box.slices] = np.dstack([item.rgb, item.alpha])
    return canvas
