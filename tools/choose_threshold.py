"""Score whole shapes by threshold, patch size and mirrored views, on scenes whose truth is known.

    python tools/choose_threshold.py COCO_INSTANCES.json [--weights FILE] [--composites 150] [--synthetic 100]

The order is the true one. What comes out best is the default of ``CompletionSettings``; never choose it on the sets
that methods are scored with.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from held_out import KnownScene, composites, synthetic

from deocclude.amodal.pcnet_m import CompletionSettings, complete_by_network, grow
from deocclude.evaluation.masks import ShapeCounts, count
from deocclude.masks import Mask, union
from deocclude.nets.completer import MaskCompleter, Question
from deocclude.ordering.graph import OrderGraph
from deocclude.scene import Scene

THRESHOLDS = (0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)


def true_graph(known: KnownScene) -> OrderGraph:
    """Return the graph of all known relations."""
    ids = known.scene.ids
    matrix = np.zeros((len(ids), len(ids)), np.int8)
    for front, behind in known.truth.order_truth or ():
        if front in ids and behind in ids:
            matrix[ids.index(front), ids.index(behind)] = 1
    return OrderGraph.from_matrix(ids, matrix, break_cycles=False)


def scored(known: KnownScene, graph: OrderGraph) -> list[int]:
    """Return the ids of the objects with a known whole shape that something hides."""
    return [
        item.id
        for item in known.scene.instances
        if known.truth[item.id].amodal is not None and graph.ancestors(item.id)
    ]


def measure(
    known: KnownScene, completer: MaskCompleter, settings: CompletionSettings, thresholds: Sequence[float]
) -> dict[float, list[ShapeCounts]]:
    """Return the counts of a scene's hidden objects by threshold."""
    graph = true_graph(known)
    wanted = scored(known, graph)
    found = complete_by_network(known.scene, graph, completer=completer, settings=settings)
    rows: dict[float, list[ShapeCounts]] = {threshold: [] for threshold in thresholds}
    for identity in wanted:
        answer = found.probability.get(identity)
        if answer is None:
            continue
        question = Question(known.scene[identity].modal, _cover(known.scene, graph, identity), answer.square)
        others = [other.modal for other in known.scene.instances if other.id != identity]
        truth = known.truth[identity].amodal
        assert truth is not None
        for threshold, listed in rows.items():
            shape = grow(question, answer, others, replace(settings, threshold=threshold))
            listed.append(count(known.scene[identity].modal, truth | known.scene[identity].modal, shape, identity))
    return rows


def summary(listed: Iterable[ShapeCounts]) -> str:
    """Return pooled hidden IoU, the mean of the hidden IoU, and the mean IoU."""
    rows = list(listed)
    pooled = sum(row.hidden_both for row in rows) / max(1, sum(row.hidden_either for row in rows))
    hidden = np.mean([row.hidden_both / row.hidden_either for row in rows if row.hidden_either])
    return f"{pooled:.4f} | {hidden:.4f} | {np.mean([row.iou for row in rows]):.4f}"


def _cover(scene: Scene, graph: OrderGraph, identity: int) -> Mask:
    return union((scene[front].modal for front in graph.ancestors(identity)), scene.size)


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("annotations", type=Path, help="COCO instances; only the held-out photos are used")
    parser.add_argument("--weights", type=Path, help="weights file; the bundled one by default")
    parser.add_argument("--composites", type=int, default=150)
    parser.add_argument("--synthetic", type=int, default=100)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--variants", nargs="*", help="only these rows")
    given = parser.parse_args()
    torch.set_num_threads(1)
    weights = given.weights or "pcnet-m"
    variants = {
        "64 px": (MaskCompleter(weights, size=64), CompletionSettings()),
        "96 px": (MaskCompleter(weights, size=96), CompletionSettings()),
        "128 px": (MaskCompleter(weights, size=128), CompletionSettings()),
        "96 px, two views": (MaskCompleter(weights, size=96, views=2), CompletionSettings(views=2)),
    }
    variants = {name: value for name, value in variants.items() if not given.variants or name in given.variants}
    totals: dict[tuple[str, str, float], list[ShapeCounts]] = {}
    for known in chain(
        composites(given.annotations, given.composites, given.seed), synthetic(given.synthetic, given.seed)
    ):
        for name, (completer, settings) in variants.items():
            for threshold, listed in measure(known, completer, settings, THRESHOLDS).items():
                totals.setdefault((known.kind, name, threshold), []).extend(listed)
    print("| scenes | variant | threshold | objects | hidden IoU, pooled | mean | IoU, mean |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for (kind, name, threshold), listed in sorted(totals.items()):
        print(f"| {kind} | {name} | {threshold} | {len(listed)} | {summary(listed)} |")


if __name__ == "__main__":
    main()
