"""Fit the model of rivals: how much a picture says that different things match as well.

    python tools/made_surroundings.py UKBENCH PHOTOS MADE
    python tools/fit_rivals.py UKBENCH MADE --work WORK --made-work MADE_WORK

WORK is that of ``evaluate retrieval``; MADE_WORK holds an index with the made pictures as well (copy the one, and they
are added). Searches ask about the first groups with the views that the model of verification was not fitted on, and
about the made things with one view each; both with the answers in the index and without them. Of what is made, only
wrong pictures count that share little, as in real collections; and it weighs less, for there is as much of it as one
likes. Cross-validation leaves out whole groups with all that was made of them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from fit_references import FOLDS, Example, logistic, view_of

from deocclude.datasets.retrieval import open_collection
from deocclude.evaluation.retrieval_bench import Bench, Question, prepare, questions
from deocclude.files import write_text
from deocclude.references import rivals
from deocclude.references.search import Found, SearchSettings, search

NAMES = ("odds", "lead")
MADE_KINDS = ("whole", "crop 50 %", "crop 25 %")
MADE_WEIGHT = 0.1
LITTLE = 0.15
"""A wrong picture shares little with a made one if it has at most this share of the best right picture's matches."""
LEVELS = (0.5, 0.6, *(level / 100 for level in range(70, 81)), 0.85)


@dataclass(frozen=True)
class Asked:
    """What a question found, with the answers in the index and without them."""

    fold: int
    made: bool
    present: Sequence[tuple[Found, bool]]
    absent: Sequence[tuple[Found, bool]]

    @property
    def examples(self) -> list[Example]:
        """Pictures that rivals matter for."""
        weight = MADE_WEIGHT if self.made else 1.0
        return [
            Example(dict(zip(NAMES, rivals.measures(one.chance, one.rival), strict=True)), right, self.fold,
                    weight=weight)
            for one, right in (*self.present, *self.absent) if one.rival is not None and one.chance >= rivals.FLOOR
        ]  # fmt: skip


def main() -> None:
    """Ask, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ukbench", type=Path, help="pictures in UKBench order")
    parser.add_argument("made", type=Path, help="pictures of tools/made_surroundings.py")
    parser.add_argument("--work", type=Path, default=Path("work-data/retrieval"), help="of evaluate retrieval")
    parser.add_argument("--made-work", type=Path, default=Path("work-data/rivals"), help="the same for made pictures")
    parser.add_argument("--groups", type=int, default=50, help="groups to fit on, the first ones")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    natural, made = open_collection(given.ukbench), open_collection(given.made)
    prepare(given.work, [natural.pictures])
    prepare(given.made_work, [natural.pictures, made.pictures])
    bench, with_made = (Bench(folder, SearchSettings(enough=99)) for folder in (given.work, given.made_work))
    early = questions(natural, limit=given.groups, seed=given.seed)
    listed = [ask(bench, one, made=False) for one in early if view_of(one.case) % 2]
    listed += [ask(with_made, one, made=True) for one in questions(made, MADE_KINDS, views=1, seed=given.seed)]
    weights = logistic([item for one in listed for item in one.examples], NAMES)
    about = {"by": "tools/fit_rivals.py", "groups": given.groups, "searched": len(bench.index), "seed": given.seed,
             "queries": sum(not one.made for one in listed), "made": sum(one.made for one in listed),
             "levels": levels(listed)}  # fmt: skip
    path = Path(rivals.__file__).with_name(rivals.FILE)
    write_text(path, json.dumps({"weights": weights, "about": about}, indent=2) + "\n")
    print(path, json.dumps({"weights": weights, "about": about}, indent=2))


def ask(bench: Bench, question: Question, *, made: bool) -> Asked:
    """Search for a question; of wrong made pictures those that share much are left out."""
    case = question.case
    settings = replace(bench.settings, followed=0, top=bench.settings.shortlist + bench.settings.details)
    found = []
    with bench.asking(question) as asked:
        for without in ({case.photo}, {case.photo, *case.answers}):
            ranked = search(bench.index, asked.query, settings, without=without, verifier=asked.verify).ranked
            found.append([(one, one.hit.path in case.answers) for one in ranked if one.verdict])
    if made:
        most = LITTLE * max((one.inliers for one, right in found[0] if right), default=0)
        found = [[(one, right) for one, right in part if right or one.inliers <= most] for part in found]
    return Asked(_fold(case.group), made, *found)


def levels(listed: Sequence[Asked]) -> dict[str, dict[str, float]]:
    """Return for levels of acceptance, by cross-validation, what the evaluation of retrieval reports; and as it was."""
    table = {}
    others = {fold: [item for one in listed if one.fold != fold for item in one.examples] for fold in range(FOLDS)}
    models = {fold: rivals.RivalsModel(**logistic(part, NAMES)) for fold, part in others.items()}

    def now(found: Found, fold: int) -> float:
        return found.chance if found.rival is None else models[fold].probability(found.chance, found.rival)

    for level in LEVELS:
        scores = {}
        for name, made in (("natural", False), ("made", True)):
            part = [one for one in listed if one.made == made]
            for how, value in (("before", lambda found, fold: found.chance), ("now", now)):
                first = [max(((value(found, one.fold), right) for found, right in one.present), default=(0.0, False))
                         for one in part]  # fmt: skip
                wrong = [any(value(found, one.fold) >= level and found.rival is not None for found, _ in one.absent)
                         for one in part]  # fmt: skip
                scores[f"{name}, {how}"] = {
                    "kept": round(float(np.mean([at >= level for at, right in first if right])), 4),
                    "false": round(float(np.mean(wrong)), 4),
                }
        table[str(level)] = scores
    return table


def _fold(group: str) -> int:
    """Return the fold of a group, the same for all that was made of it."""
    return int("".join(sign for sign in group.split("-")[0] if sign.isdigit())) // 4 % FOLDS


if __name__ == "__main__":
    main()
