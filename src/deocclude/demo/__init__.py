"""The demo: photos that ship inside scikit-image, with the visible masks of their objects drawn by hand.

Beside this module lies one LabelMe JSON file a photo. Its shapes differ from plain LabelMe in three ways, which the
key ``deocclude`` of the file declares: they are listed front to back and a pixel that several objects claim belongs
to the first of them; a shape with the flag ``hole`` cuts what it encloses out of its own object, so that what is seen
through it belongs to what lies behind; the flag ``whole`` says that the outline is the evident whole shape (amodal).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from deocclude import rle
from deocclude.errors import InputError, unknown_choice
from deocclude.geometry import Size
from deocclude.masks import Mask
from deocclude.scene import Instance, Scene, validate

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Demo:
    """A photo with its objects, ready to be taken apart.

    Attributes:
        name: the name it was loaded by.
        photo_path: the photo, inside the installed scikit-image.
        scene: its objects, front to back; masks are disjoint, ``amodal`` is set where the whole shape is evident.
        references: similar images of the same scene; none for some demos.
        title: what is to be seen, one line.
        credit: who made the photo, and its licence or source.
    """

    name: str
    photo_path: Path
    scene: Scene
    references: tuple[Path, ...]
    title: str
    credit: str


def demo_names() -> tuple[str, ...]:
    """Return the names of the demos, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))


def load_demo(name: str) -> Demo:
    """Return the demo called ``name``; reads no pixel, opens no network.

    Raises:
        InputError: no such demo, or scikit-image is installed without its photos.
    """
    if name not in demo_names():
        raise unknown_choice("demo", name, demo_names())
    source = _FOLDER / f"{name}.json"
    document = json.loads(source.read_text(encoding="utf-8"))
    notes = document["deocclude"]
    return Demo(
        name=name,
        photo_path=_photo(document["imagePath"]),
        scene=_scene(document, source),
        references=tuple(_photo(file) for file in notes["references"]),
        title=notes["title"],
        credit=notes["credit"],
    )


def _photo(file: str) -> Path:
    """Return the path of a photo in scikit-image's wheel; found without importing it, hence without its downloader."""
    found = find_spec("skimage")
    folders = found.submodule_search_locations if found else None
    for folder in folders or ():
        path = Path(folder, "data", file)
        if path.is_file():
            return path
    raise InputError(
        f"the photo {file} inside the installed scikit-image",
        "none",
        field="demo",
        hint="reinstall it with: pip install --force-reinstall scikit-image",
    )


def _scene(document: Mapping[str, Any], source: Path) -> Scene:
    size = Size(document["imageHeight"], document["imageWidth"])
    taken = Mask.empty(size)
    instances = []
    for identity, shapes in _objects(document).items():
        outline = _rasterise(shapes, size, hole=False) - _rasterise(shapes, size, hole=True)
        whole = any(shape["flags"].get("whole") for shape in shapes)
        name = shapes[0]["label"]
        instances.append(Instance(identity, outline - taken, name, amodal=outline if whole else None))
        taken = taken | outline
    return validate(Scene(size, tuple(instances), image_file=document["imagePath"], source=source))


def _objects(document: Mapping[str, Any]) -> dict[int, list[dict[str, Any]]]:
    """Return the shapes of each object by its number, in the order of the file (front to back)."""
    objects: dict[int, list[dict[str, Any]]] = {}
    for shape in document["shapes"]:
        objects.setdefault(shape["group_id"], []).append(shape)
    return objects


def _rasterise(shapes: list[dict[str, Any]], size: Size, *, hole: bool) -> Mask:
    chosen = [shape["points"] for shape in shapes if bool(shape["flags"].get("hole")) is hole]
    return rle.from_polygons([[float(value) for point in points for value in point] for points in chosen], size)
