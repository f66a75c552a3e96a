"""Work done here, in processes and on Ray: the same results, in order, and the same errors."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from deocclude.datasets.backends import BACKENDS, Workers, spread
from deocclude.errors import InputError, MissingExtraError

sys.path.insert(0, str(Path(__file__).parent))

from counted_work import refused, squared

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")

RAY_SCRIPT = """
from counted_work import addresses, refused, squared
from deocclude.datasets.backends import Workers, spread
from deocclude.errors import InputError
work = spread(squared, range(30), Workers("ray", 2))
assert next(work) == 0
assert (found := addresses()) and found <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}, found
assert list(work) == [k * k for k in range(1, 30)]
try:
    list(spread(refused, range(5), Workers("ray", 2)))
except InputError as error:
    print(str(error))
"""


@pytest.mark.parametrize("processes", [1, 2])
def test_results_in_order(processes):
    assert list(spread(squared, range(20), Workers("local", processes))) == [k * k for k in range(20)]
    assert list(spread(squared, [], Workers("local", processes))) == []


def test_errors_come_back():
    with pytest.raises(InputError, match="number: expected a small number, found 2"):
        list(spread(refused, range(5), Workers("local", 2)))


def test_unknown_backend():
    with pytest.raises(InputError, match="backend: expected one of local, ray, found 'rays'; did you mean 'ray'?"):
        spread(squared, [1], Workers("rays"))
    assert set(BACKENDS) == {"local", "ray"}


def test_ray_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r'--backend ray needs .* pip install "deocclude\[cluster\]"'):
        list(spread(squared, [1], Workers("ray")))


@needs_ray
def test_ray_gives_the_same():
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    environment["PYTHONPATH"] = str(Path(__file__).parent)
    done = subprocess.run([sys.executable, "-c", RAY_SCRIPT], capture_output=True, text=True, check=False, timeout=300,
                          env=environment)  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == "number: expected a small number, found 2"


@needs_ray
def test_a_cluster_that_is_not_there(monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(InputError, match="RAY_ADDRESS: expected the address of a Ray cluster that answers, found 127"):
        list(spread(squared, [1], Workers("ray")))
