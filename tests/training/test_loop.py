"""The loop: it learns, stops and resumes without a trace, and processes add up."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from stopping import stopped_after

from deocclude.errors import InputError
from deocclude.training import loop
from deocclude.training.checkpoints import CHECKPOINT_VERSION
from deocclude.training.config import LoopSettings, Phase
from deocclude.training.devices import choose_device, choose_precision
from deocclude.training.loop import TrainingStoppedError, train
from deocclude.training.records import read_log
from deocclude.training.task import Draw
from deocclude.weights import read_weights

PROGRAM = Path(__file__).with_name("toy_task.py")
_spec = importlib.util.spec_from_file_location("toy_task", PROGRAM)
toy_task = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(toy_task)
Toy, settings = toy_task.Toy, toy_task.settings


@pytest.fixture(autouse=True)
def no_curves(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    """Drawing takes longer than training a toy; one test looks at the curves."""
    if "curves" not in request.node.name:
        monkeypatch.setattr(loop, "draw_curves", lambda log, target: None)


def weights(net: torch.nn.Module) -> torch.Tensor:
    return torch.cat([value.flatten() for value in net.state_dict().values()])


def test_training_lowers_the_error_and_leaves_log_and_curves(tmp_path: Path):
    trained = train(Toy(), settings(200, learning_rate=0.02, validate_every=100), tmp_path)
    rows = read_log(tmp_path / "log.jsonl")
    losses = [row["loss"] for row in rows if "loss" in row]
    assert losses[-1] < 0.2 * losses[0]
    assert trained.scores == {"error": pytest.approx(rows[-1]["validation_error"], rel=1e-5)}
    assert (trained.steps, trained.samples) == (200, 800)
    assert (tmp_path / "curves.png").stat().st_size > 1000
    assert not trained.net.training


class StopAt(Toy):
    """Is sent a signal while it makes a step."""

    def __init__(self, step: int, number: int = signal.SIGTERM):
        super().__init__()
        self.at, self.number = step, number

    def batch(self, draw: Draw, device: torch.device):
        if draw.step == self.at - 1:
            os.kill(os.getpid(), self.number)
        return super().batch(draw, device)


@pytest.fixture
def interruptible():
    """Ctrl-C as in the foreground of a shell, also where the tests run in its background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(("step", "number"), [(3, signal.SIGTERM), (9, signal.SIGTERM), (5, signal.SIGINT)])
def test_stopped_and_resumed_equals_uninterrupted(tmp_path: Path, step: int, number: int):
    whole = train(Toy(), settings(), tmp_path / "whole")
    with pytest.raises(TrainingStoppedError, match=f"stopped after step {step}") as stopped:
        train(StopAt(step, number), settings(), tmp_path / "parts")
    assert stopped.value.exit_code == 128 + number
    resumed = train(Toy(), settings(), tmp_path / "parts")
    assert torch.equal(weights(whole.net), weights(resumed.net))
    assert whole.scores == resumed.scores and resumed.samples == whole.samples
    steps = [[row["step"] for row in read_log(tmp_path / name / "log.jsonl")] for name in ("whole", "parts")]
    assert steps[0] == steps[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_handler_of_before_is_back_afterwards(tmp_path: Path, number: int):
    before = signal.getsignal(number)
    train(Toy(), settings(2), tmp_path)
    assert signal.getsignal(number) is before


@pytest.mark.usefixtures("interruptible")
def test_the_second_interrupt_does_not_wait_for_the_step(tmp_path: Path):
    class Impatient(StopAt):
        def loss(self, net, batch):
            os.kill(os.getpid(), self.number)
            return super().loss(net, batch)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(Impatient(1, signal.SIGINT), settings(), tmp_path)
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_that_a_shell_has_switched_off_stays_off(tmp_path: Path):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert train(StopAt(3, signal.SIGINT), settings(), tmp_path).steps == 12
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_run_that_diverges_is_refused_and_keeps_its_checkpoint(tmp_path: Path):
    class Diverging(Toy):
        bad = False

        def loss(self, net, batch):
            return super().loss(net, batch) * (float("inf") if self.bad else 1)

    task, plan = Diverging(), settings(12, checkpoint_minutes=1e-9)
    with stopped_after(4), pytest.raises(TrainingStoppedError):
        train(task, plan, tmp_path)
    kept = (tmp_path / "checkpoint.pt").read_bytes()
    task.bad = True
    with pytest.raises(InputError, match=r"loop.learning_rate: .* no numbers any more after step 5"):
        train(task, plan, tmp_path)
    assert (tmp_path / "checkpoint.pt").read_bytes() == kept
    assert all(row["loss"] == row["loss"] for row in read_log(tmp_path / "log.jsonl") if "loss" in row)


def test_scores_that_are_no_numbers_are_left_out(tmp_path: Path):
    class Scoreless(Toy):
        def validate(self, net, device):
            return {**super().validate(net, device), "order": float("nan")}

    out = tmp_path / "run"
    loop.train_and_save(Scoreless(), settings(2), settings(2), {}, out)
    assert set(json.loads((out / "summary.json").read_text())["scores"]) == {"error"}
    assert "NaN" not in (out / "summary.json").read_text() + (out / "log.jsonl").read_text()


def test_a_finished_run_is_not_trained_again(tmp_path: Path):
    first = train(Toy(), settings(), tmp_path)
    again = train(Toy(), settings(), tmp_path)
    assert torch.equal(weights(first.net), weights(again.net)) and again.steps == 12


def test_a_time_limit_ends_the_run_and_the_schedule(tmp_path: Path):
    began = time.perf_counter()
    train(Toy(pause=0.02), settings(10, minutes=3 / 60, log_every=1, validate_every=10_000), tmp_path)
    rows = [row for row in read_log(tmp_path / "log.jsonl") if "learning_rate" in row]
    assert time.perf_counter() - began < 30
    assert [rows[0]["size"], rows[-1]["size"]] == [8, 16]
    assert rows[-1]["learning_rate"] < 0.1 * max(row["learning_rate"] for row in rows)


def test_sigterm_to_the_process_writes_a_checkpoint(tmp_path: Path):
    with subprocess.Popen([sys.executable, PROGRAM, tmp_path, "0.05"], stderr=subprocess.PIPE) as process:
        for _ in range(600):
            log = tmp_path / "log.jsonl"
            if log.is_file() and log.stat().st_size:
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=60)
    assert b"TrainingStoppedError: stopped after step" in stderr
    assert (tmp_path / "checkpoint.pt").is_file()


def test_two_processes_equal_one_with_their_batches_together(tmp_path: Path):
    alone = train(Toy(), settings(), tmp_path / "one")
    command = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-addr", "127.0.0.1"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    port = str(29_500 + os.getpid() % 1000)
    arguments = [sys.executable, *command, "--master-port", port, str(PROGRAM), str(tmp_path / "two")]
    subprocess.run(arguments, env=environment, timeout=120, check=True)
    info, shared = read_weights(tmp_path / "two" / "weights.safetensors")
    assert info.scores["error"] == pytest.approx(alone.scores["error"], abs=1e-5)
    ours = alone.net.state_dict()
    assert all(torch.allclose(ours[name], shared[name], atol=1e-5) for name in ours)
    assert read_log(tmp_path / "two" / "log.jsonl")[-1]["step"] == 12


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": CHECKPOINT_VERSION + 1}, "version: expected 1, found 2; it was written by another release"),
        ({"task": "pcnet-c"}, "task: expected toy, found pcnet-c"),
        (
            {"architecture": {"net": "toy", "channels": 8}},
            r"architecture: expected \{'channels': 4\}, found \{'channels': 8\}",
        ),
    ],
)
def test_checkpoints_of_other_runs_are_refused(tmp_path: Path, change: dict[str, object], message: str):
    train(Toy(), settings(2), tmp_path)
    path = tmp_path / "checkpoint.pt"
    torch.save({**torch.load(path), **change}, path)
    with pytest.raises(InputError, match=message):
        train(Toy(), settings(2), tmp_path)


def test_other_settings_are_named(tmp_path: Path):
    train(Toy(), settings(2), tmp_path)
    with pytest.raises(InputError, match=r"settings: expected \{'seed': 5\}, found \{'seed': 0\}"):
        train(Toy(), settings(2, seed=5), tmp_path)


def test_how_often_to_log_may_change(tmp_path: Path):
    train(Toy(), settings(2), tmp_path)
    train(Toy(), settings(2, log_every=1, checkpoint_minutes=9.0), tmp_path)


@pytest.mark.parametrize("keep", [0, 2000])
def test_truncated_checkpoints_are_refused(tmp_path: Path, keep: int):
    train(Toy(), settings(2), tmp_path)
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match="expected a complete checkpoint, found a damaged one"):
        train(Toy(), settings(2), tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": "adamv"}, "did you mean 'adamw'"),
        ({"schedule": "onecycle"}, "did you mean 'one-cycle'"),
        ({"precision": "bfloat"}, "did you mean 'bfloat16'"),
        ({"device": "gpu"}, "expected one of auto, cpu, cuda"),
    ],
)
def test_wrong_names_are_refused(tmp_path: Path, changes: dict[str, str], message: str):
    with pytest.raises(InputError, match=message):
        train(Toy(), settings(2, **changes), tmp_path)


@pytest.mark.parametrize(
    "changes",
    [{"learning_rate": -1.0}, {"learning_rate": float("nan")}, {"log_every": 0}, {"validate_every": 0}, {"ema": 1.0},
     {"minutes": -1.0}],
)  # fmt: skip
def test_numbers_out_of_range_are_refused(tmp_path: Path, changes: dict[str, float]):
    with pytest.raises(InputError, match=f"loop.{next(iter(changes))}"):
        train(Toy(), settings(2, **changes), tmp_path)


def test_a_net_that_cannot_be_built_is_refused(tmp_path: Path):
    class Flat(Toy):
        def build(self) -> torch.nn.Module:
            return torch.nn.Conv2d(3, -1, 3)

    with pytest.raises(InputError, match="settings of a net that can be built"):
        train(Flat(), settings(2), tmp_path)


def test_a_net_without_channels_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="net: .* layers without channels"):
        train(Toy(channels=0), settings(2), tmp_path)


def test_patches_that_the_net_cannot_take_are_refused_at_the_start(tmp_path: Path):
    class Halving(Toy):
        def build(self) -> torch.nn.Module:
            net = super().build()
            net.stride = 16
            return net

    with pytest.raises(InputError, match=r"loop.phases.size: expected a multiple of 16.*, found 8"):
        train(Halving(), settings(2), tmp_path)
    loop_settings = LoopSettings((Phase(2, 16, 4),), precision="float32", device="cpu")
    recipe = SimpleNamespace(validation_size=40)
    with pytest.raises(InputError, match=r"validation_size: expected a multiple of 16.*, found 40"):
        loop.train_and_save(Halving(), loop_settings, recipe, {}, tmp_path)
    assert not (tmp_path / "checkpoint.pt").exists()


@pytest.mark.parametrize(
    ("name", "value"), [("seed", -1), ("momentum", -1.0), ("warmup", float("nan")), ("minutes", float("inf"))]
)
def test_numbers_that_make_no_sense_are_refused(tmp_path: Path, name: str, value: float):
    with pytest.raises(InputError, match=rf"loop.{name}: expected 0 or more"):
        train(Toy(), settings(2, **{name: value}), tmp_path)


def test_empty_phases_are_refused(tmp_path: Path):
    for phases in ((), (Phase(0, 8, 4),), (Phase(4, 8, 0),), (Phase(4, 8, 4), Phase(-2, 8, 4))):
        with pytest.raises(InputError, match="phases"):
            train(Toy(), LoopSettings(phases), tmp_path)


def test_seeds_of_draws_differ():
    draws = [Draw(seed, step, first, 4, 64) for seed in range(3) for step in range(50) for first in (0, 16)]
    assert len({draw.mixed_seed for draw in draws}) == len(draws)
    assert all(0 <= draw.mixed_seed < 2**63 for draw in draws)


def test_automatic_precision_is_one_of_two():
    assert choose_precision("auto", "cpu") in ("32-true", "bf16-mixed")
    assert choose_precision("bfloat16", "cpu") == "bf16-mixed"
    assert choose_device("cpu") == "cpu"


def test_importing_training_does_not_load_fabric():
    code = (
        "import sys, deocclude.training.loop, deocclude.training.pcnet_m; assert 'lightning_fabric' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_half_a_log_line_is_left_out(tmp_path: Path):
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps({"step": 1}) + '\n{"step": 2, "lo')
    assert read_log(path) == [{"step": 1}]


def test_loop_names_its_checkpoint():
    assert loop.CHECKPOINT == "checkpoint.pt"
