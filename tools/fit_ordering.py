"""Fit the pair model of ``pcnet-m`` ordering and write it into the package.

    python tools/fit_ordering.py COCO_INSTANCES.json [--weights FILE] [--pair-weights FILE] [--synthetic 240]

Fitted on flat synthetic scenes: the pair network has learnt from all other kinds and is surer of them than it may be.
Scored by cross-validation on these, and, fitted on these, on composites of held-out photos (objects laid over and under
others), solids on a table and cut-outs of held-out photos on the ground. Never fit on the sets that methods are scored
with.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from held_out import KnownScene, boards, composites, solids, synthetic

from deocclude.nets.completer import MaskCompleter
from deocclude.nets.pair_reader import PairReader
from deocclude.ordering import pair_model
from deocclude.ordering.couples import neighbouring
from deocclude.ordering.dual_completion import CompletionOrderSettings, measure_pairs
from deocclude.ordering.pair_model import PairMeasures, PairModel

FOLDS = 5
FITTED = "synthetic"
"""The kind of scene that the model is fitted on."""


@dataclass(frozen=True)
class Example:
    """A measured pair, its truth both ways, the kind of scene it is from and the scene's group."""

    measures: PairMeasures
    truth: tuple[bool, bool]
    kind: str
    group: int


def examples(known: KnownScene, completer: MaskCompleter, reader: PairReader) -> list[Example]:
    """Measure the pairs of a scene whose truth is known."""
    ids, settings = known.scene.ids, CompletionOrderSettings(views=completer.views)
    pairs = [(i, j) for i, j in neighbouring(known.scene, settings.nearness) if known.knows(ids[i], ids[j])]
    measured = measure_pairs(known.scene, pairs, completer, reader, settings)
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


def scored(listed: list[Example], names: tuple[str, ...] = pair_model.NAMES) -> dict[str, dict[str, float]]:
    """Return scores by kind of scene: accuracy on ordered pairs, and log loss and calibration of the probabilities.

    The model is fitted on the kind :data:`FITTED`; that kind itself is scored by cross-validation.
    """
    fold = np.array([item.group % FOLDS if item.kind == FITTED else FOLDS for item in listed])
    probability = np.zeros((len(listed), 2))
    for number in range(FOLDS + 1):
        kept = [item for item, k in zip(listed, fold, strict=True) if k not in (number, FOLDS)]
        model = fit(kept, names)
        for row in np.flatnonzero(fold == number):
            probability[row] = model.probability(listed[row].measures)
    kinds, truth = np.array([item.kind for item in listed]), np.array([item.truth for item in listed])
    return {kind: _scores(probability[kinds == kind], truth[kinds == kind]) for kind in sorted(set(kinds.tolist()))}


def ablation(listed: list[Example]) -> None:
    """Print a Markdown table of what each cue brings: alone, and left out."""
    shared = ("constant", "edge_gap", "edge_length", pair_model.EITHER)
    compared = [name for name in pair_model.NAMES if name not in shared]
    rows = {f"{name} alone": (name, *shared) for name in ("growth", pair_model.LOOKS)} | {"all": pair_model.NAMES}
    rows |= {f"without {name}": tuple(n for n in pair_model.NAMES if n != name) for name in compared}
    rows["without the pair network"] = tuple(
        n for n in pair_model.NAMES if n not in (pair_model.LOOKS, pair_model.EITHER)
    )
    kinds = sorted({item.kind for item in listed})
    print("| cues |", " | ".join(f"{kind} | log loss" for kind in kinds), "|")
    print("|---|" + "---:|" * 2 * len(kinds))
    for title, names in rows.items():
        scores = scored(listed, names)
        cells = [f"{scores[kind]['accuracy']:.3f} | {scores[kind]['log_loss']:.3f}" for kind in kinds]
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
    parser.add_argument("--weights", type=Path, help="of the mask network; the bundled ones by default")
    parser.add_argument("--pair-weights", type=Path, help="of the pair network; the bundled ones by default")
    parser.add_argument("--synthetic", type=int, default=240)
    parser.add_argument("--composites", type=int, default=120)
    parser.add_argument("--solids", type=int, default=180)
    parser.add_argument("--boards", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path(pair_model.__file__).with_name(pair_model.FILE))
    given = parser.parse_args()
    torch.set_num_threads(1)
    completer = MaskCompleter(given.weights or "pcnet-m", views=CompletionOrderSettings().views)
    reader = PairReader(given.pair_weights or "pair-net")
    scenes = chain(
        synthetic(given.synthetic, given.seed),
        composites(given.annotations, given.composites, given.seed),
        solids(given.solids, given.seed),
        boards(given.annotations, given.boards, given.seed),
    )
    listed = [example for known in scenes for example in examples(known, completer, reader)]
    scores = scored(listed)
    counts = {name: getattr(given, name) for name in ("synthetic", "composites", "solids", "boards", "seed")}
    about = {
        "by": "tools/fit_ordering.py",
        "on": FITTED,
        **counts,
        "patch_size": completer.size,
        "views": completer.views,
        "scores": scores,
    }
    fitted = fit([item for item in listed if item.kind == FITTED])
    PairModel(fitted.weights, about).save(given.output)
    print(given.output, scores)
    ablation(listed)


if __name__ == "__main__":
    main()
