"""An index survives being killed at any moment of an update."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reference_pictures import photo

KILLS = 50


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the test forks")
def test_killed_at_random_moments(tmp_path, vocabulary_path):
    for turn in range(10):
        pixels = np.rot90(photo(("coffee", "rocket", "chelsea")[turn % 3], 100), turn % 4)
        Image.fromarray(pixels[turn:]).save(tmp_path / f"{turn}.png")
    command = [sys.executable, Path(__file__).parent / "killed_writer.py", tmp_path, vocabulary_path, str(KILLS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    generations, counts = zip(*found["seen"], strict=True)
    assert list(generations) == sorted(generations)
    assert generations[-1] - generations[0] > KILLS // 2, "the writers got on between the kills"
    assert set(counts) <= set(range(5, 11))
    assert len(set(counts)) > 2, "some were killed halfway"
    assert (found["pictures"], found["clean"]) == (10, True)
