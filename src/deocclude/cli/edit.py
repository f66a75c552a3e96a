"""Commands that need no computing: recompose, export, convert."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from deocclude.cli import console
from deocclude.cli.options import WHOLE, Repeated, check_free
from deocclude.errors import InputError, unknown_choice

if TYPE_CHECKING:
    from deocclude.layers.arrange import Arrangement
    from deocclude.project.state import Project

Project_ = Annotated[Path, Parameter(help="A project folder.")]


def register(app: App) -> None:
    """Add the commands to ``app``."""
    for command in (recompose, export, convert):
        app.command(command)


@Parameter(name="*")
@dataclass(frozen=True)
class Changes:
    """What to do with the layers; all of it may be given several times, for several layers."""

    arrangement: Path | None = None
    """JSON file with any of the below: {"version": 1, "layers": [{"id": 3, "dx": 40}], "order": [1, 3, 2]}."""
    move: Annotated[tuple[str, ...], Repeated] = ()
    """Shift a layer by pixels to the right and down: "3=40,-20"."""
    scale: Annotated[tuple[str, ...], Repeated] = ()
    """Scale a layer about its centre: "3=1.5"."""
    rotate: Annotated[tuple[str, ...], Repeated] = ()
    """Turn a layer about its centre, degrees counter-clockwise: "3=15"."""
    remove: Annotated[tuple[int, ...], Repeated, WHOLE] = ()
    """Leave a layer out."""
    front: Annotated[tuple[int, ...], Repeated, WHOLE] = ()
    """Bring a layer to the top."""
    back: Annotated[tuple[int, ...], Repeated, WHOLE] = ()
    """Send a layer to the bottom."""
    up: Annotated[tuple[int, ...], Repeated, WHOLE, Parameter(name="--raise")] = ()
    """Bring a layer up by one."""
    lower: Annotated[tuple[int, ...], Repeated, WHOLE] = ()
    """Send a layer down by one."""


def recompose(
    project: Project_,
    *,
    changes: Changes = Changes(),
    output: Annotated[Path, Parameter(name=["--output", "-o"])] = Path("recomposed.png"),
    save_arrangement: Path | None = None,
    force: bool = False,
    json: bool = False,
) -> None:
    """Move, scale, turn, remove or restack layers and write the picture.

    Without a change it is the photo again, pixel for pixel, with its size, ICC profile and EXIF block (in a format
    without loss, such as PNG).

    Args:
        project: a project folder.
        changes: what to do with the layers.
        output: picture to write; the suffix is its format.
        save_arrangement: write the changes as JSON, for --arrangement.
        force: replace a file that is there.
        json: print one JSON document instead of text.
    """
    from deocclude.images import write_like
    from deocclude.layers.arrange import recompose as compose
    from deocclude.layers.arrange import write_arrangement

    opened = _with_layers(project)
    arrangement = _arrangement(opened, changes)
    check_free(output, force)
    _check_not_of(project, output)
    if save_arrangement is not None:
        check_free(save_arrangement, force)
        _check_not_of(project, save_arrangement)
        _check_other(save_arrangement, output)
    write_like(opened.photo, compose(opened.layers, arrangement), output)
    if save_arrangement is not None:
        write_arrangement(save_arrangement, arrangement)
    console.say_written(output, json=json, arrangement=arrangement.to_json())


def export(
    project: Project_,
    *,
    to: str = "ora",
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    full_frame: bool = False,
    force: bool = False,
    json: bool = False,
) -> None:
    """Write the layers in a form that editors open.

    Args:
        project: a project folder.
        to: ora (OpenRaster: Krita, GIMP), png (one file a layer and layers.json) or psd (needs the extra 'psd').
        output: file or folder to write; by default the project's name with the suffix of the format.
        full_frame: png only: every layer in the size of the photo instead of cropped.
        force: replace what is there; in a folder, files that are no layers stay.
        json: print one JSON document instead of text.
    """
    from deocclude.files import check_output_folder
    from deocclude.layers import EXPORTERS
    from deocclude.layers.export import export_png

    if to not in EXPORTERS:
        raise unknown_choice("export format", to, EXPORTERS)
    if full_frame and to != "png":
        raise InputError("--full-frame with --to png", f"--to {to}", hint=f"{to} places cropped layers by itself")
    opened = _with_layers(project)
    target = output or Path(f"{project.resolve().name}-{to}" if to == "png" else f"{project.resolve().name}.{to}")
    if to == "png":
        check_output_folder(target, force=force)
    else:
        check_free(target, force)
        _check_not_of(project, target)
    profile = opened.photo.icc_profile
    if full_frame:
        export_png(opened.layers, target, icc_profile=profile, full_frame=True)
    else:
        EXPORTERS[to](opened.layers, target, icc_profile=profile)
    console.say_written(target, json=json, format=to, layers=len(opened.layers.layers))


def convert(
    masks: Annotated[Path, Parameter(help="Masks in any format that 'run' reads.")],
    output: Annotated[Path, Parameter(help="File or folder to write.")],
    *,
    to: str,
    image_id: str | None = None,
    photo: Path | None = None,
    skip_empty: bool = False,
    force: bool = False,
    json: bool = False,
) -> None:
    """Convert masks from one format to another.

    Args:
        masks: what to read.
        output: what to write.
        to: coco, cocoa, kins, label-png, mask-folder, sam or labelme.
        image_id: which image of a file that holds many.
        photo: the photo, for formats that do not say how large it is.
        skip_empty: leave out objects without a visible pixel instead of refusing them.
        force: replace what is there.
        json: print one JSON document instead of text.
    """
    from deocclude.formats import FORMATS, read_scene, write_scene
    from deocclude.images import read_photo

    if to not in FORMATS:
        raise unknown_choice("format", to, FORMATS)

    picture = read_photo(photo, convert=True) if photo is not None else None
    scene = read_scene(
        masks,
        photo_size=picture.size if picture else None,
        photo_name=str(photo.absolute()) if photo else None,
        image_id=image_id,
        skip_empty=skip_empty,
    )
    check_free(output, force)
    for note in scene.notes:
        console.warn(note)
    write_scene(scene, output, to)
    console.say_written(output, f"{len(scene)} objects", json=json, format=to, objects=len(scene))


def _check_not_of(project: Path, target: Path) -> None:
    """Refuse to write over a file of the project itself, which could then not be opened any more."""
    from deocclude.project.store import files_in

    place, folder = target.resolve(), project.resolve()
    if place.is_relative_to(folder) and place.relative_to(folder).as_posix() in files_in(project):
        raise InputError("another file than those of the project", "one of them", file=target, hint="name a new file")


def _check_other(arrangement: Path, picture: Path) -> None:
    """Refuse to write the arrangement over the picture."""
    if arrangement.absolute() == picture.absolute():
        raise InputError("another file than that of the picture", str(arrangement), field="--save-arrangement")


def _with_layers(folder: Path) -> Project:
    from deocclude.project.store import read_project

    project = read_project(folder)
    _ = project.layers  # refused here, with the command to run, if there are none
    return project


def _arrangement(project: Project, changes: Changes) -> Arrangement:
    from deocclude.layers.arrange import Arrangement, read_arrangement
    from deocclude.layers.compose import restack
    from deocclude.layers.move import Move

    base = read_arrangement(changes.arrangement) if changes.arrangement else Arrangement()
    values: dict[int, dict[str, Any]] = {}
    for text in changes.move:
        identity, (dx, dy) = _numbers(text, "--move", 2)
        values.setdefault(identity, {}).update(dx=dx, dy=dy)
    for field, texts in (("scale", changes.scale), ("rotate", changes.rotate)):
        for text in texts:
            identity, (value,) = _numbers(text, f"--{field}", 1)
            values.setdefault(identity, {})[field] = value
    moves = {move.instance_id: move for move in base.moves}
    for identity, change in values.items():
        old = moves.get(identity, Move(identity))
        moves[identity] = replace(old, **change)
    order = base.order or project.layers.ids
    for step, ids in (
        ("raise", changes.up),
        ("lower", changes.lower),
        ("back", changes.back),
        ("front", changes.front),
    ):
        for identity in ids:
            order = restack(order, identity, step)
    hidden = base.hidden | set(changes.remove)
    return Arrangement(tuple(moves.values()), hidden, tuple(order), base.background)


def _numbers(text: str, field: str, count: int) -> tuple[int, list[float]]:
    identity, equals, rest = text.partition("=")
    try:
        numbers = [float(part) for part in rest.split(",")]
        if equals and len(numbers) == count:
            return int(identity), numbers
    except ValueError:
        pass
    example = "3=40,-20" if count == 2 else "3=1.5"
    raise InputError(
        f'a layer id and {count} number{"s" if count > 1 else ""}, such as "{example}"', repr(text), field=field
    )
