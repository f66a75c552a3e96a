"""Scores of amodal masks: pooled and mean IoU, pixel accuracy, the hidden part alone, and all by how much is hidden."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from deocclude.errors import InputError
from deocclude.evaluation.ratio import Ratio
from deocclude.masks import Mask
from deocclude.scene import Scene

BINS: tuple[tuple[str, float, float], ...] = (
    ("0", -1.0, 0.0),
    ("0-.25", 0.0, 0.25),
    (".25-.5", 0.25, 0.5),
    (".5-1", 0.5, 1.0),
)
"""Name, lower end (not included) and upper end (included) of the bins of the hidden share of an object."""


@dataclass(frozen=True)
class ShapeCounts:
    """Pixel counts of one object: P the predicted whole shape, A the true one, M the visible part.

    Attributes:
        instance_id: the object.
        both: |P and A|.
        either: |P or A|.
        true: |A|.
        hidden_both: |P and A outside M|.
        hidden_either: |(P or A) outside M|.
        hidden_share: |A outside M| / |A|, 0 for an empty A.
    """

    instance_id: int
    both: int
    either: int
    true: int
    hidden_both: int
    hidden_either: int
    hidden_share: float

    @property
    def iou(self) -> float:
        """Intersection over union; 1 when both shapes are empty."""
        return self.both / self.either if self.either else 1.0

    @property
    def hidden_iou(self) -> float:
        """Intersection over union outside the visible part; 1 when both are empty there."""
        return self.hidden_both / self.hidden_either if self.hidden_either else 1.0


def count(modal: Mask, truth: Mask, predicted: Mask, instance_id: int = 1) -> ShapeCounts:
    """Count the pixels of one object."""
    both, true = predicted.overlap(truth), truth.area
    either = predicted.area + true - both
    visible_both, seen = (predicted & truth).overlap(modal), modal.overlap(truth)
    visible_either = predicted.overlap(modal) + seen - visible_both
    return ShapeCounts(
        instance_id=instance_id,
        both=both,
        either=either,
        true=true,
        hidden_both=both - visible_both,
        hidden_either=either - visible_either,
        hidden_share=(true - seen) / true if true else 0.0,
    )


def measure(scene: Scene, predicted: Mapping[int, Mask], scored: Iterable[int] | None = None) -> list[ShapeCounts]:
    """Count the pixels of the objects of a scene.

    Args:
        scene: with true amodal masks.
        predicted: whole shapes by object id.
        scored: ids to score; by default all objects that have a true amodal mask.

    Raises:
        InputError: an object to be scored has no true mask, or no predicted one.
    """
    wanted = {item.id for item in scene.instances if item.amodal is not None} if scored is None else set(scored)
    rows = []
    for instance in scene.instances:
        if instance.id not in wanted:
            continue
        where = f"object {instance.id} ({instance.label})"
        if instance.amodal is None:
            raise InputError("a true amodal mask", "none", file=scene.source, field=where)
        if instance.id not in predicted:
            raise InputError("a predicted amodal mask", "none", file=scene.source, field=where)
        rows.append(count(instance.modal, instance.amodal, predicted[instance.id], instance.id))
    return rows


def summarise(scenes: Iterable[Sequence[ShapeCounts]]) -> dict[str, Ratio]:
    """Return the scores of a data set by name, each resampleable by scene.

    * ``iou``: pooled, sum of |P and A| over sum of |P or A|; the published "mIoU" (Zhan et al., CVPR 2020). Large
      objects dominate it.
    * ``pacc``: pooled, sum of |P and A| over sum of |A|.
    * ``mean_iou``: mean over objects; ``mean_iou_occluded``: over those with a hidden part.
    * ``hidden_iou``: pooled, of the hidden part alone (outside M); ``mean_hidden_iou``: mean over the objects with a
      hidden part (mIoU_occ of Chen et al., "Using Diffusion Priors for Video Amodal Segmentation", CVPR 2025).
    """
    listed = [list(scene) for scene in scenes]
    return {
        "iou": _pool(listed, lambda row: (row.both, row.either)),
        "pacc": _pool(listed, lambda row: (row.both, row.true)),
        "mean_iou": _pool(listed, lambda row: (row.iou, 1)),
        "mean_iou_occluded": _pool(listed, lambda row: (row.iou, 1) if row.hidden_share > 0 else (0, 0)),
        "hidden_iou": _pool(listed, lambda row: (row.hidden_both, row.hidden_either)),
        "mean_hidden_iou": _pool(listed, lambda row: (row.hidden_iou, 1) if row.hidden_share > 0 else (0, 0)),
    }


def by_hidden_share(scenes: Iterable[Sequence[ShapeCounts]]) -> dict[str, dict[str, Ratio]]:
    """Return :func:`summarise` for the objects of each of :data:`BINS`, by the bin's name."""
    listed = [list(scene) for scene in scenes]
    return {
        name: summarise([row for row in scene if low < row.hidden_share <= high] for scene in listed)
        for name, low, high in BINS
    }


def _pool(scenes: list[list[ShapeCounts]], pair: Callable[[ShapeCounts], tuple[float, float]]) -> Ratio:
    sums = []
    for rows in scenes:
        pairs = [pair(row) for row in rows]
        sums.append((sum(above for above, _ in pairs), sum(below for _, below in pairs)))
    return Ratio.of(sums)
