"""Whole shapes by the mask network PCNet-M, grown under the objects in front.

Zhan et al., "Self-Supervised Scene De-occlusion", CVPR 2020, section 3.3. :func:`complete_as_published` is the
published procedure, where the thresholded answer of the network is the whole shape. :func:`complete_by_network` keeps
every visible pixel as it is, lets the object grow only where something in front can hide it, and looks further where
the answer reaches the end of the patch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deocclude.amodal.result import AmodalMasks, ShapeProbability
from deocclude.crops import cut, object_square, paste, reference_square
from deocclude.errors import InputError
from deocclude.geometry import Box
from deocclude.images import Photo
from deocclude.masks import BoolArray, Mask, centre_hull, union
from deocclude.nets.completer import MaskCompleter, Patches, Question, bundled
from deocclude.ordering.graph import OrderGraph
from deocclude.scene import Scene
from deocclude.stages import StageRecord, Stopwatch

METHOD = "pcnet-m"
BORDER_CERTAINTY, BORDER_PIXELS = 0.8, 4
"""A shape goes on beyond its patch if so many pixels of one side belong to it with such a probability."""


@dataclass(frozen=True)
class PublishedSettings:
    """The published procedure.

    Attributes:
        size: side of the patches, pixels.
        threshold: probability above which a pixel is the object's.
    """

    size: int = 256
    threshold: float = 0.2


@dataclass(frozen=True)
class CompletionSettings:
    """How shapes are grown.

    Attributes:
        threshold: probability above which a pixel is the object's; chosen on composites of held-out masks.
        hull_weight: share of the convex hull (1 inside, 0 outside) in the probability; the network has the rest.
        views: 1 asks once, 2 and 4 average mirrored patches.
        rim: how far the object may grow beyond the masks in front of it, pixels of the patch.
        enlarge: the square is made this many times larger where the answer reaches its border.
        enlargements: how often at most.
        largest_hole: holes up to this share of the visible area are closed where something in front covers them.
        unseen_threshold: probability above which a pixel is the object's where no mask shows what hides it; 1 lets
            objects grow only under the masks in front of them.
        unseen_width: what grows there and is thinner than this is left out, pixels of the patch.
    """

    threshold: float = 0.4
    hull_weight: float = 0.2
    views: int = 1
    rim: float = 2.0
    enlarge: float = 1.5
    enlargements: int = 2
    largest_hole: float = 0.005
    unseen_threshold: float = 1.0
    unseen_width: float = 6.0


LOOKING = CompletionSettings(unseen_threshold=0.4)
"""For a network that sees the photo; the threshold was chosen on composites of held-out photos."""

Hiders = Callable[[OrderGraph, int], Sequence[int]]
"""(graph, object id) -> the ids of the objects whose visible masks can hide it."""


def ancestors(graph: OrderGraph, identity: int) -> Sequence[int]:
    """Return the objects in front of an object, directly or over others."""
    return graph.ancestors(identity)


def neighbours(graph: OrderGraph, identity: int) -> Sequence[int]:
    """Return the objects directly in front of an object or behind it ("not ordering-grounded")."""
    pairs = ((edge.front, edge.behind) for edge in graph.edges)
    return sorted({other for pair in pairs if identity in pair for other in pair} - {identity})


HIDERS: dict[str, Hiders] = {"ancestors": ancestors, "neighbours": neighbours}


def complete_as_published(
    scene: Scene,
    graph: OrderGraph,
    photo: Photo | None = None,
    *,
    hiders: Hiders = ancestors,
    completer: MaskCompleter | None = None,
    settings: PublishedSettings | None = None,
) -> AmodalMasks:
    """Complete every object exactly as the released code does.

    Nothing is done to the answer: the shape may lose visible pixels, grow where nothing is in front, and objects with
    nothing in front of them change too. An object without a visible pixel keeps an empty shape.

    Args:
        scene: objects with disjoint visible masks.
        graph: who hides whom.
        photo: not looked at; here because every amodal method takes it.
        hiders: which objects can hide an object.
        completer: the network; the bundled one by default.
        settings: patch size and threshold.

    Raises:
        InputError: no usable weights.
    """
    watch = Stopwatch()
    settings, completer = settings or PublishedSettings(), completer or bundled()
    present = [item for item in scene.instances if item.modal]
    questions = [
        Question(item.modal, _union_of(scene, hiders(graph, item.id)), reference_square(item.modal.box))
        for item in present
    ]
    _, answers = completer.answer(questions, size=settings.size, resampling="linear")
    masks = {item.id: item.modal for item in scene.instances}
    for item, question, answer in zip(present, questions, answers, strict=True):
        patch = (answer > settings.threshold).astype(np.float32)
        box = question.square.box
        masks[item.id] = Mask.from_crop(paste(patch, question.square, box) > 0.5, box[:2], scene.size)
    unseen = [item.id for item in scene.instances if not item.modal]
    notes = tuple(f"object {identity} left empty: nothing of it is visible" for identity in unseen)
    return AmodalMasks(masks, StageRecord(METHOD, asdict(settings), watch.seconds, notes=notes))


def complete_by_network(
    scene: Scene,
    graph: OrderGraph,
    photo: Photo | None = None,
    *,
    hiders: Hiders = ancestors,
    completer: MaskCompleter | None = None,
    looker: MaskCompleter | None = None,
    settings: CompletionSettings | None = None,
) -> AmodalMasks:
    """Complete every object that something lies in front of; all others are as they are seen.

    The whole shape is the visible mask and what the network adds inside the visible masks of the objects in front,
    grown by a rim. Outlines that are seen are kept to the pixel; hidden ones are cut from the enlarged probability.
    With ``unseen_threshold`` below 1, things that no mask shows may hide every object too: it then also grows where
    no object is seen.

    Args:
        scene: objects with disjoint visible masks.
        graph: who hides whom.
        photo: what ``looker`` looks at; not needed without one.
        hiders: which objects can hide an object.
        completer: the network; the bundled one by default.
        looker: a network that sees the photo too, and is asked instead where no mask shows what may hide an object.
        settings: thresholds and sizes.

    Raises:
        InputError: no usable weights, or no photo for ``looker``.
    """
    watch = Stopwatch()
    settings = settings or CompletionSettings()
    if looker is not None and photo is None:
        raise InputError("the photo", "none", field="photo", hint=f"{METHOD!r} needs masks only")
    completer = completer or bundled(views=settings.views)
    covers = {item.id: _union_of(scene, hiders(graph, item.id)) for item in scene.instances if item.modal}
    able = looker is not None or completer.knows_unknown
    objects = union(scene.modal, scene.size) if settings.unseen_threshold < 1 and able else None
    asked = [item for item in scene.instances if item.modal and (objects is not None or covers[item.id])]
    questions = [Question(item.modal, covers[item.id], object_square(item.modal.box), objects) for item in asked]
    asker = _Asker(completer, settings, looker, None if photo is None else photo.pixels)
    found = _answers(questions, asker, settings)
    masks = {item.id: item.modal for item in scene.instances}
    for item, question, answer in zip(asked, questions, found, strict=True):
        others = (other.modal for other in scene.instances if other.id != item.id)
        masks[item.id] = grow(question, answer, others, settings)
    probability = {item.id: answer for item, answer in zip(asked, found, strict=True)}
    return AmodalMasks(masks, StageRecord(METHOD, asdict(settings), watch.seconds), probability)


def grow(question: Question, answer: ShapeProbability, others: Iterable[Mask], settings: CompletionSettings) -> Mask:
    """Return the visible mask and the probable pixels next to it that something in front can hide.

    Args:
        question: the visible mask, the mask of what lies in front, and that of all objects if more may be hidden.
        answer: what the network said.
        others: the visible masks of all other objects; where one is seen that is not in front, nothing is hidden.
        settings: threshold, rim, holes.
    """
    modal, size = question.target, question.target.size
    square = answer.square
    box = square.box.clip(size).join(modal.box)
    seen, free = modal.crop(box), _reachable(question.eraser, box, settings.rim * square.side / len(answer.patch))
    for other in others:
        if not (common := other.box.intersect(box)).empty:
            free[common.window(box)] &= ~other.crop(common) | question.eraser.crop(common)
    probability = answer.crop(box)
    whole = seen | (free & (probability > settings.threshold))
    if question.objects is not None:
        more = ~question.objects.crop(box) & (probability > settings.unseen_threshold)
        whole |= _wide_parts(more, settings.unseen_width * square.side / len(answer.patch))
    whole = _touching(whole, seen)
    whole |= _small_holes(whole, free, settings.largest_hole * modal.area)
    return Mask.from_crop(whole, box[:2], size)


def _union_of(scene: Scene, ids: Sequence[int]) -> Mask:
    return union((scene[identity].modal for identity in ids), scene.size)


@dataclass(frozen=True)
class _Asker:
    """Asks what the masks in front hide, and, where none of them is, what may be hidden by something else."""

    completer: MaskCompleter
    settings: CompletionSettings
    looker: MaskCompleter | None
    photo: NDArray[np.uint8] | None

    def ask(self, questions: Sequence[Question]) -> tuple[Patches, NDArray[np.float32]]:
        patches, known = self.completer.answer([replace(item, objects=None) for item in questions])
        if all(item.objects is None for item in questions):
            return patches, known
        if self.looker is not None:
            patches, answers = self.looker.answer(questions, photo=self.photo)
        else:
            patches, answers = self.completer.answer(questions)
        for row, eraser in enumerate(patches.eraser):
            near = _within(eraser, self.settings.rim)
            answers[row][near] = known[row][near]
        return patches, answers


def _answers(questions: Sequence[Question], asker: _Asker, settings: CompletionSettings) -> list[ShapeProbability]:
    """Ask all questions at once, and those whose answer reaches the end of the patch again in a larger square."""
    found: dict[int, ShapeProbability] = {}
    asked = dict(enumerate(questions))
    hulls = [centre_hull(item.target) for item in questions]
    for _ in range(settings.enlargements + 1):
        patches, answers = asker.ask(list(asked.values()))
        cut_off = _reach_border(patches, answers)
        for (k, item), answer in zip(asked.items(), answers, strict=True):
            hull = cut(hulls[k], item.square, asker.completer.size)
            mixed = (1 - settings.hull_weight) * answer + settings.hull_weight * hull
            found[k] = ShapeProbability(item.square, mixed.astype(np.float16))
        asked = {
            k: replace(item, square=item.square.grow(settings.enlarge))
            for (k, item), more in zip(asked.items(), cut_off.tolist(), strict=True)
            if more
        }
        if not asked:
            break
    return [found[k] for k in range(len(questions))]


def _reach_border(patches: Patches, answers: NDArray[np.float32]) -> BoolArray:
    """Return bool [n]: a shape surely runs into the border of its patch, and that is not the photo's."""
    grown = (answers > BORDER_CERTAINTY) & (patches.eraser | patches.unknown) & ~patches.outside
    sides = np.stack([grown[:, 0], grown[:, -1], grown[:, :, 0], grown[:, :, -1]], 1)
    return np.asarray((sides.sum(2) >= BORDER_PIXELS).any(1))


def _reachable(eraser: Mask, box: Box, radius: float) -> BoolArray:
    """Return the pixels of ``box`` within ``radius`` of the eraser."""
    around = box.grow(int(radius) + 1)
    return _within(eraser.crop(around), radius)[box.window(around)]


def _within(mask: BoolArray, radius: float) -> BoolArray:
    """Return the pixels within ``radius`` of ``mask``."""
    import cv2

    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray((distance <= radius) & mask.any())


def _wide_parts(mask: BoolArray, width: float) -> BoolArray:
    """Return ``mask`` without what is thinner than ``width`` (a seam along an outline), by a disc that must fit in."""
    inner = ~_within(~np.pad(mask, 1), width / 2)[1:-1, 1:-1]
    return mask & _within(inner, width)


def _touching(whole: BoolArray, seen: BoolArray) -> BoolArray:
    """Return the components of ``whole`` (8-neighbourhood) that hold a pixel of ``seen``."""
    import cv2

    count, labels = cv2.connectedComponents(whole.astype(np.uint8), connectivity=8)
    kept = np.zeros(count, bool)
    kept[labels[seen]] = True
    kept[0] = False
    return np.asarray(kept[labels])


def _small_holes(whole: BoolArray, free: BoolArray, largest: float) -> BoolArray:
    """Return the holes of ``whole`` (4-neighbourhood) that lie in ``free`` and have at most ``largest`` pixels."""
    import cv2

    count, labels, stats, _ = cv2.connectedComponentsWithStats((~whole).astype(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] <= largest
    small[0] = False
    small[labels[~free & ~whole]] = False
    small[np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])] = False
    return np.asarray(small[labels]) if count > 1 else np.zeros_like(whole)
