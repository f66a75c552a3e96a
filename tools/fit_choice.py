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
from deocclude.content.measures import FLOOR, measure, shape_of

OUT = Path(__file__).parent.parent / "src/deocclude/content" / choice_model.FILE
SAMPLES = 150
"""Pixels of each hole that the fit looks at."""
START = (1.0, 0.0, 0.0, 0.2, 0.1)
"""Weights of the cues (1, reach, share, band, copy) where the fit starts ..."""
HELD = (10.0, 10.0, 10.0, 40.0, 40.0)
"""... and how strongly it is held to them."""
STRANGER = Belief((0.1, 0.0, 0.0, 0.6, 0.2), (1.5, 0.0, 0.0))
"""For candidates that were not there when the model was fitted: tests are believed more, promises less."""
REFERENCES = {
    "fusion": Belief((-1.2, 0.0, 0.0, 0.2, 0.1), (-1.2, 0.0, 0.0)),
    "fused": Belief((-2.4, 0.0, 0.0, 0.0, 0.0), (-2.4, 0.0, 0.0)),
}
"""For pictures from references that are trusted. ``fusion``: about the mean log of its squared error over PCNet-C's on
the 39 validation objects of a data set of UKBench views (-1.28), of which 33 have one. ``fused`` is set so low that
nothing else has a share where it has an answer: it is a mean already."""
ALLOWED = 0.4
"""A loss of so many dB to the best candidate is no harm; more is."""

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Samples:
    """Contests with tests as the fit sees them: m contests, k candidates, n pixels of each hole (some twice).

    Attributes:
        painted: float32 [m, k, n, 3].
        truth: uint8 [m, n, 3].
        cues: float32 [m, k, 5, n].
        squares: mean squared error of each candidate over these pixels, [m, k].
    """

    painted: NDArray[np.float32]
    truth: NDArray[np.uint8]
    cues: NDArray[np.float32]
    squares: Float

    def part(self, rows: NDArray[np.bool_]) -> Samples:
        """Return some of the contests."""
        return Samples(self.painted[rows], self.truth[rows], self.cues[rows], self.squares[rows])


def sampled(known: Sequence[Known]) -> Samples:
    """Return the contests as arrays."""
    painted, truth, cues = [], [], []
    for item in known:
        rows, columns = np.nonzero(item.hole)
        pick = np.resize(np.random.default_rng(0).permutation(len(rows)), SAMPLES)
        at = rows[pick], columns[pick]
        found = [measure(item.contest, answer.tests) for answer in item.contest.answers]
        shape = shape_of(item.contest.patch)
        told = [choice_model.cues(one, found[0], shape) for one in found]
        cues.append([[cue[at] if np.ndim(cue) else np.full(SAMPLES, cue) for cue in one] for one in told])
        painted.append([answer.painted.rgb[at] for answer in item.contest.answers])
        truth.append(item.truth[at])
    pictures, true = np.array(painted, np.float32), np.array(truth)
    squares = np.square(pictures - true[:, None].astype(np.float32)).mean((2, 3), dtype=np.float64)
    return Samples(pictures, true, np.array(cues, np.float32), squares)


def mixed_squares(samples: Samples, weights: Float, power: float, gate: float) -> Float:
    """Return the mean squared error of each mixture, without fading and fine detail; ``weights`` [k - 1, 5]."""
    rest = np.einsum("mkcn,kc->mkn", samples.cues[:, 1:], weights)
    expected = np.concatenate([np.zeros_like(rest[:, :1]), rest], 1)
    share = np.maximum(np.exp(-power * (expected - expected.min(1, keepdims=True))) - gate**-power, 0)
    share /= share.sum(1, keepdims=True)
    picture = np.einsum("mkn,mknc->mnc", share, samples.painted)
    return np.asarray(np.square(picture - samples.truth).mean((1, 2)), np.float64)


def fit(samples: Samples, names: Sequence[str]) -> ChoiceModel:
    """Return the model that loses least: mean PSNR, and what single objects lose to their best candidate.

    Args:
        samples: contests.
        names: of the candidates, the safe one first.
    """
    best, others = decibels(samples.squares.min(1)), len(names) - 1
    start = np.array([*START * others, np.log(3.0), np.log(0.8)])
    held = np.array([*HELD * others, 0.3, 0.3])

    def parts(values: Float) -> tuple[Float, float, float]:
        return values[:-2].reshape(others, -1), float(np.exp(values[-2])), float(1 + np.exp(values[-1]))

    def loss(values: Float) -> float:
        lost = best - decibels(mixed_squares(samples, *parts(values)))
        return float(lost.mean() + 0.5 * np.maximum(lost - ALLOWED, 0).mean() + (held * (values - start) ** 2).mean())

    free, upward = (None, None), (0.0, None)
    bounds = [*[free, free, free, upward, upward] * others, free, free]
    found = minimize(loss, start, method="L-BFGS-B", bounds=bounds, options={"maxiter": 25, "eps": 1e-3}).x
    weights, power, gate = parts(found)
    beliefs = {name: Belief(_rounded(row), _untested(samples, k + 1)) for k, (name, row) in
               enumerate(zip(names[1:], weights, strict=True))}  # fmt: skip
    return ChoiceModel({**beliefs, **REFERENCES, OTHER: STRANGER}, power=round(power, 3), gate=round(gate, 3))


def _untested(samples: Samples, place: int) -> tuple[float, ...]:
    """Return what is expected of a candidate when no test can be made, by least squares."""
    left = samples.cues[:, place, :3, 0].astype(np.float64)
    right = np.log((samples.squares[:, place] + FLOOR) / (samples.squares[:, 0] + FLOOR))
    return _rounded(np.linalg.solve(left.T @ left + np.diag([1.0, 10.0, 10.0]), left.T @ right))


def _rounded(values: Float) -> tuple[float, ...]:
    return tuple(round(float(value), 4) for value in values)


def chosen_errors(known: Sequence[Known], model: ChoiceModel) -> Float:
    """Return the mean squared error of the whole choice, fine detail included, on each contest."""
    return np.array([
        mean_square(np.clip(np.rint(mix(item.contest, model).picture[item.hole]), 0, 255), item.truth[item.hole])
        for item in known
    ])  # fmt: skip


def figures(known: Sequence[Known], chosen: Float, names: Sequence[str]) -> dict[str, float]:
    """Return PSNR of each candidate, of the best of each object and of the choice, and what objects lose."""
    single = np.array([
        [mean_square(answer.painted.rgb[item.hole], item.truth[item.hole]) for answer in item.contest.answers]
        for item in known
    ])  # fmt: skip
    lost = decibels(single.min(1)) - decibels(chosen)
    return {name: float(decibels(single[:, k]).mean()) for k, name in enumerate(names)} | {
        "best of each object": float(decibels(single.min(1)).mean()), "chosen": float(decibels(chosen).mean()),
        "within 0.5 dB of the best": float((lost <= 0.5).mean()), "worst loss": float(lost.max()),
        "objects": float(len(known)),
    }  # fmt: skip


def main() -> None:
    """Fit, score and write."""
    options = arguments(__doc__ or "", OUT).parse_args()
    known = [item for item in known_contests(options) if item.contest.probes]
    names = max(([answer.name for answer in item.contest.answers] for item in known), key=len)
    known = [item for item in known if [answer.name for answer in item.contest.answers] == names]
    samples, fold, chosen = sampled(known), folds(known), np.zeros(len(known))
    for number in range(int(fold.max()) + 1):
        rows = np.flatnonzero(fold == number)
        chosen[rows] = chosen_errors([known[row] for row in rows], fit(samples.part(fold != number), names))
    scores = {name: round(value, 3) for name, value in figures(known, chosen, names).items()}
    for name, value in scores.items():
        print(f"{name:28} {value:8.3f}")
    model = replace(fit(samples, names), about={"seed": options.seed, "scores": scores})
    options.output.write_text(choice_model.to_json(model), encoding="utf-8")


if __name__ == "__main__":
    main()
