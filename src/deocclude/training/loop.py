"""The training loop, one for all networks: devices, precision, averaging, checkpoints, log.

Lightning Fabric drives devices and processes, so the same call trains on a laptop, on one GPU, or under ``torchrun``.
Batches follow from (seed, step) alone; a run that was stopped continues as if it had not been.
"""

from __future__ import annotations

import copy
import json
import math
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from deocclude.errors import DeoccludeError, InputError
from deocclude.files import write_text
from deocclude.nets.threads import one_thread
from deocclude.training.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from deocclude.training.checks import built, check_loop, check_recipe
from deocclude.training.config import LoopSettings, plain
from deocclude.training.devices import keep_heap, start_fabric
from deocclude.training.records import Log, draw_curves, write_grid
from deocclude.training.task import Draw, Task
from deocclude.weights import WeightsInfo, save_weights

CHECKPOINT = "checkpoint.pt"
LAST_MESSAGE = 0.5
"""Seconds that the last message between processes gets before their group is destroyed."""


class TrainingStoppedError(DeoccludeError):
    """The run was asked to stop by a signal; its checkpoint is written.

    Args:
        step: steps that were done.
        number: of the signal.
    """

    def __init__(self, step: int, number: int = signal.SIGTERM) -> None:
        super().__init__(f"stopped after step {step}; run the same command again to continue")
        self.exit_code = 128 + number


@dataclass(frozen=True, eq=False)
class Trained:
    """The end of a run.

    Attributes:
        net: the averaged net, in evaluation mode, on the CPU.
        scores: of the last validation.
        steps: optimiser steps.
        samples: samples seen.
        seconds: wall time of all parts of the run.
    """

    net: nn.Module
    scores: dict[str, float]
    steps: int
    samples: int
    seconds: float


def train(task: Task, settings: LoopSettings, out: Path, sides: Sequence[tuple[str, int]] = ()) -> Trained:
    """Train ``task`` in the folder ``out``; continue where a checkpoint lies there.

    Args:
        task: what is trained.
        settings: how.
        out: the run folder.
        sides: other patch sides that the net has to take, by the name of their setting.

    Raises:
        InputError: settings that make no sense, or a checkpoint of another run.
        TrainingStoppedError: SIGTERM or Ctrl-C arrived; call again to continue.
        MissingExtraError: Lightning Fabric is not installed.
    """
    check_loop(settings)
    keep_heap()
    fabric = start_fabric(settings)
    try:
        return _trained(_Run(task, settings, out, fabric, sides))
    finally:
        _leave_group()


def _trained(run: _Run) -> Trained:
    with _stopped_by_signals(run):
        trained = run.to_the_end()
    run.fabric.barrier()  # without it a process may be torn down while another still writes
    return trained


def _leave_group() -> None:
    """End the talk with other processes, if there are any.

    A thread of the group may be about to drop the last message, for which it needs the interpreter; what destroys the
    group waits for that thread and holds the interpreter meanwhile, for ever. So the thread gets time first.
    """
    if torch.distributed.is_initialized():
        time.sleep(LAST_MESSAGE)
        torch.distributed.destroy_process_group()


def train_and_save(task: Task, loop: LoopSettings, config: Any, data: dict[str, Any], out: Path) -> Path:
    """Train ``task`` and write ``weights.safetensors`` and ``summary.json`` to ``out``, which is returned.

    Of several processes the first one writes.

    Raises:
        InputError: settings that make no sense, or a checkpoint of another run.
        TrainingStoppedError: SIGTERM or Ctrl-C arrived; call again to continue.
    """
    check_recipe(config)
    sides = [(name, getattr(config, name)) for name in ("validation_size", "size") if hasattr(config, name)]
    trained = train(task, loop, out, sides)
    if int(os.environ.get("RANK", 0)):
        return out
    summary = {"steps": trained.steps, "samples": trained.samples, "minutes": round(trained.seconds / 60, 1)}
    scores = {name: score for name, score in trained.scores.items() if math.isfinite(score)}
    info = WeightsInfo(task.name, task.architecture(), plain(config), data, summary, scores)
    save_weights(out / "weights.safetensors", trained.net, info)
    write_text(out / "summary.json", json.dumps(asdict(info), indent=2) + "\n")
    return out


def learning_rate(settings: LoopSettings, progress: float) -> float:
    """Return the learning rate at ``progress`` (0 to 1)."""
    if settings.schedule == "steps":
        return settings.learning_rate * 0.1 ** sum(progress >= milestone for milestone in settings.milestones)
    if progress < settings.warmup:
        return settings.learning_rate * (0.04 + 0.96 * progress / settings.warmup)
    fall = (progress - settings.warmup) / (1 - settings.warmup)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * fall)) + 1e-7


class _Run:
    """The state of a run, and its steps."""

    def __init__(
        self, task: Task, settings: LoopSettings, out: Path, fabric: Any, sides: Sequence[tuple[str, int]]
    ) -> None:
        self.task, self.settings, self.out, self.fabric = task, settings, out, fabric
        self.step, self.samples, self.seconds_before, self.started = 0, 0, 0.0, time.perf_counter()
        self.stop = 0
        torch.manual_seed(settings.seed)
        sides = [*(("loop.phases.size", phase.size) for phase in settings.phases), *sides]
        bare = built(task, sides).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ema = copy.deepcopy(bare).to(fabric.device).eval().requires_grad_(False)
        self.net, self.optimizer = fabric.setup(bare, _optimizer(bare, settings))
        if task.adversary:
            task.adversary.set_up(fabric)
        self.described = {"loop": _binding(settings), **task.settings()}
        self._resume()
        self.log = Log(out / "log.jsonl", self.step) if fabric.is_global_zero else None
        self.saved = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Wall time of the run, earlier parts included."""
        return self.seconds_before + time.perf_counter() - self.started

    def progress(self) -> float:
        """Share of the run that is done; processes agree about it."""
        if not self.settings.minutes:
            return self.step / self.settings.steps
        share = min(1.0, self.seconds / (60 * self.settings.minutes))
        return float(self.fabric.broadcast(share)) if self.fabric.world_size > 1 else share

    def to_the_end(self) -> Trained:
        """Train until the last step and return the averaged net."""
        scores: dict[str, float] = {}
        losses: list[Tensor] = []
        tick, progress = time.perf_counter(), self.progress()
        while progress < 1:
            losses.append(self._one_step(progress))
            if self.step % self.settings.log_every == 0:
                took, tick = time.perf_counter() - tick, time.perf_counter()
                self._log_losses(losses, took, progress)
                losses = []
            progress = self.progress()
            if self.step % self.settings.validate_every == 0 or progress >= 1:
                scores = self._validate()
                tick = time.perf_counter()
            self._save_if_due(last=progress >= 1)
        if not scores:
            scores = self._validate()
        return Trained(self.ema.cpu(), scores, self.step, self.samples, self.seconds)

    def _one_step(self, progress: float) -> Tensor:
        phase = self.settings.phase_at(progress)
        share = phase.batch // self.fabric.world_size
        draw = Draw(self.settings.seed, self.step, self.fabric.global_rank * share, share, phase.size, progress)
        with one_thread():
            batch = self.task.batch(draw, self.fabric.device)
        rate = learning_rate(self.settings, progress)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.net.train()
        loss = self.task.loss(self.net, batch)
        self.fabric.backward(loss)
        if self.settings.clip:
            self.fabric.clip_gradients(self.net, self.optimizer, max_norm=self.settings.clip, error_if_nonfinite=False)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.task.adversary:
            self.task.adversary.study(rate)
        self.step, self.samples = self.step + 1, self.samples + phase.batch
        self._average()
        return loss.detach()

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.settings.ema, (1 + self.step) / (10 + self.step)) if self.settings.ema else 0.0
        mine, average = self.net.module.state_dict(), self.ema.state_dict()
        for name, value in average.items():
            if value.dtype.is_floating_point:
                value.lerp_(mine[name], 1 - decay)
            else:
                value.copy_(mine[name])

    def _check_weights(self) -> None:
        """Refuse to go on, or to keep anything, once the training has diverged.

        Raises:
            InputError: a weight is no finite number any more.
        """
        total = torch.stack([weight.detach().float().sum() for weight in self.net.parameters()]).sum()
        if not bool(torch.isfinite(total)):
            found = f"weights that are no numbers any more after step {self.step}"
            raise InputError("a rate at which the training converges",
                             f"{found} ({self.settings.learning_rate:g})", field="loop.learning_rate",
                             hint="lower it and train into another folder; an older checkpoint is kept")  # fmt: skip

    def _log_losses(self, losses: list[Tensor], seconds: float, progress: float) -> None:
        self._check_weights()
        if self.log:
            phase = self.settings.phase_at(progress)
            self.log.write(
                step=self.step,
                size=phase.size,
                loss=float(torch.stack(losses).mean()),
                learning_rate=learning_rate(self.settings, progress),
                samples=self.samples,
                samples_per_second=phase.batch * len(losses) / seconds,
                minutes=self.seconds / 60,
            )

    def _validate(self) -> dict[str, float]:
        self._check_weights()
        scores: dict[str, float] = {}
        if self.log:
            with torch.inference_mode():
                scores = self.task.validate(self.ema, self.fabric.device)
                pictures = self.task.pictures(self.ema, self.fabric.device)
            self.log.write(step=self.step, **{f"validation_{key}": value for key, value in scores.items()})
            draw_curves(self.out / "log.jsonl", self.out / "curves.png")
            if pictures is not None:
                write_grid(self.out / "samples.png", pictures)
        # All processes get the scores of the first one; if others came home without, they would validate again, alone.
        return dict(self.fabric.broadcast(scores)) if self.fabric.world_size > 1 else scores

    def _save_if_due(self, *, last: bool) -> None:
        due = time.perf_counter() - self.saved > 60 * self.settings.checkpoint_minutes
        if self.fabric.world_size > 1:  # clocks and signals differ between processes: the first one decides
            due, self.stop = self.fabric.broadcast((due, self.stop))
        if last or due or self.stop:
            self._save()
        if self.stop and not last:
            raise TrainingStoppedError(self.step, self.stop)

    def _save(self) -> None:
        self._check_weights()
        if self.fabric.is_global_zero:
            state = Checkpoint(
                task=self.task.name,
                architecture=self.task.architecture(),
                settings=self.described,
                step=self.step,
                samples=self.samples,
                net=self.net.module.state_dict(),
                ema=self.ema.state_dict(),
                optimizer=self.optimizer.state_dict(),
                seconds=self.seconds,
                adversary=self.task.adversary.state_dict() if self.task.adversary else None,
            )
            save_checkpoint(self.out / CHECKPOINT, state)
        self.saved = time.perf_counter()

    def _resume(self) -> None:
        path = self.out / CHECKPOINT
        if not path.is_file():
            return
        found = load_checkpoint(path, self.task.name, self.task.architecture(), self.described)
        self.net.module.load_state_dict(found.net)
        self.ema.load_state_dict(found.ema)
        self.optimizer.load_state_dict(found.optimizer)
        if self.task.adversary and found.adversary:
            self.task.adversary.load_state_dict(found.adversary)
        self.step, self.samples, self.seconds_before = found.step, found.samples, found.seconds


def _optimizer(net: nn.Module, settings: LoopSettings) -> torch.optim.Optimizer:
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimizer == "sgd":
        return torch.optim.SGD(net.parameters(), rate, momentum=settings.momentum, weight_decay=decay)
    return torch.optim.AdamW(net.parameters(), rate, weight_decay=decay, fused=True)


def _binding(settings: LoopSettings) -> dict[str, Any]:
    """Return the settings that a resumed run must share; the others may change on the way."""
    free = {"log_every", "validate_every", "checkpoint_minutes", "device"}
    free |= {"momentum"} if settings.optimizer != "sgd" else set()
    return {key: value for key, value in plain(settings).items() if key not in free}


@contextmanager
def _stopped_by_signals(run: _Run) -> Iterator[None]:
    """Let SIGTERM and Ctrl-C end the run after its present step; a second Ctrl-C ends it at once."""

    def ask(number: int, _frame: Any) -> None:
        run.stop = number
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # as in the background of a shell
    numbers = (signal.SIGTERM,) if ignored else (signal.SIGTERM, signal.SIGINT)
    try:
        before = {number: signal.signal(number, ask) for number in numbers}
    except ValueError:  # not the main thread: nobody can send us a signal here
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
