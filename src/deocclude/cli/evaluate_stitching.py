"""The command evaluate stitching: fill holes from other views of the same object, and compare with the truth."""

from __future__ import annotations

from dataclasses import dataclass
from json import loads
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from deocclude.cli import console
from deocclude.cli.options import check_free
from deocclude.errors import InputError

Rows = Annotated[
    tuple[str, ...],
    Parameter(name=["--rows", "--row"], consume_multiple=True, show_default=False, negative=()),
]


@Parameter(name="*")
@dataclass(frozen=True)
class Holes:
    """What is hidden."""

    protocol: str = "rectangle"
    """What is hidden: rectangle, irregular, mask, or crop (all but a part of the picture)."""
    seed: int = 0
    """The same seed hides the same parts."""
    skip: int = 0
    """Groups to leave out at the start: models were fitted on the first 50 of the development data."""
    limit: int = 0
    """Most groups; 0 for all."""


@Parameter(name="*")
@dataclass(frozen=True)
class StitchingReport:
    """What to report, and where."""

    samples: int = 1000
    """Resampled sets for the 95 % bootstrap intervals; 0 for none."""
    jobs: int = 1
    """Processes to use."""
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None
    """File for the table: JSON if its suffix is .json, else Markdown."""
    gallery: Path | None = None
    """Picture file to write: truth, given, references, and what each row made."""
    force: Annotated[bool, Parameter(negative=())] = False
    """Replace files that are there."""
    json: Annotated[bool, Parameter(negative=())] = False
    """Print JSON instead of Markdown."""


def stitching(
    data: Annotated[Path, Parameter(help="Folder of pictures in UKBench order: four views an object.")],
    *,
    rows: Rows = (),
    holes: Holes = Holes(),
    report: StitchingReport = StitchingReport(),
) -> None:
    """Score filling from references: hide a part of one view, and fill it from the other three.

    Args:
        data: where the pictures are.
        rows: what to compare; all by default.
        holes: what is hidden.
        report: what to report, and where.
    """
    from deocclude.datasets.ukbench import PROTOCOLS, read_groups
    from deocclude.errors import unknown_choice
    from deocclude.evaluation.stitching import ROWS, gallery, run_queries, table
    from deocclude.evaluation.tables import write

    for name, value in (("--seed", holes.seed), ("--skip", holes.skip), ("--limit", holes.limit),
                        ("--samples", report.samples)):  # fmt: skip
        if value < 0:
            raise InputError("0 or more", str(value), field=name)
    if holes.protocol not in PROTOCOLS:
        raise unknown_choice("protocol", holes.protocol, PROTOCOLS)
    for path in (report.output, report.gallery):
        if path is not None:
            check_free(path, report.force)
    groups = read_groups(data)[holes.skip :][: holes.limit or None]
    with console.progress_bar(quiet=report.json) as bar:
        results = run_queries(
            groups, rows or tuple(ROWS), protocol=holes.protocol, seed=holes.seed, jobs=report.jobs,
            progress=lambda done: bar("queries", done, len(groups)),
        )  # fmt: skip
    found = table(results, samples=report.samples)
    if report.output is not None:
        write((found,), report.output)
    if report.gallery is not None:
        gallery(results, report.gallery)
    if report.json:
        console.print_json([loads(found.to_json())])
        return
    console.print_plain(found.markdown())
