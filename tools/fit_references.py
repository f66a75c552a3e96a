"""Fit the two models that judge references, and write them into the package.

    python tools/fit_references.py UKBENCH_FOLDER [--groups 50] [--only verify|stitch]

``verify_model.json``: does a candidate show the same object? Pairs of views of one object, one of them with a hole,
against pairs of different objects. ``stitch_model.json``: is a hole filled from references nearer to the truth than
the plain fill? Against them stand references of other objects, laid at random. Only the first groups are used; report
on the others.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deocclude.content import stitch_model
from deocclude.content.align import Proposal, Target, lay
from deocclude.content.sampling import Source, pixel_grid, tidied
from deocclude.content.stitch import StitchSettings, judge, make_target, stitch
from deocclude.datasets.ukbench import Group, Query, make_query, read_groups
from deocclude.evaluation.content import psnr
from deocclude.evaluation.stitching import plain_fill
from deocclude.files import write_text
from deocclude.references import colour, verify
from deocclude.references.features import Features, extract
from deocclude.references.transforms import apply

FOLDS = 5
PLAIN = ("alike", "share", "epipolar", "certainty")
COLOURED = (*PLAIN, "colour")
STITCH = ("error", "plain", "dissent")
STRANGERS = 9
"""Pairs of different objects for each object; three are of the same one."""


@dataclass(frozen=True)
class Example:
    """Measures, the truth, and the group that it is from."""

    measures: Mapping[str, float]
    truth: bool
    group: int


def logistic(listed: Sequence[Example], names: Sequence[str], ridge: float = 0.5) -> dict[str, float]:
    """Fit weights by Newton's method; the ridge holds for all but the constant, on standardised measures."""
    values = np.array([[item.measures[name] for name in names] for item in listed])
    truth = np.array([item.truth for item in listed], float)
    middle, scale = values.mean(0), values.std(0) + 1e-6
    rows = np.hstack([(values - middle) / scale, np.ones((len(values), 1))])
    penalty = np.diag([ridge] * len(names) + [1e-6])
    weights = np.zeros(len(names) + 1)
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (chance - truth) + penalty @ weights
        bend = (rows * (chance * (1 - chance))[:, None]).T @ rows + penalty
        weights = weights - np.linalg.solve(bend, slope)
    plain = weights[:-1] / scale
    return dict(zip(names, plain.tolist(), strict=True)) | {"constant": float(weights[-1] - plain @ middle)}


def chance(weights: Mapping[str, float], measures: Mapping[str, float]) -> float:
    """Return the probability that the weights give."""
    total = weights["constant"] + sum(weights[name] * measures[name] for name in weights if name != "constant")
    return float(1 / (1 + np.exp(-np.clip(total, -30, 30))))


def held_out(listed: Sequence[Example], names: Sequence[str]) -> dict[str, float]:
    """Return scores by cross-validation over groups: what is kept, what is let in falsely, and the log loss."""
    found = np.zeros(len(listed))
    for fold in range(FOLDS):
        weights = logistic([item for item in listed if item.group % FOLDS != fold], names)
        for row, item in enumerate(listed):
            if item.group % FOLDS == fold:
                found[row] = chance(weights, item.measures)
    truth = np.array([item.truth for item in listed])
    right = np.clip(np.where(truth, found, 1 - found), 1e-9, 1)
    figures = {
        "examples": len(listed),
        "true": int(truth.sum()),
        "kept": float((found[truth] >= 0.5).mean()),
        "false": float((found[~truth] >= 0.5).mean()),
        "log_loss": float(-np.log(right).mean()),
    }
    return {name: round(float(value), 4) for name, value in figures.items()}


def verify_examples(queries: Sequence[Query], seed: int) -> list[Example]:
    """Measure pairs of views: the query against its own references and against those of other objects."""
    rng = np.random.default_rng(seed)
    asked = [_looked_at(query.truth, ~query.hole) for query in queries]
    others = [[_looked_at(picture, None) for picture in query.references] for query in queries]
    listed = []
    for group, (features, colours) in enumerate(asked):
        pairs = [(group, view) for view in range(len(others[group]))]
        strangers = rng.choice([k for k in range(len(queries)) if k != group], STRANGERS, replace=False)
        pairs += [(int(k), int(rng.integers(len(others[int(k)])))) for k in strangers]
        for owner, view in pairs:
            candidate, signature = others[owner][view]
            alike = float(colour.similarity(colours, signature[None])[0])
            measures = verify.verify(features, candidate, alike).measures
            if measures:
                listed.append(Example(measures, owner == group, group))
    return listed


def _looked_at(picture: Any, use: Any) -> tuple[Features, Any]:
    return extract(picture, use), colour.signature(picture, use)


def stitch_examples(queries: Sequence[Query], seed: int) -> list[Example]:
    """Measure holes filled from references whatever they promise; and from those of other objects, laid at random."""
    rng = np.random.default_rng(seed)
    always = StitchSettings(least_confidence=0.0, verify=False)
    listed = []
    for place, query in enumerate(queries):
        plain = plain_fill(query)
        found = stitch(plain, query.hole, query.usable, [(one, None) for one in query.references], always)
        if found.measures:
            filled = np.where(found.filled[..., None], found.rgb, plain)
            truth = query.truth[query.hole].astype(float)
            better = psnr(filled[query.hole].astype(float), truth) > psnr(plain[query.hole].astype(float), truth)
            listed.append(Example(found.measures, better, place))
        strangers = queries[(place + 7) % len(queries)].references[: int(rng.integers(1, 4))]
        if place % 2 == 0 and (measures := _at_random(query, plain, strangers, always, rng)):
            listed.append(Example(measures, False, place))
    return listed


def _at_random(
    query: Query, plain: Any, strangers: Sequence[Any], settings: StitchSettings, rng: np.random.Generator
) -> Mapping[str, float]:
    """Return the measures of pictures of something else, laid over the query at random; none where nothing fits."""
    target = make_target(plain, query.hole, ~query.hole, settings=settings)
    hypotheses = []
    for number, picture in enumerate(strangers):
        source, proposals = Source(picture), [_random_proposal(target, picture.shape, rng) for _ in range(4)]
        hypotheses += lay(target, source, proposals, number, settings.align)
    return judge(target, hypotheses, settings)[2] if hypotheses else {}


def _random_proposal(target: Target, shape: tuple[int, ...], rng: np.random.Generator) -> Proposal:
    """Return a random similarity that lays one picture about over the middle of another."""
    angle, scale = rng.uniform(-np.pi, np.pi), np.exp(rng.uniform(-0.7, 0.7))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([target.size.width, target.size.height]) / 2 + rng.uniform(-30, 30, 2)
    matrix = np.eye(3)
    matrix[:2, :2], matrix[:2, 2] = turn, middle - turn @ np.array([shape[1], shape[0]]) / 2
    where = apply(np.linalg.inv(matrix), pixel_grid(*target.size).reshape(-1, 2)).reshape(*target.size, 2)
    return Proposal(tidied(where), matrix, "similarity", 6)


def fit_verify(groups: Sequence[Group], seed: int) -> None:
    """Fit and write the model of verification."""
    listed = verify_examples([make_query(group, "rectangle", seed) for group in groups], seed)
    about = {"by": "tools/fit_references.py", "groups": len(groups), "seed": seed,
             "cross_validated": {"plain": held_out(listed, PLAIN), "coloured": held_out(listed, COLOURED)}}  # fmt: skip
    content = {"plain": logistic(listed, PLAIN), "coloured": logistic(listed, COLOURED), "about": about}
    _write(Path(verify.__file__).with_name(verify.FILE), content)


def fit_stitch(groups: Sequence[Group], seed: int) -> None:
    """Fit and write the model of stitching."""
    protocols = ("rectangle", "irregular")
    listed = stitch_examples([make_query(group, name, seed) for group in groups for name in protocols], seed)
    weights = logistic(listed, STITCH)
    about = {"by": "tools/fit_references.py", "groups": len(groups), "seed": seed, "protocols": list(protocols),
             "cross_validated": held_out(listed, STITCH)}  # fmt: skip
    content = {"constant": weights.pop("constant"), "weights": weights, "about": about}
    _write(Path(stitch_model.__file__).with_name(stitch_model.FILE), content)


def _write(path: Path, content: Mapping[str, Any]) -> None:
    write_text(path, json.dumps(content, indent=2) + "\n")
    print(path, content["about"])


def main() -> None:
    """Measure, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="pictures in UKBench order")
    parser.add_argument("--groups", type=int, default=50, help="groups to fit on, the first ones")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("verify", "stitch"))
    given = parser.parse_args()
    groups = read_groups(given.folder)[: given.groups]
    if given.only != "stitch":
        fit_verify(groups, given.seed)
    if given.only != "verify":
        fit_stitch(groups, given.seed)


if __name__ == "__main__":
    main()
