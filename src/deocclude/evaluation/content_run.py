"""Score painters on content trials: rows times trials, as tables with intervals and as one record a trial.

Protocol ``v1``: trials of :mod:`deocclude.datasets.content_trials`; every row paints the hole of every trial from the
same pixels. Scores over the hidden pixels, and over the whole object crop (the box of the whole object) with the truth
outside the hole. Means over trials; 95 % bootstrap intervals over photos.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deocclude.content.patch import Fill
from deocclude.datasets.content_trials import Trial
from deocclude.errors import InputError
from deocclude.evaluation import content
from deocclude.evaluation.content_rows import paint, row_painter
from deocclude.evaluation.ratio import Ratio
from deocclude.evaluation.tables import Cell, Table
from deocclude.images import RGBArray

PROTOCOL = "content v1"
Progress = Callable[[int], None]

COLUMNS = {
    "EUC": "euc_px", "MANH": "manh_px", "chord": "chord", "MSE": "mse", "PSNR": "psnr", "SSIM": "ssim",
    "MS-SSIM": "ms_ssim", "gradient": "gradient", "RFD": "rfd",
}  # fmt: skip
"""Columns of the tables and the scores that they show."""
BASELINE = "telea"
"""The row that others are compared with pair by pair, where it is among them."""
NOTES = (
    "Grey levels 0 to 255. EUC, MANH: mean over pixels of the Euclidean and Manhattan distance of the colours; MSE "
    "per channel; chord: distance of all pixels as vectors of unit length, blind to brightness; gradient: mean length "
    "of the difference of the grey-value gradients; detail: steepness over that of the truth (less is blurred); RFD: "
    "random-feature distance, no LPIPS. Lower is better but for PSNR, SSIM, MS-SSIM.",
    "In brackets: 95 % bootstrap intervals over photos.",
)


@dataclass(frozen=True, eq=False)
class Answer:
    """What one row made of a trial.

    Attributes:
        hidden: scores over the hidden pixels, by name.
        crop: scores over the object crop.
        seconds: of painting.
        method: the painter that did it, which is another than the row's where that fell back.
        fallback_reason: why it was not the painter that the row names, or ``None``.
        view: uint8 [h, w, 3], the object crop with a margin, painted.
    """

    hidden: content.Scores
    crop: content.Scores
    seconds: float
    method: str
    fallback_reason: str | None
    view: RGBArray


@dataclass(frozen=True, eq=False)
class Result:
    """A trial scored.

    Attributes:
        key: of the object.
        photo_key: of its photo.
        share: hidden share of the object.
        pixels: number of hidden pixels.
        answers: by row.
        truth: uint8 [h, w, 3], the object crop with a margin.
        given: the same with the occluder.
        target: bool [h, w], the whole object in that crop.
    """

    key: str
    photo_key: str
    share: float
    pixels: int
    answers: Mapping[str, Answer]
    truth: RGBArray
    given: RGBArray
    target: NDArray[np.bool_]


def run_trials(
    trials: Iterable[Trial], rows: Sequence[str], *, jobs: int = 1, progress: Progress | None = None
) -> list[Result]:
    """Score ``rows`` on every trial.

    Args:
        trials: as :func:`make_trials` yields them.
        rows: names of :func:`known_rows`.
        jobs: processes to use.
        progress: is told how many trials are done.

    Raises:
        InputError: no row, an unknown one, or no trial.
        MissingExtraError: a row needs a package that is not installed.
    """
    from joblib import Parallel, delayed

    if not rows:
        raise InputError("at least one row", "none", field="rows")
    for row in rows:
        row_painter(row)
    done: list[Result] = []
    for result in Parallel(n_jobs=jobs, return_as="generator")(delayed(score_trial)(trial, rows) for trial in trials):
        done.append(result)
        if progress:
            progress(len(done))
    if not done:
        raise InputError("objects that an occluder can be pasted on", "none")
    return done


def score_trial(trial: Trial, rows: Sequence[str]) -> Result:
    """Let every row paint the hole of one trial, and score what it paints."""
    view = trial.target.box.grow(content.AROUND).clip(trial.target.size)
    return Result(
        key=trial.key,
        photo_key=trial.photo_key,
        share=trial.share,
        pixels=trial.hole.area,
        answers={row: _answer(trial, row) for row in rows},
        truth=trial.truth[view.slices],
        given=trial.rgb[view.slices],
        target=trial.target.crop(view),
    )


def tightness(pixels: int) -> str:
    """Return what a table's note says of masks that are too small by so many pixels."""
    return f" Occluders' masks are {pixels} px too tight." if pixels else ""


def tables(results: Sequence[Result], *, tight: int = 0, samples: int = 1000, seed: int = 0) -> tuple[Table, ...]:
    """Return the tables over the hidden pixels and over the object crop, and that of differences to one row.

    Args:
        results: of :func:`run_trials`.
        tight: pixels by which the occluders' masks were too small.
        samples: resampled sets for the intervals; 0 for none.
        seed: of the resampling.
    """
    photos = len({result.photo_key for result in results})
    share = float(np.median([result.share for result in results]))
    about = f"{PROTOCOL}: {len(results)} objects of {photos} photos, {share:.0%} hidden (median).{tightness(tight)}"
    rows = tuple(results[0].answers)
    made = []
    for title, part in (("Content, hidden pixels", "hidden"), ("Content, object crop", "crop")):
        lines: list[dict[str, Cell]] = []
        for row in rows:
            scores = {name: _ratio(results, row, part, key) for name, key in COLUMNS.items()}
            scores["detail"] = _ratio(results, row, part, "detail", "true_detail")
            cells = {name: ratio.estimate(samples=samples, seed=seed) for name, ratio in scores.items()}
            seconds = float(np.mean([result.answers[row].seconds for result in results]))
            lines.append({"row": row, **cells, "s": seconds})
        made.append(Table(title, tuple(lines), (about, *NOTES)))
    if len(rows) > 1:
        base = BASELINE if BASELINE in rows else rows[0]
        paired = [_paired(results, row, base, samples, seed) for row in rows if row != base]
        note = "Paired: the mean over objects of the row's score minus that of the other; no difference is 0."
        made.append(Table(f"Content, hidden pixels, difference to {base}", tuple(paired), (about, note, NOTES[1])))
    return tuple(made)


def record(result: Result) -> dict[str, object]:
    """Return the numbers of one trial as plain values for JSON."""
    answers = {
        row: {"hidden": answer.hidden, "crop": answer.crop, "seconds": answer.seconds, "method": answer.method,
              "fallback_reason": answer.fallback_reason}
        for row, answer in result.answers.items()
    }  # fmt: skip
    return {"key": result.key, "photo": result.photo_key, "hidden_share": result.share,
            "hidden_pixels": result.pixels, "rows": answers}  # fmt: skip


def composite(trial: Trial, fill: Fill) -> RGBArray:
    """Return the true photo with the hidden pixels painted, uint8 [h, w, 3]."""
    canvas = trial.truth.copy()
    hole = fill.mask(trial.target.size) & trial.hole
    painted = np.zeros_like(canvas)
    painted[fill.box.slices] = fill.rgb
    return np.where(hole.to_array()[..., None], painted, canvas)


def _answer(trial: Trial, row: str) -> Answer:
    from deocclude.evaluation.content_features import all_scores

    row_painter(row)  # loaded before the clock starts
    start = time.perf_counter()
    fill = paint(trial, row)
    seconds = time.perf_counter() - start
    box = trial.target.box
    view = box.grow(content.AROUND).clip(trial.target.size)
    painted, truth = composite(trial, fill)[view.slices], trial.truth[view.slices]
    crop = np.zeros(truth.shape[:2], bool)
    crop[box.window(view)] = True
    return Answer(
        hidden=all_scores(painted, truth, trial.hole.crop(view)),
        crop=all_scores(painted, truth, crop),
        seconds=seconds,
        method=fill.method,
        fallback_reason=fill.fallback_reason,
        view=painted,
    )


def _ratio(results: Sequence[Result], row: str, part: str, above: str, below: str | None = None) -> Ratio:
    """Return a mean over trials, or a ratio of two sums, resampleable by photo."""
    scored = ((result.photo_key, getattr(result.answers[row], part)) for result in results)
    return Ratio.by_group((photo, scores[above], scores[below] if below else 1.0) for photo, scores in scored)


def _paired(results: Sequence[Result], row: str, base: str, samples: int, seed: int) -> dict[str, Cell]:
    """Return what a row has more than another in the mean over trials, with intervals by photo."""
    line: dict[str, Cell] = {"row": row}
    for name, key in COLUMNS.items():
        one, other = (_ratio(results, which, "hidden", key) for which in (row, base))
        above = tuple(float(value) for value in np.subtract(one.numerators, other.numerators))
        line[name] = Ratio(above, one.denominators).estimate(samples=samples, seed=seed)
    return line


def ranked(results: Iterable[Result], row: str) -> Iterator[Result]:
    """Yield the results from the least to the greatest error (RMSE over the hidden pixels) of a row."""
    yield from sorted(results, key=lambda result: (result.answers[row].hidden["rmse"], result.key))
