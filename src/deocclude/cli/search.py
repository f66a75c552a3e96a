"""The command that searches the web for pictures of an object: search."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from deocclude.cli import console
from deocclude.cli.options import Positive, Reading, Whole, check_free, open_target
from deocclude.cli.web_references import hidden_parts
from deocclude.errors import InputError

if TYPE_CHECKING:
    from deocclude.project.state import Project
    from deocclude.references.search import Found
    from deocclude.references.sources.candidates import Source
    from deocclude.references.sources.fetch import Fetched
    from deocclude.references.sources.options import WebSettings
    from deocclude.references.sources.session import WebQuery

Verified = dict[str, "Found"]
"""What the verification said of the files that it looked at, by name."""


@Parameter(name="*")
@dataclass(frozen=True)
class Asking:
    """What is asked for, and what of the photo may be shown."""

    words: str = ""
    """Words for sources that are asked by words; by default the object's class, or what a source by picture guesses."""
    alone: bool = False
    """Show the object only: everything else in the picture is painted over."""
    licence: str = ""
    """Uses that licences must permit: commercial, modification, or both with a comma. Others are left out."""
    count: Positive | None = None
    """Pictures that each source is asked for."""
    settings: Path | None = None
    """Settings of the web search (TOML): addresses, limits, keys."""
    dry_run: bool = False
    """Say what would be sent to whom, and send nothing."""


@Parameter(name="*")
@dataclass(frozen=True)
class Writing:
    """Where results go and how they are reported."""

    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None
    """Folder for the pictures; by default the photo's name with '-found' behind it. What is in it stays."""
    verify: Annotated[bool, Parameter(negative="--no-verify")] = True
    """Index what was found, and say which pictures show the same object."""
    force: bool = False
    """Add to a folder that no search has written, and replace its page."""
    json: bool = False
    """Print one JSON document instead of tables."""


_ANYTHING, _USUAL, _PLAIN = Asking(), Writing(), Reading()


def register(app: App) -> None:
    """Add the command to ``app``."""
    app.command(search)


def search(
    target: Annotated[Path, Parameter(help="A photo, or a project folder that an earlier command wrote.")],
    *,
    object: Whole,
    source: Annotated[str, Parameter(help="Where: openverse, commons, google-vision, serpapi, browser, folder:PATH.")],
    reading: Reading = _PLAIN,
    asking: Asking = _ANYTHING,
    writing: Writing = _USUAL,
) -> None:
    """Search the web for pictures of an object, and fetch them with their licences.

    Only the named sources are asked; what each gets to know is said before. Keys come from the environment or from the
    settings file. The folder that is written serves as --references of 'run'.

    Args:
        target: a photo with --masks, or a project folder.
        object: id of the object.
        source: one source, or several with commas.
        reading: how photo and masks are read.
        asking: what is asked for.
        writing: where results go.
    """
    from deocclude.references.sources import parse_sources
    from deocclude.references.sources.fetch import fetch_into, write_search
    from deocclude.references.sources.licences import parse_uses
    from deocclude.references.sources.session import Wanted, asked_of

    settings = _settings(asking)
    wanted = Wanted(parse_sources(source), parse_uses(asking.licence or settings.licence))
    project = open_target(target, replace(reading, convert=True) if not target.is_dir() else reading)
    query = _query(project, object, wanted.sources, asking, settings)
    if asking.dry_run:
        for line in asked_of(query, wanted.sources, settings):
            console.warn(f"would be sent to {line}")
        return
    folder = writing.output or Path(f"{target.resolve().stem}-found")
    _check_folder(folder, writing.force)
    found: list[Fetched] = []
    with console.progress_bar(quiet=writing.json) as bar:
        fetch_into([query], wanted, folder, settings, told=found.append, before=lambda built: _say(query, built),
                   progress=bar)  # fmt: skip
        write_search(folder, [one.as_plain() for one in found])
        verified = _verified(project, object, folder, found[0], bar) if writing.verify else {}
    _report(query, found[0], verified, folder, writing)


def _settings(asking: Asking) -> WebSettings:
    from deocclude.references.sources.options import read_web_settings

    settings = read_web_settings(asking.settings)
    return settings if asking.count is None else replace(settings, count=asking.count)


def _query(
    project: Project, identity: int, sources: tuple[str, ...], asking: Asking, settings: WebSettings
) -> WebQuery:
    from deocclude.references.sources import wants_picture
    from deocclude.references.sources.scene_queries import Cut, object_query
    from deocclude.scene import Scene

    scene = Scene(project.photo.size, project.objects)
    return object_query(
        project.photo.pixels, scene, identity, hidden=hidden_parts(project).get(identity), words=asking.words,
        cut=Cut(asking.alone, settings.longest) if wants_picture(sources) else None,
    )  # fmt: skip


def _say(query: WebQuery, sources: list[Source]) -> None:
    from deocclude.references.sources.session import what_is_sent

    for line in what_is_sent(query, sources):
        console.warn(f"sent to {line}")


def _check_folder(folder: Path, force: bool) -> None:
    """Refuse a folder of somebody else's before anything is asked."""
    from deocclude.references.credit import CREDITS

    if folder.exists() and not folder.is_dir():
        raise InputError("a folder to write to", "a file", file=folder, hint="name another with -o")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / CREDITS).is_file():
        check_free(folder, force)


def _verified(project: Project, identity: int, folder: Path, found: Fetched, bar: Any) -> Verified:
    """Return what the verification says of the pictures, by file name; the same as for local references."""
    from deocclude.references.library import open_library
    from deocclude.references.query import query_object
    from deocclude.references.search import SearchSettings
    from deocclude.references.search import search as search_index
    from deocclude.scene import Scene

    if not found.files:
        return {}
    index, _ = open_library(folder, progress=bar)
    scene = Scene(project.photo.size, project.objects)
    hidden, settings = hidden_parts(project).get(identity), index.manifest.features
    asked = query_object(project.photo.pixels, scene, identity, hidden=hidden, settings=settings)
    many = max(len(index), 1)
    answer = search_index(index, asked, SearchSettings(shortlist=many, top=many, enough=many))
    return {one.hit.path.name: one for one in answer.ranked}


def _report(query: WebQuery, found: Fetched, verified: Verified, folder: Path, writing: Writing) -> None:
    from deocclude.cli.search_sheet import write_sheet
    from deocclude.references.sources.fetch import gathered

    page = folder / "found.html"
    write_sheet(page, folder, query, found, verified)
    if writing.json:
        console.print_json({"output": str(folder), "page": str(page)} | _plain(found, verified))
        return
    for note in found.answer.notes:
        console.warn(note)
    for line in gathered(found.failures):
        console.warn(line)
    rows = [
        (rank, one.provider, one.licence or "unknown", _chance(verified.get(found.files[one.url])), one.title or "-",
         found.files[one.url])
        for rank, one in enumerate(found.answer.candidates, 1)
        if one.url in found.files
    ]  # fmt: skip
    console.print_table(f"Found for {query.label}", ("rank", "source", "licence", "same", "title", "file"), rows)
    console.say_written(folder, f"{len(set(found.files.values()))} pictures; open {page}")


def _plain(found: Fetched, verified: Verified) -> dict[str, Any]:
    from deocclude.references.search import is_reference

    plain = found.as_plain()
    for entry in plain["pictures"]:
        one = verified.get(entry["file"] or "")
        if one is not None and one.verdict is not None:
            entry |= {"probability": one.probability, "matches": one.inliers, "reference": is_reference(one)}
    return plain


def _chance(one: Found | None) -> str:
    return f"{one.probability:.0%}" if one is not None and one.verdict else "-"
