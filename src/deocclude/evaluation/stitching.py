"""Filling from references, measured: one query, answered by each row and scored on the same hidden pixels.

What a row does not fill from a reference is filled as the plain row fills it, so that all rows are scored on the same
pixels and a row that uses no reference equals the plain one. No row sees the truth: what stands in the hole is the
plain fill.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deocclude.datasets.ukbench import Query
from deocclude.evaluation.content import Scores, score
from deocclude.images import RGBArray
from deocclude.masks import Mask
from deocclude.stages import Stopwatch

if TYPE_CHECKING:
    from deocclude.content.stitch import Stitched

Bool = NDArray[np.bool_]
PLAIN = "telea"
STITCHED = "stitch"
OURS = "fused"
"""Stitched, and corrected by the network that sees the references."""
COMPLETE = "complete"
"""What ``run --fill pcnet-c`` does: the same, and what no reference shows is painted by PCNet-C."""
NETWORK = "pcnet-c"


@dataclass(frozen=True)
class Answer:
    """What one row made of a query.

    Attributes:
        filled: share of the hole that comes from a reference, 0..1.
        same: whether the picture is that of the plain row.
        scores: of the hidden pixels, by name.
        seconds: wall time, without what a row before it has worked out already.
        notes: one line each.
    """

    filled: float
    same: bool
    scores: Scores
    seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Record:
    """A query and what each row made of it, in numbers.

    Attributes:
        key: of the query.
        protocol: what was hidden.
        hidden: share of the picture that was hidden, 0..1.
        references: names of the references.
        answers: by row, the plain one first.
    """

    key: str
    protocol: str
    hidden: float
    references: tuple[str, ...]
    answers: Mapping[str, Answer]

    def gain(self, row: str) -> float:
        """Return what a row has more than the plain one, dB."""
        return self.answers[row].scores["psnr"] - self.answers[PLAIN].scores["psnr"]

    def as_plain(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return asdict(self)

    @staticmethod
    def from_plain(values: Mapping[str, Any]) -> Record:
        """Return the record that :meth:`as_plain` wrote; KeyError or TypeError where it is none."""
        answers = {
            row: Answer(**{**answer, "notes": tuple(answer["notes"])}) for row, answer in values["answers"].items()
        }
        return Record(**{**values, "references": tuple(values["references"]), "answers": answers})


@dataclass(frozen=True, eq=False)
class Work:
    """A query, and what rows have in common.

    Attributes:
        query: what to answer.
        plain: uint8 [h, w, 3], its plain fill, with which no row can look at the truth.
    """

    query: Query
    plain: RGBArray

    @cached_property
    def stitched(self) -> Stitched:
        """The references stitched in."""
        from deocclude.content.stitch import stitch

        hole, usable = (Mask.from_array(mask) for mask in (self.query.hole, self.query.usable))
        return stitch(self.plain, hole, usable, [(picture, None) for picture in self.query.references])

    @cached_property
    def fused(self) -> Stitched:
        """The same, corrected by the network that sees the references."""
        from deocclude.content.fused import fuse
        from deocclude.content.patch import Patch

        query, hole = self.query, Mask.from_array(self.query.hole)
        return fuse(self.stitched, hole, lambda: Patch(self.plain, query.hole, query.usable))


Filled = tuple[RGBArray, Bool, tuple[str, ...]]
"""A picture, what of it is filled from references, notes."""
Fill = Callable[[Work], Filled]


def _painted(name: str) -> Fill:
    def fill(work: Work) -> Filled:
        return _by_painter(work.query, name), np.zeros_like(work.query.hole), ()

    return fill


def _plain(work: Work) -> Filled:
    return work.plain, np.zeros_like(work.query.hole), ()


def _homography(work: Work) -> Filled:
    from deocclude.content.stitch_homography import stitch_homography

    query = work.query
    return _filled_up(stitch_homography(work.plain, query.hole, query.usable, query.references), work.plain)


def _stitch(work: Work) -> Filled:
    return _filled_up(work.stitched, work.plain)


def _fused(work: Work) -> Filled:
    return _filled_up(work.fused, work.plain)


def _complete(work: Work) -> Filled:
    from deocclude.content import painter
    from deocclude.content.patch import Patch

    query = work.query
    seen, filled, notes = _filled_up(work.fused, work.plain)
    rest = query.hole & ~filled
    if not rest.any():
        return seen, filled, notes
    painted = painter(NETWORK)(Patch(seen, rest, query.usable | filled))
    return painted.rgb, filled, notes


ROWS: dict[str, Fill] = {
    PLAIN: _plain,
    "exemplar": _painted("exemplar"),
    NETWORK: _painted(NETWORK),
    "stitch-homography": _homography,
    STITCHED: _stitch,
    OURS: _fused,
    COMPLETE: _complete,
}
"""What is compared, by name."""


def answer_query(query: Query, rows: tuple[str, ...]) -> tuple[Record, dict[str, RGBArray]]:
    """Return what ``rows`` made of a query, the plain one first, in numbers and as pictures uint8 [h, w, 3]."""
    watch = Stopwatch()
    plain = plain_fill(query)
    first, work = watch.seconds, Work(query, plain)
    answers, pictures = {}, {}
    truth = query.truth.astype(np.float64)
    for row in dict.fromkeys((PLAIN, *rows)):
        watch = Stopwatch()
        rgb, filled, notes = ROWS[row](work)
        seconds = first if row == PLAIN else watch.seconds
        picture = np.where(query.hole[..., None], rgb, query.truth).astype(np.uint8)
        scores = score(picture.astype(np.float64), truth, query.hole)
        share = float(np.count_nonzero(filled & query.hole) / max(1, int(np.count_nonzero(query.hole))))
        same = bool((rgb[query.hole] == plain[query.hole]).all())
        answers[row] = Answer(share, same, scores, seconds, notes)
        pictures[row] = picture
    return Record(query.key, query.protocol, float(query.hole.mean()), query.sources, answers), pictures


def plain_fill(query: Query) -> RGBArray:
    """Return the query filled without a reference."""
    return _by_painter(query, PLAIN)


def _by_painter(query: Query, name: str) -> RGBArray:
    from deocclude.content import painter
    from deocclude.content.patch import Patch

    return painter(name)(Patch(query.truth, query.hole, query.usable)).rgb


def _filled_up(stitched: Stitched, plain: RGBArray) -> Filled:
    return *stitched.over(plain), stitched.notes
