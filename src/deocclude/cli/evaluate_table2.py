"""The command evaluate table2: filling with references, in the layout of the paper's Table 2."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from deocclude.cli import console
from deocclude.cli.evaluate_shared import Rows, print_tables
from deocclude.cli.options import Count, Samples, Several
from deocclude.errors import InputError


@Parameter(name="*")
@dataclass(frozen=True)
class Tested:
    """What is tested on, and what is reported."""

    split: str = "test"
    """Part of the data set: test, validation or train."""
    kinds: Annotated[tuple[str, ...], Several, Parameter(name="--kind")] = ()
    """Kinds of references; all when not given."""
    limit: Count = 0
    """Most objects of each kind of reference and data set; 0 for all."""
    samples: Samples = 1000
    """Resampled sets for the 95 % bootstrap intervals; 0 for none."""
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None
    """Folder for the tables, the numbers of every sample and galleries."""
    force: bool = False
    """Replace a folder that is there."""
    json: bool = False
    """Print JSON instead of Markdown."""


def table2(
    *data: Annotated[Path, Parameter(help="Folders written by 'build-dataset'.")],
    rows: Rows = ("ours", "stitched", "chosen"),
    tested: Tested = Tested(),
) -> None:
    """Score filling with references of every kind, beside PCNet-C, which does without.

    Args:
        data: reference data sets.
        rows: ours, stitched, chosen; NAME=WEIGHTS for a network with weights of your own, such as
            altered-gt=runs/altered-gt.
        tested: what is tested on, and what is reported.
    """
    from deocclude.datasets.reference_dataset import read_reference_dataset
    from deocclude.evaluation.table2 import chosen_places, run_samples, tables
    from deocclude.evaluation.table2_files import write_table2
    from deocclude.evaluation.table2_rows import OURS, make_rows
    from deocclude.evaluation.unseen import check_unseen
    from deocclude.files import check_output_folder

    if tested.output is not None:
        check_output_folder(tested.output, force=tested.force)
    made = make_rows(rows)
    if not data:
        raise InputError("at least one reference data set", "none", field="DATA")
    parts = [read_reference_dataset(folder).select(split=tested.split, kinds=tested.kinds) for folder in data]
    seen = _trained_on(rows)
    for part in parts:
        check_unseen({row.scene: row.scene for row in part.rows}, seen, part.folder)
    count = sum(len(chosen_places(part, tested.limit)) for part in parts)
    with console.progress_bar(quiet=tested.json) as bar:
        results = run_samples(parts, made, limit=tested.limit, progress=lambda done: bar("samples", done, count))
    found = tables(results, samples=tested.samples)
    if tested.output is not None:
        write_table2(tested.output, results, found, by=OURS if OURS in made else list(made)[-1])
    print_tables(found, json=tested.json)


def _trained_on(rows: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the scenes that the network of each row has seen, as far as its weights name them."""
    from deocclude.evaluation.table2_rows import networks
    from deocclude.weights import read_weights, weights_path

    return {
        name: read_weights(weights_path(weights))[0].data.get("scenes", []) for name, weights in networks(rows).items()
    }
