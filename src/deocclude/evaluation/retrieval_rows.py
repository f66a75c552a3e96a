"""The methods that retrieval is measured for, from colours alone to the full search."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from deocclude.evaluation.retrieval_bench import Asked
from deocclude.references.index import BOTH, WORDS, Ranking
from deocclude.references.rerank import rerank
from deocclude.references.search import Found, search

Row = Callable[[Asked, Collection[Path]], list[Found]]
"""Given a question and the pictures that are not to be found; returns the pictures found, the best first."""

FULL = "all"
COLOURS = Ranking(words=0.0, colours=1.0)


def _shortlist(ranking: Ranking) -> Row:
    def row(asked: Asked, without: Collection[Path]) -> list[Found]:
        hits = asked.index.query(asked.query, asked.settings.shortlist, ranking, without=without)
        return [Found(hit, None) for hit in hits]

    return row


def _reranked(ranking: Ranking) -> Row:
    def row(asked: Asked, without: Collection[Path]) -> list[Found]:
        hits = asked.index.query(asked.query, asked.settings.shortlist, ranking, without=without)
        return [Found(hit, None) for hit in rerank(asked.index, hits, ranking=ranking)]

    return row


def _details(asked: Asked, without: Collection[Path]) -> list[Found]:
    hits = asked.index.by_details([asked.query], asked.settings.shortlist, without=without)
    return [Found(hit, None) for hit in hits]


def _words_verified(asked: Asked, without: Collection[Path]) -> list[Found]:
    settings = replace(asked.settings, rankings=(WORDS,), details=0, top=asked.settings.shortlist, followed=0)
    return list(search(asked.index, asked.query, settings, without=without, verifier=asked.verify_words).ranked)


def _full(asked: Asked, without: Collection[Path]) -> list[Found]:
    most = len(asked.settings.rankings) * asked.settings.shortlist + asked.settings.details
    settings = replace(asked.settings, top=most)
    return list(search(asked.index, asked.query, settings, without=without, verifier=asked.verify).ranked)


ROWS: dict[str, Row] = {
    "colours": _shortlist(COLOURS),
    "words": _shortlist(WORDS),
    "words + verification": _words_verified,
    "words + re-ranking": _reranked(WORDS),
    "details": _details,
    "words + colours": _shortlist(BOTH),
    "words + colours + re-ranking": _reranked(BOTH),
    FULL: _full,
}
