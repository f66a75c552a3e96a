"""Calibrate the confidence of painted pixels, write it into the package and draw its reliability.

    python tools/calibrate_confidence.py DATA [--held-out] [--cases 240] [--cache FILE] [--plot docs/images/FILE.png]

Confidence is the probability that a pixel is within 20 grey levels of the truth (root mean square of R, G, B). The plot
shows, for pixels of photos that the models were not fitted on (5-fold cross-validation), how often that held. Run it
after ``tools/fit_choice.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from contests import Known, arguments, folds, known_contests
from numpy.typing import NDArray
from scipy.optimize import minimize

from deocclude.content import choice_model, confidence
from deocclude.content.choose import mix
from deocclude.content.confidence import PLAIN, TESTED, ConfidenceModel, Logistic

ROOT = Path(__file__).parent.parent
OUT = ROOT / "src/deocclude/content" / confidence.FILE
PLOT = ROOT / "docs/images/confidence.png"
SAMPLES = 300
"""Pixels of each hole; so all objects count about the same."""
FALLING = ("band", "copy", "distance", "disagreement")
"""Cues of error: more of them never means more confidence, whatever few objects say."""
RIDGE = 3.0
BINS = 10

Float = NDArray[np.float64]
Rows = dict[str, Float]


def measured(known: Known, *, tested: bool) -> tuple[Rows, NDArray[np.bool_]]:
    """Return what the models look at in some pixels of the hole, and which pixels are close to the truth.

    Args:
        known: the contest.
        tested: whether the test holes are known; without, all is as if none could have been made.
    """
    contest = known.contest
    if not tested:
        answers = tuple(replace(answer, tests=()) for answer in contest.answers)
        contest = replace(contest, probes=(), answers=answers)
    mixture = mix(contest, choice_model.bundled())
    pick = np.random.default_rng(0).permutation(int(np.count_nonzero(known.hole)))[:SAMPLES]
    found = confidence.values(contest, mixture.shares, mixture.tests)
    painted = np.clip(np.rint(mixture.picture), 0, 255).astype(np.uint8)
    rows = {name: np.asarray(value[known.hole][pick], np.float64) for name, value in found.items()}
    return rows, confidence.close(painted[known.hole][pick], known.truth[known.hole][pick])


def fit(rows: Sequence[Rows], close: Sequence[NDArray[np.bool_]], names: tuple[str, ...]) -> Logistic:
    """Return the logistic model, held to zero a little; errors on tests may only lower the confidence."""
    left = np.concatenate([np.stack([np.ones(len(row["reach"])), *(row[name] for name in names)], 1) for row in rows])
    right = np.concatenate(list(close)).astype(np.float64)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits, held = left @ weights, RIDGE * np.array([0.0, *weights[1:]])
        value = np.logaddexp(0, logits).sum() - right @ logits + held @ weights / 2
        return float(value), left.T @ (1 / (1 + np.exp(-np.clip(logits, -30, 30))) - right) + held

    bounds = [(None, 0.0) if name in FALLING else (None, None) for name in ("", *names)]
    weights = minimize(loss, np.zeros(left.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds).x
    return Logistic(
        round(float(weights[0]), 5), {n: round(float(w), 5) for n, w in zip(names, weights[1:], strict=True)}
    )


def cross_validated(
    rows: Sequence[Rows], close: Sequence[NDArray[np.bool_]], fold: NDArray[np.int64], names: tuple[str, ...]
) -> Float:
    """Return the probability of every pixel by models fitted on other photos."""
    chance = [np.zeros(len(part)) for part in close]
    for number in range(int(fold.max()) + 1):
        kept = [k for k in range(len(rows)) if fold[k] != number]
        model = fit([rows[k] for k in kept], [close[k] for k in kept], names)
        for k in np.flatnonzero(fold == number):
            chance[k] = model.probability(rows[k]).astype(np.float64)
    return np.concatenate(chance)


def reliability(chance: Float, close: NDArray[np.bool_]) -> list[tuple[float, float, int]]:
    """Return for bins of equal width: mean probability, share that was close, and pixels."""
    bins = np.minimum((chance * BINS).astype(int), BINS - 1)
    return [(float(chance[bins == k].mean()), float(close[bins == k].mean()), int((bins == k).sum()))
            for k in range(BINS) if (bins == k).any()]  # fmt: skip


def scores(chance: Float, close: NDArray[np.bool_]) -> dict[str, float]:
    """Return the calibration error, and the Brier score beside that of always saying the mean."""
    table = reliability(chance, close)
    error = sum(abs(said - held) * count for said, held, count in table) / len(close)
    brier, constant = float(np.square(chance - close).mean()), float(close.mean() * (1 - close.mean()))
    return {"calibration_error": error, "brier": brier, "brier_of_the_mean": constant, "close": float(close.mean())}


def draw(tables: dict[str, list[tuple[float, float, int]]], path: Path) -> None:
    """Draw probability against frequency."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 4.6), layout="constrained")
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for (name, table), colour in zip(tables.items(), ("#0072b2", "#d55e00"), strict=True):
        said, held, count = (np.array(column) for column in zip(*table, strict=True))
        axes.plot(said, held, color=colour, label=name)
        axes.scatter(said, held, 400 * count / count.sum() + 8, color=colour)
    axes.set(xlabel="Confidence", ylabel="Share of pixels within 20 grey levels", xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Fit, score, draw and write."""
    parser = arguments(__doc__ or "", OUT)
    parser.add_argument("--plot", type=Path, default=PLOT)
    options = parser.parse_args()
    known = known_contests(options)
    fold = folds(known)
    models, tables, told = {}, {}, {}
    for name, names, tested in (("tested", TESTED, True), ("plain", PLAIN, False)):
        wanted = [item for item in known if item.contest.probes or not tested]
        part = np.array([k for item, k in zip(known, fold, strict=True) if item.contest.probes or not tested])
        rows, close = zip(*(measured(item, tested=tested) for item in wanted), strict=True)
        chance, truth = cross_validated(rows, close, part, names), np.concatenate(close)
        models[name] = fit(rows, close, names)
        tables["with test holes" if tested else "without"] = reliability(chance, truth)
        told[name] = {key: round(value, 4) for key, value in scores(chance, truth).items()}
        print(name, told[name])
    draw(tables, options.plot)
    about = {"objects": len(known), "seed": options.seed, "scores": told}
    model = ConfidenceModel(models["tested"], models["plain"], about)
    options.output.write_text(confidence.to_json(model), encoding="utf-8")


if __name__ == "__main__":
    main()
