"""Order by dual completion: of two neighbours, the one that the mask network lets grow under the other lies behind.

Zhan et al., "Self-Supervised Scene De-occlusion", CVPR 2020, section 3.2. :func:`order_by_growth` is the published
rule, one hard count a direction. :func:`order_by_completion` asks all pairs of a scene at once, and weighs growth with
a few other cues (:mod:`deocclude.ordering.pair_model`) into a probability for each direction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from deocclude.adjacency import are_near, touching_pairs
from deocclude.crops import object_square, reference_square
from deocclude.images import Photo
from deocclude.masks import Mask, centre_hull
from deocclude.nets.completer import MaskCompleter, Question, bundled
from deocclude.ordering import pair_model
from deocclude.ordering.cues import distance, edge_cues
from deocclude.ordering.pair_model import PairMeasures, PairModel, SideMeasures
from deocclude.ordering.pairs import PairwiseOrder
from deocclude.repair import close_slits
from deocclude.scene import Scene
from deocclude.stages import StageRecord, Stopwatch

METHOD = "pcnet-m"
SPECK = 3.0
"""A free pixel lies right between two masks if its distances to them (pixel centres) add up to no more."""


@dataclass(frozen=True)
class ReferenceSettings:
    """The published protocol.

    Attributes:
        size: side of the patches, pixels.
        threshold: probability above which a pixel counts as the object's.
    """

    size: int = 256
    threshold: float = 0.1


@dataclass(frozen=True)
class CompletionOrderSettings:
    """How pairs are found and measured.

    Attributes:
        radius: masks within this many pixels of each other are neighbours.
        radius_share: the same as a share of the root of the photo's area; the larger of the two counts.
        views: 1 asks the network once, 2 and 4 average mirrored patches.
    """

    radius: int = 8
    radius_share: float = 0.006
    views: int = 1


def order_by_growth(
    scene: Scene,
    photo: Photo | None = None,
    *,
    completer: MaskCompleter | None = None,
    settings: ReferenceSettings | None = None,
) -> PairwiseOrder:
    """Order touching pairs by the published rule.

    Two masks touch if one step through 4-neighbours leads from one to the other. In the square of each of the two,
    resized without interpolation, the network completes it with the other as eraser. Whichever gains more pixels
    inside the eraser, converted to pixels of the photo, lies behind; equal gains are no relation.

    Args:
        scene: objects with disjoint visible masks.
        photo: not looked at; here because every ordering method takes it.
        completer: the network; the bundled one by default.
        settings: patch size and threshold.

    Returns:
        Shares of the two gains, 0 both ways where they are equal.

    Raises:
        InputError: no usable weights.
    """
    watch = Stopwatch()
    settings, completer = settings or ReferenceSettings(), completer or bundled()
    masks = scene.modal
    front = np.zeros((len(masks), len(masks)))
    pairs = touching_pairs(masks, 1, shape="cross")
    squares = {k: reference_square(masks[k].box) for pair in pairs for k in pair}
    asked = [way for i, j in pairs for way in ((i, j), (j, i))]
    questions = [Question(masks[target], masks[eraser], squares[target]) for target, eraser in asked]
    patches, probability = completer.answer(questions, size=settings.size, resampling="nearest")
    counts = ((probability > settings.threshold) & ~patches.visible & patches.eraser).sum((1, 2))
    gains = counts * np.array([(item.square.side / settings.size) ** 2 for item in questions])
    for (i, j), (first, second) in zip(pairs, gains.reshape(-1, 2).tolist(), strict=True):
        if first != second:
            front[i, j], front[j, i] = second / (first + second), first / (first + second)
    return PairwiseOrder(scene.ids, front, StageRecord(METHOD, asdict(settings), watch.seconds))


def order_by_completion(
    scene: Scene,
    photo: Photo | None = None,
    *,
    completer: MaskCompleter | None = None,
    model: PairModel | None = None,
    settings: CompletionOrderSettings | None = None,
) -> PairwiseOrder:
    """Order all neighbours of a scene.

    Args:
        scene: objects with disjoint visible masks; slits between them do no harm.
        photo: not looked at; here because every ordering method takes it.
        completer: the network; the bundled one by default.
        model: makes probabilities of what is measured; the bundled one by default.
        settings: how pairs are found and measured.

    Returns:
        A probability for each direction of each pair. Both may be low (they only touch) or high (a hand through a
        handle).

    Raises:
        InputError: no usable weights.
    """
    watch = Stopwatch()
    settings = settings or CompletionOrderSettings()
    completer, model = completer or bundled(views=settings.views), model or pair_model.bundled()
    front = np.zeros((len(scene), len(scene)))
    for (i, j), measures in measure_pairs(scene, neighbouring(scene, settings), completer, settings).items():
        front[i, j], front[j, i] = model.probability(measures)
    return PairwiseOrder(scene.ids, front, StageRecord(METHOD, asdict(settings), watch.seconds))


def neighbouring(scene: Scene, settings: CompletionOrderSettings) -> list[tuple[int, int]]:
    """Return the pairs i < j of objects (by position) that are near enough to hide each other."""
    return touching_pairs(scene.modal, _radius(scene, settings))


def measure_pairs(
    scene: Scene,
    pairs: Sequence[tuple[int, int]],
    completer: MaskCompleter,
    settings: CompletionOrderSettings,
) -> Mapping[tuple[int, int], PairMeasures]:
    """Measure pairs of objects, all in one pass of the network.

    Args:
        scene: objects with disjoint visible masks.
        pairs: positions of neighbours.
        completer: the network.
        settings: how to measure.
    """
    reach = _radius(scene, settings)
    couples = [_couple(scene.modal[i], scene.modal[j], reach) for i, j in pairs]
    asked = [way for first, second in couples for way in ((first, second), (second, first))]
    questions = [Question(target, other, object_square(target.box)) for target, other in asked]
    patches, answers = completer.answer(questions)
    hulls = {key: centre_hull(target) for key, target in {id(target): target for target, _ in asked}.items()}
    sides = []
    for question, eraser, answer in zip(questions, patches.eraser, answers, strict=True):
        grown = np.count_nonzero(answer[eraser] > 0.5) * (question.square.side / completer.size) ** 2
        target = question.target
        hull = hulls[id(target)].overlap(question.eraser)
        sides.append(SideMeasures(float(grown), float(hull), float(target.area), target.centroid[1]))
    return {
        pair: PairMeasures(sides[2 * k], sides[2 * k + 1], edge_cues(*couples[k], reach))
        for k, pair in enumerate(pairs)
    }


def _couple(first: Mask, second: Mask, radius: int) -> tuple[Mask, Mask]:
    """Return the masks of a pair; where a slit parts them, both are grown until they just meet."""
    if are_near(first, second, 1, shape="square"):
        return first, second
    gap = next((gap for gap in range(1, radius) if are_near(first, second, gap + 1)), radius)
    grown_first, grown_second = close_slits([first, second], gap)
    return _without_specks(grown_first, grown_second)


def _without_specks(first: Mask, second: Mask) -> tuple[Mask, Mask]:
    """Give free pixels right between two masks to them: closing a slit leaves some where an outline has a notch."""
    box = first.box.grow(2).intersect(second.box.grow(2)).clip(first.size)
    if box.empty:
        return first, second
    a, b = first.crop(box), second.crop(box)
    to_a, to_b = distance(a), distance(b)
    free = ~a & ~b & (to_a + to_b <= SPECK)
    halves = (Mask.from_crop(half, box[:2], first.size) for half in (free & (to_a <= to_b), free & (to_b < to_a)))
    more_of_first, more_of_second = halves
    return first | more_of_first, second | more_of_second


def _radius(scene: Scene, settings: CompletionOrderSettings) -> int:
    return max(settings.radius, int(settings.radius_share * (scene.size.height * scene.size.width) ** 0.5))
