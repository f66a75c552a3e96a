"""The error family: one line, and whole after a trip through pickle."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from deocclude.errors import DeoccludeError, InputError, MissingExtraError, OutputError, unknown_choice


def test_text_leaves_out_what_is_absent():
    assert str(InputError("a cat", "a dog")) == "expected a cat, found a dog"
    whole = InputError("a cat", "a\ndog", file=Path("zoo.json"), field="cages[2]", hint="open the door")
    assert str(whole) == "zoo.json: cages[2]: expected a cat, found a dog; open the door"


@pytest.mark.parametrize(
    "error",
    [
        DeoccludeError("plain"),
        OutputError("out: cannot be written"),
        MissingExtraError("Training", "train"),
        InputError("a cat", "a dog", file=Path("zoo.json"), field="cage", hint="look again"),
    ],
)
def test_errors_come_back_from_worker_processes(error):
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert back.args == (str(error),)
    assert back.__dict__ == error.__dict__
    assert back.exit_code == 2


def test_missing_extra_says_what_to_type():
    assert str(MissingExtraError("Training", "train")).endswith('pip install "deocclude[train]"')


def test_unknown_choice_lists_and_suggests():
    error = unknown_choice("method", "convx", {"convex", "area"})
    assert str(error) == "method: expected one of area, convex, found 'convx'; did you mean 'convex'?"
    assert unknown_choice("method", "zzz", ["convex"]).hint is None
