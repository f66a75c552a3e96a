"""One consistent order from pairwise probabilities and a user's corrections."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deocclude.errors import InputError
from deocclude.ordering.graph import MUTUAL, Edge, OrderGraph, Override
from deocclude.ordering.pairs import PairwiseOrder
from deocclude.stages import StageRecord

COARSE = st.sampled_from([0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
MATRICES = st.integers(1, 7).flatmap(lambda n: arrays(float, (n, n), elements=COARSE))
RELATIONS = st.sampled_from(["front", "none", "both"])


def pairs(probabilities: dict[tuple[int, int], float], count: int = 4) -> PairwiseOrder:
    front = np.zeros((count, count))
    for (i, j), value in probabilities.items():
        front[i - 1, j - 1] = value
    return PairwiseOrder(tuple(range(1, count + 1)), front, StageRecord("by hand"))


def arrows(edges: tuple[Edge, ...]) -> set[tuple[int, int]]:
    return {(edge.front, edge.behind) for edge in edges}


def one_way(graph: OrderGraph) -> set[tuple[int, int]]:
    return {pair for pair in arrows(graph.edges) if (min(pair), max(pair)) not in graph.mutual}


def test_arrow_stands_above_the_threshold():
    order = pairs({(1, 2): 0.8, (2, 1): 0.2, (3, 4): 0.5})
    graph = OrderGraph.build(order)
    assert graph.edges == (Edge(1, 2, 0.8, 0.2),)
    assert graph.ids == (1, 2, 3, 4)
    assert arrows(OrderGraph.build(order, threshold=0.4).edges) == {(1, 2), (3, 4)}


@pytest.mark.parametrize("length", [3, 4])
def test_cycle_is_broken_at_the_least_certain_arrow(length):
    ring = {(k, k % length + 1): 0.9 for k in range(1, length + 1)}
    ring[2, 3] = 0.6
    graph = OrderGraph.build(pairs(ring))
    assert graph.dropped == (Edge(2, 3, 0.6),)
    assert arrows(graph.edges) == set(ring) - {(2, 3)}


def test_margin_over_the_opposite_decides_not_the_probability():
    graph = OrderGraph.build(pairs({(1, 2): 0.9, (2, 1): 0.45, (2, 3): 0.7, (3, 1): 0.8}))
    assert arrows(graph.dropped) == {(1, 2)}


def test_two_cycles_with_a_common_weak_arrow_lose_only_it():
    graph = OrderGraph.build(pairs({(1, 2): 0.6, (2, 3): 0.9, (3, 1): 0.9, (2, 4): 0.9, (4, 1): 0.9}))
    assert arrows(graph.dropped) == {(1, 2)}


def test_mutual_pair_keeps_both_arrows_and_layers_follow_the_stronger():
    graph = OrderGraph.build(pairs({(1, 2): 0.9, (2, 1): 0.7}, 2))
    assert graph.mutual == ((1, 2),)
    assert arrows(graph.edges) == {(1, 2), (2, 1)}
    assert graph.dropped == ()
    assert graph.z_order() == (2, 1)
    assert OrderGraph.build(pairs({(1, 2): 0.7, (2, 1): 0.9}, 2)).z_order() == (1, 2)


def test_two_directions_that_are_hardly_likely_are_no_mutual_pair():
    graph = OrderGraph.build(pairs({(1, 2): 0.9, (2, 1): 0.6}, 2))
    assert graph.mutual == () and arrows(graph.edges) == {(1, 2)}
    alike = OrderGraph.build(pairs({(1, 2): 0.6, (2, 1): 0.6}, 2))
    assert alike.mutual == () and arrows(alike.edges) == {(1, 2)}


def test_mutual_pair_yields_to_the_arrows_of_others():
    """Equal probabilities, and the other arrows say that 2 lies above 1."""
    graph = OrderGraph.build(pairs({(1, 2): 0.8, (2, 1): 0.8, (2, 3): 0.9, (3, 1): 0.9}, 3))
    assert graph.dropped == ()
    assert graph.mutual == ((1, 2),)
    assert graph.z_order() == (1, 3, 2)
    both = OrderGraph.build(pairs({(2, 3): 0.9, (3, 1): 0.9}, 3), [Override(1, 2, "both")])
    assert both.z_order() == (1, 3, 2)


def test_override_in_front():
    graph = OrderGraph.build(pairs({(1, 2): 0.99}), [Override(2, 1)])
    assert graph.edges == (Edge(2, 1, 1.0, 0.0, by_user=True),)
    assert graph.overrides == (Override(2, 1),)
    assert graph.edges[0].certainty == float("inf")


def test_override_none_and_both():
    order = pairs({(1, 2): 0.99, (3, 4): 0.9})
    assert arrows(OrderGraph.build(order, [Override(2, 1, "none")]).edges) == {(3, 4)}
    both = OrderGraph.build(order, [Override(4, 3, "both")])
    assert arrows(both.edges) == {(1, 2), (3, 4), (4, 3)}
    assert both.mutual == ((3, 4),)
    assert all(edge.by_user for edge in both.edges if edge.front in (3, 4))


def test_last_override_of_a_pair_counts():
    graph = OrderGraph.build(pairs({}), [Override(1, 2), Override(2, 1), Override(3, 4), Override(3, 4, "none")])
    assert arrows(graph.edges) == {(2, 1)}


def test_model_yields_to_a_correction_in_a_cycle():
    graph = OrderGraph.build(pairs({(1, 2): 0.99, (2, 3): 0.95}), [Override(3, 1)])
    assert arrows(graph.dropped) == {(2, 3)}
    assert graph.z_order() == (2, 1, 3, 4)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (Override(1, 9), "order correction: expected an object id among 1, 2, 3, 4, found 9"),
        (Override(9, 1, "none"), "found 9"),
        (Override(2, 2), "expected two different objects, found 2 twice"),
        (Override(1, 2, "behind"), "expected one of front, none, both, found 'behind'"),
    ],
)
def test_bad_corrections_are_refused(override, message):
    with pytest.raises(InputError, match=message):
        OrderGraph.build(pairs({}), [override])


def test_cycle_by_hand_is_refused_and_shown():
    with pytest.raises(InputError, match="without a cycle, found .*, all set by hand; take one of them back") as caught:
        OrderGraph.build(pairs({(1, 4): 0.9}), [Override(1, 2), Override(2, 3), Override(3, 1)])
    assert any(ring in str(caught.value) for ring in ("1 > 2 > 3 > 1", "2 > 3 > 1 > 2", "3 > 1 > 2 > 3"))


def test_occluders_and_ancestors():
    graph = OrderGraph.build(pairs({(1, 2): 0.9, (2, 3): 0.9, (4, 3): 0.9}))
    assert graph.occluders(3) == (2, 4)
    assert graph.ancestors(3) == (1, 2, 4)
    assert graph.ancestors(1) == ()


def test_ancestors_in_a_cycle_leave_out_the_object_itself():
    matrix = np.array([[0, 1, -1], [-1, 0, 1], [1, -1, 0]])
    kept = OrderGraph.from_matrix((5, 6, 7), matrix, break_cycles=False)
    assert len(kept.edges) == 3
    assert kept.ancestors(5) == (6, 7)
    with pytest.raises(ValueError, match="cycles"):
        kept.z_order()
    mutual = OrderGraph.build(pairs({(1, 2): 0.9, (2, 1): 0.9}, 2))
    assert mutual.ancestors(1) == (2,)


def test_from_matrix():
    matrix = np.array([[0, 1, 0], [-1, 0, 1], [0, -1, 0]], np.int8)
    graph = OrderGraph.from_matrix((5, 6, 7), matrix)
    assert graph.edges == (Edge(5, 6, 1.0), Edge(6, 7, 1.0))
    assert graph.z_order() == (7, 6, 5)
    matrix[2, 0], matrix[0, 2] = 1, -1
    broken = OrderGraph.from_matrix((5, 6, 7), matrix)
    assert len(broken.dropped) == 1
    assert len(broken.z_order()) == 3


def test_larger_objects_come_first_where_the_order_is_open():
    graph = OrderGraph.build(pairs({(3, 1): 0.9}))
    assert graph.z_order() == (1, 2, 3, 4)
    assert graph.z_order({1: 10, 2: 30, 3: 99, 4: 20}) == (2, 4, 1, 3)


def check_consistent(graph: OrderGraph) -> None:
    place = {identity: position for position, identity in enumerate(graph.z_order())}
    assert set(place) == set(graph.ids)
    for front, behind in one_way(graph):
        assert place[front] > place[behind]
    assert nx.is_directed_acyclic_graph(nx.DiGraph(one_way(graph)))
    for a, b in graph.mutual:
        assert a < b
        assert {(a, b), (b, a)} <= arrows(graph.edges)


@settings(deadline=None, max_examples=300)
@given(MATRICES)
def test_any_probabilities_give_a_consistent_order(front):
    order = PairwiseOrder(tuple(range(1, len(front) + 1)), front, StageRecord("random"))
    graph = OrderGraph.build(order)
    check_consistent(graph)
    first_listed = np.triu(np.ones(front.shape, bool), 1)
    stronger = (front > front.T) | ((front == front.T) & first_listed)
    likely = (front > 0.5) & (stronger | (front > MUTUAL))
    wanted = {(i + 1, j + 1) for i, j in zip(*np.nonzero(likely), strict=True) if i != j}
    assert arrows(graph.edges) | arrows(graph.dropped) == wanted
    assert not arrows(graph.edges) & arrows(graph.dropped)
    for edge in graph.dropped:  # each would close a cycle, or had to go for another that did
        assert (edge.behind, edge.front) not in wanted


@settings(deadline=None, max_examples=200)
@given(MATRICES.filter(lambda m: len(m) > 1), st.data())
def test_corrections_are_in_force_or_refused(front, data):
    ids = tuple(range(1, len(front) + 1))
    couples = st.tuples(st.sampled_from(ids), st.sampled_from(ids)).filter(lambda pair: pair[0] != pair[1])
    chosen = data.draw(st.lists(st.builds(lambda pair, r: Override(*pair, r), couples, RELATIONS), max_size=4))
    last = {frozenset((item.first, item.second)): item for item in chosen}
    by_hand = {(item.first, item.second) for item in last.values() if item.relation == "front"}
    try:
        graph = OrderGraph.build(PairwiseOrder(ids, front, StageRecord("random")), chosen)
    except InputError:
        assert not nx.is_directed_acyclic_graph(nx.DiGraph(by_hand))
        return
    check_consistent(graph)
    for item in last.values():
        there = {(item.first, item.second), (item.second, item.first)} & arrows(graph.edges)
        assert len(there) == {"front": 1, "none": 0, "both": 2}[item.relation]
    assert by_hand <= arrows(graph.edges)
