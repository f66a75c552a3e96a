"""Arrangement files."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_scenes import random_parts

from deocclude.errors import InputError
from deocclude.layers.arrange import Arrangement, parse_arrangement, read_arrangement, recompose, write_arrangement
from deocclude.layers.build import build_layers
from deocclude.layers.compose import compose
from deocclude.layers.move import LIMITS, Move

numbers = {name: st.floats(low, high, allow_nan=False) for name, (low, high) in LIMITS.items()}
moves = st.lists(st.builds(Move, st.integers(1, 9), **numbers), unique_by=lambda move: move.instance_id)
arrangements = st.builds(
    Arrangement,
    moves.map(lambda items: tuple(move for move in items if move != Move(move.instance_id))),
    st.frozensets(st.integers(1, 9)),
    st.none() | st.permutations(range(1, 10)).map(tuple),
    st.booleans(),
)


@settings(deadline=None)
@given(arrangements)
def test_json_round_trip(arrangement):
    text = json.dumps(arrangement.to_json())
    assert parse_arrangement(json.loads(text)) == arrangement


def test_file_round_trip_and_recomposition(tmp_path):
    case = next(case for case in map(random_parts, range(100)) if len(case.scene) >= 3)
    stack = build_layers(*case.arguments(), edges="soft")
    first, second, *_ = stack.ids
    arrangement = Arrangement((Move(first, dx=3, rotate=10),), frozenset({second}), stack.ids[::-1])
    write_arrangement(tmp_path / "a.json", arrangement)
    read = read_arrangement(tmp_path / "a.json")
    assert read == arrangement
    expected = compose(stack, arrangement.moves, [second], stack.ids[::-1])
    assert np.array_equal(recompose(stack, read), expected)
    assert recompose(stack, Arrangement(background=False)).shape[2] == 4


def test_defaults_are_left_out():
    arrangement = Arrangement((Move(3, dx=40, scale=1.2),), frozenset({3}))
    layers = [{"id": 3, "dx": 40, "scale": 1.2, "hidden": True}]
    assert arrangement.to_json() == {"version": 1, "layers": layers}
    assert parse_arrangement({"version": 1}) == Arrangement()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ([], "arrangement: expected a JSON object, found a list"),
        ({"version": 2}, "version: expected version 1, found 2"),
        ({}, "version: expected version 1, found 'none'"),
        ({"version": 1, "layer": []}, "found the key 'layer'; did you mean 'layers'"),
        ({"version": 1, "layers": {}}, "layers: expected a list, found an object"),
        ({"version": 1, "layers": [3]}, r"layers\[0\]: expected a JSON object, found a number"),
        ({"version": 1, "layers": [{}]}, r"layers\[0\]: expected an id, found none"),
        ({"version": 1, "layers": [{"id": 1}, {"id": 1}]}, "expected each id once, found 1 twice"),
        ({"version": 1, "layers": [{"id": 1, "roatte": 3}]}, "did you mean 'rotate'"),
        ({"version": 1, "layers": [{"id": "1"}]}, r"layers\[0\].id: expected an object id"),
        ({"version": 1, "layers": [{"id": 1, "hidden": 1}]}, r"layers\[0\].hidden: expected true or false, found 1"),
        (
            {"version": 1, "layers": [{"id": 1, "scale": 0}]},
            r"layers\[0\]: layer 1: scale: expected a number from 0.01",
        ),
        ({"version": 1, "layers": [{"id": 1, "dx": float("nan")}]}, "found nan"),
        ({"version": 1, "order": 3}, "order: expected a list of ids, found a number"),
        ({"version": 1, "order": [True]}, "order: expected an object id"),
        ({"version": 1, "background": None}, "background: expected true or false"),
    ],
)
def test_wrong_content_is_named(data, text, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match=text) as caught:
        read_arrangement(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_unreadable_files_are_named(tmp_path):
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    for name in ("a.json", "deep.json", "binary.json"):
        with pytest.raises(InputError, match="expected JSON"):
            read_arrangement(tmp_path / name)
    with pytest.raises(InputError, match="expected an arrangement file, found No such file"):
        read_arrangement(tmp_path / "none.json")
