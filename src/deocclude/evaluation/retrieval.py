"""Measure the search for similar pictures: rows of methods against kinds of queries with known answers.

Protocol ``retrieval v1``. Queries are whole pictures, pictures with a hole, and crops; the picture that a query was
made from does not count as found. Scored are the first place, the answers among the first three, and for whole
pictures of UKBench the N-S score: how many of the four views are among the first four, the query itself included
(Nister and Stewenius, CVPR 2006). "None" is measured by asking again without the pictures of the object: whatever is
taken for a reference then is false. 95 % bootstrap intervals over objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deocclude.datasets.retrieval import Case, Collection
from deocclude.errors import InputError, unknown_choice
from deocclude.evaluation.ratio import Ratio
from deocclude.evaluation.retrieval_bench import Bench, Question
from deocclude.evaluation.retrieval_rows import FULL, ROWS
from deocclude.evaluation.tables import Cell, Table

PROTOCOL = "retrieval v1"
WHOLE = "whole"
CLOSE = 3
"""Places among which the other views are looked for."""
SHOWN = 5
"""Places that are kept for the sheet."""
NOTES = (
    "First: the first picture shows the object. Top 3: share of the other views (three at most) among the first three. "
    "The picture that a query was made from is left out. N-S: pictures of the object among the first four, the query "
    "included, 4 at best.",
    "Kept: where the first picture is right, it is also accepted as a reference. Kept, all: the same for every picture "
    "of the object in the shortlist. False: with the object's pictures left out, something is accepted all the same.",
    "In brackets: 95 % bootstrap intervals over objects.",
)
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Place:
    """A picture that was found.

    Attributes:
        path: the file.
        probability: that it shows the object; 0 where it was not verified.
        right: whether it does.
    """

    path: Path
    probability: float
    right: bool


@dataclass(frozen=True)
class Result:
    """What the rows found for one query.

    Attributes:
        case: photo and answers.
        kind: what of the photo was asked with.
        places: by row the first pictures, the query's own left out.
        ns: by row the N-S score; for whole pictures that are in the collection.
        kept: pictures of the object in the shortlist of the full search that are accepted, and how many there are.
        stranger: probability of the best picture with those of the object left out; ``None`` if not measured.
        accept: probability from which a picture is accepted.
        seed: of the places of holes and crops.
    """

    case: Case
    kind: str
    places: Mapping[str, tuple[Place, ...]]
    ns: Mapping[str, int]
    kept: tuple[int, int]
    stranger: float | None
    accept: float
    seed: int = 0


def measure(
    bench: Bench, questions: Sequence[Question], rows: Sequence[str], *, progress: Progress | None = None
) -> list[Result]:
    """Ask every question of every row.

    Args:
        bench: index and store.
        questions: what to ask.
        rows: keys of :data:`~deocclude.evaluation.retrieval_rows.ROWS`.
        progress: told how many questions are done.

    Raises:
        InputError: no question, no row, an unknown one, or a photo that cannot be read.
    """
    for row in rows:
        if row not in ROWS:
            raise unknown_choice("row", row, ROWS)
    if not questions or not rows:
        raise InputError("at least one query and one row", "none")
    results = []
    for done, question in enumerate(questions, 1):
        results.append(_answered(bench, question, rows))
        if progress:
            progress(done)
    return results


def _answered(bench: Bench, question: Question, rows: Sequence[str]) -> Result:
    case, whole = question.case, question.kind == WHOLE
    own = frozenset({case.photo})
    places, ns = {}, {}
    kept = (0, 0)
    with bench.asking(question) as asked:
        for row in rows:
            found = ROWS[row](asked, frozenset() if whole else own)
            if whole and len(case.answers) > 1:
                ns[row] = sum(one.hit.path in case.answers | own for one in found[: len(case.answers) + 1])
            found = [one for one in found if one.hit.path != case.photo]
            places[row] = tuple(Place(one.hit.path, one.probability, one.hit.path in case.answers) for one in found)
            if row == FULL:
                right = [one for one in places[row] if one.right]
                kept = sum(one.probability >= bench.accept for one in right), len(right)
        stranger = None
        if FULL in rows:
            others = ROWS[FULL](asked, own | case.answers)
            stranger = max((one.probability for one in others), default=0.0)
    shown = {row: found[:SHOWN] for row, found in places.items()}
    return Result(case, question.kind, shown, ns, kept, stranger, bench.accept, question.seed)


def tables(results: Sequence[Result], collection: Collection, *, about: Sequence[str] = (), samples: int = 1000,
           seed: int = 0) -> tuple[Table, ...]:  # fmt: skip
    """Return the table of rows, and that of "none" where the full search was among them.

    Args:
        results: of :func:`measure`.
        collection: what was asked about.
        about: notes about data and index.
        samples: resampled sets for the intervals; 0 for none.
        seed: of the resampling.
    """
    kinds, rows = list(dict.fromkeys(one.kind for one in results)), list(results[0].places)
    objects = len({one.case.group for one in results})
    head = f"{PROTOCOL}: {len(results)} queries about {objects} objects of {collection.name}"

    def cell(of: Iterable[Result], pair: Callable[[Result], tuple[float, float]]) -> Cell:
        ratio = Ratio.by_group((one.case.group, *pair(one)) for one in of)
        return ratio.estimate(samples=samples, seed=seed)

    lines: list[Mapping[str, Cell]] = []
    for row in rows:
        line: dict[str, Cell] = {"row": row}
        scored = [one for one in results if row in one.ns]
        if scored:
            line["N-S"] = cell(scored, lambda one, row=row: (one.ns[row], 1))  # type: ignore[misc]
        for kind in kinds:
            of = [one for one in results if one.kind == kind]
            line[f"first, {kind}"] = cell(of, lambda one, row=row: (_first(one, row), 1))  # type: ignore[misc]
            if collection.partial:
                line[f"top 3, {kind}"] = cell(of, lambda one, row=row: _close(one, row))  # type: ignore[misc]
        lines.append(line)
    made = [Table(f"Retrieval: {collection.name}", tuple(lines), (head, *about, NOTES[0], NOTES[2]))]
    if FULL in rows:
        none = tuple(_none_line(kind, [one for one in results if kind in (one.kind, "all")], cell)
                     for kind in [*kinds, "all"])  # fmt: skip
        made.append(Table(f'"None" as an answer: {collection.name}', none, (head, *about, NOTES[1], NOTES[2])))
    return tuple(made)


def _none_line(kind: str, of: list[Result], cell: Callable[..., Cell]) -> Mapping[str, Cell]:
    return {
        "queries": kind,
        "kept": cell(of, lambda one: (_first(one, FULL) and one.places[FULL][0].probability >= one.accept,
                                      _first(one, FULL))),
        "kept, all": cell(of, lambda one: one.kept),
        "false": cell(of, lambda one: ((one.stranger or 0.0) >= one.accept, 1)),
    }  # fmt: skip


def record(result: Result) -> dict[str, object]:
    """Return what was found for one query as plain values for JSON."""
    rows = {
        row: [{"picture": one.path.name, "probability": round(one.probability, 4), "right": one.right} for one in found]
        for row, found in result.places.items()
    }
    return {
        "photo": result.case.photo.name, "object": result.case.group, "kind": result.kind, "rows": rows,
        "n-s": dict(result.ns), "stranger": result.stranger,
    }  # fmt: skip


def _first(result: Result, row: str) -> int:
    return int(bool(result.places[row]) and result.places[row][0].right)


def _close(result: Result, row: str) -> tuple[int, int]:
    return sum(one.right for one in result.places[row][:CLOSE]), min(CLOSE, len(result.case.answers))
