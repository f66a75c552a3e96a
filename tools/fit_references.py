"""Fit the two models that judge references, and write them into the package.

    python tools/fit_references.py UKBENCH_FOLDER [--groups 50] [--only verify|stitch] [--work FOLDER]

``verify_model.json``: does a candidate show the same object? What searches with whole pictures, pictures with a hole
and crops verify among all pictures of the folder (and whatever else the index in the work folder of ``evaluate
retrieval`` holds): other views of the object against what looks most like it. For levels of acceptance it says what is
kept and what is let in falsely, by cross-validation over groups; ``SearchSettings.accept`` is chosen by that.

``stitch_model.json``: is a hole filled from references nearer to the truth than the plain fill? Against them stand
references of other objects, laid at random; and there is what one view of scikit-image's motorcycle hides and the
other one shows, at two sizes. Only the first groups are used, of these every second one; report on the others.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deocclude.content import stitch_model
from deocclude.content.align import Proposal, lay
from deocclude.content.blend import NONE, Picture, blend
from deocclude.content.membrane import without_seam
from deocclude.content.overlay import StitchSettings, framed, judge, lay_all, met
from deocclude.content.sampling import Source, pixel_grid, tidied
from deocclude.content.target import Aligned, Target
from deocclude.datasets.retrieval import Case, open_collection
from deocclude.datasets.stereo import Pair, forward, queries_of
from deocclude.datasets.ukbench import Group, Query, make_query, read_groups
from deocclude.evaluation.content import psnr
from deocclude.evaluation.retrieval_bench import Bench, Question, prepare, questions
from deocclude.evaluation.stitching import plain_fill
from deocclude.files import write_text
from deocclude.references import verify
from deocclude.references.search import SearchSettings, search
from deocclude.references.transforms import apply

FOLDS = 5
PLAIN = ("alike", "share", "epipolar", "certainty")
COLOURED = (*PLAIN, "colour")
SEARCHED = (*COLOURED, "found", "words")
STITCH = ("error", "plain", "dissent")
ALWAYS = StitchSettings(verify=False, most=16)
CLEAR = 0.5
"""Gain over the plain fill that counts as better, dB."""
LEVELS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
"""Levels of acceptance to report on."""


@dataclass(frozen=True)
class Example:
    """Measures, the truth, the group and the query that it is from, whether it may be a reference, what it weighs."""

    measures: Mapping[str, float]
    truth: bool
    group: int
    query: int = 0
    possible: bool = True
    weight: float = 1.0


def logistic(listed: Sequence[Example], names: Sequence[str], ridge: float = 0.5) -> dict[str, float]:
    """Fit weights by Newton's method; the ridge holds for all but the constant, on standardised measures."""
    values = np.array([[item.measures.get(name, 0.0) for name in names] for item in listed])
    truth = np.array([item.truth for item in listed], float)
    weight = np.array([item.weight for item in listed])
    middle, scale = values.mean(0), values.std(0) + 1e-6
    rows = np.hstack([(values - middle) / scale, np.ones((len(values), 1))])
    penalty = np.diag([ridge] * len(names) + [1e-6])
    weights = np.zeros(len(names) + 1)
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (weight * (chance - truth)) + penalty @ weights
        bend = (rows * (weight * chance * (1 - chance))[:, None]).T @ rows + penalty
        weights = weights - np.linalg.solve(bend, slope)
    plain = weights[:-1] / scale
    return dict(zip(names, plain.tolist(), strict=True)) | {"constant": float(weights[-1] - plain @ middle)}


def chance(weights: Mapping[str, float], measures: Mapping[str, float]) -> float:
    """Return the probability that the weights give."""
    total = weights["constant"] + sum(weights[name] * measures.get(name, 0.0) for name in weights if name != "constant")
    return float(1 / (1 + np.exp(-np.clip(total, -30, 30))))


def cross_validated(listed: Sequence[Example], names: Sequence[str]) -> NDArray[np.float64]:
    """Return the probability of each example by a model that was fitted on other groups."""
    found = np.zeros(len(listed))
    for fold in range(FOLDS):
        weights = logistic([item for item in listed if item.group % FOLDS != fold], names)
        for row, item in enumerate(listed):
            if item.group % FOLDS == fold:
                found[row] = chance(weights, item.measures)
    return found


def levels(listed: Sequence[Example], names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return for levels of acceptance, by query and by cross-validation, what the evaluation of retrieval reports."""
    found = cross_validated(listed, names)
    queries: dict[int, list[int]] = {}
    for row, item in enumerate(listed):
        queries.setdefault(item.query, []).append(row)
    first = [max(rows, key=lambda row: found[row]) for rows in queries.values()]
    table = {}
    for level in LEVELS:
        accepted = [item.possible and value >= level for item, value in zip(listed, found, strict=True)]
        table[str(level)] = {
            "kept": float(np.mean([accepted[row] for row in first if listed[row].truth])),
            "kept_all": float(np.mean([accepted[row] for row, item in enumerate(listed) if item.truth])),
            "false": float(np.mean([any(accepted[row] for row in rows if not listed[row].truth)
                                    for rows in queries.values()])),
        }  # fmt: skip
    return {level: {name: round(value, 4) for name, value in scores.items()} for level, scores in table.items()}


def held_out(listed: Sequence[Example], names: Sequence[str]) -> dict[str, float]:
    """Return scores by cross-validation over groups: what is kept, what is let in falsely, and the log loss."""
    found = cross_validated(listed, names)
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


def verify_examples(bench: Bench, asked: Sequence[Question]) -> list[Example]:
    """Measure what searches verify, the query's own picture left out; the wrong ones are the hardest there are."""
    listed = []
    groups = list(dict.fromkeys(question.case.group for question in asked))
    most = bench.settings.shortlist + bench.settings.details
    settings = replace(bench.settings, followed=0, contested=False, top=most)
    for number, question in enumerate(asked):
        case = question.case
        with bench.asking(question) as looked:
            found = search(bench.index, looked.query, settings, without={case.photo}, verifier=looked.verify)
        listed += [
            Example(one.verdict.measures, one.hit.path in case.answers, groups.index(case.group), number,
                    one.verdict.kind != verify.NO_TRANSFORM)
            for one in found.ranked if one.verdict
        ]  # fmt: skip
    return listed


def stitch_examples(queries: Sequence[Query], seed: int) -> list[Example]:
    """Measure holes filled from references whatever they promise; and from those of other objects, laid at random.

    Each query counts with all of its references and with each of them alone: what one bad reference does is rare
    among good ones, and the model has to know it.
    """
    rng = np.random.default_rng(seed)
    listed = []
    for place, query in enumerate(queries):
        plain = plain_fill(query)
        window, target = framed(plain, query.hole, query.usable, ALWAYS)
        given = [(picture, None) for picture in query.references]
        found, _ = lay_all(target, [Source(picture) for picture in query.references], given, ALWAYS)
        for part in subsets(found):
            measures, gain = filled(query.truth[window.box.slices], plain[window.box.slices], target, part)
            listed.append(Example(measures, gain > CLEAR, place))
        strangers = queries[(place + 7) % len(queries)].references[: int(rng.integers(1, 4))]
        if place % 4 == 0 and (measures := _at_random(target, strangers, ALWAYS, rng)):
            listed.append(Example(measures, False, place))
    return listed


def subsets(found: Sequence[Aligned]) -> list[Sequence[Aligned]]:
    """Return all hypotheses, as many as are kept, and those of each reference alone."""
    numbers = sorted({item.reference for item in found})
    alone = [[item for item in found if item.reference == number] for number in numbers] if len(numbers) > 1 else []
    return [part[: StitchSettings().most] for part in (found, *alone) if part]


def filled(truth: Any, plain: Any, target: Target, hypotheses: Sequence[Aligned]) -> tuple[Mapping[str, float], float]:
    """Return the measures of hypotheses, and the gain over the plain fill where the hole is filled from them, dB."""
    settings = StitchSettings()
    costs, measures = judge(target, hypotheses, settings)
    pictures = [Picture(item.rgb, item.valid, item.reference) for item in hypotheses]
    mixed, source = blend(pictures, costs.total, target.size, settings.blend)
    part = target.hole & (source != NONE)
    shown = target.known & (source != NONE)
    meeting = without_seam(mixed, target.rgb, part, shown, settings.seam, fade=settings.fade)
    made = np.where(part[..., None], np.clip(meeting, 0, 255), plain)[target.hole].astype(float)
    wanted = truth[target.hole].astype(float)
    return measures, psnr(made, wanted) - psnr(plain[target.hole].astype(float), wanted)


def parallax_queries() -> list[Query]:
    """Return what the right view of scikit-image's motorcycle hides and the left one shows, at two sizes."""
    import cv2
    from skimage.data import stereo_motorcycle

    left, right, disparity = stereo_motorcycle()
    disparity = np.where(np.isfinite(disparity), disparity, 0).astype(np.float32)
    queries = []
    for scale in (1.0, 0.6):
        size = round(scale * left.shape[1]), round(scale * left.shape[0])
        views = [cv2.resize(view, size, interpolation=cv2.INTER_AREA) for view in (right, left)]
        near = cv2.resize(disparity, size, interpolation=cv2.INTER_NEAREST) * scale
        queries += queries_of(Pair("right", views[0], views[1], forward(near), near, -1), f"motorcycle-{scale}")
    return queries


def _at_random(
    target: Target, strangers: Sequence[Any], settings: StitchSettings, rng: np.random.Generator
) -> Mapping[str, float]:
    """Return the measures of pictures of something else, laid over the query at random; none where nothing fits."""
    hypotheses: list[Aligned] = []
    for number, picture in enumerate(strangers):
        source, proposals = Source(picture), [_random_proposal(target, picture.shape, rng) for _ in range(4)]
        hypotheses += [met(target, item, settings) for item in lay(target, source, proposals, number, settings.align)]
    return judge(target, hypotheses, settings)[1] if hypotheses else {}


def _random_proposal(target: Target, shape: tuple[int, ...], rng: np.random.Generator) -> Proposal:
    """Return a random similarity that lays one picture about over the middle of another."""
    angle, scale = rng.uniform(-np.pi, np.pi), np.exp(rng.uniform(-0.7, 0.7))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([target.size.width, target.size.height]) / 2 + rng.uniform(-30, 30, 2)
    matrix = np.eye(3)
    matrix[:2, :2], matrix[:2, 2] = turn, middle - turn @ np.array([shape[1], shape[0]]) / 2
    where = apply(np.linalg.inv(matrix), pixel_grid(*target.size).reshape(-1, 2)).reshape(*target.size, 2)
    where = tidied(where)
    return Proposal(where, where, matrix, "similarity", 6)


def fit_verify(folder: Path, work: Path, count: int, seed: int) -> None:
    """Fit and write the models of verification."""
    collection = open_collection(folder)
    prepare(work, [collection.pictures])
    bench = Bench(work, SearchSettings(enough=99))
    asked = [one for one in questions(collection, limit=count, seed=seed) if view_of(one.case) % 2 == 0]
    listed = verify_examples(bench, asked)
    geometric = [item for item in listed if item.measures["found"]]
    models = {name: (examples, _favourable(examples, names)) for name, examples, names in (
        ("plain", geometric, PLAIN), ("coloured", geometric, COLOURED), ("searched", listed, SEARCHED))}  # fmt: skip
    about = {"by": "tools/fit_references.py", "groups": count, "searched": len(bench.index),
             "queries": len(asked), "seed": seed, "levels": levels(*models["searched"]),
             "cross_validated": {name: held_out(*of) for name, of in models.items()}}  # fmt: skip
    content = {name: logistic(*of) for name, of in models.items()} | {"about": about}
    _write(Path(verify.__file__).with_name(verify.FILE), content)


def _favourable(listed: Sequence[Example], names: Sequence[str]) -> Sequence[str]:
    """Return the measures that speak for the same object, as all of them are meant to.

    Colours may seem to speak against it: what a shortlist holds by mistake is there because of its colours.
    """
    weights = logistic(listed, names)
    return [name for name in names if weights[name] > 0 or name == "found"]


def view_of(case: Case) -> int:
    """Return which view of its object a photo is."""
    return sorted((case.photo, *case.answers)).index(case.photo)


def fit_stitch(groups: Sequence[Group], seed: int) -> None:
    """Fit and write the model of stitching."""
    protocols = ("rectangle", "mask")
    queries = [make_query(group, protocols[place % 2], seed) for place, group in enumerate(groups)]
    listed = stitch_examples([*queries, *parallax_queries()], seed)
    weights = logistic(listed, STITCH)
    about = {
        "by": "tools/fit_references.py",
        "groups": len(groups),
        "seed": seed,
        "protocols": [*protocols, "motorcycle"],
        "better_by_db": CLEAR,
        "cross_validated": held_out(listed, STITCH),
    }
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
    parser.add_argument("--work", type=Path, default=Path("work-data/retrieval"), help="of evaluate retrieval")
    parser.add_argument("--only", choices=("verify", "stitch"))
    given = parser.parse_args()
    if given.only != "stitch":
        fit_verify(given.folder, given.work, given.groups, given.seed)
    if given.only != "verify":
        fit_stitch(read_groups(given.folder)[: given.groups : 2], given.seed)


if __name__ == "__main__":
    main()
