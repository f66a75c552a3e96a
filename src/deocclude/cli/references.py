"""The command about references: which picture gave which hidden pixels, and which ones to pick or reject."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from deocclude.cli import console
from deocclude.cli.options import Methods, Repeated, settings_for, tell_notes
from deocclude.cli.web_references import with_web_references
from deocclude.errors import InputError

if TYPE_CHECKING:
    from deocclude.project.state import Corrections, Project
    from deocclude.references.choice import Verdict


def register(app: App) -> None:
    """Add the command to ``app``."""
    app.command(references)


def references(
    project: Annotated[Path, Parameter(help="A project folder.")],
    *,
    pick: Annotated[tuple[str, ...], Repeated] = (),
    reject: Annotated[tuple[str, ...], Repeated] = (),
    forget: Annotated[tuple[str, ...], Repeated] = (),
    methods: Methods = Methods(),
    json: bool = False,
) -> None:
    """Show which reference gave which hidden pixels, or correct it; what depends on it is computed again.

    A reference is named by its number in the list, its file name or its path; "3=cup.jpg" is about the hidden part of
    object 3 only, "0=cup.jpg" about the background.

    Args:
        project: a project folder.
        pick: use this picture wherever it can be laid over the photo; outranks what agreement says.
        reject: never use this picture.
        forget: take a pick or a rejection back.
        methods: what the stages do, and where references are looked for.
        json: print one JSON document instead of a table.
    """
    from deocclude.pipeline import run
    from deocclude.project.store import read_project, version_of, write_project

    seen, opened = version_of(project), read_project(project)
    corrections = opened.corrections
    asked: tuple[tuple[Verdict | None, tuple[str, ...]], ...] = (("pick", pick), ("reject", reject), (None, forget))
    for verdict, texts in asked:
        for text in texts:
            corrections = _corrected(opened, corrections, text, verdict)
    with console.progress_bar(quiet=json) as progress:
        opened, methods = with_web_references(opened, methods, progress)
        done = run(replace(opened, corrections=corrections), settings_for(opened, methods), progress=progress)
    write_project(done, project, force=True, seen=seen)
    if json:
        listed = [picture.as_plain() for picture in done.references.pictures]
        console.print_json({"output": str(project), "references": listed})
        return
    tell_notes(done)
    if not done.references.pictures:
        console.OUT.print("No references: name some with --references FOLDER or --reference FILE.")
    print_references(done)
    console.say_written(project, f"open {project / 'report.html'}")


def print_references(project: Project) -> None:
    """Print a table of all references that were looked at, if there are any."""
    names = {0: "background", **{item.id: item.label for item in project.objects}}
    rows = []
    for picture in project.references.pictures:
        gave = [f"{names.get(trial.object, trial.object)} {trial.pixels:,}" for trial in picture.trials if trial.pixels]
        rows.append((
            "-" if picture.number is None else str(picture.number),
            Path(picture.path).name,
            picture.credit.licence or "unknown",
            f"{picture.pixels:,}",
            ", ".join(gave) or f"not used: {picture.reason_rejected}",
        ))  # fmt: skip
    if rows:
        console.print_table("References", ("no.", "file", "licence", "pixels", "used for"), rows)


def _corrected(project: Project, corrections: Corrections, text: str, verdict: Verdict | None) -> Corrections:
    """Return the corrections with what ``text`` asks for, such as "3=cup.jpg"."""
    from deocclude.references.choice import Choice

    match = re.fullmatch(r"\s*(?:([0-9]{1,9})\s*=)?\s*(.+?)\s*", text, re.DOTALL)
    option = f"--{verdict or 'forget'}"
    if match is None:
        raise InputError('a reference such as "cup.jpg", or "3=cup.jpg" for object 3 alone', repr(text), field=option)
    identity = None if match[1] is None else int(match[1])
    if identity:
        project.given[identity]  # an unknown id is refused here, before any work
    path, digest = _found(project, corrections, match[2], option)
    if verdict is None:
        return corrections.without_reference(path, digest, identity)
    return corrections.with_reference(Choice(path, verdict, identity, digest))


def _found(project: Project, corrections: Corrections, name: str, option: str) -> tuple[str, str]:
    """Return path and digest of the reference that is called ``name``: by number, file name or path."""
    from deocclude.files import sha256

    file = Path(name)
    places = (name, str(file.absolute()))
    pictures = project.references.pictures
    known_files = [(one.path, one.sha256) for one in pictures]
    known_files += [(one.path, one.sha256) for one in corrections.references]
    seen = [(one.path, one.sha256) for one in pictures if name == str(one.number)]
    seen += [(path, digest) for path, digest in known_files if path in places]
    if seen:
        return seen[0]
    called = dict.fromkeys(one for one in known_files if Path(one[0]).name == name)
    if len(called) > 1:
        raise InputError("the name of one reference", f"{len(called)} that are called {name}", field=option,
                         hint=f"give its number, or the path: {', '.join(path for path, _ in called)}")  # fmt: skip
    if called:
        return next(iter(called))
    if not file.is_file():
        known = ", ".join(Path(picture.path).name for picture in project.references.pictures[:5])
        hint = f"this project has looked at {known}" if known else "give its path"
        raise InputError("a reference by its number, name or path", repr(name), field=option, hint=hint)
    return str(file.absolute()), sha256(file)
