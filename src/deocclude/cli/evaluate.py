"""Commands that measure: evaluate ordering, evaluate amodal, and the synthetic scenes to measure on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from deocclude.cli import console
from deocclude.cli.options import check_free
from deocclude.errors import InputError

if TYPE_CHECKING:
    from deocclude.evaluation.run import Protocol
    from deocclude.evaluation.tables import Table

Data = Annotated[
    Path, Parameter(help="Annotated data set: COCOA, KINS, LM-Occlusion, COCOA-cls or a folder of synthetic scenes.")
]
Methods_ = Annotated[tuple[str, ...], Parameter(name="--method", consume_multiple=True, show_default=False)]


@Parameter(name="*")
@dataclass(frozen=True)
class Scoring:
    """How to score and where to put the tables."""

    reference_protocol: bool = False
    """Behave exactly as the published protocol: masks as they are, one-pixel adjacency, cycles kept."""
    truth: str = ""
    """Order truth: masks, annotated or auto; by default what the data set is scored with."""
    samples: int = 1000
    """Resampled sets for the 95 % bootstrap intervals; 0 for none."""
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None
    """File for the tables: JSON if its suffix is .json, else Markdown."""
    force: bool = False
    """Replace a file that is there."""
    json: bool = False
    """Print JSON instead of Markdown."""


def register(app: App) -> None:
    """Add the commands to ``app``."""
    group = App(name="evaluate", help="Score methods on annotated data with fixed protocols.")
    group.command(ordering)
    group.command(amodal)
    app.command(group)
    app.command(synthesize)


def ordering(*, data: Data, methods: Methods_ = (), scoring: Scoring = Scoring()) -> None:
    """Score who-hides-whom.

    Args:
        data: what to score on.
        methods: ordering methods; all of them when none is named.
        scoring: how to score.
    """
    from deocclude import ordering as stage
    from deocclude.evaluation.datasets import open_dataset
    from deocclude.evaluation.run import evaluate_ordering

    if scoring.output is not None:
        check_free(scoring.output, scoring.force)
    with console.progress_bar(quiet=scoring.json) as bar:
        table = evaluate_ordering(
            open_dataset(data), methods or tuple(stage.METHODS), _protocol(scoring), lambda done: bar("scenes", done, 0)
        )
    _show((table,), scoring)


def amodal(*, data: Data, methods: Methods_ = (), order: str = "convex", scoring: Scoring = Scoring()) -> None:
    """Score whole shapes.

    Args:
        data: what to score on.
        methods: amodal methods; all of them when none is named.
        order: the ordering method that says which masks can hide an object, or 'truth'.
        scoring: how to score.
    """
    from deocclude import amodal as stage
    from deocclude.evaluation.datasets import open_dataset
    from deocclude.evaluation.run import evaluate_amodal

    if scoring.output is not None:
        check_free(scoring.output, scoring.force)
    with console.progress_bar(quiet=scoring.json) as bar:
        tables = evaluate_amodal(
            open_dataset(data), methods or tuple(stage.METHODS), _protocol(scoring), order=order,
            progress=lambda done: bar("scenes", done, 0),
        )  # fmt: skip
    _show(tables, scoring)


def synthesize(
    output: Annotated[Path, Parameter(help="Folder to write: photos, masks and the exact hidden truth.")],
    *,
    count: int = 20,
    seed: int = 0,
    config: Path | None = None,
    force: bool = False,
    json: bool = False,
) -> None:
    """Draw scenes whose hidden truth is known exactly, to measure on.

    Args:
        output: folder to write.
        count: number of scenes.
        seed: the same seed draws the same scenes.
        config: settings file (TOML) of the drawing: sizes, numbers of objects, gaps, shadows, mutual occlusion.
        force: replace an older set of scenes.
        json: print one JSON document instead of text.
    """
    from deocclude.datasets.synthetic import SyntheticSettings
    from deocclude.datasets.synthetic_files import DESCRIPTION, write_dataset
    from deocclude.files import check_output_folder
    from deocclude.settings import read_settings

    if count < 1:
        raise InputError("at least one scene", str(count), field="--count")
    if seed < 0:
        raise InputError("0 or more", str(seed), field="--seed")
    check_output_folder(output, force=force)
    if output.is_dir() and any(output.iterdir()) and not (output / DESCRIPTION).is_file():
        raise InputError("an older set of scenes to replace", f"a folder without {DESCRIPTION}", file=output)
    settings = read_settings(SyntheticSettings, config) if config else SyntheticSettings()
    with console.progress_bar(quiet=json) as bar:
        write_dataset(output, count, settings, seed, progress=lambda done: bar("scenes", done, count))
    console.say_written(output, f"{count} scenes", json=json, scenes=count)


def _protocol(scoring: Scoring) -> Protocol:
    from deocclude.evaluation.run import Protocol

    if scoring.samples < 0:
        raise InputError("0 or more", str(scoring.samples), field="--samples")
    return Protocol(reference=scoring.reference_protocol, truth=scoring.truth, samples=scoring.samples)


def _show(tables: Iterable[Table], scoring: Scoring) -> None:
    from json import loads

    from deocclude.evaluation.tables import write

    tables = tuple(tables)
    if scoring.output is not None:
        write(tables, scoring.output)
    if scoring.json:
        console.print_json([loads(table.to_json()) for table in tables])
        return
    for table in tables:
        console.print_plain(table.markdown())
