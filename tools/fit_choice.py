"""Fit how far the tests of candidates are trusted, and write it into the package.

    python tools/fit_choice.py DATA [--held-out] [--cases 240] [--cache FILE]

Prints PSNR over hidden pixels: each candidate alone, the best one of each object in hindsight, and the choice, whose
coefficients come from other photos (5-fold cross-validation). Never fit on the sets that methods are scored with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from contests import Known, arguments, decibels, folds, known_contests, mean_square
from numpy.typing import NDArray
from scipy.optimize import minimize

from deocclude.content import choice_model
from deocclude.content.choice_model import OTHER, Belief, ChoiceModel
from deocclude.content.choose import mix
from deocclude.content.measures import FLOOR, Measured, Shape, measure, shape_of

OUT = Path(__file__).parent.parent / "src/deocclude/content" / choice_model.FILE
SAMPLES = 300
"""Pixels of each hole that the fit looks at."""
START = Belief(offset=0.15, band=0.4, copy=0.1)
STRANGER = Belief(offset=0.1, band=0.6, copy=0.2, untested=(1.5, 0.0, 0.0))
"""For candidates that were not there when the model was fitted: tests are believed more, promises less."""
FIELDS = ("offset", "band", "copy", "reach", "share")
HELD = {"offset": 0.1, "band": 1.0, "copy": 1.0, "reach": 4.0, "share": 4.0}
"""How strongly each coefficient is held to where it starts."""
ALLOWED = 0.4
"""A loss of so many dB to the best candidate is no harm; more is."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One contest as the fit sees it: n pixels of the hole, k candidates."""

    names: tuple[str, ...]
    painted: NDArray[np.float64]
    truth: NDArray[np.uint8]
    measured: tuple[Measured, ...]
    shape: Shape


def sample(known: Known) -> Sample:
    """Return some pixels of the hole, always the same ones."""
    rows, columns = np.nonzero(known.hole)
    pick = np.random.default_rng(0).permutation(len(rows))[:SAMPLES]
    at = rows[pick], columns[pick]
    measured = []
    for answer in known.contest.answers:
        result = measure(known.contest, answer.tests)
        measured.append(replace(result, band=None if result.band is None else result.band[at]))
    painted = np.stack([answer.painted.rgb[at].astype(np.float64) for answer in known.contest.answers])
    names = tuple(answer.name for answer in known.contest.answers)
    return Sample(names, painted, known.truth[at], tuple(measured), shape_of(known.contest.patch))


def mixed_error(item: Sample, model: ChoiceModel) -> float:
    """Return the mean squared error of the mixture, without fading and fine detail."""
    expected = np.stack([
        np.broadcast_to(model.expected(name, found, item.measured[0], item.shape), (1, len(item.truth)))[0] * (k > 0)
        for k, (name, found) in enumerate(zip(item.names, item.measured, strict=True))
    ])  # fmt: skip
    share = np.maximum(np.exp(-model.power * (expected - expected.min(0))) - model.gate**-model.power, 0)
    share /= share.sum(0)
    return mean_square((share[..., None] * item.painted).sum(0), item.truth)


def fit(samples: Sequence[Sample]) -> ChoiceModel:
    """Return the model that loses least: mean PSNR, and what single objects lose to their best candidate."""
    names = sorted({name for item in samples for name in item.names[1:]})
    best = [min(mean_square(one, item.truth) for one in item.painted) for item in samples]
    start = np.array([getattr(START, key) for _ in names for key in FIELDS] + [np.log(3.0), np.log(0.8)])
    held = np.array([HELD[key] for _ in names for key in FIELDS] + [0.3, 0.3])

    def built(values: NDArray[np.float64]) -> ChoiceModel:
        rows = values[:-2].reshape(len(names), -1)
        beliefs = {name: Belief(**dict(zip(FIELDS, map(float, row), strict=True))) for name, row in
                   zip(names, rows, strict=True)}  # fmt: skip
        beliefs[OTHER] = STRANGER
        return ChoiceModel(beliefs, power=float(np.exp(values[-2])), gate=float(1 + np.exp(values[-1])))

    def loss(values: NDArray[np.float64]) -> float:
        model = built(values)
        lost = decibels(np.array(best)) - decibels(np.array([mixed_error(item, model) for item in samples]))
        harm = np.maximum(lost - ALLOWED, 0).mean()
        return float(lost.mean() + 0.5 * harm + 0.1 * (held * (values - start) ** 2).mean())

    found = built(minimize(loss, start, method="L-BFGS-B", options={"maxiter": 15, "eps": 1e-3}).x)
    return replace(found, beliefs={name: _untested(name, belief, samples) for name, belief in found.beliefs.items()})


def _untested(name: str, belief: Belief, samples: Sequence[Sample]) -> Belief:
    """Return the belief with what is expected of a candidate when no test can be made."""
    if name == OTHER:
        return belief
    rows, values = [], []
    for item in samples:
        if name in item.names:
            first, own = (mean_square(item.painted[k], item.truth) + FLOOR for k in (0, item.names.index(name)))
            rows.append((1.0, item.shape.reach, item.shape.share))
            values.append(np.log(own / first))
    left = np.array(rows)
    solved = np.linalg.solve(left.T @ left + np.diag([1.0, 10.0, 10.0]), left.T @ np.array(values))
    constant, reach, share = map(float, solved)
    return replace(belief, untested=(constant, reach, share))


def chosen_errors(known: Sequence[Known], model: ChoiceModel) -> NDArray[np.float64]:
    """Return the mean squared error of the whole choice, fine detail included, on each contest."""
    return np.array([
        mean_square(np.clip(np.rint(mix(item.contest, model).picture[item.hole]), 0, 255), item.truth[item.hole])
        for item in known
    ])  # fmt: skip


def figures(known: Sequence[Known], chosen: NDArray[np.float64]) -> dict[str, float]:
    """Return PSNR of each candidate, of the best of each object and of the choice, and what objects lose."""
    names = [answer.name for answer in known[0].contest.answers]
    whole = [item for item in known if [answer.name for answer in item.contest.answers] == names]
    kept = np.array([item in whole for item in known])
    single = np.array([
        [mean_square(answer.painted.rgb[item.hole], item.truth[item.hole]) for answer in item.contest.answers]
        for item in whole
    ])  # fmt: skip
    lost = decibels(single.min(1)) - decibels(chosen[kept])
    found = {name: float(decibels(single[:, k]).mean()) for k, name in enumerate(names)}
    return found | {
        "best of each object": float(decibels(single.min(1)).mean()), "chosen": float(decibels(chosen[kept]).mean()),
        "within 0.5 dB of the best": float((lost <= 0.5).mean()), "worst loss": float(lost.max()),
        "objects": float(len(whole)),
    }  # fmt: skip


def main() -> None:
    """Fit, score and write."""
    options = arguments(__doc__ or "", OUT).parse_args()
    known = known_contests(options)
    samples, fold = [sample(item) for item in known], folds(known)
    chosen = np.zeros(len(known))
    for number in range(int(fold.max()) + 1):
        model = fit([item for item, k in zip(samples, fold, strict=True) if k != number])
        rows = np.flatnonzero(fold == number)
        chosen[rows] = chosen_errors([known[row] for row in rows], model)
    scores = figures(known, chosen)
    for name, value in scores.items():
        print(f"{name:28} {value:8.3f}")
    about = {"objects": len(known), "seed": options.seed, "scores": {k: round(v, 3) for k, v in scores.items()}}
    options.output.write_text(choice_model.to_json(replace(fit(samples), about=about)), encoding="utf-8")


if __name__ == "__main__":
    main()
