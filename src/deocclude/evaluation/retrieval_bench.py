"""What retrieval is measured with: an index of the pictures, and questions whose features and matches are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deocclude.datasets.retrieval import KINDS, Case, Collection, chosen_groups, chosen_photos, part
from deocclude.evaluation.retrieval_store import Measures, Store
from deocclude.references.closer import CloserSettings
from deocclude.references.index import Hit, Index
from deocclude.references.query import Query, query_photo
from deocclude.references.search import SearchSettings, verified
from deocclude.references.update import IndexSettings, UpdateReport, build
from deocclude.references.verify import NO_TRANSFORM, Verdict, VerifySettings, weigh

INDEX, QUERIES = "index", "queries"
"""Folders of a bench."""
OTHER = ("colour", "words", "found")
"""Measures that depend on what a search knows, not on the two pictures alone."""


@dataclass(frozen=True)
class Question:
    """A part of a photo to ask with.

    Attributes:
        case: the photo and its answers.
        kind: a key of :data:`~deocclude.datasets.retrieval.KINDS`.
        seed: of the part's place.
    """

    case: Case
    kind: str
    seed: int = 0

    @property
    def key(self) -> str:
        """What tells this question from others: the file as it is now, and the part."""
        status = self.case.photo.stat()
        return f"{self.case.photo} {status.st_size} {status.st_mtime_ns} {self.kind} {self.seed}"


def questions(
    collection: Collection, kinds: Sequence[str] = (), *, skip: int = 0, limit: int = 0, views: int = 0, seed: int = 0
) -> list[Question]:
    """Return the questions about a collection, those of one object after another.

    Args:
        collection: what is asked about.
        kinds: what is asked with; all kinds where parts are asked for, else whole photos.
        skip: groups left out at the start.
        limit: most groups; 0 for all.
        views: photos of each group; 0 for all.
        seed: of the places of holes and crops.
    """
    chosen = kinds or (tuple(KINDS) if collection.partial else ("whole",))
    cases = chosen_photos(chosen_groups(collection.cases, skip, limit), views)
    return [Question(case, kind, seed) for case in cases for kind in chosen]


@dataclass
class Asked:
    """A question under work.

    Attributes:
        index: what is asked.
        query: features and colours of the question.
        settings: how it is searched.
        known: given a picture of the index, or nothing for the question itself, what verification measured of it and
            others so far.
        fresh: those of which something was measured now.
    """

    index: Index
    query: Query
    settings: SearchSettings
    known: Callable[[str], Measures]
    fresh: set[str] = field(default_factory=set)

    def verify(self, index: Index, hit: Hit, view: Query) -> Verdict:
        """Verify a picture, or return what was found out earlier."""
        return self._verdict(index, hit, view, colour=True)

    def verify_words(self, index: Index, hit: Hit, view: Query) -> Verdict:
        """The same, blind to colours."""
        return self._verdict(index, hit, view, colour=False)

    def _verdict(self, index: Index, hit: Hit, view: Query, *, colour: bool) -> Verdict:
        key = f"{view.source}|{hit.path}"
        measured = self.known(view.source)
        if key not in measured:
            found = verified(index, hit, view)
            geometry = {} if found.kind == NO_TRANSFORM else dict(found.measures)
            measured[key] = {"inliers": found.inliers, "kind": found.kind, "measures": geometry}
            self.fresh.add(view.source)
        kept = measured[key]
        geometry = {name: value for name, value in kept["measures"].items() if name not in OTHER}
        chance, measures = weigh(geometry, *((hit.colours, hit.words) if colour else ()))
        return Verdict(chance, kept["inliers"], None, kept["kind"], "", measures)


class Bench:
    """An index of all pictures, and a store of what is known about questions."""

    def __init__(self, folder: Path, settings: SearchSettings | None = None) -> None:
        """Open a bench that :func:`prepare` made.

        Raises:
            InputError: its index cannot be used.
        """
        self.index = Index(folder / INDEX)
        self.settings = settings or SearchSettings()
        self._near: dict[str, Measures] = {}
        features = self.index.manifest.features
        self._store = Store(folder / QUERIES, features, (VerifySettings(), CloserSettings(features=features)))

    @property
    def accept(self) -> float:
        """Probability from which a picture counts as a reference."""
        return self.settings.accept

    def query(self, question: Question) -> Query:
        """Return features and colours of a question."""
        features = self.index.manifest.features

        def make() -> Query:
            rgb, use = part(question.case.photo, question.kind, question.seed)
            return query_photo(rgb, use, settings=features)

        return self._store.query(question.key, make)

    @contextmanager
    def asking(self, question: Question) -> Iterator[Asked]:
        """Yield a question under work; what is measured of its candidates is kept."""
        own = self._store.measures(question.key)
        asked = Asked(self.index, self.query(question), self.settings,
                      lambda picture: self._beside(picture) if picture else own)  # fmt: skip
        yield asked
        for picture in asked.fresh:
            self._store.keep(picture or question.key, asked.known(picture))

    def _beside(self, picture: str) -> Measures:
        """Return what was measured of a picture of the index beside others; many questions come upon it."""
        if picture not in self._near:
            self._near[picture] = self._store.measures(picture)
        return self._near[picture]


def prepare(
    folder: Path,
    pictures: Sequence[Path],
    settings: IndexSettings | None = None,
    *,
    progress: Callable[[str, int, int], None] = lambda step, done, total: None,
) -> UpdateReport:
    """Index the pictures of a bench, or bring its index up to date with them.

    Args:
        folder: of the bench.
        pictures: folders with pictures.
        settings: how the index is made.
        progress: told the name of a step, how much of it is done, and how much there is.

    Raises:
        InputError: a folder is not there, or the index cannot be used.
        OutputError: the index cannot be written.
    """
    return build(folder / INDEX, list(pictures), settings, progress=progress)
