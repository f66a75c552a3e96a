"""The order of a whole scene: pairwise probabilities and a user's corrections made into one consistent graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deocclude.errors import InputError
from deocclude.ordering.pairs import PairwiseOrder

RELATIONS = ("front", "none", "both")
MUTUAL = 0.65
"""Two objects hide parts of each other only where both directions are likelier than this: a hand through a handle is
rare, and of eleven held-out pairs for which both directions passed 0.5 none truly was one."""


@dataclass(frozen=True)
class Edge:
    """An arrow: ``front`` hides part of ``behind``.

    Attributes:
        front: id of the occluder.
        behind: id of the occluded object.
        probability: that this holds.
        reverse: probability of the opposite; both may be high.
        by_user: set by hand; outranks every model.
    """

    front: int
    behind: int
    probability: float
    reverse: float = 0.0
    by_user: bool = False

    @property
    def certainty(self) -> float:
        """How much the pair speaks for this direction; arrows set by hand are beyond doubt."""
        return float("inf") if self.by_user else self.probability - self.reverse


@dataclass(frozen=True)
class Override:
    """A correction by hand of one pair.

    Attributes:
        first: an object id.
        second: another object id.
        relation: ``front`` (first hides second), ``none`` (neither hides the other) or ``both``.
    """

    first: int
    second: int
    relation: str = "front"


@dataclass(frozen=True, eq=False)
class OrderGraph:
    """Who hides whom in a scene. Build one with :meth:`build` or :meth:`from_matrix`.

    Attributes:
        ids: all objects, related or not.
        edges: arrows in force.
        dropped: arrows taken out to make the order free of cycles, in the order in which they went.
        mutual: pairs (a < b) that hide parts of each other; both arrows are in force, the layers follow the
            stronger one unless the arrows of other pairs speak against it.
        overrides: the corrections that were applied.
    """

    ids: tuple[int, ...]
    edges: tuple[Edge, ...]
    dropped: tuple[Edge, ...] = ()
    mutual: tuple[tuple[int, int], ...] = ()
    overrides: tuple[Override, ...] = ()

    @staticmethod
    def build(pairs: PairwiseOrder, overrides: Iterable[Override] = (), *, threshold: float = 0.5) -> OrderGraph:
        """Make the graph of pairwise probabilities.

        An arrow stands where its probability exceeds ``threshold``, the weaker one of a pair (of two alike, that from
        the object listed later) where it also exceeds :data:`MUTUAL`; overrides replace what the model says of their
        pair. Cycles of three and more are broken at the arrow with the smallest margin over its opposite; if that
        belongs to a mutual pair, both its arrows stay and only the layers do not follow it.

        Raises:
            InputError: an override names an unknown object, an object and itself, or an unknown relation; or
                arrows set by hand form a cycle by themselves.
        """
        overrides = tuple(overrides)
        edges = _edges(pairs.ids, pairs.front, threshold)
        for override in overrides:
            _check_override(override, pairs.ids)
            edges = _apply(edges, override)
        return _without_cycles(pairs.ids, edges, overrides)

    @staticmethod
    def from_matrix(ids: Sequence[int], matrix: NDArray[np.int8], *, break_cycles: bool = True) -> OrderGraph:
        """Make the graph of an order matrix [n, n]: +1 where the row is in front of the column.

        Args:
            ids: object ids of rows and columns.
            matrix: +1, 0, -1; only the +1 are read.
            break_cycles: the reference protocol keeps cycles; :meth:`z_order` needs them broken.
        """
        edges = _edges(tuple(ids), (np.asarray(matrix) > 0).astype(float), 0.5)
        if not break_cycles:
            return OrderGraph(tuple(ids), tuple(edges.values()))
        return _without_cycles(tuple(ids), edges, ())

    def occluders(self, identity: int) -> tuple[int, ...]:
        """Return the ids that hide part of ``identity`` directly."""
        return tuple(edge.front for edge in self.edges if edge.behind == identity)

    def ancestors(self, identity: int) -> tuple[int, ...]:
        """Return all ids that hide part of ``identity``, directly or over others (Zhan et al., section 3.3)."""
        import networkx as nx

        graph = self.digraph()
        return tuple(sorted(nx.ancestors(graph, identity) - {identity}))

    def digraph(self) -> Any:
        """Return a ``networkx.DiGraph`` with an arrow from each occluder to what it hides."""
        import networkx as nx

        graph = nx.DiGraph()
        graph.add_nodes_from(self.ids)
        graph.add_edges_from((edge.front, edge.behind, {"probability": edge.probability}) for edge in self.edges)
        return graph

    def z_order(self, size: Mapping[int, float] | None = None) -> tuple[int, ...]:
        """Return the ids from the bottom to the top layer.

        Args:
            size: where the order leaves a choice, larger objects come first (lower); e.g. areas by id.

        Raises:
            ValueError: the graph has cycles, since it was made with ``break_cycles=False``.
        """
        import networkx as nx

        size = size or {}
        graph = nx.DiGraph()
        graph.add_nodes_from(self.ids)
        probability = {(edge.front, edge.behind): edge.probability for edge in self.edges}
        graph.add_edges_from((behind, front) for front, behind in probability if not self._is_mutual(front, behind))
        if not nx.is_directed_acyclic_graph(graph):
            raise ValueError("an order with cycles has no layers; break them first (break_cycles=True)")
        stronger = [max(((a, b), (b, a)), key=lambda pair: probability[pair]) for a, b in self.mutual]
        for front, behind in sorted(stronger, key=lambda pair: probability[pair[::-1]] - probability[pair]):
            against = nx.has_path(graph, front, behind)
            graph.add_edge(*((front, behind) if against else (behind, front)))
        return tuple(nx.lexicographical_topological_sort(graph, key=lambda item: (-size.get(item, 0.0), item)))

    def _is_mutual(self, front: int, behind: int) -> bool:
        return (min(front, behind), max(front, behind)) in self.mutual


Edges = dict[tuple[int, int], Edge]


def _edges(ids: Sequence[int], front: NDArray[np.float64], threshold: float) -> Edges:
    first_listed = np.triu(np.ones(front.shape, bool), 1)
    stronger = (front > front.T) | ((front == front.T) & first_listed)
    rows, columns = np.nonzero((front > threshold) & (stronger | (front > MUTUAL)))
    return {
        (ids[i], ids[j]): Edge(ids[i], ids[j], float(front[i, j]), float(front[j, i]))
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
        if i != j
    }


def _check_override(override: Override, ids: Sequence[int]) -> None:
    for identity in (override.first, override.second):
        if identity not in ids:
            raise InputError(f"an object id among {', '.join(map(str, ids))}", str(identity), field="order correction")
    if override.first == override.second:
        raise InputError("two different objects", f"{override.first} twice", field="order correction")
    if override.relation not in RELATIONS:
        raise InputError(f"one of {', '.join(RELATIONS)}", repr(override.relation), field="order correction")


def _apply(edges: Edges, override: Override) -> Edges:
    a, b = override.first, override.second
    kept = {pair: edge for pair, edge in edges.items() if set(pair) != {a, b}}
    if override.relation in ("front", "both"):
        kept[a, b] = Edge(a, b, 1.0, 1.0 if override.relation == "both" else 0.0, by_user=True)
    if override.relation == "both":
        kept[b, a] = Edge(b, a, 1.0, 1.0, by_user=True)
    return kept


def _without_cycles(ids: tuple[int, ...], edges: Edges, overrides: tuple[Override, ...]) -> OrderGraph:
    import networkx as nx

    mutual = tuple(sorted((a, b) for a, b in edges if a < b and (b, a) in edges))
    weaker = {min(((a, b), (b, a)), key=lambda pair: edges[pair].probability) for a, b in mutual}
    two_way = {*mutual, *(pair[::-1] for pair in mutual)}
    graph = nx.DiGraph()
    graph.add_edges_from(pair for pair in edges if pair not in weaker)
    dropped: list[Edge] = []

    def margin(edge: Edge) -> tuple[float, int, int]:
        loose = (edge.front, edge.behind) in two_way
        return edge.probability - edge.reverse if loose else edge.certainty, edge.front, edge.behind

    while cycles := [part for part in nx.strongly_connected_components(graph) if len(part) > 1]:
        for part in cycles:
            inside = [edges[pair] for pair in graph.subgraph(part).edges]
            weakest = min(inside, key=margin)
            if margin(weakest)[0] == float("inf"):
                _refuse_cycle(graph, part)
            graph.remove_edge(weakest.front, weakest.behind)
            if (weakest.front, weakest.behind) not in two_way:
                dropped.append(weakest)
    gone = {(edge.front, edge.behind) for edge in dropped}
    kept = tuple(edge for pair, edge in edges.items() if pair not in gone)
    return OrderGraph(ids, kept, tuple(dropped), mutual, overrides)


def _refuse_cycle(graph: Any, part: Iterable[int]) -> None:
    import networkx as nx

    ring = [front for front, _ in nx.find_cycle(graph.subgraph(part))]
    shown = " > ".join(map(str, [*ring, ring[0]]))
    raise InputError(
        "corrections without a cycle",
        f"{shown}, all set by hand",
        field="order correction",
        hint="take one of them back",
    )
