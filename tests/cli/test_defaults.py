"""What the help says is the default is what the program does when called from Python."""

from dataclasses import fields

import pytest

from deocclude.cli import build_dataset, evaluate, index
from deocclude.datasets.backends import Workers
from deocclude.datasets.reference_building import Aids
from deocclude.datasets.reference_plan import BuildSettings
from deocclude.evaluation.protocol import Protocol
from deocclude.references.search import SearchSettings

MAPPED = {"kinds"}
"""Empty on the command line for what is all of them."""


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        (index.Asking, SearchSettings),
        (build_dataset.Making, BuildSettings),
        (build_dataset.Working, Workers),
        (build_dataset.Beside, Aids),
        (evaluate.Scoring, Protocol),
    ],
)
def test_options_have_the_defaults_of_the_settings(options, settings):
    defaults = {field.name: field.default for field in fields(settings)}
    shared = [field for field in fields(options) if field.name in defaults.keys() - MAPPED]
    assert shared
    assert {field.name: field.default for field in shared} == {field.name: defaults[field.name] for field in shared}
