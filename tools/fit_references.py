"""Fit the two models that judge references, and write them into the package.

    python tools/fit_references.py UKBENCH_FOLDER [--groups 50] [--only search|pairs|stitch] [--work FOLDER]

``verify_model.json``: does a candidate show the same object? What searches with whole pictures, pictures with a hole
and crops verify among all pictures of the folder (and whatever else the index in the work folder of ``evaluate
retrieval`` holds): other views of the object against what looks most like it; and pairs that share a part only, made of
pictures of the same groups (``made_pairs.py``). For levels of acceptance it says what is kept and what is let in
falsely, by cross-validation over groups; ``SearchSettings.accept`` is chosen by that. Fitted are the weights for what a
search knows (``search``), and those for two pictures alone, without made pairs (``pairs``); the others stay.

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

import made_pairs
import numpy as np
from numpy.typing import NDArray

from deocclude.content import stitch_model
from deocclude.content.align import Proposal, lay
from deocclude.content.blend import NONE, Picture, blend
from deocclude.content.membrane import without_seam
from deocclude.content.overlay import StitchSettings, framed, judge, lay_all, met
from deocclude.content.sampling import Source, pixel_grid, tidied
from deocclude.content.target import Aligned, Target
from deocclude.datasets.retrieval import open_collection
from deocclude.datasets.stereo import Pair, forward, queries_of
from deocclude.datasets.ukbench import Group, Query, make_query, read_groups
from deocclude.evaluation.content import psnr
from deocclude.evaluation.retrieval_bench import Bench, Question, prepare, questions
from deocclude.evaluation.stitching import plain_fill
from deocclude.files import write_text
from deocclude.references import colour, verify
from deocclude.references.matching import match
from deocclude.references.postings import query_vector
from deocclude.references.query import Query as Asked
from deocclude.references.query import query_photo
from deocclude.references.search import SearchSettings, search
from deocclude.references.transforms import apply, estimate
from deocclude.references.vocabulary import Vocabulary

FOLDS = 5
PLAIN = ("alike", "share", "epipolar", "certainty")
COLOURED = (*PLAIN, "colour")
SEARCHED = ("alike", "certainty", "colour", "found", "words", "between", "around", "contradiction")
AGAINST = ("contradiction",)
"""Measures that are meant to speak against the same object."""
MADE = 150
"""True pairs, at most, that others are made of; those have at least so many inliers:"""
ENOUGH = 12
MADE_KINDS = ("whole", "hole 22 %", "crop 50 %")
MADE_WEIGHT = 0.2
"""What a made pair counts against one that a search looked at."""
STITCH = ("error", "plain", "dissent")
ALWAYS = StitchSettings(verify=False, most=16)
CLEAR = 0.5
"""Gain over the plain fill that counts as better, dB."""
LEVELS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
"""Levels of acceptance to report on."""


@dataclass(frozen=True)
class Example:
    """Measures, the truth, the group and the query that it is from, and whether it may be a reference at all.

    What was made for the purpose says how, and counts less than what was found.
    """

    measures: Mapping[str, float]
    truth: bool
    group: int
    query: int = 0
    possible: bool = True
    made: str = ""

    @property
    def weight(self) -> float:
        """What it counts when weights are fitted."""
        return MADE_WEIGHT if self.made else 1.0


def logistic(listed: Sequence[Example], names: Sequence[str], ridge: float = 0.5) -> dict[str, float]:
    """Fit weights by Newton's method; the ridge holds for all but the constant, on standardised measures."""
    values = np.array([[item.measures.get(name, 0.0) for name in names] for item in listed])
    truth = np.array([item.truth for item in listed], float)
    counted = np.array([item.weight for item in listed])
    middle, scale = values.mean(0), values.std(0) + 1e-6
    rows = np.hstack([(values - middle) / scale, np.ones((len(values), 1))])
    penalty = np.diag([ridge] * len(names) + [1e-6])
    weights = np.zeros(len(names) + 1)
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (counted * (chance - truth)) + penalty @ weights
        bend = (rows * (counted * chance * (1 - chance))[:, None]).T @ rows + penalty
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
    made: dict[str, list[int]] = {}
    for row, item in enumerate(listed):
        (made.setdefault(item.made, []) if item.made else queries.setdefault(item.query, [])).append(row)
    first = [max(rows, key=lambda row: found[row]) for rows in queries.values()]
    right = [row for rows in queries.values() for row in rows if listed[row].truth]
    table = {}
    for level in LEVELS:
        accepted = [item.possible and value >= level for item, value in zip(listed, found, strict=True)]
        table[str(level)] = {
            "kept": float(np.mean([accepted[row] for row in first if listed[row].truth])),
            "kept_all": float(np.mean([accepted[row] for row in right])),
            "false": float(np.mean([any(accepted[row] for row in rows if not listed[row].truth)
                                    for rows in queries.values()])),
            **{kind: float(np.mean([accepted[row] for row in rows])) for kind, rows in made.items()},
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
    settings = replace(bench.settings, followed=0, top=bench.settings.shortlist + bench.settings.details)
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


def made_examples(bench: Bench, asked: Sequence[Question], others: Sequence[Path], seed: int) -> list[Example]:
    """Measure pairs that are made of true ones: alike in colours, as what searches confuse is, but not in content."""
    rng = np.random.default_rng(seed)
    groups = list(dict.fromkeys(question.case.group for question in asked))
    places = {bench.index.path(picture): (segment, row) for segment, row, picture in bench.index.pictures()}
    asked = [question for question in asked if question.kind in MADE_KINDS]
    listed: list[Example] = []
    for number in rng.permutation(len(asked))[:MADE]:
        case, view = asked[number].case, bench.query(asked[number])
        answer = sorted(case.answers)[int(rng.integers(len(case.answers)))]
        segment, row = places[answer]
        features = bench.index.segments[segment].features(row)
        matches = match(features, view.features, verify.VerifySettings().matching)
        found = estimate(matches.source_points, matches.target_points, view.features.size)
        if found is None or found.count < ENOUGH:
            continue
        for one in made_pairs.changed(answer, matches.source_points[found.inliers].astype(float), others, rng):
            shown = query_photo(one.rgb, settings=bench.index.manifest.features)
            pair = (shown, view) if one.kind == "elsewhere" and rng.random() < 0.5 else (view, shown)
            likeness = _likeness(view.colours, shown.colours)
            if not one.same:
                whole = _likeness(view.colours, colour.signature(made_pairs.read(answer)))
                likeness = rng.uniform(likeness, max(likeness, whole))
            verdict = verify.verify(pair[0].features, pair[1].features, likeness,
                                    words=_cosine(bench.index.vocabulary, *pair))  # fmt: skip
            listed.append(Example(verdict.measures, one.same, groups.index(case.group), -1,
                                  verdict.kind != verify.NO_TRANSFORM, one.kind))  # fmt: skip
    return listed


def _likeness(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    return float(colour.similarity(first, second[None])[0])


def _cosine(vocabulary: Vocabulary, first: Asked, second: Asked) -> float:
    """Return how alike the visual words of two pictures are."""
    vectors = []
    for one in (first, second):
        words = vocabulary.assign(one.features.descriptors)[0][:, :1]
        vectors.append(query_vector(words, np.ones(words.shape, np.float32), vocabulary.rarity))
    (left, weights), (right, others) = vectors
    _, here, there = np.intersect1d(left, right, return_indices=True)
    return float(weights[here] @ others[there])


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


def fit_verify(folder: Path, work: Path, count: int, seed: int, part: str) -> None:
    """Fit and write the models of verification: ``part`` of them, both when empty."""
    collection = open_collection(folder)
    prepare(work, [collection.pictures])
    bench = Bench(work, SearchSettings(enough=99))
    asked = questions(collection, limit=count, views=1, seed=seed)
    listed = verify_examples(bench, asked)
    path = Path(verify.__file__).with_name(verify.FILE)
    content = json.loads(path.read_text(encoding="utf-8"))
    about = {"groups": count, "searched": len(bench.index), "queries": len(asked), "seed": seed}
    if part != "search":
        geometric = [item for item in listed if item.measures["found"]]
        for name, measures in (("plain", PLAIN), ("coloured", COLOURED)):
            _fit(content, name, geometric, measures, about)
    if part != "pairs":
        inside = {path for case in collection.cases[: 4 * count] for path in (case.photo,)}
        strangers = [bench.index.path(picture) for _, _, picture in bench.index.pictures()]
        others = [path for path in strangers if path in inside or path.parent != collection.pictures]
        listed += made_examples(bench, asked, others, seed)
        _fit(content, "searched", listed, SEARCHED, about)
        content["about"]["searched"]["levels"] = levels(listed, tuple(content["searched"])[:-1])
    _write(path, content)


def _fit(
    content: dict[str, Any], name: str, listed: Sequence[Example], names: Sequence[str], about: Mapping[str, Any]
) -> None:
    """Fit the weights of one model into the content of the file."""
    names = _favourable(listed, names)
    content[name] = logistic(listed, names)
    content["about"][name] = {**about, "cross_validated": held_out(listed, names)}


def _favourable(listed: Sequence[Example], names: Sequence[str]) -> Sequence[str]:
    """Return the measures that speak as they are meant to, most of them for the same object.

    Colours may seem to speak against it: what a shortlist holds by mistake is there because of its colours.
    """
    weights = logistic(listed, names)
    return [name for name in names if (weights[name] > 0) != (name in AGAINST) or name == "found"]


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
    parser.add_argument("--only", choices=("search", "pairs", "stitch"))
    given = parser.parse_args()
    if given.only != "stitch":
        fit_verify(given.folder, given.work, given.groups, given.seed, given.only or "")
    if given.only in (None, "stitch"):
        fit_stitch(read_groups(given.folder)[: given.groups : 2], given.seed)


if __name__ == "__main__":
    main()
