"""The command evaluate retrieval: how often the search finds other pictures of the same object, and "none" rightly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from deocclude.cli import console
from deocclude.cli.evaluate_shared import Rows, print_tables
from deocclude.cli.options import Count, Processes, Samples, Several
from deocclude.errors import InputError, unknown_choice

if TYPE_CHECKING:
    from deocclude.datasets.retrieval import Collection
    from deocclude.evaluation.retrieval import Result
    from deocclude.evaluation.retrieval_bench import Bench
    from deocclude.evaluation.tables import Table


@Parameter(name="*")
@dataclass(frozen=True)
class Asking:
    """What is asked."""

    distractors: Annotated[tuple[Path, ...], Several] = ()
    """Folders of other pictures to search in as well."""
    kinds: Annotated[tuple[str, ...], Several] = ()
    """What is asked with: whole, 'hole 22 %', 'crop 50 %', 'crop 25 %', 'crop 12 %'; by default all of them."""
    skip: Count = 0
    """Objects in UKBench order that are not asked about, from the start: what verifies was fitted on the first 50 of
    the development data. All pictures are searched in any case."""
    limit: Count = 0
    """Most objects that are asked about; 0 for all."""
    views: Count = 0
    """Photos of each object to ask with, another one first for each object; 0 for all."""
    seed: Count = 0
    """The same seed hides and cuts the same parts."""


@Parameter(name="*")
@dataclass(frozen=True)
class RetrievalReport:
    """What to report, and where."""

    work: Path = Path("retrieval-work")
    """Folder for the index and for what is known about queries; a rerun with the same folder is cheap."""
    samples: Samples = 1000
    """Resampled sets for the 95 % bootstrap intervals; 0 for none."""
    jobs: Processes = -1
    """Pictures looked at at a time while the index is made; -1 for one a core."""
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None
    """Folder for the tables (Markdown and JSON), the answers to every query, and a sheet of what went wrong."""
    force: bool = False
    """Replace a folder that is there."""
    json: bool = False
    """Print JSON instead of Markdown."""


def retrieval(
    *data: Annotated[Path, Parameter(help="Folders in UKBench order, or with clean pictures in 'Reference'.")],
    rows: Rows = (),
    asking: Asking = Asking(),
    report: RetrievalReport = RetrievalReport(),
) -> None:
    """Score the search for similar pictures: all data sets and distractors in one index, each row on every query.

    Args:
        data: where the pictures are.
        rows: what to compare; all by default.
        asking: what is asked.
        report: what to report, and where.
    """
    from deocclude.datasets.retrieval import open_collection
    from deocclude.evaluation.retrieval import tables
    from deocclude.evaluation.retrieval_bench import Bench, prepare
    from deocclude.evaluation.retrieval_files import write_results
    from deocclude.files import check_output_folder
    from deocclude.references.update import IndexSettings

    _check(data, asking, report)
    if report.output is not None:
        check_output_folder(report.output, force=report.force)
    collections = [open_collection(path) for path in data]
    folders = [*(one.pictures for one in collections), *asking.distractors]
    with console.progress_bar(quiet=report.json) as bar:
        done = prepare(report.work, folders, IndexSettings(processes=report.jobs), progress=bar)
    for one in done.skipped:
        console.warn(f"{one.path}: left out: {one.reason}")
    bench = Bench(report.work)
    found: list[Table] = []
    results: list[Result] = []
    about = (f"{len(bench.index)} pictures searched: {', '.join(path.name for path in folders)}",
             f"{len(bench.index.vocabulary)} visual words")  # fmt: skip
    for collection in collections:
        answers = _measured(bench, collection, rows, asking, report)
        found += tables(answers, collection, about=about, samples=report.samples)
        results += answers
    if report.output is not None:
        write_results(report.output, results, found, about)
    print_tables(found, json=report.json)


def _measured(
    bench: Bench, collection: Collection, rows: tuple[str, ...], asking: Asking, report: RetrievalReport
) -> list[Result]:
    from deocclude.evaluation.retrieval import measure
    from deocclude.evaluation.retrieval_bench import questions
    from deocclude.evaluation.retrieval_rows import ROWS

    kinds = asking.kinds if collection.partial else ()
    asked = questions(collection, kinds, skip=asking.skip if collection.partial else 0, limit=asking.limit,
                      views=asking.views, seed=asking.seed)  # fmt: skip
    with console.progress_bar(quiet=report.json) as bar:
        name = collection.name
        return measure(bench, asked, rows or tuple(ROWS), progress=lambda done: bar(name, done, len(asked)))


def _check(data: tuple[Path, ...], asking: Asking, report: RetrievalReport) -> None:
    """Refuse what cannot work before the work."""
    from deocclude.datasets.retrieval import KINDS

    if not data:
        raise InputError("at least one data set", "none", field="DATA")
    for kind in asking.kinds:
        if kind not in KINDS:
            raise unknown_choice("kind", kind, KINDS)
