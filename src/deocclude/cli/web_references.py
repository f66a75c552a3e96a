"""References from the web for a job: what --references web:SOURCE means on the command line.

Only an option asks the web. A project remembers the folder of what was found, not the source, so that resuming it
sends nothing to anybody.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from deocclude.cli import console
from deocclude.cli.options import Methods, settings_for
from deocclude.errors import InputError
from deocclude.stages import Progress

if TYPE_CHECKING:
    from deocclude.masks import Mask
    from deocclude.project.state import Project
    from deocclude.references.sources.candidates import Source
    from deocclude.references.sources.fetch import Fetched
    from deocclude.references.sources.session import WebQuery

PREFIX = "web:"


def is_web(reference: Path | str) -> bool:
    """Return whether a value of --references names sources on the web."""
    return str(reference).startswith(PREFIX)


def with_web_references(project: Project, methods: Methods, progress: Progress) -> tuple[Project, Methods]:
    """Search the web where an option asks for it, and put the folder of what was found in the option's place.

    Args:
        project: whole shapes are computed first where they are not known: the hidden part is no part of a query.
        methods: the options.
        progress: told the name of a step, how much of it is done, and how much there is.

    Returns:
        The project, with whole shapes; and the options, with folders only.

    Raises:
        InputError: an unknown source, a missing key, or settings that do not fit.
        MissingExtraError: HTTPX is not installed.
    """
    asked = [str(one) for one in methods.references if is_web(one)]
    if not asked:
        return project, methods
    if methods.no_references:
        raise InputError("no --references", asked[0], field="--no-references", hint="give one or the other")
    from deocclude.pipeline import run
    from deocclude.references.sources import parse_sources

    names = parse_sources(",".join(one.removeprefix(PREFIX) for one in asked))
    folders = tuple(one for one in methods.references if not is_web(one))
    project = run(project, settings_for(project, replace(methods, references=folders)), until="amodal",
                  progress=progress)  # fmt: skip
    return project, replace(methods, references=(*folders, _found(project, names, progress)))


def without_web_references(methods: Methods) -> Methods:
    """Return the options without what is only of use to a job that fills hidden parts."""
    return replace(methods, references=tuple(one for one in methods.references if not is_web(one)))


def hidden_parts(project: Project) -> dict[int, Mask]:
    """Return the hidden parts of objects by their ids; none before whole shapes are known."""
    if project.amodal is None:
        return {}
    return {item.id: project.amodal.masks[item.id] - item.modal for item in project.objects}


def _found(project: Project, names: tuple[str, ...], progress: Progress) -> Path:
    """Return the folder of what was found for the hidden parts of a project."""
    from deocclude.references.sources.fetch import fetch_into, gathered, write_search
    from deocclude.references.sources.licences import parse_uses
    from deocclude.references.sources.options import read_web_settings
    from deocclude.references.sources.scene_queries import digest, scene_queries
    from deocclude.references.sources.session import Wanted
    from deocclude.scene import Scene

    settings = read_web_settings()
    wanted = Wanted(names, parse_uses(settings.licence))
    scene = Scene(project.photo.size, project.objects)
    hidden = hidden_parts(project)
    queries = scene_queries(project.photo.pixels, scene, names, hidden=hidden, longest=settings.longest)
    folder = settings.cache.references / digest(queries, names, wanted.uses)
    told: list[Fetched] = []

    def keep(one: Fetched) -> None:
        told.append(one)
        progress("searched", len(told), len(queries))

    fetch_into(queries, wanted, folder, settings, told=keep, before=lambda sources: _say(queries, sources),
               progress=progress)  # fmt: skip
    write_search(folder, [one.as_plain() for one in told])
    for line in gathered(failure for one in told for failure in one.failures):
        console.warn(line)
    if not any(one.files for one in told):
        console.warn(f"{', '.join(names)}: nothing found; hidden parts are painted without references")
    return folder


def _say(queries: list[WebQuery], sources: list[Source]) -> None:
    from deocclude.references.sources.session import what_is_sent

    for query in queries:
        for line in what_is_sent(query, sources):
            console.warn(f"sent to {line}")
