"""Commands that compute: run, demo, order, complete, layers."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from deocclude.cli import console
from deocclude.cli.options import (
    Methods,
    Reading,
    Repeated,
    Writing,
    default_output,
    open_target,
    settings_for,
    tell_notes,
)
from deocclude.cli.references import print_references
from deocclude.cli.web_references import with_web_references, without_web_references
from deocclude.errors import InputError, unknown_choice

if TYPE_CHECKING:
    from deocclude.project.state import Corrections, Project

Target = Annotated[Path, Parameter(help="A photo, or a project folder that an earlier command wrote.")]


def register(app: App) -> None:
    """Add the commands to ``app``."""
    for command in (run, demo, order, complete, layers):
        app.command(command)


def run(
    target: Target,
    *,
    reading: Reading = Reading(),
    methods: Methods = Methods(),
    writing: Writing = Writing(),
) -> None:
    """Take a photo apart: order, whole shapes, hidden pixels, layers.

    Writes a project folder with layers, a clean background, an OpenRaster file and a report page. Given a project
    folder, computes what is missing or has changed, and keeps what was corrected by hand.
    """
    project, folder = _compute(target, "layers", reading, methods, writing)
    _report(project, folder, writing)


def demo(
    name: str = "coffee",
    *,
    methods: Methods = Methods(),
    writing: Writing = Writing(),
) -> None:
    """Take one of scikit-image's sample photos apart; needs no file.

    Args:
        name: coffee or motorcycle.
        methods: what the stages do.
        writing: where results go.
    """
    from deocclude.content.reference_record import credited
    from deocclude.demo import demo_names, load_demo
    from deocclude.pipeline import open_project
    from deocclude.references.credit import Credit

    if name not in demo_names():
        raise unknown_choice("demo", name, demo_names())
    example = load_demo(name)
    project = open_project(example.photo_path, example.scene)
    folder = writing.output or Path(f"demo-{name}")
    _check_output(folder, writing)
    shipped = not (methods.references or methods.reference or methods.no_references)
    project = _advance(
        project, "layers", replace(methods, reference=example.references) if shipped else methods, writing
    )
    if shipped:
        project = replace(project, references=credited(project.references, Credit(title=name, creator=example.credit)))
    project.save(folder, force=writing.force)
    _report(project, folder, writing)


def order(
    target: Target,
    *,
    set_: Annotated[tuple[str, ...], Repeated, Parameter(name="--set")] = (),
    reading: Reading = Reading(),
    methods: Methods = Methods(),
    writing: Writing = Writing(),
) -> None:
    """Find out who hides whom, or correct it.

    Args:
        target: a photo or a project folder.
        set_: a correction that outranks every model: "3>5" (3 hides 5), "3|5" (neither), "3<>5" (both),
            "3?5" (ask the model again). May be given several times.
        reading: how photo and masks are read.
        methods: what the stages do.
        writing: where results go.
    """
    project, folder = _compute(target, "order", reading, methods, writing, corrections=set_)
    if writing.json:
        console.print_json(_order_summary(project, folder) | {"stages": _stages(project)})
        return
    tell_notes(project)
    names = {item.id: item.label for item in project.objects}
    rows = [
        (edge.front, names[edge.front], edge.behind, names[edge.behind],
         "by hand" if edge.by_user else f"{edge.probability:.2f}", f"{edge.reverse:.2f}")
        for edge in project.order.edges
    ]  # fmt: skip
    console.print_table("Who hides whom", ("front", "", "behind", "", "probability", "opposite"), rows)
    _say_written(folder)


def complete(
    target: Target,
    *,
    paint: Annotated[tuple[str, ...], Repeated] = (),
    reading: Reading = Reading(),
    methods: Methods = Methods(),
    writing: Writing = Writing(),
) -> None:
    """Complete the whole shape of each object, hidden part included.

    Args:
        target: a photo or a project folder.
        paint: a whole shape painted by hand, "3=mask.png" (white on black or opaque on transparent, size of the
            photo); "3=" takes it back.
        reading: how photo and masks are read.
        methods: what the stages do.
        writing: where results go.
    """
    project, folder = _compute(target, "amodal", reading, methods, writing, painted=paint)
    rows = _object_rows(project)
    if writing.json:
        keys = ("id", "name", "visible_pixels", "hidden_pixels", "hidden_share")
        objects = [dict(zip(keys, row, strict=True)) for row in rows]
        console.print_json({"output": _text(folder), "objects": objects, "stages": _stages(project)})
        return
    tell_notes(project)
    console.print_table("Whole shapes", ("id", "name", "visible px", "hidden px", "hidden share"), rows)
    _say_written(folder)


def layers(
    target: Target,
    *,
    reading: Reading = Reading(),
    methods: Methods = Methods(),
    writing: Writing = Writing(),
) -> None:
    """Build the layers again, for example with other edges; what has not changed is not computed again."""
    run(target, reading=reading, methods=methods, writing=writing)


def _compute(
    target: Path,
    until: str,
    reading: Reading,
    methods: Methods,
    writing: Writing,
    *,
    corrections: tuple[str, ...] = (),
    painted: tuple[str, ...] = (),
) -> tuple[Project, Path | None]:
    """Open, correct, compute and write; return the project and the folder written, if any."""
    from deocclude.project.store import version_of, write_project

    resumed = target.is_dir()
    seen = version_of(target)
    project = open_target(target, reading)
    folder = writing.output or (target if resumed else default_output(target))
    in_place = resumed and folder.resolve() == target.resolve()
    if not in_place:
        _check_output(folder, writing)
    for text in corrections:
        project = replace(project, corrections=_corrected(project, text))
    for text in painted:
        project = replace(project, corrections=_painted(project, text))
    if resumed and project.stack is not None:
        until = "layers"  # what depends on a correction follows it
    project = _advance(project, until, methods, writing)
    if until != "layers" and not resumed and writing.output is None:
        return project, None
    write_project(project, folder, force=in_place or writing.force, seen=seen if in_place else None)
    return project, folder


def _check_output(folder: Path, writing: Writing) -> None:
    """Refuse a folder that cannot be written before the work, not after it."""
    from deocclude.files import check_output_folder

    check_output_folder(folder, force=writing.force)


def _advance(project: Project, until: str, methods: Methods, writing: Writing) -> Project:
    from deocclude.pipeline import run as run_stages

    with console.progress_bar(quiet=writing.json) as progress:
        if until == "layers":
            project, methods = with_web_references(project, methods, progress)
        methods = without_web_references(methods)
        return run_stages(project, settings_for(project, methods), until=until, progress=progress)


def _corrected(project: Project, text: str) -> Corrections:
    """Return the corrections with the one that ``text`` asks for, such as "3>5"."""
    from deocclude.ordering.graph import Override

    match = re.fullmatch(r"\s*([0-9]{1,9})\s*(<>|>|<|\||\?)\s*([0-9]{1,9})\s*", text)
    if match is None:
        raise InputError('a correction such as "3>5", "3|5", "3<>5" or "3?5"', repr(text), field="--set")
    first, sign, second = int(match[1]), match[2], int(match[3])
    for identity in (first, second):
        project.given[identity]  # an unknown id is refused here, before any work
    if sign == "?":
        return project.corrections.without_order(first, second)
    if sign == "<":
        first, second = second, first
    relation = {">": "front", "<": "front", "|": "none", "<>": "both"}[sign]
    return project.corrections.with_order(Override(first, second, relation))


def _painted(project: Project, text: str) -> Corrections:
    from deocclude.formats.mask_folder import read_mask

    match = re.fullmatch(r"\s*([0-9]{1,9})\s*=(.*)", text, re.DOTALL)
    if match is None:
        raise InputError('a painted shape such as "3=mask.png"', repr(text), field="--paint")
    item, file = project.given[int(match[1])], match[2]
    if not file.strip():
        return project.corrections.with_amodal(item.id, None)
    mask = read_mask(Path(file))
    if mask.size != project.photo.size:
        raise InputError(f"a mask of the photo's size {project.photo.size}", str(mask.size), file=file)
    return project.corrections.with_amodal(item.id, mask)


def _object_rows(project: Project) -> list[tuple[int, str, int, int, float]]:
    assert project.amodal is not None  # callers computed it
    rows = []
    for item in project.objects:
        visible, whole = item.modal.area, project.amodal.masks[item.id].area
        rows.append((item.id, item.label, visible, whole - visible, round((whole - visible) / max(1, whole), 4)))
    return rows


def _order_summary(project: Project, folder: Path | None) -> dict[str, Any]:
    graph = project.order
    return {
        "output": _text(folder),
        "method": project.records["order"].method,
        "edges": [asdict(edge) for edge in graph.edges],
        "dropped": [asdict(edge) for edge in graph.dropped],
        "mutual": [list(pair) for pair in graph.mutual],
        "z_order": list(graph.z_order({item.id: item.modal.area for item in project.objects})),
    }


def _stages(project: Project) -> dict[str, Any]:
    return {name: asdict(record) for name, record in project.records.items()}


def _report(project: Project, folder: Path | None, writing: Writing) -> None:
    if writing.json:
        summary = _order_summary(project, folder)
        summary["objects"] = [
            {"id": a, "name": b, "visible_pixels": c, "hidden_pixels": d, "hidden_share": e}
            for a, b, c, d, e in _object_rows(project)
        ]
        summary["stages"] = _stages(project)
        summary["references"] = [picture.as_plain() for picture in project.references.pictures]
        console.print_json(summary)
        return
    tell_notes(project)
    names = {item.id: item.label for item in project.objects}
    fills, depth = project.fills or {}, {layer.instance_id: layer.z for layer in project.layers.layers}
    rows = [
        (depth[identity], identity, name, f"{share:.1%}",
         ", ".join(names[front] for front in project.order.occluders(identity)) or "-",
         fills[identity].method if hidden else "-")
        for identity, name, _, hidden, share in _object_rows(project)
    ]  # fmt: skip
    rows.sort(reverse=True)
    print_references(project)
    console.print_table("Layers, top first", ("z", "id", "name", "hidden", "hidden by", "painted by"), rows)
    for name, record in project.records.items():
        console.OUT.print(f"{name:>10}  {record.method:<12} {record.seconds:6.2f} s")
    _say_written(folder)


def _say_written(folder: Path | None) -> None:
    if folder is not None:
        page = folder / "report.html"
        console.say_written(folder, f"open {page}" if page.is_file() else "")


def _text(folder: Path | None) -> str | None:
    return str(folder) if folder else None
