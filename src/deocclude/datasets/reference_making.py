"""Make a shard of a reference data set: hide its objects, ask the networks, lay the references over the photos."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from deocclude.content.align import AlignSettings
from deocclude.content.blend import NONE
from deocclude.content.overlay import StitchSettings, make_target, overlay
from deocclude.content.target import Target
from deocclude.crops import Square, cut, cut_colours, object_square, outside
from deocclude.datasets.content_trials import DonorError, Trial, make_trial
from deocclude.datasets.reference_objects import SourcePicture
from deocclude.datasets.reference_plan import BuildSettings, PlannedObject
from deocclude.datasets.reference_sample import ReferenceKind
from deocclude.datasets.reference_shards import StoredObject, StoredReference, encode_shard
from deocclude.datasets.whole_objects import fitted
from deocclude.errors import InputError
from deocclude.files import sha256, until_changed
from deocclude.geometry import Box, Size
from deocclude.images import RGBArray, read_photo
from deocclude.masks import BoolArray, Mask, dilate
from deocclude.references.credit import CREDITS, Credit, read_credits
from deocclude.references.features import Features, extract
from deocclude.references.index import Index
from deocclude.references.verify import verify
from deocclude.scene import Instance, Scene

AROUND = 1.5
"""A picture framed on the hole shows so many times its longer side."""
MIXED = 2
"""Pixels so near the occluder mix with it and are not looked at."""

DAMAGED = "photo is damaged"
DAMAGED_DONOR = "photo of an occluder is damaged"
SMALL = "too small in its photo"
NO_OCCLUDER = "nothing fits to hide it"
NO_REFERENCE = "no reference of any kind"
NOT_FOUND = "the index has no reference"
DAMAGED_REFERENCE = "reference is damaged"


@dataclass(frozen=True, eq=False)
class ShardJob:
    """A shard to be made, whole in itself: it can travel to another process or machine.

    Attributes:
        number: of the shard.
        objects: what it is to hold.
        settings: of the build.
        fingerprint: of the build.
        index: to search for references in, if any.
        credits: of reference files, by their digest, beside those that their folders state.
    """

    number: int
    objects: tuple[PlannedObject, ...]
    settings: BuildSettings
    fingerprint: str
    index: Path | None = None
    credits: Mapping[str, Credit] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Draft:
    """An object hidden, in the window of its trial: what PCNet-M adds, and what PCNet-C is to paint."""

    planned: PlannedObject
    trial: Trial
    whole: Mask
    amodal: Mask
    hole: Mask


class _LostError(Exception):
    """An object cannot be used; the text says why."""


def make_shard(job: ShardJob) -> bytes:
    """Return a shard as the bytes of its file; equal jobs give equal bytes, wherever they are done.

    Raises:
        InputError: weights or the index cannot be used. Photos that cannot are counted instead.
    """
    from deocclude.nets.threads import one_thread

    failures: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    drafts: list[_Draft] = []
    with one_thread():
        for planned in job.objects:
            try:
                drafts.append(_hidden(planned, job.settings))
            except _LostError as lost:
                failures[str(lost)] += 1
        objects = []
        for draft, painted in zip(drafts, _painted(drafts), strict=True):
            references = list(_references(draft, job, missing))
            if references:
                objects.append(_stored(draft, painted, references, job.settings))
            else:
                failures[NO_REFERENCE] += 1
    about = {
        "number": job.number,
        "fingerprint": job.fingerprint,
        "side": job.settings.side,
        "considered": len(job.objects),
        "failures": dict(sorted(failures.items())),
        "missing": dict(sorted(missing.items())),
    }
    return encode_shard(objects, about)


def _hidden(planned: PlannedObject, settings: BuildSettings) -> _Draft:
    """Return an object with an occluder laid over it, and the whole mask that PCNet-M makes of what is left."""
    from deocclude.amodal.pcnet_m import complete_by_network
    from deocclude.ordering.graph import OrderGraph

    item = planned.item
    try:
        _, target = item.whole.load()
        if target.area < 64 or min(target.box.width, target.box.height) < 4:
            raise _LostError(SMALL)
        trial = make_trial(item.whole, planned.donors, settings.trial, settings.seed)
    except DonorError as error:
        raise _LostError(f"{DAMAGED_DONOR}: {error.key}") from None
    except (InputError, OSError):
        raise _LostError(DAMAGED) from None
    if trial is None:
        raise _LostError(NO_OCCLUDER)
    scene = Scene(trial.target.size, (Instance(1, trial.modal), Instance(2, trial.occluder)))
    graph = OrderGraph.from_matrix(scene.ids, np.array([[0, -1], [1, 0]], np.int8))
    predicted = complete_by_network(scene, graph).masks[1]
    whole = trial.target if item.amodal is None else _in_window(fitted(item.amodal, target.size), target, trial)
    return _Draft(planned, trial, whole, predicted, (predicted | trial.target) & trial.occluder)


def _in_window(amodal: Mask, target: Mask, trial: Trial) -> Mask:
    """Return a mask of the photo in the window of the trial, which is placed by the object's own box."""
    corner = target.box.x0 - trial.target.box.x0, target.box.y0 - trial.target.box.y0
    return Mask.from_array(amodal.crop(trial.target.size.box.moved(*corner)))


def _painted(drafts: Sequence[_Draft]) -> list[RGBArray]:
    """Return the windows of all trials with their holes painted by PCNet-C, uint8 [h, w, 3]."""
    from deocclude.content.fill import hidden_patch
    from deocclude.content.pcnet_c import PCNetC, PCNetCSettings

    asked = [hidden_patch(draft.trial.rgb, draft.trial.modal, draft.hole, seed=draft.trial.seed,
                          occluders=draft.trial.occluder)[:2] for draft in drafts]  # fmt: skip
    answers = PCNetC(PCNetCSettings()).paint_many([patch for patch, _ in asked]) if asked else []
    found = []
    for draft, (patch, box), answer in zip(drafts, asked, answers, strict=True):
        rgb = draft.trial.rgb.copy()
        rgb[box.slices][patch.hole] = answer.rgb[patch.hole]
        found.append(rgb)
    return found


def _stored(
    draft: _Draft, painted: RGBArray, references: Sequence[StoredReference], settings: BuildSettings
) -> StoredObject:
    trial, item = draft.trial, draft.planned.item
    frame = frame_of(trial, settings)
    beyond = outside(trial.target.size, frame, settings.side)
    pictures = {"truth": trial.truth, "rgb": trial.rgb, "predicted": painted}
    masks = {"modal": trial.target, "amodal": draft.whole, "predicted_amodal": draft.amodal, "eraser": trial.occluder}
    facts = {
        "key": item.whole.key,
        "scene": item.scene,
        "split": draft.planned.split,
        "category": item.category,
        "sha256": _digest(item.whole.photo_path),
    }
    return StoredObject(
        facts,
        {name: framed(rgb, frame, settings.side, ~beyond) for name, rgb in pictures.items()},
        {"inside": ~beyond, **{name: cut(mask, frame, settings.side) for name, mask in masks.items()}},
        tuple(references),
    )


def frame_of(trial: Trial, settings: BuildSettings) -> Square:
    """Return the square of a trial's window that the pictures show; never smaller than they are."""
    box = trial.hole.box if settings.frame == "hole" else trial.target.box
    if settings.frame == "hole":
        side = float(max(settings.side, round(AROUND * max(box.width, box.height))))
    else:
        side = max(float(settings.side), object_square(box).side)
    return Square(float(round((box.x0 + box.x1 - side) / 2)), float(round((box.y0 + box.y1 - side) / 2)), side)


def framed(rgb: RGBArray, frame: Square, side: int, valid: BoolArray) -> RGBArray:
    """Return a square of a picture as uint8 [side, side, 3]; 0 where not ``valid``."""
    colours = np.clip(np.rint(255 * cut_colours(rgb, frame, side)), 0, 255).astype(np.uint8)
    return np.where(valid[..., None], colours, 0).astype(np.uint8)


def _references(draft: _Draft, job: ShardJob, missing: Counter[str]) -> Iterator[StoredReference]:
    """Yield the references of an object, laid over the window of its trial where that is possible."""
    planned = [(one.kind, one.picture) for one in draft.planned.references]
    found = [] if job.index is None else list(_searched(draft, job.index))
    if job.index is not None and not found:
        missing[NOT_FOUND] += 1
    target = _target(draft)
    frame = frame_of(draft.trial, job.settings)
    for kind, picture in [*found, *planned]:
        try:
            yield StoredReference(kind) if picture is None else _reference((draft, target), kind, picture, frame, job)
        except (InputError, OSError):
            missing[DAMAGED_REFERENCE] += 1


def _searched(draft: _Draft, index: Path) -> Iterator[tuple[ReferenceKind, SourcePicture]]:
    """Yield the best picture of an index that shows the same object, or else one with an object of its class."""
    from deocclude.references.query import query_object
    from deocclude.references.search import search

    trial, item = draft.trial, draft.planned.item
    opened = _index(index)
    scene = Scene(trial.target.size, (Instance(1, trial.modal, category=item.category), Instance(2, trial.occluder)))
    answer = search(opened, query_object(trial.rgb, scene, 1, settings=opened.manifest.features))
    own = _digest(item.whole.photo_path)
    others = [one for one in answer.ranked if one.hit.path.is_file() and _digest(one.hit.path) != own]
    for one in others:
        if one in answer.references:
            yield ReferenceKind.OTHER_PHOTO, SourcePicture(one.hit.path.name, one.hit.path, "", "")
            return
    for one in others:
        if item.category and one.hit.category == item.category:
            known, box = opened.picture(one.hit.segment, one.hit.row), one.hit.box
            part = box.x0 / known.width, box.y0 / known.height, box.x1 / known.width, box.y1 / known.height
            name = one.hit.path.name
            yield ReferenceKind.SAME_CLASS, SourcePicture(name, one.hit.path, "", "", item.category, part)
            return


def _target(draft: _Draft) -> Target:
    """Return the window of a trial as references are laid over it: pixels that mix with the occluder are unknown."""
    hole = draft.hole.to_array()
    usable = ~dilate(draft.trial.occluder, MIXED).to_array()
    return make_target(draft.trial.rgb, hole, usable)


def _reference(
    asked: tuple[_Draft, Target], kind: ReferenceKind, picture: SourcePicture, frame: Square, job: ShardJob
) -> StoredReference:
    """Return a reference as it is stored.

    Raises:
        InputError: the picture cannot be read.
    """
    draft, target = asked
    side, rgb = job.settings.side, _picture(picture.path)
    features = _features(picture.path)
    verdict = verify(target.features, features)
    aligned = aligned_valid = None
    confidence = 0.0
    if job.settings.align and verdict.accepted:
        laid, valid, confidence = lay_over(draft.trial.rgb, target, (rgb, features), job.settings.ways)
        aligned_valid = cut(Mask.from_array(valid), frame, side)
        aligned = framed(laid, frame, side, aligned_valid)
    place = _place(picture, Size(*rgb.shape[:2]))
    shown = ~outside(Size(*rgb.shape[:2]), place, side)
    credit = _credit(picture, job.credits)
    return StoredReference(
        kind=kind,
        key=picture.key,
        score=verdict.probability,
        alignment=confidence,
        source=credit.page or credit.url or credit.provider or "",
        licence=credit.licence or "",
        sha256=_digest(picture.path),
        reference=framed(rgb, place, side, shown),
        reference_valid=shown,
        aligned=aligned if confidence else None,
        aligned_valid=aligned_valid if confidence else None,
    )


def lay_over(
    photo: RGBArray, target: Target, reference: tuple[RGBArray, Features], ways: int = 3
) -> tuple[RGBArray, BoolArray, float]:
    """Return a reference laid over the photo (uint8 [h, w, 3]), where it shows something, and how far to trust it.

    As :func:`deocclude.content.overlay.overlay` does it for a fill; the confidence is 0 where it cannot be done.
    """
    settings = StitchSettings(align=AlignSettings(most=ways))
    hole, known = Mask.from_array(target.hole), Mask.from_array(target.known)
    laid = overlay(photo, hole, known, [reference], settings, features=target.features)
    rgb, valid = np.zeros_like(photo), np.zeros(photo.shape[:2], bool)
    rgb[laid.window.box.slices] = np.clip(np.rint(laid.picture), 0, 255)
    valid[laid.window.box.slices] = laid.source != NONE
    return rgb, valid, float(laid.confidence) if valid.any() else 0.0


def _place(picture: SourcePicture, size: Size) -> Square:
    """Return the square of a reference that is shown: all of it, or its object with surroundings."""
    if picture.box == (0.0, 0.0, 1.0, 1.0):
        side = float(max(size))
        return Square((size.width - side) / 2, (size.height - side) / 2, side)
    x0, y0, x1, y1 = picture.box
    box = Box(*(round(share * full) for share, full in zip((x0, y0, x1, y1), (*size[::-1], *size[::-1]), strict=True)))
    return object_square(size.box if box.empty else box)


def _credit(picture: SourcePicture, stated: Mapping[str, Credit]) -> Credit:
    if picture.credit is not None:
        return picture.credit
    file = picture.path.parent / CREDITS
    beside = _credits(file) if file.is_file() else {}
    return stated.get(_digest(picture.path)) or beside.get(picture.path.name, Credit())


@until_changed(4)  # large ones take tens of megabytes; what is dear to make is kept for longer: their features
def _picture(path: Path) -> RGBArray:
    return read_photo(path, convert=True).pixels


@until_changed(128)
def _features(path: Path) -> Features:
    return extract(_picture(path))


@until_changed(4096)
def _digest(path: Path) -> str:
    return sha256(path)


@until_changed(64)
def _credits(file: Path) -> Mapping[str, Credit]:
    return read_credits(file.parent)


@until_changed(2)
def _index(folder: Path) -> Index:
    return Index(folder)
