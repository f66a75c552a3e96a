"""Filling from references, measured: views of one object with a hole, the other views given.

The hole protocol hides a part of the first view of each group, the crop protocol all but a part of it. What a row does
not fill from a reference is filled by Telea's method, so that all rows are scored on the same pixels. The references
are given here; finding them is measured apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deocclude.datasets.ukbench import Group, Query, make_query
from deocclude.errors import InputError, unknown_choice
from deocclude.evaluation.content import Scores, score
from deocclude.evaluation.ratio import Ratio
from deocclude.evaluation.tables import Cell, Table
from deocclude.stages import Stopwatch

if TYPE_CHECKING:
    from deocclude.content.stitch import Stitched

Progress = Callable[[int], None]
RGBArray = NDArray[np.uint8]
Bool = NDArray[np.bool_]
PLAIN = "telea"
HARM = 0.5
"""A query counts as made worse if it lies below the plain fill by more than this, dB."""
COLUMNS = {"PSNR": "psnr", "SSIM": "ssim", "EUC": "euc_px", "MANH": "manh_px", "chord": "chord", "MSE": "mse"}


@dataclass(frozen=True, eq=False)
class Answer:
    """What one row made of a query.

    Attributes:
        rgb: uint8 [h, w, 3], the hole filled.
        filled: share of the hole that comes from a reference, 0..1.
        scores: of the hidden pixels, by name.
        seconds: wall time.
        notes: one line each.
    """

    rgb: RGBArray
    filled: float
    scores: Scores
    seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Result:
    """A query and the answers of all rows, the plain fill first."""

    query: Query
    answers: dict[str, Answer] = field(default_factory=dict)


Fill = Callable[[Query, RGBArray], tuple[RGBArray, Bool, tuple[str, ...]]]
"""Given a query and its plain fill, with which no row can look at the truth: the picture, what is filled, notes."""


def _plain(query: Query, plain: RGBArray) -> tuple[RGBArray, Bool, tuple[str, ...]]:
    return plain, np.zeros_like(query.hole), ()


def _exemplar(query: Query, plain: RGBArray) -> tuple[RGBArray, Bool, tuple[str, ...]]:
    return _painted(query, "exemplar"), np.zeros_like(query.hole), ()


def _homography(query: Query, plain: RGBArray) -> tuple[RGBArray, Bool, tuple[str, ...]]:
    from deocclude.content.stitch_homography import stitch_homography

    return _completed(stitch_homography(plain, query.hole, ~query.hole, query.references), plain)


def _stitch(query: Query, plain: RGBArray) -> tuple[RGBArray, Bool, tuple[str, ...]]:
    from deocclude.content.stitch import stitch

    given = [(picture, None) for picture in query.references]
    return _completed(stitch(plain, query.hole, ~query.hole, given), plain)


ROWS: dict[str, Fill] = {
    PLAIN: _plain,
    "exemplar": _exemplar,
    "stitch-homography": _homography,
    "stitch": _stitch,
}
"""What is compared, by name."""


def run_queries(
    groups: Sequence[Group],
    rows: Sequence[str] = tuple(ROWS),
    *,
    protocol: str = "rectangle",
    seed: int = 0,
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[Result]:
    """Answer one query a group with each row.

    Args:
        groups: of :func:`deocclude.datasets.ukbench.read_groups`.
        rows: keys of :data:`ROWS`; the plain fill is always there.
        protocol: what is hidden, a key of :data:`deocclude.datasets.ukbench.PROTOCOLS`.
        seed: of the holes.
        jobs: processes to use.
        progress: is told how many queries are done.

    Raises:
        InputError: no group, an unknown row or protocol, or a picture that cannot be read.
    """
    from joblib import Parallel, delayed

    for row in rows:
        if row not in ROWS:
            raise unknown_choice("row", row, ROWS)
    done: list[Result] = []
    work = (delayed(answer_query)(make_query(group, protocol, seed), tuple(rows)) for group in groups)
    for result in Parallel(n_jobs=jobs, return_as="generator")(work):
        done.append(result)
        if progress:
            progress(len(done))
    if not done:
        raise InputError("at least one group", "none", field="groups")
    return done


def answer_query(query: Query, rows: Sequence[str]) -> Result:
    """Return the answers of ``rows`` to one query, that of the plain fill first."""
    watch = Stopwatch()
    plain = _painted(query, PLAIN)
    first = watch.seconds
    answers = {}
    for row in dict.fromkeys((PLAIN, *rows)):
        watch = Stopwatch()
        rgb, filled, notes = ROWS[row](query, plain)
        seconds = first if row == PLAIN else watch.seconds
        picture = np.where(query.hole[..., None], rgb, query.truth).astype(np.float64)
        scores = score(picture, query.truth.astype(np.float64), query.hole)
        share = np.count_nonzero(filled) / max(1, int(np.count_nonzero(query.hole)))
        answers[row] = Answer(rgb, share, scores, seconds, notes)
    return Result(query, answers)


def table(results: Iterable[Result], *, samples: int = 1000, seed: int = 0) -> Table:
    """Return the table over all queries, one row a method.

    Args:
        results: of :func:`run_queries`.
        samples: resampled sets for the intervals; 0 for none.
        seed: of the resampling.
    """
    listed = list(results)
    rows: list[dict[str, Cell]] = []
    for row in listed[0].answers:
        answers = [result.answers[row] for result in listed]
        cells: dict[str, Cell] = {"row": row}
        for name, key in COLUMNS.items():
            ratio = Ratio.of((answer.scores[key], 1) for answer in answers)
            cells[name] = ratio.estimate(samples=samples if name == "PSNR" else 0, seed=seed)
        used = Ratio.of((float(answer.filled > 0), 1) for answer in answers)
        worse = Ratio.of((float(_gain(result, row) < -HARM), 1) for result in listed)
        cells |= {"used": used.estimate(samples=0), "worse": worse.estimate(samples=samples, seed=seed)}
        cells["s"] = float(np.mean([answer.seconds for answer in answers]))
        rows.append(cells)
    hidden = float(np.mean([result.query.hole.mean() for result in listed]))
    about = (
        f"{len(listed)} queries, protocol {listed[0].query.protocol}, {hidden:.0%} hidden (mean), hidden pixels only"
    )
    return Table("Filling from references", tuple(rows), (about, *NOTES))


NOTES = (
    "The other views of the object are given; what a row does not fill from them is filled as in the first row.",
    f"used: share of queries filled from a reference; worse: share below {PLAIN} by more than {HARM} dB.",
    "EUC, MANH: mean distance of colours a pixel; chord: between unit vectors; brackets: 95 % bootstrap interval.",
)


def gallery(results: Sequence[Result], path: Path, *, most: int = 24) -> None:
    """Write a picture with a line a query: truth, what was given, the references, and what each row made.

    Args:
        results: of :func:`run_queries`.
        path: picture file to write.
        most: queries shown, spread over the results.
    """
    from deocclude.images import write_picture

    chosen = np.unique(np.linspace(0, len(results) - 1, min(most, len(results))).astype(int))
    lines = [_line(results[int(number)]) for number in chosen]
    width = max(line.shape[1] for line in lines)
    write_picture(path, np.vstack([np.pad(line, ((2, 2), (0, width - line.shape[1]), (0, 0))) for line in lines]))


def _line(result: Result, height: int = 160) -> RGBArray:
    from deocclude.images import resized

    query = result.query
    given = np.where(query.hole[..., None], np.uint8(255), query.truth).astype(np.uint8)
    pictures = [query.truth, given, *query.references, *(answer.rgb for answer in result.answers.values())]
    small = [resized(picture, height / picture.shape[0])[:height] for picture in pictures]
    return np.hstack([np.pad(picture, ((0, height - picture.shape[0]), (2, 2), (0, 0))) for picture in small])


def _gain(result: Result, row: str) -> float:
    return result.answers[row].scores["psnr"] - result.answers[PLAIN].scores["psnr"]


def _painted(query: Query, name: str) -> RGBArray:
    from deocclude.content import painter
    from deocclude.content.patch import Patch

    return painter(name)(Patch(query.truth, query.hole, ~query.hole)).rgb


def _completed(stitched: Stitched, plain: RGBArray) -> tuple[RGBArray, Bool, tuple[str, ...]]:
    rgb = np.where(stitched.filled[..., None], stitched.rgb, plain).astype(np.uint8)
    return rgb, stitched.filled, stitched.notes
