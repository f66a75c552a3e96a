"""Order by dual completion: of two neighbours, the one that the mask network lets grow under the other lies behind.

Zhan et al., "Self-Supervised Scene De-occlusion", CVPR 2020, section 3.2. :func:`order_by_growth` is the published
rule, one hard count a direction. :func:`order_by_completion` asks all pairs of a scene at once, and weighs growth with
what a network that looks at the pair says (:mod:`deocclude.nets.pair_reader`) and a few other cues
(:mod:`deocclude.ordering.pair_model`) into a probability for each direction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from deocclude.adjacency import touching_pairs
from deocclude.crops import object_square, reference_square
from deocclude.images import Photo
from deocclude.masks import Mask, centre_hull
from deocclude.nets import pair_reader
from deocclude.nets.completer import MaskCompleter, Question, bundled
from deocclude.nets.pair_reader import PairQuestion, PairReader
from deocclude.ordering import pair_model
from deocclude.ordering.couples import Nearness, couple, neighbouring
from deocclude.ordering.cues import edge_cues
from deocclude.ordering.pair_model import PairMeasures, PairModel, SideMeasures
from deocclude.ordering.pairs import PairwiseOrder
from deocclude.scene import Scene
from deocclude.stages import StageRecord, Stopwatch

METHOD = "pcnet-m"


@dataclass(frozen=True)
class PublishedSettings:
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
        nearness: which objects are neighbours.
        views: 1 asks the mask network once, 2 and 4 average mirrored patches.
    """

    nearness: Nearness = field(default_factory=Nearness)
    views: int = 1


def order_by_growth(
    scene: Scene,
    photo: Photo | None = None,
    *,
    completer: MaskCompleter | None = None,
    settings: PublishedSettings | None = None,
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
    settings, completer = settings or PublishedSettings(), completer or bundled()
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
    reader: PairReader | None = None,
    model: PairModel | None = None,
    settings: CompletionOrderSettings | None = None,
) -> PairwiseOrder:
    """Order all neighbours of a scene.

    Args:
        scene: objects with disjoint visible masks; slits between them do no harm.
        photo: not looked at; here because every ordering method takes it.
        completer: the mask network; the bundled one by default.
        reader: the pair network; the bundled one by default.
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
    if model.reads and reader is None:
        reader = pair_reader.bundled()
    front = np.zeros((len(scene), len(scene)))
    pairs = neighbouring(scene, settings.nearness)
    for (i, j), measures in measure_pairs(scene, pairs, completer, reader, settings).items():
        front[i, j], front[j, i] = model.probability(measures)
    return PairwiseOrder(scene.ids, front, StageRecord(METHOD, asdict(settings), watch.seconds))


def measure_pairs(
    scene: Scene,
    pairs: Sequence[tuple[int, int]],
    completer: MaskCompleter,
    reader: PairReader | None,
    settings: CompletionOrderSettings,
) -> Mapping[tuple[int, int], PairMeasures]:
    """Measure pairs of objects, all in one pass of each network.

    Args:
        scene: objects with disjoint visible masks.
        pairs: positions of neighbours.
        completer: the mask network.
        reader: the pair network; ``None`` if nothing of it is wanted.
        settings: how to measure.
    """
    reach = settings.nearness.reach(scene)
    couples = [couple(scene.modal[i], scene.modal[j], reach) for i, j in pairs]
    sides = _sides(couples, completer)
    looks = np.zeros((len(pairs), 2))
    if reader is not None:
        questions = [
            PairQuestion(*masks, [mask for k, mask in enumerate(scene.modal) if k not in pair])
            for masks, pair in zip(couples, pairs, strict=True)
        ]
        looks = reader.read(questions)
    return {
        pair: PairMeasures(sides[2 * k], sides[2 * k + 1], edge_cues(*couples[k], reach), (looks[k, 0], looks[k, 1]))
        for k, pair in enumerate(pairs)
    }


def _sides(couples: Sequence[tuple[Mask, Mask]], completer: MaskCompleter) -> list[SideMeasures]:
    """Return what is measured on the first and the second of each couple, one after the other."""
    asked = [way for first, second in couples for way in ((first, second), (second, first))]
    questions = [Question(target, other, object_square(target.box)) for target, other in asked]
    patches, answers = completer.answer(questions)
    hulls = {key: centre_hull(target) for key, target in {id(target): target for target, _ in asked}.items()}
    sides = []
    for question, eraser, answer in zip(questions, patches.eraser, answers, strict=True):
        grown = np.count_nonzero(answer[eraser] > 0.5) * (question.square.side / completer.size) ** 2
        target = question.target
        hull = hulls[id(target)].overlap(question.eraser)
        sides.append(SideMeasures(float(grown), float(hull), float(target.area)))
    return sides
