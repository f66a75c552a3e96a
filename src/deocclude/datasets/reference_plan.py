"""What a reference data set will hold: which objects, hidden by what, with which references; in which shard.

The plan follows from the data and the settings alone, so a build that was interrupted finds its place again, and
several processes or machines build the same bytes as one.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from zlib import crc32

import numpy as np

from deocclude.datasets.content_trials import TrialSettings
from deocclude.datasets.drawn_occluders import drawn_occluders
from deocclude.datasets.reference_objects import SIBLINGS, Source, SourceObject, SourcePicture, middle, split_of
from deocclude.datasets.reference_sample import SPLITS, ReferenceKind
from deocclude.datasets.reference_shards import VERSION
from deocclude.datasets.whole_objects import WholeObject
from deocclude.errors import InputError, unknown_choice

Rng = np.random.Generator
DONORS = 16
"""So many things are at hand to hide an object; one that fits is picked among them."""
FRAMES = ("object", "hole")


@dataclass(frozen=True)
class BuildSettings:
    """What a reference data set is made like.

    Attributes:
        side: of all pictures, pixels.
        frame: what a picture shows: the ``object`` with its surroundings, as networks of the papers see it, or the
            ``hole`` with its surroundings, at the photo's own scale where it fits. Nothing is enlarged.
        kinds: of references to look for.
        views: most references of the same thing that an object gets.
        objects: most objects for training and validation together; all where not given.
        test_objects: most objects for testing; An et al. took 500.
        test_share: share of the scenes for testing, of data sets without masks.
        repeats: how often each object is hidden, each time otherwise.
        shard: objects in a shard: what is lost at most when the build is killed.
        trial: how much is hidden.
        align: lay references over the photo where that is possible; most of the time goes there.
        ways: maps of a reference that are pursued when it is laid over; 1 takes half the time of 3.
        seed: of all that is drawn at random.
    """

    side: int = 128
    frame: str = "object"
    kinds: tuple[str, ...] = tuple(map(str, ReferenceKind))
    views: int = 1
    objects: int | None = None
    test_objects: int = 500
    test_share: float = 0.25
    repeats: int = 1
    shard: int = 32
    trial: TrialSettings = field(default_factory=TrialSettings)
    align: bool = True
    ways: int = 3
    seed: int = 0

    def check(self) -> None:
        """Refuse settings that make no data set.

        Raises:
            InputError: an unknown frame or kind, or a number out of range.
        """
        if self.frame not in FRAMES:
            raise unknown_choice("frame", self.frame, FRAMES)
        for kind in self.kinds:
            if kind not in tuple(ReferenceKind):
                raise unknown_choice("kind of reference", kind, tuple(ReferenceKind))
        if not 16 <= self.side <= 1024:
            raise InputError("a side of 16 to 1024 px", str(self.side), field="side")
        least = {"views": 1, "repeats": 1, "shard": 1, "ways": 1, "objects": 0, "test_objects": 0, "seed": 0}
        for name, smallest in least.items():
            if (value := getattr(self, name)) is not None and value < smallest:
                raise InputError(f"{smallest} or more", str(value), field=name)
        if not 0 <= self.test_share <= 1:
            raise InputError("a share of 0 to 1", str(self.test_share), field="test_share")


@dataclass(frozen=True, eq=False)
class PlannedReference:
    """A reference that an object is to get; the picture is ``None`` for none."""

    kind: ReferenceKind
    picture: SourcePicture | None


@dataclass(frozen=True, eq=False)
class PlannedObject:
    """An object that is to be hidden.

    Attributes:
        item: the object.
        split: which one it belongs to.
        donors: things to hide it with.
        references: what it gets, besides what is found in an index.
        seed: of what is drawn at random.
    """

    item: SourceObject
    split: str
    donors: tuple[WholeObject, ...]
    references: tuple[PlannedReference, ...]
    seed: int


@dataclass(frozen=True, eq=False)
class Plan:
    """A data set to be built.

    Attributes:
        settings: how.
        shards: the objects of each shard.
        failures: objects that are left out already, by reason.
        considered: number of objects in the data, those left out included; chosen ones count once a repeat.
        fingerprint: hash of all that the files follow from.
    """

    settings: BuildSettings
    shards: tuple[tuple[PlannedObject, ...], ...]
    failures: Counter[str]
    considered: int
    fingerprint: str

    @property
    def objects(self) -> list[PlannedObject]:
        """All objects."""
        return [item for shard in self.shards for item in shard]


def make_plan(
    sources: Sequence[Source],
    settings: BuildSettings,
    made_with: Iterable[str] = (),
    *,
    donors: Sequence[Source] = (),
) -> Plan:
    """Return what is to be built.

    Args:
        sources: the data.
        settings: how.
        donors: data whose objects hide those of ``sources``; these themselves when there are none.
        made_with: what else the results follow from: digests of weights and of the index.

    Raises:
        InputError: settings that make no data set, or no object.
    """
    settings.check()
    failures = sum((source.failures for source in sources), Counter[str]())
    chosen = _chosen([item for source in sources for item in source.objects], settings)
    if not chosen:
        raise InputError("objects whose hidden part would be known", f"none ({_said(failures)})", field="DATA")
    pools = _Pools(sources, donors or sources, settings)
    planned = [pools.planned(item, split, repeat) for item, split, repeat in chosen]
    shards = tuple(tuple(planned[k : k + settings.shard]) for k in range(0, len(planned), settings.shard))
    return Plan(settings, shards, failures, len(planned) + failures.total(),
                _fingerprint(planned, settings, made_with))  # fmt: skip


def photos_to_test(plan: Plan) -> list[Path]:
    """Return the photos of the objects to test on."""
    return sorted({item.item.whole.photo_path for item in plan.objects if item.split == "test"})


def _chosen(items: Sequence[SourceObject], settings: BuildSettings) -> list[tuple[SourceObject, str, int]]:
    """Return objects with split and number of the repeat, in random order, no more of them than asked for."""
    ordered = sorted(items, key=lambda item: item.whole.key)
    order = np.random.default_rng(settings.seed).permutation(len(ordered))
    limits = {"test": settings.test_objects, "other": settings.objects}
    taken: Counter[str] = Counter()
    found = []
    for repeat in range(settings.repeats):
        for place in order:
            split = split_of(ordered[place], settings.test_share)
            group = "test" if split == "test" else "other"
            limit = limits[group]
            if limit is None or taken[group] < limit:
                taken[group] += 1
                found.append((ordered[place], split, repeat))
    return found


class _Pools:
    """Pictures and things to draw from, by split."""

    def __init__(self, sources: Sequence[Source], occluding: Sequence[Source], settings: BuildSettings) -> None:
        self.settings = settings
        self.pictures: dict[str, list[SourcePicture]] = {split: [] for split in SPLITS}
        self.scenes: dict[str, list[SourcePicture]] = defaultdict(list)
        self.classes: dict[tuple[str, str], list[SourcePicture]] = defaultdict(list)
        for picture in (picture for source in sources for picture in source.pictures):
            split = split_of(picture, settings.test_share)
            self.pictures[split].append(picture)
            self.scenes[picture.scene].append(picture)
            if picture.category:
                self.classes[split, picture.category].append(picture)
        objects = [item for source in occluding for item in source.objects if not item.whole.region]
        donors = {"test": [item.whole for item in objects if split_of(item) == "test"],
                  "train": [item.whole for item in objects if split_of(item) != "test"]}  # fmt: skip
        drawn: list[WholeObject] = [] if objects else list(drawn_occluders(4 * DONORS, settings.seed))
        either = donors["test"] or donors["train"] or drawn
        self.donors = {"test": either, "train": donors["train"] or either}

    def planned(self, item: SourceObject, split: str, repeat: int) -> PlannedObject:
        """Return an object with what it is hidden by and with its references."""
        key = item.whole.key + (f"~{repeat}" if repeat else "")
        rng = np.random.default_rng((self.settings.seed, crc32(key.encode())))
        mask = middle(item.whole.mask.size, key) if item.whole.region else item.whole.mask
        whole = replace(item.whole, key=key, mask=mask)
        able = self.donors["test" if split == "test" else "train"]
        donors = tuple(able[int(k)] for k in rng.integers(len(able), size=DONORS))
        references = tuple(self._references(item, split, rng))
        return PlannedObject(replace(item, whole=whole), split, donors, references, self.settings.seed)

    def _references(self, item: SourceObject, split: str, rng: Rng) -> Iterable[PlannedReference]:
        kinds = self.settings.kinds
        sibling = SIBLINGS.get(item.layout)
        if sibling in kinds and sibling is not None:
            others = [other for other in self.scenes[item.scene] if other.path != item.whole.photo_path]
            for k in rng.permutation(len(others))[: self.settings.views]:
                yield PlannedReference(sibling, others[int(k)])
        if ReferenceKind.SAME_CLASS in kinds and item.category:
            yield from self._drawn(ReferenceKind.SAME_CLASS, self.classes[split, item.category], item, rng)
        if ReferenceKind.UNRELATED in kinds:
            yield from self._drawn(ReferenceKind.UNRELATED, self.pictures[split], item, rng)
        if ReferenceKind.NONE in kinds:
            yield PlannedReference(ReferenceKind.NONE, None)

    def _drawn(
        self, kind: ReferenceKind, pool: Sequence[SourcePicture], item: SourceObject, rng: Rng
    ) -> Iterable[PlannedReference]:
        """Yield one picture of a pool that fits: of another scene, and not of the class if it is to be unrelated."""
        for k in rng.integers(len(pool), size=20) if pool else ():
            other = pool[int(k)]
            alike = bool(item.category) and other.category == item.category
            if other.scene != item.scene and alike == (kind == ReferenceKind.SAME_CLASS):
                yield PlannedReference(kind, other)
                return


def _fingerprint(planned: Sequence[PlannedObject], settings: BuildSettings, made_with: Iterable[str]) -> str:
    digest = hashlib.sha256(json.dumps([VERSION, asdict(settings), *made_with]).encode())
    for item in planned:
        keys = [reference.picture.key for reference in item.references if reference.picture]
        about = [item.item.whole.key, item.split, *keys, *(donor.key for donor in item.donors)]
        digest.update(json.dumps([*about, list(item.item.whole.mask.box), item.item.whole.mask.area]).encode())
    return digest.hexdigest()[:16]


def _said(failures: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in failures.most_common()) or "the data hold none"
