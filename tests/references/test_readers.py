"""Two processes read an index while a third changes it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from reference_pictures import photo

LOOKS = 25


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the test forks")
def test_two_readers_beside_a_writer(tmp_path, vocabulary_path):
    for turn in range(6):
        Image.fromarray(photo("coffee", 100)[turn:, turn:]).save(tmp_path / f"{turn}.png")
    script = Path(__file__).parent / "killed_writer.py"
    command = [sys.executable, script, tmp_path, vocabulary_path, str(LOOKS), "--readers"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 3, "the index changed while it was read"
