"""The command that builds the data set for filling with references: build-dataset."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from deocclude.cli import console
from deocclude.cli.options import WHOLE, Processes, Several, Whole
from deocclude.cli.web_references import is_web
from deocclude.errors import InputError
from deocclude.stages import Progress

if TYPE_CHECKING:
    from deocclude.datasets.reference_building import BuildReport
    from deocclude.datasets.reference_plan import BuildSettings


@Parameter(name="*")
@dataclass(frozen=True)
class Making:
    """What the data set is made like."""

    side: Whole = 128
    """Side of all pictures, pixels."""
    frame: str = "object"
    """What a picture shows: the object with its surroundings, or the hole with its surroundings."""
    kinds: Annotated[tuple[str, ...], Several, Parameter(name="--kind")] = ()
    """Kinds of references: other-view, other-photo, same-class, unrelated, none; all when not given."""
    views: Whole = 1
    """Most references of the same thing that an object gets."""
    objects: Annotated[int | None, WHOLE] = None
    """Most objects for training and validation together."""
    test_objects: Whole = 500
    """Most objects for testing."""
    test_share: float = 0.25
    """Share of the scenes for testing, of data without masks; of those with masks it is a fixed tenth."""
    repeats: Whole = 1
    """How often each object is hidden, each time otherwise."""
    shard: Whole = 32
    """Objects in a shard: what is lost at most when the build is killed."""
    align: Annotated[bool, Parameter(negative="--no-align")] = True
    """Lay references over the photo where that is possible."""
    ways: Whole = 3
    """Maps of a reference that are pursued when it is laid over; 1 takes half the time."""
    seed: Whole = 0
    """Of all that is drawn at random."""


@Parameter(name="*")
@dataclass(frozen=True)
class Working:
    """Who does the work."""

    backend: str = "local"
    """Where: local (processes of this machine) or ray (the cluster of RAY_ADDRESS, or this machine)."""
    processes: Processes = 1
    """Shards made at a time; -1 for one a core."""


@Parameter(name="*")
@dataclass(frozen=True)
class Beside:
    """What is used beside the data."""

    references: Path | None = None
    """Folder of pictures or index to search for references in; web:openverse,commons searches the web first."""
    credits: Path | None = None
    """CSV with the columns sha256, source, licence of picture files."""
    donors: Annotated[tuple[str, ...], Several] = ()
    """Data sets with masks whose objects hide those of the data; the data's own when not given."""


_USUAL, _ALONE, _NOTHING = Making(), Working(), Beside()


def register(app: App) -> None:
    """Add the command to ``app``."""
    app.command(build_dataset, name="build-dataset")


def build_dataset(
    data: Annotated[list[str], Parameter(help="Data sets: PATH or LAYOUT:PATH (masks, views, photos, classes).")],
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    beside: Beside = _NOTHING,
    making: Making = _USUAL,
    working: Working = _ALONE,
    force: bool = False,
    json: bool = False,
) -> None:
    """Build the data set that filling with references is trained and tested on.

    Each object is hidden in part by another one, completed by the networks, and given references of several kinds.
    Interrupt it at any time: the same command goes on from there.

    Args:
        data: folders or annotation files: masks of objects, UKBench views, folders of photos of one thing or class.
        output: folder to write.
        beside: what is used beside the data.
        making: what it is made like.
        working: who does the work.
        force: replace another data set in the folder.
        json: print JSON.
    """
    from deocclude.datasets.backends import Workers
    from deocclude.datasets.reference_building import Aids, build_reference_dataset
    from deocclude.datasets.reference_plan import BuildSettings
    from deocclude.datasets.reference_sample import ReferenceKind

    values = {**asdict(making), "kinds": making.kinds or tuple(map(str, ReferenceKind))}
    with console.progress_bar(quiet=json) as bar:
        if is_web(beside.references or ""):
            beside = replace(beside, references=_from_the_web(data, beside, output, BuildSettings(**values), bar))
        report = build_reference_dataset(
            data, output, BuildSettings(**values), aids=Aids(**asdict(beside)),
            workers=Workers(**asdict(working)), progress=bar, force=force,
        )  # fmt: skip
    _tell(report, json)
    if not sum(report.objects.values()):
        reasons = ", ".join(list(report.failures)[:5])
        raise InputError("an object that can be used", f"none of {report.considered} ({reasons})", field="data")


def _from_the_web(data: list[str], beside: Beside, output: Path, settings: BuildSettings, progress: Progress) -> Path:
    """Search the web for all objects; the pictures come into a folder beside the data set and stay there."""
    from deocclude.datasets.web_references import fetch_for_dataset
    from deocclude.references.sources import parse_sources

    names = parse_sources(str(beside.references))
    folder = output.with_name(f"{output.name}-references")
    console.warn(f"objects of the data are sent to: {', '.join(names)}; what is found comes into {folder}")
    return fetch_for_dataset(data, names, folder, settings, progress=progress)


def _tell(report: BuildReport, json: bool) -> None:
    facts = asdict(report) | {"folder": str(report.folder), "lost": report.lost}
    if json:
        console.print_json(facts)
        return
    console.print_table("Objects", ("split", "objects"), list(report.objects.items()))
    rows = [(kind, count, report.aligned.get(kind, 0)) for kind, count in report.references.items()]
    console.print_table("References", ("kind", "samples", "aligned"), rows)
    if report.failures:
        console.print_table("Left out", ("reason", "objects"), list(report.failures.items()))
    console.OUT.print(f"Left out: {report.lost:.1%} of {report.considered} objects")
    for reason, count in report.missing.items():
        console.warn(f"{reason}: {count}, their objects are kept")
    about = f"{report.made} shards made now, {report.bytes / 1e6:.1f} MB"
    console.say_written(report.folder, about)
