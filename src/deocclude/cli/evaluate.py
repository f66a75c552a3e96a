"""Commands that measure: evaluate ordering, amodal and table1, and the synthetic scenes to measure on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from deocclude.cli import console
from deocclude.cli.evaluate_alignment import alignment
from deocclude.cli.evaluate_content import content
from deocclude.cli.evaluate_retrieval import retrieval
from deocclude.cli.evaluate_shared import print_tables
from deocclude.cli.evaluate_stitching import stitching
from deocclude.cli.evaluate_table2 import table2
from deocclude.cli.options import Count, Positive, Samples, Several, Width, check_free
from deocclude.errors import InputError
from deocclude.nets.chosen import SHIPPED, check_weights
from deocclude.weights import weights_path

if TYPE_CHECKING:
    from deocclude.evaluation.predictions import Predictions
    from deocclude.evaluation.protocol import Protocol
    from deocclude.evaluation.tables import Table

Data = Annotated[
    Path, Parameter(help="Annotated data set: COCOA, KINS, LM-Occlusion, COCOA-cls or a folder of synthetic scenes.")
]
Methods_ = Annotated[tuple[str, ...], Several, Parameter(name="--method")]


@Parameter(name="*")
@dataclass(frozen=True)
class Reporting:
    """What is scored and where the tables go."""

    truth: str = ""
    """Order truth: masks, annotated or auto; by default what the data set is scored with."""
    weights: str = SHIPPED
    """Of the mask network: pcnet-m (the ones that ship), a weights file, or a training run's folder."""
    samples: Samples = 1000
    """Resampled sets for the 95 % bootstrap intervals over images; 0 for none."""
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None
    """File for the tables: JSON if its suffix is .json, else Markdown."""
    force: bool = False
    """Replace a file that is there."""
    json: bool = False
    """Print JSON instead of Markdown."""


@Parameter(name="*")
@dataclass(frozen=True)
class Scoring(Reporting):
    """How to score."""

    reference_protocol: bool = False
    """Behave exactly as the published protocol: masks as they are, one-pixel adjacency, cycles kept."""
    predictions: Annotated[tuple[str, ...], Several] = ()
    """Answers of a method of your own to score, FILE or NAME=FILE: COCO result file, COCO, COCOA or KINS JSON, or a
    folder of such (docs/evaluation.md). Methods of ours are then scored where they are named."""
    gap: Width = 0
    """Compare with masks that are shrunk until they are so many pixels apart; what is scored stays as annotated."""


def register(app: App) -> None:
    """Add the commands to ``app``."""
    group = App(name="evaluate", help="Score methods on annotated data with fixed protocols.")
    group.command(ordering)
    group.command(amodal)
    group.command(table1)
    group.command(content)
    group.command(stitching)
    group.command(retrieval)
    group.command(table2)
    group.command(alignment)
    app.command(group)
    app.command(synthesize)


def ordering(data: Data, *, methods: Methods_ = (), scoring: Scoring = Scoring()) -> None:
    """Score who-hides-whom.

    Args:
        data: what to score on.
        methods: ordering methods; all of them when none is named and there are no predictions.
        scoring: how to score.
    """
    from deocclude import ordering as stage
    from deocclude.datasets.labelled_scenes import open_dataset
    from deocclude.evaluation.run import compare_ordering, evaluate_ordering

    protocol, predictions = _protocol(scoring), _predictions(scoring)
    chosen = methods or (() if predictions else tuple(stage.METHODS))
    with console.progress_bar(quiet=scoring.json) as bar:
        scenes, progress = open_dataset(data), lambda done: bar("scenes", done, 0)
        if scoring.gap:
            table = compare_ordering(scenes, chosen, protocol, progress)
        else:
            table = evaluate_ordering(scenes, chosen, protocol, progress, predictions=predictions)
    _show((table,), scoring)


def amodal(data: Data, *, methods: Methods_ = (), order: str = "convex", scoring: Scoring = Scoring()) -> None:
    """Score whole shapes.

    Args:
        data: what to score on.
        methods: amodal methods; when none is named and there are no predictions, all that need no photo.
        order: the ordering method that says which masks can hide an object, or 'truth'.
        scoring: how to score.
    """
    from deocclude import amodal as stage
    from deocclude.datasets.labelled_scenes import open_dataset
    from deocclude.evaluation.run import compare_amodal, evaluate_amodal

    protocol, predictions = _protocol(scoring), _predictions(scoring)
    usual = () if predictions else tuple(name for name in stage.METHODS if name not in stage.NEED_PHOTO)
    chosen = methods or usual
    with console.progress_bar(quiet=scoring.json) as bar:
        scenes, progress = open_dataset(data), lambda done: bar("scenes", done, 0)
        if scoring.gap:
            _show((compare_amodal(scenes, chosen, protocol, order=order, progress=progress),), scoring)
        else:
            tables = evaluate_amodal(scenes, chosen, protocol, order=order, progress=progress, predictions=predictions)
            _show(tables, scoring)


def table1(
    *data: Data,
    supervised: Path | None = None,
    order_net: Path | None = None,
    reporting: Reporting = Reporting(),
) -> None:
    """Order and whole shapes in the layout of the paper's tables: rules, the network, and what 'run' does.

    Rules and PCNet-M follow the published protocol, the last row is this program's own. Several data sets give a
    table each. All numbers are measured on the data at hand.

    Args:
        data: what to score on.
        supervised: weights or run folder of 'train supervised', for a row more.
        order_net: weights or run folder of 'train order-net', for a row more.
        reporting: what is scored and where the tables go.
    """
    from deocclude.datasets.labelled_scenes import dataset_name, open_dataset
    from deocclude.evaluation.learned import check_scenes, learned_rows
    from deocclude.evaluation.table1 import evaluate_table1

    if not data:
        raise InputError("at least one data set", "none", field="DATA")
    protocol, tables = _protocol(reporting), []
    learned = learned_rows(*(weights_path(path) if path else None for path in (supervised, order_net)))
    for row in learned:
        if row.scenes is None:
            console.warn(f"{row.name}: its weights do not say which scenes it was trained on; score it on others")
    for path in data:
        check_scenes(path, learned)
    for path in data:
        with console.progress_bar(quiet=reporting.json) as bar:
            progress = partial(_tick, bar, dataset_name(path))
            table = evaluate_table1(open_dataset(path), protocol, learned=learned, progress=progress)
        tables.append(replace(table, title=f"{table.title}: {dataset_name(path)}"))
    _show(tables, reporting)


def synthesize(
    output: Annotated[Path, Parameter(help="Folder to write: photos, masks and the exact hidden truth.")],
    *,
    count: Positive = 20,
    seed: Count = 0,
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

    check_output_folder(output, force=force)
    if output.is_dir() and any(output.iterdir()) and not (output / DESCRIPTION).is_file():
        raise InputError("an older set of scenes to replace", f"a folder without {DESCRIPTION}", file=output)
    settings = read_settings(SyntheticSettings, config) if config else SyntheticSettings()
    with console.progress_bar(quiet=json) as bar:
        write_dataset(output, count, settings, seed, progress=lambda done: bar("scenes", done, count))
    console.say_written(output, f"{count} scenes", json=json, scenes=count)


def _protocol(scoring: Reporting) -> Protocol:
    """Return the protocol that was asked for; what cannot work is refused before the work."""
    from deocclude.evaluation.protocol import Protocol

    if scoring.output is not None:
        check_free(scoring.output, scoring.force)
    check_weights(scoring.weights)
    protocol = Protocol(truth=scoring.truth, weights=scoring.weights, samples=scoring.samples)
    if not isinstance(scoring, Scoring):
        return protocol
    return replace(protocol, reference=scoring.reference_protocol, gap=scoring.gap)


def _predictions(scoring: Scoring) -> tuple[Predictions, ...]:
    """Return the predictions that are to be scored."""
    from deocclude.evaluation.predictions import named_predictions

    if scoring.predictions and scoring.gap:
        found, hint = "--predictions", "what was predicted for masks as they are cannot be had for others"
        raise InputError("methods that can be asked again", found, field="--gap", hint=hint)
    return named_predictions(scoring.predictions)


def _tick(bar: Callable[[str, int, int], None], name: str, done: int) -> None:
    bar(f"scenes of {name}", done, 0)


def _show(tables: Iterable[Table], scoring: Reporting) -> None:
    from deocclude.evaluation.tables import write

    tables = tuple(tables)
    if scoring.output is not None:
        write(tables, scoring.output)
    print_tables(tables, json=scoring.json)
