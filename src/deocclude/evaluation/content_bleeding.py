"""Does an occluder's colour bleed into what is painted behind it? Measured where it has one vivid colour.

Two measures over the hidden pixels, and again over those within :data:`RIM` pixels of the visible part, where bleeding
starts. *Distance*: mean distance of the painted colours to the occluder's over that of the true colours; below 1 the
fill is nearer to the occluder than the truth is. Blur alone lowers it a little where the truth is textured. *Residual*:
the occluder's share in the mean painted colour, 0 for none, 1 for all of it; blur does not change it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deocclude.datasets.content_trials import Trial
from deocclude.datasets.saturated import drawer_and_chair, occluder_colour, saturated_trial
from deocclude.errors import InputError
from deocclude.evaluation.content import psnr
from deocclude.evaluation.content_rows import paint, row_painter
from deocclude.evaluation.content_run import composite, score_trial, tightness
from deocclude.evaluation.content_sheet import contact_sheet
from deocclude.evaluation.ratio import Ratio
from deocclude.evaluation.tables import Cell, Table
from deocclude.files import atomic_folder, write_text
from deocclude.images import RGBArray, write_picture
from deocclude.masks import dilate

Float = NDArray[np.float64]
TOLERANCE = 0.02
"""A fill bleeds when it is nearer to the occluder than the truth by more than this share."""
RIM = 3


@dataclass(frozen=True)
class Bleeding:
    """How much of an occluder's colour got into one fill.

    Attributes:
        painted_distance: mean distance of the painted colours to the occluder's, in grey levels.
        true_distance: mean distance of the true colours to it.
        residual: the occluder's share in the mean painted colour; below 0 it is farther away than the truth.
    """

    painted_distance: float
    true_distance: float
    residual: float

    @property
    def ratio(self) -> float:
        """Painted over true distance."""
        return self.painted_distance / self.true_distance


def measure(painted: Float, truth: Float, colour: Float) -> Bleeding:
    """Compare painted and true pixels, float64 [n, 3], with an occluder's colour, float64 [3]."""
    distances = [float(np.sqrt(np.square(pixels - colour).sum(1)).mean()) for pixels in (painted, truth)]
    towards = colour - truth.mean(0)
    residual = float((painted.mean(0) - truth.mean(0)) @ towards / max(towards @ towards, 1e-9))
    return Bleeding(distances[0], distances[1], residual)


def measure_trial(trial: Trial, painted: RGBArray, *, rim: int | None = None) -> Bleeding:
    """Return how much of the occluder's colour is in the hole of a trial.

    Args:
        trial: with an occluder of one colour.
        painted: uint8 [h, w, 3], the trial's picture with the hole painted.
        rim: look only at hidden pixels within so many pixels of the visible part; ``None`` for all.
    """
    where = trial.hole if rim is None else trial.hole & dilate(trial.modal, rim)
    pixels = (where or trial.hole).to_array()
    return measure(painted[pixels].astype(np.float64), trial.truth[pixels].astype(np.float64), occluder_colour(trial))


def bleeding_tables(
    rows: Sequence[str],
    count: int,
    *,
    seed: int = 0,
    tight: int = 0,
    samples: int = 1000,
    progress: Callable[[int], None] | None = None,
) -> tuple[Table, Table]:
    """Return the table over drawn scenes, and that of the drawer-and-chair scene.

    Args:
        rows: painters, see :mod:`deocclude.evaluation.content_rows`.
        count: number of drawn scenes.
        seed: of the set.
        tight: pixels by which the occluders' masks are too small.
        samples: resampled sets for the intervals; 0 for none.
        progress: is told how many scenes are done.

    Raises:
        InputError: no row, an unknown one, or no scene.
    """
    if not rows or count < 1:
        raise InputError("at least one row and one scene", f"{len(rows)} rows and {count} scenes", field="--bleeding")
    for row in rows:
        row_painter(row)
    found: dict[str, list[tuple[Bleeding, Bleeding]]] = {row: [] for row in rows}
    for number in range(count):
        trial = saturated_trial(number, seed).tight(tight)
        for row in rows:
            found[row].append(_both(trial, composite(trial, paint(trial, row))))
        if progress:
            progress(number + 1)
    lines = tuple(_line(row, pairs, samples, seed) for row, pairs in found.items())
    notes = (
        f"{count} drawn scenes with an occluder of one vivid colour. distance: mean distance of the fill to it over "
        f"that of the truth (a fill bleeds below {1 - TOLERANCE:.2f}); residual: share of that colour in the mean "
        f"fill; rim: within {RIM} px of the visible part.{tightness(tight)}",
    )
    return Table("Bleeding, drawn scenes", lines, notes), _chair_table(rows, tight)


def write(folder: Path, tables: Sequence[Table], rows: Sequence[str]) -> None:
    """Write the tables and the painted drawer-and-chair scene to ``folder``, whole or not at all.

    Raises:
        OutputError: the place is not writable.
    """
    with atomic_folder(folder, replaced=()) as part:
        write_text(part / "bleeding.md", "\n".join(table.markdown() for table in tables))
        write_text(part / "bleeding.json", json.dumps([table.as_plain() for table in tables], indent=1) + "\n")
        write_picture(part / "drawer-and-chair.png", contact_sheet([score_trial(drawer_and_chair(), rows)], rows[-1]))


def _both(trial: Trial, painted: RGBArray) -> tuple[Bleeding, Bleeding]:
    return measure_trial(trial, painted), measure_trial(trial, painted, rim=RIM)


def _line(row: str, pairs: Sequence[tuple[Bleeding, Bleeding]], samples: int, seed: int) -> dict[str, Cell]:
    line: dict[str, Cell] = {"row": row}
    for place, suffix in enumerate(("", ", rim")):
        part = [pair[place] for pair in pairs]
        distance = Ratio.of((one.painted_distance, one.true_distance) for one in part)
        residual = Ratio.of((one.residual, 1) for one in part)
        line[f"distance{suffix}"] = distance.estimate(samples=samples, seed=seed)
        line[f"residual{suffix}"] = residual.estimate(samples=samples, seed=seed)
    return line


def _chair_table(rows: Sequence[str], tight: int) -> Table:
    trial = drawer_and_chair().tight(tight)
    lines: list[dict[str, Cell]] = []
    hole = trial.hole.to_array()
    for row in rows:
        painted = composite(trial, paint(trial, row))
        whole, rim = _both(trial, painted)
        quality = psnr(painted[hole].astype(np.float64), trial.truth[hole].astype(np.float64))
        lines.append({"row": row, "distance": whole.ratio, "residual": whole.residual, "distance, rim": rim.ratio,
                      "residual, rim": rim.residual, "PSNR": quality})  # fmt: skip
    note = "A chest of drawers behind a vivid red chair with thin legs, drawn after Figure 4 of An et al."
    return Table("Bleeding, drawer and chair", tuple(lines), (note,))
