"""Re-ranking by nearest neighbours: what looks like the pictures that look like the query moves up.

One step of diffusion on the graph of mutual neighbours (k-reciprocal neighbours: Qin et al., CVPR 2011; Zhong et al.,
CVPR 2017): the best pictures of a shortlist vote for their own nearest neighbours in the index, if these have them
among theirs. Views of one object support each other, chance likeness stands alone. Nothing is verified here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deocclude.references.index import BOTH, Hit, Index, Ranking


@dataclass(frozen=True)
class RerankSettings:
    """How neighbours vote.

    Measured on development groups of UKBench: the other views among the first three rise from 92 to 96 % with a hole
    and from 73 to 82 % for crops of an eighth; with twice as many voters or neighbours, by less.

    Attributes:
        voters: best pictures that vote.
        neighbours: nearest neighbours that each votes for.
        slack: so many more may lie before a picture in the list that makes the neighbourhood mutual.
        weight: of all votes of the first picture against its own score.
    """

    voters: int = 6
    neighbours: int = 3
    slack: int = 2
    weight: float = 0.6


_USUAL = RerankSettings()


def rerank(index: Index, hits: Sequence[Hit], settings: RerankSettings = _USUAL, ranking: Ranking = BOTH) -> list[Hit]:
    """Return a shortlist in a new order, with scores relative to the first; that one keeps its place.

    Args:
        index: that the hits are from.
        hits: the best first.
        settings: how neighbours vote.
        ranking: what makes pictures neighbours.
    """
    if not hits or hits[0].score <= 0:
        return list(hits)
    best = hits[0].score
    near = {hit.path: index.neighbours(hit, settings.neighbours + settings.slack, ranking)
            for hit in hits[: settings.voters]}  # fmt: skip
    scores = {hit.path: hit.score / best for hit in hits}
    votes = dict.fromkeys(scores, 0.0)
    for voter in hits[: settings.voters]:
        chosen = near[voter.path][: settings.neighbours]
        for other in chosen:
            if other.path in votes and chosen[0].score > 0 and _mutual(voter, other, near):
                votes[other.path] += scores[voter.path] ** 2 * other.score / chosen[0].score
    ranked = [replace(hit, score=scores[hit.path] + settings.weight * votes[hit.path]) for hit in hits]
    return [ranked[0], *sorted(ranked[1:], key=lambda hit: (-hit.score, str(hit.path)))]


def _mutual(voter: Hit, other: Hit, near: dict[Path, list[Hit]]) -> bool:
    """Whether the voter is among the other's neighbours too; what is no voter itself gets the benefit of the doubt."""
    return other.path not in near or voter.path in {one.path for one in near[other.path]}
