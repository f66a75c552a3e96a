"""Settings to and from TOML."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deocclude.errors import InputError
from deocclude.settings import from_dict, read_settings, to_dict


@dataclass(frozen=True)
class Inner:
    steps: int = 3
    rate: float = 0.5


@dataclass(frozen=True)
class Outer:
    name: str = "plain"
    fast: bool = True
    limit: int | None = None
    sizes: tuple[int, ...] = (1, 2)
    pair: tuple[int, float] = (1, 2.0)
    folder: Path = Path("data")
    words: tuple[str, ...] = ()
    inner: Inner = field(default_factory=Inner)
    spare: Inner | None = None


INNERS = st.builds(Inner, st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False))
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
OUTERS = st.builds(
    Outer,
    name=TEXT,
    fast=st.booleans(),
    limit=st.none() | st.integers(-9, 9),
    sizes=st.lists(st.integers(-9, 9)).map(tuple),
    pair=st.tuples(st.integers(-9, 9), st.floats(allow_nan=False)),
    words=st.lists(TEXT).map(tuple),
    inner=INNERS,
    spare=st.none() | INNERS,
)


@settings(deadline=None)
@given(OUTERS)
def test_round_trip(value):
    assert from_dict(Outer, to_dict(value)) == value


def test_file(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text('name = "ü"\nsizes = [4]\n[inner]\nrate = 2\n', encoding="utf-8")
    value = read_settings(Outer, path)
    assert value == Outer(name="ü", sizes=(4,), inner=Inner(rate=2.0))
    assert isinstance(value.inner.rate, float)
    path.write_text("", encoding="utf-8")
    assert read_settings(Outer, str(path)) == Outer()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"nmae": "x"}, "expected a known setting, found the unknown key 'nmae'; did you mean 'name'?"),
        ({"inner": {"stesp": 1}}, "found the unknown key 'inner.stesp'; did you mean 'steps'?"),
        ({"inner": {"zzz": 1}}, "found the unknown key 'inner.zzz'; known keys: rate, steps"),
        ({"name": 3}, r"name: expected a value of type str, found 3 \(int\)"),
        ({"fast": 1}, r"fast: expected a value of type bool, found 1 \(int\)"),
        ({"limit": True}, r"limit: expected a value of type int, found True \(bool\)"),
        ({"inner": {"steps": True}}, r"inner.steps: expected a value of type int, found True \(bool\)"),
        ({"inner": {"rate": False}}, r"inner.rate: expected a value of type float, found False \(bool\)"),
        ({"inner": {"steps": 3.0}}, r"inner.steps: expected a value of type int, found 3.0 \(float\)"),
        ({"inner": 3}, r"inner: expected a value of type table, found 3 \(int\)"),
        ({"spare": {"rate": "x"}}, "spare.rate: expected a value of type float, found 'x'"),
        ({"sizes": [1, "x"]}, r"sizes: expected a value of type int, found 'x' \(str\)"),
        ({"pair": [1, 2, 3]}, r"pair: expected a value of type tuple, found \[1, 2, 3\] \(list\)"),
        ({"folder": 3}, "folder: expected a value of type Path, found 3"),
    ],
)
def test_wrong_keys_and_types(content, message):
    with pytest.raises(InputError, match=message):
        from_dict(Outer, content)


def test_broken_files(tmp_path):
    path = tmp_path / "settings.toml"
    with pytest.raises(InputError, match=r"settings\.toml: expected a settings file \(TOML\), found no such file"):
        read_settings(Outer, path)
    path.write_text("name = ")
    with pytest.raises(InputError, match=r"settings\.toml: .*found text that is none \(Invalid value"):
        read_settings(Outer, path)
    path.write_bytes(b"name = '\xff'")
    with pytest.raises(InputError, match="found text that is none"):
        read_settings(Outer, path)
    path.write_text("nmae = 3")
    with pytest.raises(InputError, match=r"settings\.toml: expected a known setting"):
        read_settings(Outer, path)
