"""Candidates compete: every one fills the hole and test holes beside it, and what they got right there decides.

The first candidate is the safe one: the errors of the others are compared with its. Nothing is asked about a hole so
thin that there is nothing to choose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from deocclude.content import METHODS, choice_model, confidence, mixing, painter
from deocclude.content.choice_model import ChoiceModel
from deocclude.content.contest import COPIES, Candidate, Contest, hold
from deocclude.content.measures import Measured, measure, shape_of
from deocclude.content.painting import BLIND, paint_blind
from deocclude.content.patch import Painted, Painter, Patch, Provenance
from deocclude.errors import DeoccludeError

Float = NDArray[np.float32]
CANDIDATES = ("pcnet-c", "telea", "biharmonic", "exemplar")
"""Painters that compete, the safe one first; those that cannot be had are named in the notes."""
NAME = "chosen"
THIN = 4
"""A hole at most this wide in pixels is left to the safe candidate: there is no room for anything else."""
LEAST = 0.01
"""A candidate with a smaller share of the weight is not named."""


@dataclass(frozen=True)
class ChooseSettings:
    """Settings of the choice.

    Attributes:
        copies: test holes laid elsewhere on the object, besides the band round the hole.
        detail: what fine detail may cost, as a share of the squared error; ``None`` for the fitted value.
    """

    copies: int = COPIES
    detail: float | None = None


@dataclass(frozen=True, eq=False)
class Mixture:
    """What became of the answers.

    Attributes:
        shares: float32 [k, h, w], weight of each candidate.
        picture: float32 [h, w, 3], meaningful in the hole.
        tests: float32 [n, 3] for each test hole: the mixture's answer there.
        measured: the test results of each candidate.
        source: the candidate whose fine detail was put in, and how much of it, 0..1.
    """

    shares: Float
    picture: Float
    tests: tuple[Float, ...]
    measured: tuple[Measured, ...]
    source: tuple[int, float]


def choose(
    candidates: Sequence[Candidate], settings: ChooseSettings | None = None, notes: tuple[str, ...] = ()
) -> Painter:
    """Return a painter that lets candidates compete for every pixel of a hole.

    Args:
        candidates: at least one; the first is the safe one.
        settings: of the choice.
        notes: added to every answer: candidates that could not be had, and why.
    """
    settings = settings or ChooseSettings()
    model = choice_model.bundled()
    if settings.detail is not None:
        model = replace(model, detail=settings.detail)

    def paint(patch: Patch) -> Painted:
        width = patch.hole_width
        thin = width <= THIN and bool(patch.evidence.any())
        told: tuple[str, ...] = (f"the hole is at most {width:.0f} px wide: no test made",) if thin else ()
        # In a thin hole the safe one answers, or the next that can.
        for asked in [[one] for one in candidates] if thin else [candidates]:
            contest = hold(patch, asked, copies=0 if thin else settings.copies)
            told += contest.notes
            if contest.answers:
                return _answer(contest, model, (*told, *notes))
        why = "no painter can answer" if patch.evidence.any() else BLIND
        return replace(paint_blind(patch, NAME, why), notes=(*told, *notes))

    return paint


def choose_among_all(extra: Sequence[Candidate] = (), settings: ChooseSettings | None = None) -> Painter:
    """Return a painter that lets all of :data:`CANDIDATES` that can be had, and ``extra`` ones, compete."""
    known, notes = available()
    return choose((*known, *extra), settings, notes)


@cache
def available() -> tuple[tuple[Candidate, ...], tuple[str, ...]]:
    """Return the candidates that can be had, built once, and why each of the others cannot."""
    candidates, notes = [], []
    for name in CANDIDATES:
        try:
            candidates.append(Candidate(name, painter(name)))
        except DeoccludeError as error:
            known = name in METHODS
            notes.append(f"{name} left out: {error}" if known else f"{name} left out: not part of this version")
    return tuple(candidates), tuple(notes)


def mix(contest: Contest, model: ChoiceModel) -> Mixture:
    """Return the mixture of the answers of a contest, at least one."""
    measured = tuple(measure(contest, answer.tests) for answer in contest.answers)
    expected = _expected(contest, measured, model)
    inside = contest.patch.hole
    answered = np.stack([~inside | (a.painted.provenance != Provenance.NOTHING) for a in contest.answers])
    shares = mixing.weights(expected, answered, model.power, model.gate)
    pictures = [answer.painted.rgb.astype(np.float32) for answer in contest.answers]
    picture, tests = mixing.mean(pictures, shares), _mixed_tests(contest, shares)
    mixture = Mixture(shares, picture, tests, measured, (0, 0.0))
    return _with_detail(contest, mixture, expected[:, inside].mean(1), model.detail)


def _expected(contest: Contest, measured: Sequence[Measured], model: ChoiceModel) -> Float:
    """Return the log of each candidate's expected squared error over the first one's, float32 [k, h, w]."""
    shape = shape_of(contest.patch)
    found = [
        model.expected(answer.name, result, measured[0], shape) if number else np.zeros((1, 1), np.float32)
        for number, (answer, result) in enumerate(zip(contest.answers, measured, strict=True))
    ]
    return np.stack([np.broadcast_to(one, contest.patch.hole.shape) for one in found]).astype(np.float32)


def _mixed_tests(contest: Contest, shares: Float) -> tuple[Float, ...]:
    """Return the mixture's answers to the test holes: with the local weights on the band, the mean ones elsewhere."""
    inside = shares[:, contest.patch.hole].mean(1)
    mixed = []
    for number, probe in enumerate(contest.probes):
        safe = contest.answers[0].tests[number]
        answers = [np.where(np.isfinite(a.tests[number]), a.tests[number], safe) for a in contest.answers]
        count = int(np.count_nonzero(probe.asked))
        weight = shares[:, probe.asked] if probe.kind == "band" else np.repeat(inside[:, None], count, 1)
        mixed.append(mixing.mean(answers, weight))
    return tuple(mixed)


def _with_detail(contest: Contest, mixture: Mixture, expected: Float, cost: float) -> Mixture:
    """Return the mixture with fine detail of the candidate whose amount of detail is the most natural."""
    near = [k for k, value in enumerate(expected - expected.min()) if value <= np.log(mixing.DETAIL_GATE)]
    if not contest.probes or len(contest.answers) == 1 or cost <= 0:
        return mixture
    source = min(near, key=lambda k: mixing.naturalness(contest, contest.answers[k].tests))
    winner, hole = contest.answers[source], contest.patch.hole
    given = winner.painted.provenance != Provenance.NOTHING
    known = (hole & given) | contest.patch.evidence
    picture = np.where(hole[..., None], mixture.picture, contest.patch.rgb.astype(np.float32))
    step = mixing.fine(winner.painted.rgb.astype(np.float32), known) - mixing.fine(picture, known)
    step[~given] = 0
    gain = mixing.detail_gain(contest, mixture.tests, winner.tests, float(np.square(step[hole]).mean()), cost)
    return replace(mixture, picture=picture + np.float32(gain) * step, source=(source, gain))


def _answer(contest: Contest, model: ChoiceModel, notes: tuple[str, ...]) -> Painted:
    patch, mixture = contest.patch, mix(contest, model)
    hole = patch.hole
    rgb = patch.rgb.copy()
    rgb[hole] = np.clip(np.rint(mixture.picture[hole]), 0, 255).astype(np.uint8)
    leader = mixture.shares.argmax(0)
    sources = np.stack([answer.painted.provenance for answer in contest.answers])
    origin = np.where(hole, np.take_along_axis(sources, leader[None], 0)[0], np.uint8(Provenance.NOTHING))
    sure = np.where(hole, confidence.of(contest, mixture.shares, mixture.tests), 0).astype(np.float32)
    return Painted(rgb, sure, origin.astype(np.uint8), NAME, notes=(*_told(contest, mixture), *notes))


def _told(contest: Contest, mixture: Mixture) -> tuple[str, ...]:
    """Return who painted how much, and the errors on the test holes."""
    names = [answer.name for answer in contest.answers]
    part = mixture.shares[:, contest.patch.hole].mean(1)
    order = sorted(range(len(names)), key=lambda k: -part[k])
    told = [", ".join(f"{names[k]} {part[k]:.0%}" for k in order if part[k] >= LEAST)]
    source, gain = mixture.source
    if gain >= LEAST and part[source] < 1:
        told[0] += f"; {gain:.0%} of the fine detail from {names[source]}"
    levels = [(result.grey_levels, name) for result, name in zip(mixture.measured, names, strict=True)]
    known = sorted((level, name) for level, name in levels if level is not None)
    if known:
        listed = ", ".join(f"{name} {level:.1f}" for level, name in known)
        told.append(f"{listed} grey levels of error on {len(contest.probes)} test holes")
    elif len(names) > 1:
        told.append("too little visible for a test: weights by experience")
    return tuple(told)
