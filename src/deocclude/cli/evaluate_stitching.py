"""The command evaluate stitching: fill holes from other views of the same object, and compare with the truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from deocclude.cli import console
from deocclude.cli.evaluate_shared import Rows, print_tables
from deocclude.cli.options import Count, Processes, Samples, Several

if TYPE_CHECKING:
    from deocclude.evaluation.stitching_run import Asked


@Parameter(name="*")
@dataclass(frozen=True)
class Holes:
    """What is hidden, and what it is filled from."""

    protocol: Annotated[tuple[str, ...], Several] = ()
    """What is hidden: rectangle (the default), irregular, mask, crop (all but a part of the picture); or several."""
    references: str = "given"
    """The other views: given, or found among all pictures; or strangers, pictures of other objects."""
    seed: Count = 0
    """The same seed hides the same parts."""
    skip: Count = 0
    """Groups to leave out at the start: models were fitted on the first 50 of the development data."""
    limit: Count = 0
    """Most groups; 0 for all."""


@Parameter(name="*")
@dataclass(frozen=True)
class StitchingReport:
    """What to report, and where."""

    samples: Samples = 1000
    """Resampled sets for the 95 % bootstrap intervals; 0 for none."""
    jobs: Processes = 1
    """Processes to use."""
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None
    """Folder for tables, numbers and a gallery. A run that was stopped goes on there."""
    force: bool = False
    """Replace answers to another question that are there."""
    json: bool = False
    """Print JSON instead of Markdown."""


def stitching(
    data: Annotated[
        Path, Parameter(help="Pictures in UKBench order, four views an object; or a stereo pair with disparities.")
    ],
    *,
    rows: Rows = (),
    holes: Holes = Holes(),
    report: StitchingReport = StitchingReport(),
) -> None:
    """Score filling from references: hide a part of one view, and fill it from other pictures.

    Args:
        data: where the pictures are.
        rows: what to compare; all by default.
        holes: what is hidden, and what it is filled from.
        report: what to report, and where.
    """
    from deocclude.evaluation.stitching import ROWS
    from deocclude.evaluation.stitching_run import Asked

    protocols = holes.protocol or ("rectangle",)
    asked = Asked(rows or tuple(ROWS), protocols, holes.references, holes.seed, holes.skip, holes.limit)
    asked.check()
    if report.output is None:
        with TemporaryDirectory() as work:
            _measure(data, asked, report, Path(work))
    else:
        _measure(data, asked, report, report.output)


def _measure(data: Path, asked: Asked, report: StitchingReport, place: Path) -> None:
    from deocclude.evaluation.stitching_files import Folder
    from deocclude.evaluation.stitching_run import check_data, make_tasks, run_tasks
    from deocclude.evaluation.stitching_table import tables
    from deocclude.fingerprints import models

    check_data(data)
    folder = Folder(place, data.resolve().name, asked, models("references"), force=report.force)
    with console.progress_bar(quiet=report.json) as bar:
        tasks = make_tasks(data, asked, place)
        records = run_tasks(
            tasks, asked.rows, jobs=report.jobs, done=folder.read, keep=folder.keep,
            progress=lambda done, total: bar("queries", done, total),
        )  # fmt: skip
    found = tables(records, asked.references, samples=report.samples)
    if report.output is not None:
        folder.finish(records, found)
    print_tables(found, json=report.json)
