"""Answer many queries: which ones, with which references, in how many processes; those answered before are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deocclude.datasets import stereo, ukbench
from deocclude.datasets.ukbench import Group, Query
from deocclude.errors import InputError, unknown_choice
from deocclude.evaluation.stitching import COMPLETE, OURS, ROWS, Record, answer_query, plain_fill
from deocclude.evaluation.stitching_references import FOUND, GIVEN, SOURCES, STRANGERS, found, strangers
from deocclude.images import RGBArray

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Asked:
    """What is measured.

    Attributes:
        rows: keys of :data:`~deocclude.evaluation.stitching.ROWS`; the plain one is always there. With ``fused`` or
            ``complete`` the groups that their network was trained on are left out.
        protocols: what is hidden: keys of :data:`deocclude.datasets.ukbench.PROTOCOLS`. A stereo pair has its own.
        references: where they come from, one of :data:`~deocclude.evaluation.stitching_references.SOURCES`.
        seed: of the holes and of drawn references.
        skip: groups left out at the start.
        limit: most groups; 0 for all.
    """

    rows: tuple[str, ...] = tuple(ROWS)
    protocols: tuple[str, ...] = ("rectangle",)
    references: str = GIVEN
    seed: int = 0
    skip: int = 0
    limit: int = 0

    def check(self) -> None:
        """Refuse what cannot work.

        Raises:
            InputError: an unknown row, protocol or source of references, or a negative number.
        """
        for name, values, known in (
            ("row", self.rows, ROWS),
            ("protocol", self.protocols, ukbench.PROTOCOLS),
            ("source of references", (self.references,), SOURCES),
        ):
            for value in values:
                if value not in known:
                    raise unknown_choice(name, value, known)
        for name in ("seed", "skip", "limit"):
            if getattr(self, name) < 0:
                raise InputError("0 or more", str(getattr(self, name)), field=f"--{name}")


@dataclass(frozen=True)
class Task:
    """A query to make and answer.

    Attributes:
        key: of the query.
        protocol: what is hidden.
        make: makes it.
    """

    key: str
    protocol: str
    make: Callable[[], Query]


@dataclass(frozen=True)
class _Maker:
    """Makes the query of a group with the references that are asked for; can be sent to another process."""

    group: Group
    protocol: str
    asked: Asked
    groups: tuple[Group, ...]
    index: Path | None

    def __call__(self) -> Query:
        query = ukbench.make_query(self.group, self.protocol, self.asked.seed)
        if self.asked.references == STRANGERS:
            return strangers(query, self.groups, self.asked.seed)
        if self.asked.references == FOUND and self.index is not None:
            return found(query, plain_fill(query), self.index)
        return query


@dataclass(frozen=True, eq=False)
class _Ready:
    """A query that is made already."""

    query: Query

    def __call__(self) -> Query:
        return self.query


def check_data(data: Path) -> None:
    """Refuse what is no data, before anything is written.

    Raises:
        InputError: no such folder, or nothing in it.
    """
    if not stereo.is_stereo(data):
        ukbench.read_groups(data)


def make_tasks(data: Path, asked: Asked, work: Path) -> list[Task]:
    """Return the queries of a folder, in order.

    Args:
        data: pictures in UKBench order, or a stereo pair with disparities.
        asked: what is measured.
        work: folder for an index of the collection, where references are to be found.

    Raises:
        InputError: a wrong choice, no such folder, nothing in it, or a picture that cannot be read.
    """
    from deocclude.evaluation.stitching_references import build_collection

    asked.check()
    if stereo.is_stereo(data):
        if asked.references != GIVEN:
            raise InputError("references 'given' with a stereo pair", repr(asked.references), field="--references")
        listed = stereo.stereo_queries(data)[asked.skip :][: asked.limit or None]
        return [Task(query.key, query.protocol, _Ready(query)) for query in listed]
    groups = tuple(ukbench.read_groups(data))
    chosen = _unseen(groups[asked.skip :], asked.rows)[: asked.limit or None]
    if not chosen:
        raise InputError("at least one group", f"{len(groups)}, {asked.skip} left out", field="--skip")
    tasks = []
    for protocol in dict.fromkeys(asked.protocols):
        wanted = asked.references == FOUND
        index = build_collection(groups, work, protocol, asked.seed) if wanted else None
        everyone = groups if asked.references == STRANGERS else ()
        tasks += [Task(group.key, protocol, _Maker(group, protocol, asked, everyone, index)) for group in chosen]
    return tasks


def _unseen(groups: Sequence[Group], rows: Sequence[str]) -> tuple[Group, ...]:
    """Return the groups that no network of these rows was trained on."""
    if OURS not in rows and COMPLETE not in rows:
        return tuple(groups)
    from deocclude.weights import read_weights, weights_path

    scenes = read_weights(weights_path("fusion"))[0].data.get("scenes", ())
    seen = {str(scene).rpartition("/")[2] for scene in scenes}
    return tuple(group for group in groups if group.key not in seen)


def run_tasks(
    tasks: Sequence[Task],
    rows: tuple[str, ...],
    *,
    jobs: int = 1,
    done: Callable[[Task], Record | None] = lambda task: None,
    keep: Callable[[Record, RGBArray], None] = lambda record, line: None,
    progress: Progress = lambda done, total: None,
) -> list[Record]:
    """Answer queries with each row.

    Args:
        tasks: of :func:`make_tasks`.
        rows: keys of :data:`~deocclude.evaluation.stitching.ROWS`.
        jobs: processes to use.
        done: returns the record of a task that was answered before, ``None`` for the others.
        keep: is given each new record, and its line of the gallery.
        progress: is told how many are done, and of how many.

    Raises:
        InputError: a picture cannot be read.
    """
    from joblib import Parallel, delayed

    records = [done(task) for task in tasks]
    open_ = [place for place, record in enumerate(records) if record is None]
    count = len(tasks) - len(open_)
    progress(count, len(tasks))
    work = (delayed(_answered)(tasks[place], rows) for place in open_)
    for place, (record, line) in zip(open_, Parallel(n_jobs=jobs, return_as="generator")(work), strict=True):
        records[place] = record
        keep(record, line)
        count += 1
        progress(count, len(tasks))
    return [record for record in records if record is not None]


def _answered(task: Task, rows: tuple[str, ...]) -> tuple[Record, RGBArray]:
    from deocclude.evaluation.stitching_sheet import line_of

    query = task.make()
    record, pictures = answer_query(query, rows)
    return record, line_of(query, record, pictures)
