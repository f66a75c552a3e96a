"""Changing an index: build it, add and remove pictures, follow the collection.

Pictures are added in batches, each a segment of its own, and each is part of the index as soon as it is written. Small
segments are merged now and then. One process at a time may do this; others may read meanwhile.
"""

from __future__ import annotations

import os
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from deocclude.errors import InputError
from deocclude.references import batches
from deocclude.references.collection import find_masks, find_pictures, objects_digest, read_objects
from deocclude.references.entries import EntrySettings
from deocclude.references.extraction import Extracted, Job, Skipped, extract_files
from deocclude.references.features import FeatureSettings
from deocclude.references.index import Index
from deocclude.references.manifest import (
    SEGMENTS,
    Manifest,
    SegmentRecord,
    is_index,
    publish,
    read_manifest,
    sweep,
    vocabulary_file,
    writing,
)
from deocclude.references.plan import Known, Plan, make_plan
from deocclude.references.segment import Content, Picture, Place, Segment, write_segment
from deocclude.references.vocabulary import load_vocabulary
from deocclude.scene import Scene
from deocclude.stages import Progress, Stopwatch

FAN = 8
"""This many segments of like size are merged into one."""
BIGGEST = 8192
"""Segments with more pictures are merged no more."""


@dataclass(frozen=True)
class IndexSettings:
    """How an index is made.

    Attributes:
        vocabulary: vocabulary file for a new index; the bundled one when not given.
        features: how features are extracted; fixed once the index exists.
        entries: which parts of a picture are entries; fixed once the index exists.
        masks: annotation file with objects of the pictures; by default a JSON file right in the folder, if any.
        batch: pictures in a batch; what is lost at most when the process is killed.
        processes: pictures looked at at a time; -1 for one a core.
    """

    vocabulary: Path | None = None
    features: FeatureSettings = field(default_factory=FeatureSettings)
    entries: EntrySettings = field(default_factory=EntrySettings)
    masks: Path | None = None
    batch: int = 64
    processes: int = 1


@dataclass(frozen=True)
class UpdateReport:
    """What an update did.

    Attributes:
        pictures: pictures in the index afterwards.
        added: pictures looked at and added.
        removed: pictures that do not count any more (changed ones are added anew).
        moved: files that were renamed, (old, new); they were not looked at again.
        duplicates: files with the same content as another, (left out, indexed).
        skipped: files that could not be read.
        unchanged: files that were indexed already.
        seconds: wall time.
    """

    pictures: int
    added: int = 0
    removed: int = 0
    moved: tuple[tuple[Path, Path], ...] = ()
    duplicates: tuple[tuple[Path, Path], ...] = ()
    skipped: tuple[Skipped, ...] = ()
    unchanged: int = 0
    seconds: float = 0.0

    def as_plain(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "pictures": self.pictures,
            "added": self.added,
            "removed": self.removed,
            "unchanged": self.unchanged,
            "moved": [{"from": str(old), "to": str(new)} for old, new in self.moved],
            "duplicates": [{"path": str(copy), "of": str(original)} for copy, original in self.duplicates],
            "skipped": [{"path": str(one.path), "reason": one.reason} for one in self.skipped],
            "seconds": self.seconds,
        }


def _silent(step: str, done: int, total: int) -> None:
    """Tell nobody."""


def build(
    index: Path,
    folders: Sequence[Path],
    settings: IndexSettings | None = None,
    *,
    force: bool = False,
    progress: Progress = _silent,
) -> UpdateReport:
    """Make an index of the pictures in folders, or bring one up to date with them.

    Pictures whose files have gone are dropped, renamed ones are recognised by their content. An update that was
    interrupted is completed by the next one.

    Args:
        index: folder of the index.
        folders: folders with pictures (searched to any depth), or picture files.
        settings: how; vocabulary, features and entries matter for a new index only.
        force: forget what is in the index and make it anew.
        progress: see :data:`Progress`.

    Raises:
        InputError: a folder is not there, the index cannot be used, or another process changes it.
        OutputError: the index cannot be written.
    """
    return _update(index, folders, settings or IndexSettings(), _Mode(create=True, prune=True, force=force), progress)


def add(
    index: Path, paths: Sequence[Path], settings: IndexSettings | None = None, *, progress: Progress = _silent
) -> UpdateReport:
    """Add picture files, or all pictures below folders, to an index; nothing is dropped.

    Raises:
        InputError: a path is not there, no index, it cannot be used, or another process changes it.
        OutputError: the index cannot be written.
    """
    return _update(index, paths, settings or IndexSettings(), _Mode(), progress)


def remove(index: Path, paths: Iterable[Path]) -> UpdateReport:
    """Drop pictures, or all pictures below folders, from an index; their files may be gone already.

    Raises:
        InputError: a path that is not in the index, no index, or another process changes it.
        OutputError: the index cannot be written.
    """
    watch = Stopwatch()
    read_manifest(index)
    with writing(index):
        writer = _Writer(index, IndexSettings())
        known = list(writer.known())
        gone: set[Place] = set()
        for path in map(_absolute, paths):
            fitting = {item.place for item in known if path in (item.path, *item.path.parents)}
            if not fitting:
                raise InputError("a picture of the index, or a folder with some", "none of that name", file=path,
                                 hint="'deocclude index info --list' names them")  # fmt: skip
            gone |= fitting
        writer.drop(gone)
        writer.finish()
        return UpdateReport(writer.alive, removed=len(gone), seconds=watch.seconds)


@dataclass(frozen=True)
class _Mode:
    create: bool = False
    prune: bool = False
    force: bool = False


def _update(
    index: Path, paths: Sequence[Path], settings: IndexSettings, mode: _Mode, progress: Progress
) -> UpdateReport:
    watch = Stopwatch()
    files = find_pictures(map(_absolute, paths))
    objects = _objects(paths, files, settings)
    if not mode.create:
        read_manifest(index)
    with writing(index):
        if mode.force or not is_index(index):
            _start(index, settings)
        writer = _Writer(index, settings)
        count = len(files)
        plan = make_plan(
            writer.known(), files, objects, prune=mode.prune, progress=lambda done: progress("compared", done, count)
        )
        writer.rename(plan)
        writer.drop(plan.gone)
        skipped = writer.extend(plan, objects, progress)
        writer.finish()
        added = len(plan.fresh) - len(skipped)
        moved = tuple((writer.old_path(place), path) for place, path in plan.moved.items())
        return UpdateReport(
            writer.alive, added, len(plan.gone), moved, plan.duplicates, (*plan.skipped, *skipped), plan.unchanged,
            watch.seconds,
        )  # fmt: skip


def _objects(paths: Sequence[Path], files: Sequence[Path], settings: IndexSettings) -> dict[Path, Scene]:
    """Return the known objects by picture file; annotations that lie in a folder are about the pictures below it."""
    if settings.masks:
        return read_objects(settings.masks, files)
    found: dict[Path, Scene] = {}
    for folder in (_absolute(path) for path in paths if path.is_dir()):
        masks = find_masks(folder)
        if masks:
            found |= read_objects(masks, [file for file in files if file.is_relative_to(folder)])
    return found


def _start(index: Path, settings: IndexSettings) -> None:
    """Put an empty index in place of whatever is there."""
    vocabulary = load_vocabulary(settings.vocabulary)
    vocabulary.save(vocabulary_file(index, vocabulary.digest))
    publish(index, Manifest(vocabulary.digest, settings.features, settings.entries))


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100  (resolve() would follow links, which stay what users call them)


class _Writer:
    """An index under change; the lock is held by whoever makes one."""

    def __init__(self, folder: Path, settings: IndexSettings) -> None:
        self.folder, self.settings = folder, settings
        self.manifest = read_manifest(folder)
        sweep(folder, self.manifest)
        self.opened = Index(folder)
        self.vocabulary = self.opened.vocabulary

    @property
    def alive(self) -> int:
        return sum(record.alive for record in self.manifest.segments)

    def known(self) -> Iterator[Known]:
        for segment, row, picture in self.opened.pictures():
            yield Known((segment, row), _absolute(self.opened.path(picture)), picture)

    def old_path(self, place: Place) -> Path:
        return _absolute(self.opened.path(self.opened.picture(*place)))

    def name(self, path: Path) -> str:
        """Return the name of a file in the index: relative to the folder around it where it lies below that."""
        around = _absolute(self.folder).parent
        return path.relative_to(around).as_posix() if path.is_relative_to(around) else path.as_posix()

    def rename(self, plan: Plan) -> None:
        named: defaultdict[int, dict[str, str]] = defaultdict(dict)
        for (segment, row), path in plan.moved.items():
            named[segment][str(row)] = self.name(path)
        self._publish([
            replace(record, moved={**record.moved, **named[number]}) if number in named else record
            for number, record in enumerate(self.manifest.segments)
        ])  # fmt: skip

    def drop(self, places: Iterable[Place]) -> None:
        rows: defaultdict[int, list[int]] = defaultdict(list)
        for segment, row in places:
            rows[segment].append(row)
        self._publish([
            replace(record, removed=(*record.removed, *rows[number])) if number in rows else record
            for number, record in enumerate(self.manifest.segments)
        ])  # fmt: skip

    def extend(self, plan: Plan, objects: dict[Path, Scene], progress: Progress) -> list[Skipped]:
        """Look at the fresh files and add them, batch by batch; return those that cannot be read."""
        total, skipped = len(plan.fresh), list[Skipped]()
        vocabulary = vocabulary_file(self.folder, self.manifest.vocabulary)
        manifest = self.manifest
        jobs = (
            Job(file, objects.get(file.path), manifest.features, manifest.entries, vocabulary) for file in plan.fresh
        )
        batch: list[Extracted] = []
        results = extract_files(jobs, processes=self.settings.processes,
                                progress=lambda done: progress("indexed", done, total))  # fmt: skip
        for result in results:
            if isinstance(result, Skipped):
                skipped.append(result)
                continue
            batch.append(result)
            if len(batch) == self.settings.batch:
                self._append(batch, objects)
                batch = []
        self._append(batch, objects)
        return skipped

    def finish(self) -> None:
        """Write anew the segments that are mostly dead, and sweep."""
        while (dead := self._mostly_dead()) is not None:
            self._merge([dead])
        self._publish([record for record in self.manifest.segments if record.alive])
        sweep(self.folder, self.manifest)

    def _append(self, batch: Sequence[Extracted], objects: dict[Path, Scene]) -> None:
        if not batch:
            return

        def describe(found: Extracted) -> Picture:
            file, size = found.file, found.size
            digest = objects_digest(objects.get(file.path))
            return Picture(self.name(file.path), file.sha256, file.bytes, file.modified, *size, digest)

        record = self._write(batches.gather(batch, describe, self.vocabulary.rarity))
        self._publish([*self.manifest.segments, record])
        while (alike := self._alike()) is not None:
            self._merge(alike)

    def _mostly_dead(self) -> int | None:
        """Return the number of a segment of which less than half counts, if there is one; merging renumbers them."""
        dead = (k for k, one in enumerate(self.manifest.segments) if one.alive < one.pictures / 2)
        return next(dead, None)

    def _alike(self) -> list[int] | None:
        """Return :data:`FAN` segments of like size, if there are that many."""
        levels: dict[int, list[int]] = {}
        for number, record in enumerate(self.manifest.segments):
            if record.pictures <= BIGGEST // 2:
                levels.setdefault((record.pictures // self.settings.batch).bit_length() // 3, []).append(number)
        return next((numbers for numbers in levels.values() if len(numbers) >= FAN), None)

    def _merge(self, numbers: list[int]) -> None:
        """Replace segments by one with what counts of them, or by none where nothing does."""
        records = [self.manifest.segments[number] for number in numbers]
        segments = [Segment(self.folder / SEGMENTS / record.name) for record in records]
        dead = [frozenset(record.removed) for record in records]
        pictures = [
            picture._replace(path=record.moved.get(str(row), picture.path))
            for record, segment, gone in zip(records, segments, dead, strict=True)
            for row, picture in enumerate(segment.pictures())
            if row not in gone
        ]
        merged = (
            [self._write(batches.merge(segments, [record.removed for record in records], pictures))] if pictures else []
        )
        self._publish([record for record in self.manifest.segments if record not in records] + merged)
        sweep(self.folder, self.manifest)

    def _write(self, content: Content) -> SegmentRecord:
        name = f"{self.manifest.generation + 1:06d}-{uuid.uuid4().hex[:8]}"
        write_segment(self.folder / SEGMENTS / name, content)
        return SegmentRecord(name, len(content.pictures), len(content.entries))

    def _publish(self, records: Sequence[SegmentRecord]) -> None:
        if tuple(records) != self.manifest.segments:
            self.manifest = replace(self.manifest, segments=tuple(records), generation=self.manifest.generation + 1)
            publish(self.folder, self.manifest)
