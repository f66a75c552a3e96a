"""Fit the pair model of ``pcnet-m`` ordering and write it into the package.

    python tools/fit_ordering.py COCO_INSTANCES.json [--weights FILE] [--composites 120] [--solids 180]

Pairs come from composites of held-out photos (objects laid over and under others) and from solids on a table. Besides
cross-validation, a model fitted on the one kind is scored on the other: a cue that helps on its own kind alone is none.
Never fit on the sets that methods are scored with.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from held_out import KnownScene, composites, solids

from deocclude.nets.completer import MaskCompleter
from deocclude.ordering import pair_model
from deocclude.ordering.dual_completion import CompletionOrderSettings, measure_pairs, neighbouring
from deocclude.ordering.pair_model import PairMeasures, PairModel

FOLDS = 5


@dataclass(frozen=True)
class Example:
    """A measured pair, its truth both ways, the kind of scene it is from and the scene's group."""

    measures: PairMeasures
    truth: tuple[bool, bool]
    kind: str
    group: int


def examples(known: KnownScene, completer: MaskCompleter, settings: CompletionOrderSettings) -> list[Example]:
    """Measure the pairs of a scene whose truth is known."""
    ids, laid = known.scene.ids, known.laid
    pairs = [(i, j) for i, j in neighbouring(known.scene, settings) if ids[i] in laid or ids[j] in laid]
    measured = measure_pairs(known.scene, pairs, completer, settings)
    return [
        Example(measures, known.relation(ids[i], ids[j]), known.kind, known.group)
        for (i, j), measures in measured.items()
    ]


def fit(listed: list[Example], names: tuple[str, ...] = pair_model.NAMES) -> PairModel:
    """Fit a model to both directions of all pairs."""
    found = [pair_model.cues(item.measures) for item in listed]
    vectors = np.array([[cues[name][way] for name in names] for cues in found for way in (0, 1)])
    labels = np.array([truth for item in listed for truth in item.truth], bool)
    return PairModel(pair_model.fit(vectors, labels, names))


def cross_validated(listed: list[Example], names: tuple[str, ...] = pair_model.NAMES) -> dict[str, dict[str, float]]:
    """Return scores by kind of scene: accuracy on ordered pairs, and log loss and calibration of the probabilities."""
    probability = np.zeros((len(listed), 2))
    fold = np.array([item.group % FOLDS for item in listed])
    for number in range(FOLDS):
        model = fit([item for item, k in zip(listed, fold, strict=True) if k != number], names)
        for row in np.flatnonzero(fold == number):
            probability[row] = model.probability(listed[row].measures)
    kinds, truth = np.array([item.kind for item in listed]), np.array([item.truth for item in listed])
    return {kind: _scores(probability[kinds == kind], truth[kinds == kind]) for kind in sorted(set(kinds.tolist()))}


def transferred(listed: list[Example], names: tuple[str, ...] = pair_model.NAMES) -> dict[str, float]:
    """Return the accuracy on each kind of scene of a model fitted on the other kinds."""
    found = {}
    for kind in sorted({item.kind for item in listed}):
        own = [item for item in listed if item.kind == kind]
        model = fit([item for item in listed if item.kind != kind], names)
        probability = np.array([model.probability(item.measures) for item in own])
        found[kind] = _scores(probability, np.array([item.truth for item in own]))["accuracy"]
    return found


def ablation(listed: list[Example]) -> None:
    """Print a Markdown table of what each cue brings: alone with growth, and left out."""
    shared = ("constant", "edge_gap", "edge_length")
    compared = [name for name in pair_model.NAMES if name not in shared]
    rows = {"growth alone": ("growth", *shared), "all": pair_model.NAMES}
    rows |= {f"without {name}": tuple(n for n in pair_model.NAMES if n != name) for name in compared}
    kinds = sorted({item.kind for item in listed})
    print("| cues |", " | ".join((*kinds, *(f"{kind}, fitted on the other" for kind in kinds))), "|")
    print("|---|" + "---:|" * 2 * len(kinds))
    for title, names in rows.items():
        scores, other = cross_validated(listed, names), transferred(listed, names)
        cells = [f"{scores[kind]['accuracy']:.3f}" for kind in kinds] + [f"{other[kind]:.3f}" for kind in kinds]
        print(f"| {title} |", " | ".join(cells), "|")


def _scores(probability: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    ordered = truth[:, 0] != truth[:, 1]
    right = (probability[:, 0] > probability[:, 1]) == truth[:, 0]
    chance = np.clip(np.where(truth, probability, 1 - probability), 1e-9, 1)
    bins = np.minimum((probability * 10).astype(int), 9)
    off = [abs((probability[bins == k] - truth[bins == k]).sum()) for k in range(10)]
    figures = {
        "pairs": len(truth),
        "ordered_pairs": int(ordered.sum()),
        "accuracy": right[ordered].mean(),
        "log_loss": -np.log(chance).mean(),
        "calibration_error": sum(off) / truth.size,
    }
    return {name: round(float(value), 4) for name, value in figures.items()}


def main() -> None:
    """Measure, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("annotations", type=Path, help="COCO instances; only the held-out photos are used")
    parser.add_argument("--weights", type=Path, help="weights file; the bundled one by default")
    parser.add_argument("--composites", type=int, default=120)
    parser.add_argument("--solids", type=int, default=180)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path(pair_model.__file__).with_name(pair_model.FILE))
    given = parser.parse_args()
    torch.set_num_threads(1)
    settings = CompletionOrderSettings()
    completer = MaskCompleter(given.weights or "pcnet-m", views=settings.views)
    scenes = chain(composites(given.annotations, given.composites, given.seed), solids(given.solids, given.seed))
    listed = [example for known in scenes for example in examples(known, completer, settings)]
    scores = cross_validated(listed)
    about = {
        "by": "tools/fit_ordering.py",
        "composites": given.composites,
        "solids": given.solids,
        "seed": given.seed,
        "patch_size": completer.size,
        "views": completer.views,
        "cross_validated": scores,
        "fitted_on_the_other": transferred(listed),
    }
    PairModel(fit(listed).weights, about).save(given.output)
    print(given.output, scores)
    ablation(listed)


if __name__ == "__main__":
    main()
