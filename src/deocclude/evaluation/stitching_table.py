"""Tables of filling from references: a row a method, a table a protocol."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deocclude.evaluation.ratio import Ratio
from deocclude.evaluation.stitching import COMPLETE, PLAIN, Record
from deocclude.evaluation.stitching_references import FOUND, GIVEN, STRANGERS
from deocclude.evaluation.tables import Cell, Table

HARM = 0.5
"""A query counts as made worse if it lies below the plain fill by more than this, dB."""
COLUMNS = {"PSNR": "psnr", "SSIM": "ssim", "EUC": "euc_px", "MANH": "manh_px", "chord": "chord", "MSE": "mse"}
ORIGIN = {
    GIVEN: "The other views of the object are given.",
    FOUND: "References are found among all pictures but the query's own; nobody tells which belong together.",
    STRANGERS: "References are three pictures of other objects, drawn at random: nothing is to be had from them.",
}
NOTES = (
    f"What a row does not fill from a reference is filled as in the row {PLAIN}, in {COMPLETE} by PCNet-C. Hidden "
    f"pixels only.",
    f"used: share of queries filled from a reference; filled: share of their hidden pixels; worse: share of queries "
    f"below {PLAIN} by more than {HARM} dB; same: share whose picture is that of {PLAIN}; s: "
    f"seconds, without what rows above have worked out already.",
    "EUC, MANH: mean distance of colours a pixel; chord: between unit vectors; brackets: 95 % bootstrap interval.",
)


def tables(records: Sequence[Record], references: str, *, samples: int = 1000, seed: int = 0) -> list[Table]:
    """Return a table a protocol.

    Args:
        records: of :func:`deocclude.evaluation.stitching_run.run_tasks`.
        references: where the references came from.
        samples: resampled sets for the intervals; 0 for none.
        seed: of the resampling.
    """
    made = []
    for protocol in dict.fromkeys(record.protocol for record in records):
        part = [record for record in records if record.protocol == protocol]
        hidden = float(np.mean([record.hidden for record in part]))
        about = f"{len(part)} queries, {hidden:.0%} of the picture hidden on average. {ORIGIN[references]}"
        rows = tuple(_row(part, row, samples, seed) for row in part[0].answers)
        made.append(Table(f"Filling from references, protocol {protocol}", rows, (about, *NOTES)))
    return made


def _row(records: Sequence[Record], row: str, samples: int, seed: int) -> dict[str, Cell]:
    answers = [record.answers[row] for record in records]
    cells: dict[str, Cell] = {"row": row}
    for name, key in COLUMNS.items():
        ratio = Ratio.of((answer.scores[key], 1) for answer in answers)
        cells[name] = ratio.estimate(samples=samples if name == "PSNR" else 0, seed=seed)
    used = [answer.filled > 0 for answer in answers]
    cells["used"] = Ratio.of((float(one), 1) for one in used).estimate(samples=0)
    cells["filled"] = Ratio.of((a.filled, one) for a, one in zip(answers, used, strict=True)).estimate(samples=0)
    worse = Ratio.of((float(record.gain(row) < -HARM), 1) for record in records)
    cells["worse"] = worse.estimate(samples=samples, seed=seed)
    cells["same"] = Ratio.of((float(answer.same), 1) for answer in answers).estimate(samples=0)
    cells["s"] = float(np.mean([answer.seconds for answer in answers]))
    return cells
