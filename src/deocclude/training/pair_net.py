"""Training of the pair network: two neighbours of a made-up scene, told which hides part of the other.

``train_pair_net(read_settings(PairNetConfig, path), out)`` fills a folder with weights, log and curves.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from deocclude.errors import InputError
from deocclude.nets.pair_net import PairNet, both_ways, swapped
from deocclude.nets.pair_reader import SHRINK
from deocclude.training import warp
from deocclude.training.config import RATIO, SHARE, LoopSettings, check_ranges, plain
from deocclude.training.devices import choose_device
from deocclude.training.loop import train_and_save
from deocclude.training.pair_packing import ROOM, PairPack, open_pair_pack
from deocclude.training.task import Draw
from deocclude.weights import load_state, load_unet, read_weights, weights_path

TASK = "pair-net"
VALIDATION_BATCH = 64


@dataclass(frozen=True)
class PairNetSettings:
    """The net.

    Attributes:
        width: see :class:`deocclude.nets.pair_net.PairNet`.
        start_from: weights to start from: of a mask network with 4 inputs, folded by 2, of the same width, for the
            encoder; or of a pair network. A bundled name or a file; empty for none.
    """

    width: float = 1.0
    start_from: str = "pcnet-m"


@dataclass(frozen=True)
class PairJitter:
    """How pairs are varied.

    Attributes:
        zoom: the side of a window is scaled log-uniformly within 1/x..x.
        shift: largest shift of a window, share of half its side.
        turn_degrees: largest rotation, of both windows alike; scenes have an up and a down.
        doubt: the truth counts as so much less than certain.
    """

    zoom: float = 1.25
    shift: float = 0.15
    turn_degrees: float = 7.0
    doubt: float = 0.01

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: one is out of range.
        """
        check_ranges(self, zoom=RATIO, shift=SHARE, turn_degrees=(0, 180), doubt=(0.0, 0.5))


@dataclass(frozen=True)
class KindShares:
    """How much of a batch is from which kind of scene; scaled to add up to 1.

    Attributes:
        composite: objects laid over and under those of a photo.
        tabletop: solids on a table.
        standing: cut-outs that stand on the ground.
    """

    composite: float = 0.4
    tabletop: float = 0.25
    standing: float = 0.35

    def counts(self, total: int) -> dict[str, int]:
        """Return how many of ``total`` samples are of which kind; kinds with a share of 0 are left out.

        Raises:
            InputError: shares below 0, or all 0.
        """
        listed = {kind: share for kind, share in asdict(self).items() if share}
        if not listed or not all(0 < share < math.inf for share in listed.values()):
            raise InputError("shares of 0 or more, not all 0", str(asdict(self)), field="shares")
        ends = np.rint(np.cumsum(list(listed.values())) / sum(listed.values()) * total).astype(int)
        return dict(zip(listed, np.diff(ends, prepend=0).tolist(), strict=True))


@dataclass(frozen=True)
class PairNetConfig:
    """Everything that a run depends on.

    Attributes:
        pack: folder written by ``deocclude train pack-pairs``.
        loop: phases, optimiser, precision.
        net: size and start of the net.
        jitter: how pairs are varied.
        shares: of a batch, by kind of scene.
        validation_size: patch side in a validation, pixels.
    """

    pack: str
    loop: LoopSettings
    net: PairNetSettings = field(default_factory=PairNetSettings)
    jitter: PairJitter = field(default_factory=PairJitter)
    shares: KindShares = field(default_factory=KindShares)
    validation_size: int = 128


@dataclass(frozen=True, eq=False)
class PairBatch:
    """Pairs as the network sees them.

    Attributes:
        near: float32 [n, 4, s, s].
        wide: float32 [n, 4, s / 2, s / 2].
        truth: float32 [n, 2], 0 or 1.
    """

    near: Tensor
    wide: Tensor
    truth: Tensor


class PairSampler:
    """Makes batches from a pack; equal seeds give equal batches.

    Args:
        pack: the pairs.
        rows: which of them.
        device: where the samples are made.
    """

    def __init__(self, pack: PairPack, rows: NDArray[np.int64], device: str | torch.device = "cpu") -> None:
        self.pack, self.rows, self.device = pack, rows, torch.device(device)
        self._truth = torch.from_numpy(np.asarray(pack.truth)).to(torch.float32)

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.rows)

    def sample(self, count: int, size: int, seed: int, jitter: PairJitter) -> PairBatch:
        """Return ``count`` random pairs, varied, half of them with the two exchanged."""
        generator = torch.Generator().manual_seed(seed)
        rows = self.rows[torch.randint(len(self.rows), (count,), generator=generator).numpy()]
        batch = self._cut(rows, _maps(count, jitter, generator), size)
        turned = torch.rand(count, generator=generator).to(self.device) < 0.5
        choose = turned[:, None, None, None]
        near, wide = (torch.where(choose, swapped(part), part) for part in (batch.near, batch.wide))
        return PairBatch(near, wide, torch.where(turned[:, None], batch.truth.flip(1), batch.truth))

    def plain(self, start: int, count: int, size: int) -> PairBatch:
        """Return pairs as the network sees them when it is used."""
        rows = self.rows[start : start + count]
        maps = torch.eye(2, 3).repeat(len(rows), 2, 1, 1) / ROOM
        return self._cut(rows, maps, size)

    def _cut(self, rows: NDArray[np.int64], maps: Tensor, size: int) -> PairBatch:
        """Return patches of pairs; ``maps`` [n, 2, 2, 3] take them to the crops."""
        bits = np.unpackbits(self.pack.planes[rows], -1)
        crops = torch.from_numpy(bits).to(self.device, torch.float32).flatten(0, 1)
        grid = functional.affine_grid(maps.flatten(0, 1).to(self.device), [len(crops), 4, size, size], False)
        found = (functional.grid_sample(crops, grid, align_corners=False) > 0.5).to(torch.float32)
        near, wide = found.view(len(rows), 2, 4, size, size).unbind(1)
        return PairBatch(near, functional.avg_pool2d(wide, SHRINK), self._truth[rows].to(self.device))


class PairTask:
    """The task that the loop trains.

    Raises:
        InputError: a pack without a pair of a kind that is asked for, on either side of the split.
    """

    name = TASK
    adversary = None

    def __init__(self, config: PairNetConfig, pack: PairPack, device: str = "cpu") -> None:
        self._config, self._pack = config, pack
        held_out = pack.in_validation
        self._train, self._held_out = (
            {kind: _sampler(pack, (pack.kinds == kind) & side, f"{name} pairs of {kind} scenes", device)
             for kind in config.shares.counts(0)}
            for name, side in (("training", ~held_out), ("held-out", held_out))
        )  # fmt: skip

    def architecture(self) -> dict[str, Any]:
        """Return the arguments of :class:`PairNet`."""
        return {"net": TASK, "width": self._config.net.width}

    def settings(self) -> dict[str, Any]:
        """Return what the samples depend on."""
        config = self._config
        return {"jitter": plain(config.jitter), "shares": plain(config.shares), "data": self._pack.fingerprint()}

    def build(self) -> nn.Module:
        """Return the net with initial weights, or those to start from."""
        settings = self._config.net
        net = PairNet(settings.width)
        if not settings.start_from:
            return net
        path = weights_path(settings.start_from)
        info, state = read_weights(path)
        if info.task == TASK:
            load_state(net, state, path)
        else:
            encoder = {f"down.{name}": value for name, value in load_unet(path).down.state_dict().items()}
            load_state(net, net.state_dict() | encoder, path)
        return net

    def batch(self, draw: Draw, device: torch.device) -> PairBatch:
        """Return random pairs of all kinds."""
        counts = self._config.shares.counts(draw.count)
        parts = [
            self._train[kind].sample(count, draw.size, draw.mixed_seed + place, self._config.jitter)
            for place, (kind, count) in enumerate(counts.items())
            if count
        ]
        joined = zip(*((part.near, part.wide, part.truth) for part in parts), strict=True)
        return PairBatch(*(torch.cat(listed).to(device) for listed in joined))

    def loss(self, net: nn.Module, batch: PairBatch) -> Tensor:
        """Return the binary cross-entropy of both directions."""
        doubt = self._config.jitter.doubt
        truth = batch.truth * (1 - 2 * doubt) + doubt
        return functional.binary_cross_entropy_with_logits(net(*_channels_last(batch)), truth)

    def validate(self, net: nn.Module, device: torch.device) -> dict[str, float]:
        """Return, by kind, ``order`` (share of the ordered pairs whose order is found) and the loss."""
        return {
            f"{kind}_{name}": value
            for kind, sampler in self._held_out.items()
            for name, value in self._scores(net, sampler).items()
        }

    def pictures(self, net: nn.Module, device: torch.device) -> NDArray[np.uint8]:
        """Return held-out pairs: the first red, the second green, other objects blue, beyond the photo grey."""
        sheets = []
        for sampler in self._held_out.values():
            first, second, outside, others = sampler.plain(0, 16, 128).near.unbind(1)
            sheets.append(torch.stack([first, second, others], -1).add(0.4 * outside[..., None]).clamp(0, 1))
        return (torch.cat(sheets) * 255).to(torch.uint8).cpu().numpy()

    def _scores(self, net: nn.Module, sampler: PairSampler) -> dict[str, float]:
        logits, truth = [], []
        for start in range(0, len(sampler), VALIDATION_BATCH):
            batch = sampler.plain(start, VALIDATION_BATCH, self._config.validation_size)
            logits.append(both_ways(net, *_channels_last(batch)))
            truth.append(batch.truth)
        found, true = torch.cat(logits), torch.cat(truth)
        ordered = true[:, 0] != true[:, 1]
        right = (found[:, 0] > found[:, 1]) == (true[:, 0] > true[:, 1])
        loss = functional.binary_cross_entropy_with_logits(found, true)
        return {"order": float(right[ordered].float().mean()), "loss": float(loss)}


def train_pair_net(config: PairNetConfig, out: Path) -> Path:
    """Train, or continue to train, and return the folder ``out`` with ``weights.safetensors`` in it.

    Raises:
        InputError: a pack that is missing, damaged or empty, weights to start from that do not fit, or a checkpoint of
            another run.
        TrainingStoppedError: SIGTERM or Ctrl-C arrived; call again to continue.
    """
    pack = open_pair_pack(Path(config.pack))
    task = PairTask(config, pack, choose_device(config.loop.device))
    return train_and_save(task, config.loop, config, {"fingerprint": pack.fingerprint(), **pack.meta}, out)


def _sampler(pack: PairPack, chosen: NDArray[np.bool_], wanted: str, device: str) -> PairSampler:
    if not chosen.any():
        raise InputError(f"at least one of the {wanted}", "none", field="pack", hint="pack more scenes of this kind")
    return PairSampler(pack, np.flatnonzero(chosen), device)


def _maps(count: int, jitter: PairJitter, generator: torch.Generator) -> Tensor:
    """Return random maps [n, 2, 2, 3] from windows to crops: both mirrored and turned alike, moved and scaled apart."""
    dice = torch.rand(count, 2, 3, generator=generator)
    common = torch.rand(count, 2, generator=generator)
    zoom = torch.exp(math.log(jitter.zoom) * (2 * dice[..., 0] - 1)).clamp(max=ROOM) / ROOM
    angle = math.radians(jitter.turn_degrees) * (2 * common[:, 0] - 1)
    still = torch.zeros(count)
    linear = warp.similarity(angle, still + 1, still, common[:, 1] < 0.5)
    shift = jitter.shift / ROOM * (2 * dice[..., 1:] - 1)
    return torch.cat([zoom[..., None, None] * linear[:, None], shift[..., None]], -1)


def _channels_last(batch: PairBatch) -> tuple[Tensor, Tensor]:
    near, wide = (part.contiguous(memory_format=torch.channels_last) for part in (batch.near, batch.wide))
    return near, wide
