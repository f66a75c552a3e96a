"""The command evaluate content: score painters on hidden pixels whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from deocclude.cli import console
from deocclude.cli.evaluate_shared import Rows, print_tables
from deocclude.cli.options import Count, Processes, Samples, Several, Width
from deocclude.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deocclude.datasets.content_trials import Trial
    from deocclude.evaluation.tables import Table

DRAWN_SCENES = 40


@Parameter(name="*")
@dataclass(frozen=True)
class Trials:
    """What is hidden by what."""

    limit: Count = 0
    """Most trials, spread over the photos; 0 for all."""
    seed: Count = 0
    """The same seed hides the same parts."""
    validation_tenth: bool = False
    """Only photos of the tenth that training holds out."""
    donors: Annotated[tuple[Path, ...], Several] = ()
    """Data sets that the occluders come from; the same ones by default. Photos without masks need it."""
    tight: Width = 0
    """The occluders' masks are so many pixels too small, as masks of annotators and detectors often are."""
    bleeding: bool = False
    """Instead measure how much of an occluder's colour gets into the fill, on drawn scenes; no data needed."""


@Parameter(name="*")
@dataclass(frozen=True)
class Report:
    """What to report, and where."""

    samples: Samples = 1000
    """Resampled sets for the 95 % bootstrap intervals; 0 for none."""
    jobs: Processes = 1
    """Processes to use."""
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None
    """Folder for the tables, the numbers of every trial and a contact sheet."""
    force: bool = False
    """Replace a folder that is there."""
    json: bool = False
    """Print JSON instead of Markdown."""


def content(
    *data: Annotated[Path, Parameter(help="Data sets with masks and photos, or folders of JPEG photos.")],
    rows: Rows = (),
    trials: Trials = Trials(),
    report: Report = Report(),
) -> None:
    """Score painters: hide parts of whole objects by objects of other photos, and compare with the photo.

    Args:
        data: where the photos are.
        rows: painters, patchmatch or chosen; pcnet-c=WEIGHTS and chosen=WEIGHTS take those weights. All that can be
            had by default.
        trials: what is hidden by what.
        report: what to report, and where.
    """
    from deocclude.evaluation.content_rows import default_rows, row_painter
    from deocclude.files import check_output_folder

    if report.output is not None:
        check_output_folder(report.output, force=report.force)
    if not rows:
        rows, reasons = default_rows()
        for reason in reasons:
            console.warn(reason)
    for row in rows:
        row_painter(row)  # what cannot work is refused before the data are read
    tables = _bleeding(data, rows, trials, report) if trials.bleeding else _photos(data, rows, trials, report)
    print_tables(tables, json=report.json)


def _photos(data: tuple[Path, ...], rows: tuple[str, ...], trials: Trials, report: Report) -> tuple[Table, ...]:
    from deocclude.datasets.labelled_scenes import dataset_name
    from deocclude.evaluation.content_files import write_results
    from deocclude.evaluation.content_run import run_trials, tables

    made, count = _trials(data, trials)
    with console.progress_bar(quiet=report.json) as bar:
        results = run_trials(made, rows, jobs=report.jobs, progress=lambda done: bar("trials", done, count))
    found = tables(results, tight=trials.tight, samples=report.samples)
    if report.output is not None:
        about = {"data": [dataset_name(path) for path in data],
                 "donors": [dataset_name(path) for path in trials.donors or data],
                 "validation_tenth": trials.validation_tenth, "seed": trials.seed, "tight": trials.tight,
                 "rows": list(rows)}  # fmt: skip
        write_results(report.output, results, found, by=rows[-1], about=about)
    return found


def _trials(data: tuple[Path, ...], trials: Trials) -> tuple[Iterator[Trial], int]:
    """Return the trials, and about how many there will be."""
    from deocclude.datasets.content_trials import TrialSettings, make_trials
    from deocclude.datasets.whole_objects import whole_objects

    if not data:
        raise InputError("at least one data set", "none", field="DATA")
    held_out = trials.validation_tenth
    objects = [item for path in data for item in whole_objects(path, validation=held_out)]
    donors = [item for path in trials.donors for item in whole_objects(path, validation=held_out)] or objects
    count = min(trials.limit or len(objects), len(objects))
    settings = TrialSettings(tight=trials.tight)
    return make_trials(objects, donors, settings, limit=trials.limit or None, seed=trials.seed), count


def _bleeding(data: tuple[Path, ...], rows: tuple[str, ...], trials: Trials, report: Report) -> tuple[Table, ...]:
    from deocclude.evaluation.content_bleeding import bleeding_tables, write

    if data:
        raise InputError("no data set with --bleeding, whose scenes are drawn", str(data[0]), field="DATA")
    count = trials.limit or DRAWN_SCENES
    with console.progress_bar(quiet=report.json) as bar:
        found = bleeding_tables(
            rows,
            count,
            seed=trials.seed,
            tight=trials.tight,
            samples=report.samples,
            progress=lambda done: bar("scenes", done, count),
        )
    if report.output is not None:
        write(report.output, found, rows)
    return found
