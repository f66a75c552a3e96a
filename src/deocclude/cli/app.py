"""Commands for people without masks: app (the browser app) and segment."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from deocclude.cli import console
from deocclude.cli.options import Repeated, Whole, check_free, check_radius
from deocclude.errors import InputError, unknown_choice

if TYPE_CHECKING:
    from deocclude.geometry import Box, Size
    from deocclude.images import Photo
    from deocclude.masks import Mask

Model = Annotated[
    tuple[Path, Path] | None,
    Parameter(help="ONNX encoder and decoder of a model of the Segment Anything kind (extra 'onnx')."),
]
Points = list[tuple[float, float]]
Said = dict[str, dict[str, list[Points]]]
"""Lists of points by object name and kind of prompt."""
_DEFAULT_NAMES = {"label-png": "masks.png", "mask-folder": "masks"}
"""What 'segment' writes where no output is named, by format; all others are JSON."""


def register(app: App) -> None:
    """Add the commands to ``app``."""
    app.command(serve_app, name="app")
    app.command(segment)


def serve_app(
    target: Annotated[Path | None, Parameter(help="A photo, a project folder, or a folder of photos.")] = None,
    *,
    workspace: Path = Path("deocclude-app"),
    port: Whole = 0,
    model: Model = None,
    browser: Annotated[bool, Parameter(negative="--no-browser")] = True,
) -> None:
    """Take photos apart in the browser: draw masks, correct the order, choose what fills the holes.

    The server listens on 127.0.0.1 only; the address that is printed holds a token, without which it answers nobody.
    Every step is on disk at once, so nothing is lost when the tab or the server ends.

    Args:
        target: what to begin with; without it, the projects of the workspace.
        workspace: folder for the project folders that are made.
        port: port to listen on; 0 takes a free one.
        model: encoder and decoder for masks by click.
        browser: open the page.
    """
    from deocclude.app.serve import serve
    from deocclude.app.workspace import Workspace

    if not 0 <= port <= 65535:
        raise InputError("a port from 0 to 65535", str(port), field="--port")
    serve(Workspace(workspace, target), port=port, model=model, ready=_say_address, say=console.warn,
          browser=browser)  # fmt: skip


@Parameter(name="*")
@dataclass(frozen=True)
class Prompts:
    """What is said about the objects; all that is said of one name makes one mask. May be given several times."""

    box: Annotated[tuple[str, ...], Repeated] = ()
    """The object lies inside, x0,y0,x1,y1: "cup=160,92,400,290"."""
    foreground: Annotated[tuple[str, ...], Repeated] = ()
    """A scribble on the object, points x,y: "cup=200,150 260,180"."""
    background: Annotated[tuple[str, ...], Repeated] = ()
    """A scribble beside the object."""
    click: Annotated[tuple[str, ...], Repeated] = ()
    """With --model, points on the object: "cup=200,150 210,160"."""
    click_beside: Annotated[tuple[str, ...], Repeated] = ()
    """With --model, points beside the object."""
    radius: Annotated[float, Parameter(validator=check_radius)] = 4.0
    """Half the width of scribbles, in pixels."""


def segment(
    photo: Annotated[Path, Parameter(help="The photo.")],
    *,
    prompts: Prompts = Prompts(),
    model: Model = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    to: str = "coco",
    force: bool = False,
    json: bool = False,
) -> None:
    """Make visible masks from boxes, scribbles or clicks, for photos that have none.

    Each option names the object that it is about. Without clicks, GrabCut finds the mask.

    Args:
        photo: the photo.
        prompts: what is said about the objects.
        model: encoder and decoder for clicks.
        output: masks file to write; by default masks.json, masks.png or the folder masks, as the format has it.
        to: format of the file: coco, sam, labelme, label-png, mask-folder.
        force: replace a file that is there.
        json: print one JSON document instead of text.
    """
    from deocclude.formats import FORMATS, write_scene
    from deocclude.images import read_photo
    from deocclude.scene import Instance, Scene

    if to not in FORMATS:
        raise unknown_choice("format", to, FORMATS)
    target = output or Path(_DEFAULT_NAMES.get(to, "masks.json"))
    check_free(target, force)
    said = _by_name(prompts)
    if not said:
        raise InputError("a box, a scribble or a click", "none", hint='for example --box "cup=160,92,400,290"')
    picture = read_photo(photo, convert=True)
    masks = _masks(picture, said, prompts.radius, model)
    scene = Scene(
        picture.size,
        tuple(Instance(number, mask, name=name) for number, (name, mask) in enumerate(masks.items(), 1)),
        image_file=photo.name,
    )
    write_scene(scene, target, to)
    objects = [{"id": item.id, "name": item.name, "pixels": item.modal.area} for item in scene.instances]
    console.say_written(target, f"{len(scene)} objects", json=json, format=to, objects=objects)


def _say_address(address: str) -> None:
    console.print_plain(address)


def _by_name(prompts: Prompts) -> Said:
    said: Said = {}
    for field in fields(Prompts):
        if field.name == "radius":
            continue
        for text in getattr(prompts, field.name):
            name, points = _named_points(text, field.name)
            said.setdefault(name, {}).setdefault(field.name, []).append(points)
    return said


def _named_points(text: str, kind: str) -> tuple[str, Points]:
    """Return the object's name and the points of one option; the two corners of a box."""
    name, equals, rest = text.partition("=")
    try:
        numbers = [[float(part) for part in point.split(",")] for point in rest.split()]
    except ValueError:
        numbers = []
    if kind == "box" and len(numbers) == 1 and len(numbers[0]) == 4:
        numbers = [numbers[0][:2], numbers[0][2:]]
    fits = all(len(point) == 2 and all(map(isfinite, point)) for point in numbers)
    if not (name.strip() and equals and numbers and fits) or (kind == "box" and len(numbers) != 2):
        example = "cup=160,92,400,290" if kind == "box" else "cup=200,150 260,180"
        option = f"--{kind.replace('_', '-')}"
        raise InputError(f'a name and numbers, such as "{example}"', repr(text), field=option)
    return name.strip(), [(point[0], point[1]) for point in numbers]


def _masks(
    picture: Photo,
    said: Said,
    radius: float,
    model: tuple[Path, Path] | None,
) -> dict[str, Mask]:
    from deocclude.segment.clicks import ClickModel
    from deocclude.segment.grabcut import grabcut
    from deocclude.segment.prompt import Prompt, stroke_mask

    for kinds in said.values():
        if "click_beside" in kinds and "click" not in kinds:
            raise InputError("a click on the object", "one beside it only", field="--click-beside")
    if model is None and any("click" in kinds for kinds in said.values()):
        raise InputError("a model for clicks", "none", field="--click", hint="pass --model ENCODER DECODER")
    clicker = ClickModel(*model) if model is not None else None
    embedding = clicker.embed(picture.pixels) if clicker is not None else None
    masks = {}
    for name, kinds in said.items():
        box = _box(kinds["box"][-1], picture.size) if "box" in kinds else None
        if "click" in kinds and clicker is not None and embedding is not None:
            clicks = [(x, y, 1) for line in kinds["click"] for x, y in line]
            clicks += [(x, y, 0) for line in kinds.get("click_beside", []) for x, y in line]
            masks[name] = clicker.segment(embedding, clicks, box)
        else:
            strokes = [stroke_mask(kinds.get(kind, []), radius, picture.size) for kind in ("foreground", "background")]
            masks[name] = grabcut(picture.pixels, Prompt(box, *strokes))
    return masks


def _box(corners: Points, size: Size) -> Box:
    from deocclude.geometry import Box

    (x0, y0), (x1, y1) = corners
    box = Box(round(x0), round(y0), round(x1), round(y1)).clip(size)
    if box.empty:
        raise InputError(f"a box inside the photo of {size}", f"{x0:g},{y0:g},{x1:g},{y1:g}", field="--box")
    return box
