"""The index of a collection of pictures, for reading: shortlists of the pictures that look like a query.

An index is a folder: ``index.json`` (what counts), ``segments/`` (the pictures, in batches) and the vocabulary. Opening
maps files into memory and reads next to nothing; what was opened stays readable while another process adds
pictures.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from deocclude.errors import InputError
from deocclude.geometry import Box
from deocclude.references import colour
from deocclude.references.details import Details
from deocclude.references.entries import Kind
from deocclude.references.features import Features
from deocclude.references.manifest import DAMAGED, SEGMENTS, Manifest, read_manifest, vocabulary_file
from deocclude.references.postings import query_vector
from deocclude.references.query import Query
from deocclude.references.segment import Picture, Segment
from deocclude.references.vocabulary import Vocabulary, load_vocabulary

PART_SHARE = 1.2
"""Factor on the score of a patch or object against that of the whole picture."""
CONSIDERED = 2000
"""Entries, best by words, whose colours are compared."""
_TRIES = 20
_KEPT = 4096


@dataclass(frozen=True)
class Ranking:
    """How likeness of words and of colours make one score: both raised to these powers and multiplied.

    Measured on UKBench: with colours to the power of 0, 1 and 2, 63, 83 and 88 % of crops of an eighth of a picture
    find another view first.

    Attributes:
        words: exponent of the cosine of the visual words; with 0 all entries are compared by their colours.
        colours: exponent of the likeness of the colours.
    """

    words: float = 1.0
    colours: float = 2.0


BOTH = Ranking()
WORDS = Ranking(words=1.0, colours=0.0)


@dataclass(frozen=True)
class Hit:
    """A picture of the index that looks like the query.

    Attributes:
        path: the file.
        box: the part that looks most like it: the whole picture, an object or a patch.
        words: cosine of the visual words, 0..1.
        colours: likeness of the colours, 0..1.
        score: both together; what hits are ranked by.
        category: class name of the part, or empty.
        kind: what the part is.
        segment: where the index holds it: number of the segment,
        row: and row in it.
    """

    path: Path
    box: Box
    words: float
    colours: float
    score: float
    category: str
    kind: Kind
    segment: int
    row: int


@dataclass(frozen=True, eq=False)
class _Look:
    """What segments are searched for: cosines of all entries, a colour signature, a category, and how both count."""

    cosines: Sequence[NDArray[np.float32]]
    colours: NDArray[np.uint8]
    category: str
    ranking: Ranking


class Index:
    """An index that is open for reading; a snapshot that later changes do not touch."""

    def __init__(self, folder: Path | str) -> None:
        """Open an index.

        Raises:
            InputError: there is none, it is damaged, of another version, or its vocabulary does not fit.
        """
        self.folder = Path(folder)
        self.manifest, self.segments = _opened(self.folder)
        self._dead = [np.array(record.removed, np.int64) for record in self.manifest.segments]
        self._words: WeakKeyDictionary[Query, NDArray[np.int64]] = WeakKeyDictionary()
        self._details: WeakKeyDictionary[Query, Details] = WeakKeyDictionary()
        self._cosines: WeakKeyDictionary[Query, list[NDArray[np.float32]]] = WeakKeyDictionary()
        self._near: dict[tuple[int, int, int, Ranking], list[Hit]] = {}

    def __len__(self) -> int:
        """Number of pictures."""
        return sum(record.alive for record in self.manifest.segments)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary of the index.

        Raises:
            InputError: the file is missing, damaged, or not the one the index was made with.
        """
        path = vocabulary_file(self.folder, self.manifest.vocabulary)
        vocabulary = load_vocabulary(path)
        if vocabulary.digest != self.manifest.vocabulary:
            hint = "put the right file there, or build the index again with 'deocclude index build --force'"
            raise InputError(f"the vocabulary {self.manifest.vocabulary[:8]} that the index was made with",
                             f"another ({vocabulary.digest[:8]})", file=path, hint=hint)  # fmt: skip
        return vocabulary

    def pictures(self) -> Iterator[tuple[int, int, Picture]]:
        """Yield segment, row and picture for all pictures, with the paths that they have now."""
        for number, (segment, record) in enumerate(zip(self.segments, self.manifest.segments, strict=True)):
            gone = set(record.removed)
            for row in range(len(segment)):
                if row not in gone:
                    yield number, row, self.picture(number, row)

    def facts(self) -> dict[str, Any]:
        """Return what there is to say about the index, as JSON values."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        kinds = np.concatenate([segment.entries["kind"] for segment in self.segments] or [np.zeros(0, np.uint8)])
        return {
            "pictures": len(self),
            "entries": {kind.name.lower(): int(np.count_nonzero(kinds == kind)) for kind in Kind},
            "key points": sum(len(segment.key_words) for segment in self.segments),
            "categories": sorted({name for segment in self.segments for name in segment.categories}),
            "words": len(self.vocabulary),
            "segments": len(self.segments),
            "generation": self.manifest.generation,
            "megabytes": round(sum(path.stat().st_size for path in files) / 1e6, 1),
        }

    def picture(self, segment: int, row: int) -> Picture:
        """Return what is known of a picture, with the path that it has now."""
        picture = self.segments[segment].picture(row)
        path = self.manifest.segments[segment].moved.get(str(row))
        return picture if path is None else picture._replace(path=path)

    def path(self, picture: Picture) -> Path:
        """Return the file of a picture."""
        return self.folder.parent / picture.path  # an absolute path stays as it is

    def features(self, hit: Hit) -> Features:
        """Return the stored local features of the picture of a hit."""
        return self.segments[hit.segment].features(hit.row)

    def colours(self, hit: Hit) -> NDArray[np.uint8]:
        """Return the colour signature of the whole picture of a hit."""
        segment = self.segments[hit.segment]
        whole = int(np.searchsorted(segment.entries["picture"], hit.row))  # each picture's first entry
        return np.asarray(segment.colours[whole])

    def query(
        self,
        views: Query | Sequence[Query],
        top: int = 20,
        ranking: Ranking = BOTH,
        *,
        without: Collection[Path] = (),
    ) -> list[Hit]:
        """Return the pictures that look most like a query, the best first; none of them is verified.

        Args:
            views: the query, or several views of one object.
            top: most hits.
            ranking: what they are ranked by.
            without: pictures that are not to be found, the query itself for one.

        Returns:
            Hits of different pictures. Where the query's category is known, pictures with an object of that
            category come first.
        """
        asked = [views] if isinstance(views, Query) else list(views)
        best: dict[tuple[int, int], Hit] = {}
        for view in asked:
            look = _Look(self._likeness(view), view.colours, view.category, ranking)
            for hit in self._search(look, max(top, 1) + len(without)):
                place = hit.segment, hit.row
                if place not in best or hit.score > best[place].score:
                    best[place] = hit
        category = next((view.category for view in asked if view.category), "")
        ranked = sorted(
            (hit for hit in best.values() if hit.path not in without),
            key=lambda hit: (not category or hit.category != category, -hit.score, str(hit.path)),
        )
        return ranked[:top]

    def neighbours(self, hit: Hit, top: int = 10, ranking: Ranking = BOTH) -> list[Hit]:
        """Return the pictures that look most like one of the index, itself left out; recent answers are kept."""
        key = hit.segment, hit.row, top, ranking
        if key not in self._near:
            vector = query_vector(self.segments[hit.segment].words(hit.row).astype(np.int64), self.vocabulary.rarity)
            found = self._search(_Look(self._compared(vector), self.colours(hit), "", ranking), top + 1)
            others = [one for one in found if (one.segment, one.row) != (hit.segment, hit.row)]
            if len(self._near) >= _KEPT:
                self._near.clear()
            self._near[key] = sorted(others, key=lambda one: (-one.score, str(one.path)))[:top]
        return list(self._near[key])

    def by_details(self, views: Sequence[Query], top: int = 20, *, without: Collection[Path] = ()) -> list[Hit]:
        """Return the pictures that share most details with views of one object, the best first of each in turns.

        Args:
            views: the query, or several views of one object.
            top: most hits.
            without: pictures that are not to be found.
        """
        lists = ([(view, place) for place in self.details(view).ranked(self._dead)[: top + len(without)]]
                 for view in views)  # fmt: skip
        hits: dict[tuple[int, int], Hit] = {}
        for view, place in filter(None, chain.from_iterable(zip_longest(*lists))):
            if place not in hits and self.path(self.picture(*place)) not in without:
                hits[place] = self._shown(view, *place)
        return list(hits.values())[:top]

    def details(self, view: Query) -> Details:
        """Return the details that pictures share with a query; kept as long as the query is."""
        if view not in self._details:
            self._details[view] = Details(self.segments, view.features, self.vocabulary, self._assigned(view))
        return self._details[view]

    def _assigned(self, view: Query) -> NDArray[np.int64]:
        """Return the nearest word of each key point of a query, int64 [n]; kept as long as the query is."""
        if view not in self._words:
            self._words[view] = self.vocabulary.assign(view.features.descriptors)
        return self._words[view]

    def _shown(self, view: Query, segment: int, row: int) -> Hit:
        """Return a picture with the part whose words look most like a query's."""
        held = self.segments[segment]
        start, end = np.searchsorted(held.entries["picture"], [row, row + 1])
        entries = np.arange(start, end)
        cosines = self._likeness(view)[segment][entries]
        scores = cosines * _part_weights(held.entries[entries])
        likeness = colour.similarity(view.colours, held.colours[entries])
        best = int(np.argmax(scores))
        return self._hit(segment, row, int(entries[best]), (cosines[best], likeness[best], scores[best]))

    def _likeness(self, view: Query) -> list[NDArray[np.float32]]:
        """Return the cosine of a query with each entry, by segment; kept as long as the query is."""
        if view not in self._cosines:
            self._cosines[view] = self._compared(query_vector(self._assigned(view), self.vocabulary.rarity))
        return self._cosines[view]

    def _compared(self, vector: tuple[NDArray[np.int64], NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        return [segment.postings.score(*vector, len(segment.entries)) for segment in self.segments]

    def _search(self, look: _Look, top: int) -> list[Hit]:
        """Return the best ``top`` pictures of each segment."""
        hits: list[Hit] = []
        for number, segment in enumerate(self.segments):
            hits += self._best_of(number, segment, look, top)
        return hits

    def _best_of(self, number: int, segment: Segment, look: _Look, top: int) -> Iterator[Hit]:
        """Yield the best ``top`` pictures of a segment, and as many of the query's category."""
        cosines = look.cosines[number]
        count = min(CONSIDERED, len(cosines)) if look.ranking.words else len(cosines)
        entries = np.argpartition(-cosines, count - 1)[:count] if count else np.zeros(0, np.int64)
        table = segment.entries[entries]
        alive = ~np.isin(table["picture"], self._dead[number])
        entries, table = entries[alive], table[alive]
        likeness = colour.similarity(look.colours, segment.colours[entries])
        scores = cosines[entries] ** look.ranking.words * likeness**look.ranking.colours * _part_weights(table)
        order = np.argsort(-scores, kind="stable")
        groups = [order]
        if look.category in segment.categories:
            same = table["category"] == segment.categories.index(look.category)
            groups.insert(0, order[same[order]])
        seen: set[int] = set()
        for group in groups:
            fresh = 0
            for place in group:
                row = int(table["picture"][place])
                if fresh >= top:
                    break
                if row in seen:
                    continue
                seen.add(row)
                fresh += 1
                yield self._hit(number, row, int(entries[place]), (cosines[entries[place]], likeness[place],
                                                                   scores[place]))  # fmt: skip

    def _hit(self, number: int, row: int, entry: int, values: tuple[float, float, float]) -> Hit:
        segment = self.segments[number]
        cosine, likeness, score = (float(value) for value in values)
        return Hit(
            self.path(self.picture(number, row)), segment.box(entry), cosine, likeness, score,
            segment.category(entry), Kind(int(segment.entries[entry]["kind"])), number, row,
        )  # fmt: skip


def _part_weights(table: NDArray[Any]) -> NDArray[np.float64]:
    """Return by how much the scores of entries are raised."""
    return np.where(table["kind"] == Kind.PICTURE, 1.0, PART_SHARE)


def _opened(folder: Path) -> tuple[Manifest, list[Segment]]:
    """Return table of contents and segments; once more if a writer replaced them in between."""
    for _ in range(_TRIES):
        manifest = read_manifest(folder)
        try:
            return manifest, [Segment(folder / SEGMENTS / record.name) for record in manifest.segments]
        except (InputError, FileNotFoundError) as error:
            if read_manifest(folder).generation == manifest.generation:
                if isinstance(error, InputError):
                    raise
                raise _gone(folder) from None
    raise _gone(folder)


def _gone(folder: Path) -> InputError:
    return InputError("an index with all its segments", "one with segments missing", file=folder, hint=DAMAGED)
