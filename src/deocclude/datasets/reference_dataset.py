"""A reference data set on disk, opened: samples of hidden objects with references, for training and evaluation."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deocclude.datasets.reference_sample import SPLITS, ReferenceKind, ReferenceSample
from deocclude.datasets.reference_shards import AGAIN, SUFFIX, VERSION, Shard, open_shard
from deocclude.errors import InputError, some_of, unknown_choice
from deocclude.files import sha256

KIND = "deocclude reference data set"
MANIFEST = "manifest.json"
PLAN = "plan.json"


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of a sample without looking at its pictures; the names are those of :class:`ReferenceSample`.

    Attributes:
        shard: number of the opened shard.
        object: row of its object there.
        reference: number of its reference.
        photo_sha256: digest of the photo's file.
        reference_sha256: digest of the reference's file, or empty.
    """

    shard: int
    object: int
    reference: int
    key: str
    scene: str
    split: str
    category: str
    kind: ReferenceKind
    reference_key: str
    score: float
    alignment: float
    source: str
    licence: str
    photo_sha256: str
    reference_sha256: str


@dataclass(frozen=True, eq=False)
class ReferenceDataset(Sequence[ReferenceSample]):
    """An opened data set, or a part of one: a sequence of samples, one for each object and reference.

    The files are memory-mapped: opening costs what the headers take, and a sample is decoded when it is asked for
    (two milliseconds at 128 px).

    Attributes:
        folder: where it lies.
        manifest: its settings, counts and failures, as JSON values.
        rows: what is known of each sample.
        shards: the opened files.
    """

    folder: Path
    manifest: Mapping[str, Any] = field(repr=False)
    rows: tuple[Row, ...] = field(repr=False)
    shards: tuple[Shard, ...] = field(repr=False)

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.rows)

    def __getitem__(self, place: Any) -> Any:
        """Return a sample; for a slice the part of the data set.

        Raises:
            InputError: a picture is damaged.
        """
        if isinstance(place, slice):
            return self._part(self.rows[place])
        row = self.rows[place]
        return self.shards[row.shard].sample(row.object, row.reference)

    def __iter__(self) -> Iterator[ReferenceSample]:
        """Yield all samples."""
        return (self[place] for place in range(len(self)))

    @property
    def side(self) -> int:
        """Side of all pictures, pixels."""
        return int(self.manifest["settings"]["side"])

    def select(self, *, split: str | None = None, kinds: Collection[str] = ()) -> ReferenceDataset:
        """Return the samples of a split and of kinds of references; all where none is named.

        Raises:
            InputError: no such split or kind.
        """
        if split is not None and split not in SPLITS:
            raise unknown_choice("split", split, SPLITS)
        for kind in kinds:
            if kind not in tuple(ReferenceKind):
                raise unknown_choice("kind of reference", kind, tuple(ReferenceKind))
        wanted = [row for row in self.rows if split in (None, row.split) and (not kinds or row.kind in kinds)]
        return self._part(tuple(wanted))

    def _part(self, rows: tuple[Row, ...]) -> ReferenceDataset:
        return ReferenceDataset(self.folder, self.manifest, rows, self.shards)


def read_reference_dataset(folder: Path | str, *, check: bool = False) -> ReferenceDataset:
    """Open a data set that :func:`~deocclude.datasets.reference_building.build_reference_dataset` wrote.

    Args:
        folder: where it lies.
        check: read every file once and compare it with the digest in the manifest.

    Raises:
        InputError: none there, one that is not finished, of another version, with shards that are missing, cut off,
            altered or of another build, or one whose training references overlap its test objects.
    """
    folder = Path(folder)
    manifest = _read_manifest(folder)
    shards = tuple(_checked_shard(folder, record, manifest, check) for record in manifest["shards"])
    rows = tuple(row for number, shard in enumerate(shards) for row in _rows(number, shard))
    data = ReferenceDataset(folder, manifest, rows, shards)
    test = data.select(split="test")
    check_disjoint(ReferenceDataset(folder, manifest, tuple(r for r in rows if r.split != "test"), shards), test)
    return data


def check_disjoint(training: ReferenceDataset, test: ReferenceDataset) -> None:
    """Refuse training samples that show what is tested on, as object or as reference.

    Raises:
        InputError: photos of both, or scenes of both; the message lists them.
    """
    photos = {row.photo_sha256: row.key for row in test.rows}
    scenes = {row.scene for row in test.rows}
    shared = {photos[digest] for row in training.rows for digest in (row.photo_sha256, row.reference_sha256)
              if digest in photos}  # fmt: skip
    shared |= {row.key for row in training.rows if row.scene in scenes}
    if shared:
        raise overlap(training.folder, "training objects and references that show no test object", sorted(shared))


def overlap(folder: Path, expected: str, names: Sequence[str]) -> InputError:
    """Return the error for pictures on the wrong side of a split, which lists them."""
    hint = "take them out of one of the two"
    return InputError(expected, f"{len(names)} that do: {some_of(names)}", file=folder, hint=hint)


def shard_name(number: int) -> str:
    """Return the file name of a shard."""
    return f"shard-{number:05d}{SUFFIX}"


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        kind, version = content["kind"], content["version"]
        if version == VERSION:
            _ = int(content["settings"]["side"]), content["fingerprint"]
            _ = [(record["name"], record["bytes"], record["sha256"]) for record in content["shards"]]
    except (FileNotFoundError, NotADirectoryError):
        raise _unfinished(folder) from None
    except (ValueError, KeyError, TypeError):
        kind, version = "", 0
    if kind != KIND:
        hint = f"remove it and {AGAIN}"
        raise InputError("the manifest of a reference data set", "a damaged file", file=path, hint=hint)
    if version != VERSION:
        raise InputError(f"version {VERSION}", str(version), file=path, field="version",
                         hint="another release wrote it: build the data set again")  # fmt: skip
    return dict(content)


def _unfinished(folder: Path) -> InputError:
    if not (folder / PLAN).is_file():
        found = "a folder without one" if folder.is_dir() else "no such folder"
        return InputError("a reference data set", found, file=folder, hint="make one with 'deocclude build-dataset'")
    done = len(list(folder.glob(f"shard-*{SUFFIX}")))
    try:
        shards = json.loads((folder / PLAN).read_text(encoding="utf-8"))["shards"]
    except (ValueError, KeyError, TypeError):
        shards = "an unknown number of"
    return InputError("a finished reference data set", f"{done} of {shards} shards", file=folder, hint=AGAIN)


def _checked_shard(folder: Path, record: Mapping[str, Any], manifest: Mapping[str, Any], check: bool) -> Shard:
    path = folder / record["name"]
    if not path.is_file():
        raise InputError("all shards of the manifest", f"no {path.name}", file=folder, hint=AGAIN)
    shard = open_shard(path)
    if shard.header["fingerprint"] != manifest["fingerprint"]:
        found = f"one of another build ({shard.header['fingerprint']})"
        raise InputError(f"a shard of this data set ({manifest['fingerprint']})", found, file=path,
                         hint=f"remove it and {AGAIN}")  # fmt: skip
    if path.stat().st_size != record["bytes"] or (check and sha256(path) != record["sha256"]):
        raise InputError("the file that the manifest states", "one that was altered", file=path,
                         hint=f"remove it and {AGAIN}")  # fmt: skip
    return shard


def _rows(number: int, shard: Shard) -> Iterator[Row]:
    for place, item in enumerate(shard.objects):
        for position, reference in enumerate(item["references"]):
            yield Row(
                number, place, position, item["key"], item["scene"], item["split"], item["category"],
                ReferenceKind(reference["kind"]), reference["key"], reference["score"], reference["alignment"],
                reference["source"], reference["licence"], item["sha256"], reference["sha256"],
            )  # fmt: skip
