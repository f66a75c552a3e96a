"""Make the pictures of the README again: ``python docs/make_pictures.py``.

From scikit-image's sample photos, and a wall of HPatches in the development data (``DEOCCLUDE_DATA``).
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

import deocclude
from deocclude.demo import load_demo
from deocclude.images import Photo, read_photo, resized
from deocclude.ordering.draw import draw_order

IMAGES = Path(__file__).parent / "images"
WIDTH, GAP = 560, 14
DATA = Path(os.environ.get("DEOCCLUDE_DATA", Path(__file__).parents[2] / "shared/data"))
WALL = "hpatches/v_graffiti"

RGB = NDArray[np.uint8]


def checkerboard(height: int, width: int, cell: int = 12) -> RGB:
    """Return the board that transparent layers are shown on."""
    y, x = np.mgrid[:height, :width] // cell
    return np.repeat(np.where((x + y) % 2, 235, 250)[..., None], 3, 2).astype(np.uint8)


def on_board(stack: deocclude.LayerStack, identity: int) -> RGB:
    """Return one layer at its place on a checkerboard."""
    alone = deocclude.compose(stack, hide=[other for other in stack.ids if other != identity], background=False)
    alpha = alone[..., 3:] / 255
    return np.rint(alpha * alone[..., :3] + (1 - alpha) * checkerboard(*alone.shape[:2])).astype(np.uint8)


def sheet(panels: list[tuple[str, RGB]], columns: int) -> Image.Image:
    """Return captioned pictures in rows."""
    font = ImageFont.load_default(size=22)
    height = round(WIDTH * panels[0][1].shape[0] / panels[0][1].shape[1])
    rows = -(-len(panels) // columns)
    canvas = Image.new("RGB", (columns * (WIDTH + GAP) + GAP, rows * (height + GAP + 34) + GAP), "white")
    pen = ImageDraw.Draw(canvas)
    for place, (caption, pixels) in enumerate(panels):
        row, column = divmod(place, columns)
        left, top = GAP + column * (WIDTH + GAP), GAP + row * (height + GAP + 34)
        pen.text((left + 2, top + 2), caption, fill="black", font=font)
        canvas.paste(Image.fromarray(pixels).resize((WIDTH, height), Image.Resampling.LANCZOS), (left, top + 34))
    return canvas


def opening() -> Image.Image:
    """Return the first picture of the README: a photo taken apart, and what another view is worth."""
    seen = coffee_panels()
    names = ("the photo", "who hides whom", "cup taken away", "rearranged")
    cup = next(layer for layer in coffee_project().layers.layers if layer.name == "cup")
    return sheet([(name, seen[name]) for name in names] + before_a_wall(cup.rgba), columns=4)


def before_a_wall(cut_out: RGB) -> list[tuple[str, RGB]]:
    """Return a cut-out (RGBA) laid over a wall, another view of the wall, and the wall without it."""
    views = [read_photo(DATA / WALL / f"{number}.jpg", convert=True).pixels for number in (1, 2)]
    wall, other = (view[: view.shape[1] * 2 // 3] for view in views)
    thing = resized(cut_out, 0.62 * wall.shape[0] / cut_out.shape[0])
    top, left = wall.shape[0] - thing.shape[0] - 40, (wall.shape[1] - thing.shape[1]) // 2
    place = slice(top, top + thing.shape[0]), slice(left, left + thing.shape[1])
    share = thing[..., 3:] / 255
    photo, mask = wall.copy(), np.zeros(wall.shape[:2], bool)
    photo[place] = np.rint(share * thing[..., :3] + (1 - share) * wall[place]).astype(np.uint8)
    mask[place] = thing[..., 3] > 127
    plain = deocclude.run(deocclude.open_project(Photo(photo), mask[None]))
    helped = deocclude.run(plain, deocclude.Settings(reference=(str(DATA / WALL / "2.jpg"),)))
    found = [deocclude.compose(project.layers, hide=project.layers.ids) for project in (plain, helped)]
    return [
        ("a cup before a wall", photo),
        ("another photo of the wall", other),
        ("cup taken away, own texture", found[0]),
        ("cup taken away, with the other photo", found[1]),
    ]


@cache
def coffee_project() -> deocclude.Project:
    """Return the coffee photo, taken apart."""
    demo = load_demo("coffee")
    return deocclude.run(deocclude.open_project(demo.photo_path, demo.scene))


def coffee_panels() -> dict[str, RGB]:
    """Return the parts of the coffee photo by caption."""
    project = coffee_project()
    stack = project.layers
    cup, spoon, saucer = (next(item.id for item in project.objects if item.name == name)
                          for name in ("cup", "spoon", "saucer"))  # fmt: skip
    moved = [deocclude.Move(cup, dx=-150, dy=-10, scale=0.8), deocclude.Move(spoon, dx=60)]
    return {
        "the photo": project.photo.pixels,
        "who hides whom": draw_order(project.photo.pixels, project.scene or project.given, project.order),
        "saucer, its hidden half painted": on_board(stack, saucer),
        "spoon, its hidden handle painted": on_board(stack, spoon),
        "cup taken away": deocclude.compose(stack, hide=[cup]),
        "rearranged": deocclude.compose(stack, moved),
    }


def motorcycle() -> Image.Image:
    """Return what a second view is worth: the corner of the photo in which it shows most."""
    demo = load_demo("motorcycle")
    plain = deocclude.run(deocclude.open_project(demo.photo_path, demo.scene))
    settings = deocclude.Settings(reference=tuple(map(str, demo.references)))
    helped = deocclude.run(plain, settings)
    front = next(item.id for item in plain.objects if item.name == "motorcycle")
    corner = slice(60, 300), slice(470, 740)
    return sheet(
        [
            ("the photo", plain.photo.pixels[corner]),
            ("motorcycle taken away, own texture", deocclude.compose(plain.layers, hide=[front])[corner]),
            ("the same with a second view", deocclude.compose(helped.layers, hide=[front])[corner]),
        ],
        columns=3,
    )


def main() -> None:
    """Write every picture."""
    IMAGES.mkdir(exist_ok=True)
    opening().save(IMAGES / "opening.jpg", quality=84, optimize=True)
    motorcycle().save(IMAGES / "motorcycle-reference.jpg", quality=86, optimize=True)
    sheet(list(coffee_panels().items()), columns=3).save(IMAGES / "coffee.jpg", quality=88, optimize=True)


if __name__ == "__main__":
    main()
