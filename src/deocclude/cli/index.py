"""Commands for a collection of reference pictures: index build, add, remove, info, query, vocabulary."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter, validators

from deocclude.cli import console
from deocclude.cli.options import WHOLE, Count, Positive, Processes, Share, check_free
from deocclude.errors import InputError

if TYPE_CHECKING:
    from deocclude.references.index import Index
    from deocclude.references.query import Query
    from deocclude.references.search import Answer
    from deocclude.references.update import UpdateReport

At = Annotated[
    Path | None, Parameter(name=["--index", "-i"], help="Folder of the index; by default inside the pictures' folder.")
]
Jobs = Annotated[Processes, Parameter(help="Pictures looked at at a time; -1 for one a core.")]
Masks = Annotated[Path | None, Parameter(help="Masks of objects in the pictures, which become entries of their own.")]


@Parameter(name="*")
@dataclass(frozen=True)
class Asking:
    """What is asked for."""

    masks: Path | None = None
    """Visible masks of the photo's objects; with --object."""
    object: Annotated[int | None, WHOLE] = None
    """Ask for this object of the masks only, with what hides it masked out."""
    category: str = ""
    """Pictures with an object of this class come first; by default that of the object."""
    top: Positive = 10
    """Most pictures."""
    accept: Share = 0.75
    """Smallest probability of showing the same object that counts as found."""


_ANYTHING = Asking()


def register(app: App) -> None:
    """Add the commands to ``app``."""
    group = App(name="index", help="Search your own pictures for others that show the same object.")
    for command in (build, add, remove, info, query, vocabulary):
        group.command(command)
    app.command(group)


def build(
    folders: Annotated[list[Path], Parameter(help="Folders with pictures.")],
    *,
    index: At = None,
    masks: Masks = None,
    vocabulary: Path | None = None,
    grid: Annotated[int, WHOLE, Parameter(validator=validators.Number(gte=0, lte=16))] = 3,
    processes: Jobs = -1,
    force: bool = False,
    json: bool = False,
) -> None:
    """Index the pictures of folders, or bring the index up to date with them.

    Renamed files are recognised by their content, files that are gone are dropped. Interrupt it at any time: the next
    run goes on from there.

    Args:
        folders: folders with pictures.
        index: folder of the index.
        masks: masks of objects in the pictures.
        vocabulary: visual words other than the bundled ones, from 'index vocabulary'.
        grid: patches a side in pictures without masks; 0 for none.
        processes: pictures looked at at a time.
        force: forget an older index and make it anew.
        json: print JSON.
    """
    from deocclude.references.entries import EntrySettings
    from deocclude.references.location import index_for
    from deocclude.references.update import IndexSettings, build

    place = index or index_for(folders[0])
    settings = IndexSettings(vocabulary, entries=EntrySettings(grid=grid), masks=masks, processes=processes)
    with console.progress_bar(quiet=json) as bar:
        report = build(place, folders, settings, force=force, progress=bar)
    _tell(place, report, json)


def add(
    index: Annotated[Path, Parameter(help="Folder of the index, or of the pictures that it lies in.")],
    paths: Annotated[list[Path], Parameter(help="Picture files, or folders of them.")],
    *,
    masks: Masks = None,
    processes: Jobs = -1,
    json: bool = False,
) -> None:
    """Add pictures to an index; nothing is dropped.

    Args:
        index: folder of the index.
        paths: picture files or folders.
        masks: masks of objects in the pictures.
        processes: pictures looked at at a time.
        json: print JSON.
    """
    from deocclude.references.location import index_of
    from deocclude.references.update import IndexSettings, add

    place = index_of(index)
    with console.progress_bar(quiet=json) as bar:
        report = add(place, paths, IndexSettings(masks=masks, processes=processes), progress=bar)
    _tell(place, report, json)


def remove(
    index: Annotated[Path, Parameter(help="Folder of the index, or of the pictures that it lies in.")],
    paths: Annotated[list[Path], Parameter(help="Picture files, or folders of them.")],
    *,
    json: bool = False,
) -> None:
    """Drop pictures from an index; the files stay.

    Args:
        index: folder of the index.
        paths: picture files or folders.
        json: print JSON.
    """
    from deocclude.references.location import index_of
    from deocclude.references.update import remove

    place = index_of(index)
    _tell(place, remove(place, paths), json)


def info(
    index: Annotated[Path, Parameter(help="Folder of the index, or of the pictures that it lies in.")],
    *,
    list: bool = False,
    json: bool = False,
) -> None:
    """Say what is in an index.

    Args:
        index: folder of the index.
        list: name all pictures.
        json: print JSON.
    """
    from deocclude.references.index import Index
    from deocclude.references.location import index_of

    place = index_of(index)
    opened = Index(place)
    paths = [str(opened.path(picture)) for _, _, picture in opened.pictures()] if list else None
    facts: dict[str, Any] = {"index": str(place), **opened.facts()}
    if json:
        console.print_json(facts | ({"paths": paths} if paths is not None else {}))
        return
    console.print_table("Index", ("what", "value"), [(name, str(value)) for name, value in facts.items()])
    for path in paths or ():
        console.print_plain(path)


def query(
    index: Annotated[Path, Parameter(help="Folder of the index, or of the pictures that it lies in.")],
    photos: Annotated[list[Path], Parameter(help="Photo; several are views of one object.")],
    *,
    asking: Asking = _ANYTHING,
    sheet: Path | None = None,
    force: bool = False,
    json: bool = False,
) -> None:
    """Find the pictures of an index that show the same object as a photo.

    Args:
        index: folder of the index.
        photos: the photo, or several views of one object.
        asking: what is asked for.
        sheet: also write an HTML page with the pictures.
        force: replace a page that is there.
        json: print JSON.
    """
    from deocclude.references.index import Index
    from deocclude.references.location import index_of
    from deocclude.references.search import SearchSettings, search

    if sheet is not None:
        check_free(sheet, force)
    opened = Index(index_of(index))
    views = [_view(photo, asking, opened) for photo in photos]
    answer = search(opened, views, SearchSettings(top=asking.top, accept=asking.accept))
    if sheet is not None:
        from deocclude.cli.index_sheet import write_sheet

        write_sheet(sheet, photos, answer)
    if json:
        console.print_json({"query": [str(photo) for photo in photos], **answer.as_plain()})
        return
    _tell_answer(answer)
    if sheet is not None:
        console.say_written(sheet)


def vocabulary(
    folders: Annotated[list[Path], Parameter(help="Folders with pictures of any kind.")],
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="File to write (.npz).")],
    words: Positive = 100_000,
    per_picture: Positive = 1000,
    processes: Jobs = -1,
    seed: Count = 0,
    force: bool = False,
) -> None:
    """Train visual words on pictures of your own; the bundled ones suit photos of all kinds.

    Args:
        folders: folders with pictures.
        output: file to write.
        words: number of words.
        per_picture: most key points of a picture.
        processes: pictures looked at at a time.
        seed: the same seed gives the same words.
        force: replace a file that is there.
    """
    from deocclude.references.learning import learn_vocabulary
    from deocclude.references.vocabulary import TrainingSettings

    check_free(output, force)
    settings = TrainingSettings(words=words, per_picture=per_picture, seed=seed)
    with console.progress_bar() as bar:
        trained, skipped = learn_vocabulary(
            folders, settings, processes=processes, progress=lambda done, total: bar("looked at", done, total)
        )
    for one in skipped:
        console.warn(f"{one.path}: {one.reason}")
    trained.save(output)
    console.say_written(output, f"{len(trained)} words of {trained.about['descriptors']} key points")


def _view(photo: Path, asking: Asking, index: Index) -> Query:
    from deocclude.formats import read_scene
    from deocclude.images import read_photo
    from deocclude.references.query import query_object, query_photo

    pixels, settings = read_photo(photo, convert=True), index.manifest.features
    if asking.object is None:
        if asking.masks is not None:
            raise InputError("the object that is asked for", "none", field="--object", hint="give its id with --object")
        return query_photo(pixels.pixels, category=asking.category, settings=settings)
    if asking.masks is None:
        raise InputError("the visible masks of the photo's objects", "none", field="--masks")
    scene = read_scene(asking.masks, photo_size=pixels.size, photo_name=str(photo.absolute()))
    for note in scene.notes:
        console.warn(note)
    asked = query_object(pixels.pixels, scene, asking.object, settings=settings)
    return replace(asked, category=asking.category) if asking.category else asked


def _tell(place: Path, report: UpdateReport, json: bool) -> None:
    """Print what an update did."""
    if json:
        console.print_json({"index": str(place), **report.as_plain()})
        return
    for one in report.skipped:
        console.warn(f"{one.path}: left out: {one.reason}")
    for copy, original in report.duplicates:
        console.warn(f"{copy}: left out: the same content as {original}")
    for old, new in report.moved:
        console.warn(f"{old}: is now {new}")
    done = f"{report.added} added, {report.removed} dropped, {report.unchanged} unchanged"
    console.say_written(place, f"{report.pictures} pictures: {done}; {report.seconds:.1f} s")


def _short(path: Path) -> str:
    """Return a path as seen from the current folder where it lies below that."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _tell_answer(answer: Answer) -> None:
    rows = [
        (rank, one.probability, one.inliers, one.hit.words, one.hit.colours, _short(one.hit.path), one.part)
        for rank, one in enumerate(answer.ranked, 1)
    ]
    columns = ("rank", "probability", "matches", "words", "colours", "picture", "part")
    console.print_table(f"Pictures that look alike ({answer.seconds:.2f} s)", columns, rows)
    count = len(answer.references)
    console.print_plain(f"{count} of them show the same object." if count else "None of them shows the same object.")
