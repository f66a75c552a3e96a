"""A photo with masks on disk, and a way to call the command line in this process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from deocclude.cli.main import main
from deocclude.datasets.synthetic import SyntheticSettings, generate
from deocclude.formats import write_scene


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


@pytest.fixture
def call(capsys, monkeypatch):
    """Run one command line; return exit code, standard output and standard error."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> Answer:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def inputs(tmp_path_factory) -> tuple[Path, Path]:
    """A photo and its masks."""
    folder = tmp_path_factory.mktemp("inputs")
    drawn = generate(SyntheticSettings(width=120, height=90, objects=(4, 5)), seed=2)
    Image.fromarray(drawn.photo).save(folder / "photo.png")
    write_scene(drawn.scene, folder / "masks.json", "cocoa")
    return folder / "photo.png", folder / "masks.json"
