"""Table 2 of An et al., "Better Image De-occlusion Using Similar Images", measured: filling with references.

Protocol ``table2 v1``: objects of the test split of a reference data set, hidden once more, so that the photo is the
truth; references of every kind, none seen in training. Scores over the hidden pixels (:mod:`.content` has the formulas,
which the paper does not state). Means over objects, 95 % bootstrap intervals over scenes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from deocclude.datasets.reference_dataset import ReferenceDataset
from deocclude.datasets.reference_sample import ReferenceKind, ReferenceSample
from deocclude.errors import InputError
from deocclude.evaluation.content import Scores
from deocclude.evaluation.ratio import Ratio
from deocclude.evaluation.table2_rows import ORIGINAL, Fill, paint_base
from deocclude.evaluation.tables import Cell, Table
from deocclude.images import RGBArray

PROTOCOL = "table2 v1"
COLUMNS = {"EUC": "euc_px", "MANH": "manh_px", "CHORD": "chord", "MSE": "mse", "PSNR": "psnr", "SSIM": "ssim",
           "RFD": "rfd"}  # fmt: skip
HARM = 0.5
"""An object counts as made worse if it lies below the original by more than this, dB."""
LEAST_PIXELS = 64
"""Samples with a smaller hole are not scored."""
NOTES = (
    "Grey levels 0 to 255, hidden pixels only. EUC, MANH: mean over pixels of the Euclidean and Manhattan distance of "
    "the colours; MSE per channel; CHORD: distance of all pixels as vectors of unit length; RFD: random-feature "
    "distance, no LPIPS. Lower is better but for PSNR and SSIM.",
    "MSE change: of the mean, against the first row; worse: share of objects that lie below the first row by more than "
    f"{HARM} dB; in brackets: 95 % bootstrap intervals over scenes.",
    "The numbers that An et al. print cannot be compared: docs/table2.md says why.",
)
Progress = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class Result:
    """A sample scored.

    Attributes:
        key: of the object.
        scene: of the object; objects of a scene are not independent.
        kind: of the reference.
        aligned: the reference could be aligned.
        answers: scores of each row.
        pictures: by name, uint8 [S, S, 3]: ``given``, ``reference``, ``aligned``, each row, ``truth``.
    """

    key: str
    scene: str
    kind: ReferenceKind
    aligned: bool
    answers: Mapping[str, Scores]
    pictures: Mapping[str, RGBArray]


def run_samples(
    parts: Sequence[ReferenceDataset],
    rows: Mapping[str, Fill],
    *,
    limit: int = 0,
    progress: Progress | None = None,
) -> list[Result]:
    """Score rows on the samples of data sets.

    Args:
        parts: samples to test on.
        rows: of :func:`deocclude.evaluation.table2_rows.make_rows`.
        limit: most objects of each kind of reference and data set; 0 for all.
        progress: is told how many samples are done.

    Raises:
        InputError: no sample with a hole, or a damaged one.
    """
    results = []
    chosen = [(data, place) for data in parts for place in chosen_places(data, limit)]
    for done, (data, place) in enumerate(chosen):
        sample = data[place]
        if np.count_nonzero(sample.hole) >= LEAST_PIXELS:
            results.append(score_sample(sample, rows))
        if progress:
            progress(done + 1)
    if not results:
        raise InputError("test samples with a hole", "none", field="DATA")
    return results


def chosen_places(data: ReferenceDataset, limit: int) -> list[int]:
    """Return places of samples: of each kind the first ``limit`` objects; all for 0."""
    taken: dict[ReferenceKind, int] = {}
    places = []
    for place, row in enumerate(data.rows):
        taken[row.kind] = taken.get(row.kind, 0) + 1
        if not limit or taken[row.kind] <= limit:
            places.append(place)
    return places


def score_sample(sample: ReferenceSample, rows: Mapping[str, Fill]) -> Result:
    """Let every row fill the hole of a sample, and score what it made."""
    from deocclude.evaluation.content_features import all_scores

    base = paint_base(sample)
    hole = sample.hole[..., None]
    made = {name: np.where(hole, fill(sample, base), sample.truth).astype(np.uint8) for name, fill in rows.items()}
    given = np.where(hole, np.uint8(255), sample.rgb).astype(np.uint8)
    pictures = {"given": given, "reference": sample.reference, "aligned": sample.aligned, **made,
                "truth": sample.truth}  # fmt: skip
    answers = {name: all_scores(picture, sample.truth, sample.hole) for name, picture in made.items()}
    return Result(sample.key, sample.scene, sample.kind, bool(sample.aligned_valid.any()), answers, pictures)


def tables(results: Sequence[Result], *, samples: int = 1000, seed: int = 0) -> tuple[Table, ...]:
    """Return Table 2 for each kind of reference, and one that sums up the mean squared error of all kinds.

    Args:
        results: of :func:`run_samples`.
        samples: resampled sets for the intervals; 0 for none.
        seed: of the resampling.
    """
    kinds = [kind for kind in ReferenceKind if any(result.kind == kind for result in results)]
    parts = {kind: [result for result in results if result.kind == kind] for kind in kinds}
    made = [_table(kind, part, samples, seed) for kind, part in parts.items()]
    lines: list[dict[str, Cell]] = []
    for row in results[0].answers:
        cells = {f"{kind}": _ratio(part, row, "mse").value for kind, part in parts.items()}
        lines.append({"row": row, **cells})
    title = f"Table 2, mean squared error by kind of reference ({PROTOCOL})"
    return (*made, Table(title, tuple(lines), NOTES[:1]))


def record(result: Result) -> dict[str, object]:
    """Return the numbers of one sample as plain values for JSON."""
    return {"key": result.key, "scene": result.scene, "kind": str(result.kind), "aligned": result.aligned,
            "rows": dict(result.answers)}  # fmt: skip


def _table(kind: ReferenceKind, results: Sequence[Result], samples: int, seed: int) -> Table:
    lines: list[dict[str, Cell]] = []
    for row in results[0].answers:
        cells: dict[str, Cell] = {"row": row}
        for name, key in COLUMNS.items():
            cells[name] = _ratio(results, row, key).estimate(samples=samples if name == "MSE" else 0, seed=seed)
        if row != ORIGINAL:
            original = _ratio(results, ORIGINAL, "mse").value
            cells["MSE change"] = f"{_ratio(results, row, 'mse').value / original - 1:+.1%}" if original else "–"
            cells["worse"] = f"{np.mean([worse(result, row) for result in results]):.1%}"
        lines.append(cells)
    aligned = float(np.mean([result.aligned for result in results]))
    scenes = len({result.scene for result in results})
    about = f"{PROTOCOL}: {len(results)} objects of {scenes} scenes, reference aligned for {aligned:.0%}"
    return Table(f"Table 2, reference: {kind}", tuple(lines), (about, *NOTES))


def worse(result: Result, row: str) -> bool:
    """Return whether a row lies below the original by more than :data:`HARM`."""
    return result.answers[row]["psnr"] < result.answers[ORIGINAL]["psnr"] - HARM


def _ratio(results: Sequence[Result], row: str, key: str) -> Ratio:
    return Ratio.by_group((result.scene, result.answers[row][key], 1.0) for result in results)
