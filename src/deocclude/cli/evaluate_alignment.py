"""The command evaluate alignment: homographies between two pictures, against the true ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from deocclude.cli import console
from deocclude.cli.evaluate_shared import Rows, print_tables
from deocclude.cli.options import Count, Processes, check_free
from deocclude.errors import InputError


@Parameter(name="*")
@dataclass(frozen=True)
class AlignmentReport:
    """What to report, and where."""

    limit: Count = 0
    """Most pairs of a data set; 0 for all."""
    jobs: Processes = 1
    """Processes to use."""
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None
    """File for the tables: JSON if its suffix is .json, else Markdown."""
    force: bool = False
    """Replace a file that is there."""
    json: bool = False
    """Print JSON instead of Markdown."""


def alignment(
    *data: Annotated[Path, Parameter(help="Folders with pairs of pictures: HPatches or EVD.")],
    rows: Rows = (),
    report: AlignmentReport = AlignmentReport(),
) -> None:
    """Score alignment: how far off are the corners of a picture that is laid over another?

    Args:
        data: where the pictures are.
        rows: what to compare: opencv (the recipe of its tutorial), ours; both by default.
        report: what to report, and where.
    """
    from deocclude.datasets.homographies import read_pairs
    from deocclude.evaluation.alignment import ROWS, find_all, table
    from deocclude.evaluation.tables import write

    if not data:
        raise InputError("at least one data set", "none", field="DATA")
    if report.output is not None:
        check_free(report.output, report.force)
    pairs = {path: read_pairs(path)[: report.limit or None] for path in data}
    made = []
    with console.progress_bar(quiet=report.json) as bar:
        for path, listed in pairs.items():
            name = path.resolve().name
            progress = partial(bar, f"pairs of {name}")
            made.append(table(find_all(listed, rows or tuple(ROWS), jobs=report.jobs, progress=progress), name))
    if report.output is not None:
        write(made, report.output)
    print_tables(made, json=report.json)
