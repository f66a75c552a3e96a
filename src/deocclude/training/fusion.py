"""Training of the networks that fill with a reference: the published one (both trainings), and its successor.

``train_fusion(read_settings(FusionConfig, path), out)`` fills a folder: weights, settings, log, curves, samples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from deocclude.datasets.reference_dataset import ReferenceDataset, read_reference_dataset
from deocclude.datasets.reference_sample import ReferenceKind, ReferenceSample
from deocclude.errors import InputError, unknown_choice
from deocclude.formats.photo_names import base_name
from deocclude.nets.content_net import ContentNet
from deocclude.nets.planes import OWN
from deocclude.nets.random_features import RandomFeatures
from deocclude.nets.reference_net import Conv3Deconv3, FusionNet, join_planes
from deocclude.references.altered import Alterations
from deocclude.training.adversary import Adversary, AdversarySettings
from deocclude.training.config import CHANNELS, MANY, LoopSettings, check_each, plain
from deocclude.training.content_losses import compose, gradient_l1, masked_l1, masked_mse, perceptual_and_style
from deocclude.training.content_samples import ContentBatch, ContentSampler, ContentSettings
from deocclude.training.devices import choose_device
from deocclude.training.fusion_records import RecordSampler
from deocclude.training.fusion_references import KINDS, AlignmentErrors, ReferenceMaker, ReferenceMix, References
from deocclude.training.fusion_scores import FusionBatch, HeldOutReferences
from deocclude.training.loop import train_and_save
from deocclude.training.photo_packing import PhotoPack, open_photo_pack, photo_fingerprint
from deocclude.training.photos import PackedPhotos
from deocclude.training.task import Draw
from deocclude.weights import load_state, read_weights, weights_path

FEATURE_SEED = 2
"""Of the random features in the loss; another than that of the scores."""


@dataclass(frozen=True)
class FusionNetSettings:
    """The net.

    Attributes:
        kind: ``fusion`` (the successor) or ``conv3-deconv3`` (as published).
        width: channel factor; 1 is 64 channels of the published net.
        kernel: ``conv3-deconv3`` only: side of its windows.
        levels: ``fusion`` only, as all below: number of scales.
        fold: see :class:`deocclude.nets.reference_net.FusionNet`.
        align: look at aligned references (false: ablation).
        gate: correct through a gate (false: ablation).
        attention: look at references that are not aligned.
        start_from: weights to start from: a bundled name or a file; empty for none.
    """

    kind: str = "fusion"
    width: float = 1.0
    kernel: int = 3
    levels: int = 4
    fold: int = 2
    align: bool = True
    gate: bool = True
    attention: bool = True
    start_from: str = ""

    def arguments(self) -> dict[str, Any]:
        """Return what the net is built with."""
        if self.kind == "conv3-deconv3":
            return {"width": round(64 * self.width), "kernel": self.kernel}
        names = ("width", "levels", "fold", "align", "gate", "attention")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class FusionLossSettings:
    """Weights of the terms of the loss; the hole is where the object itself is hidden.

    Attributes:
        hole: absolute difference in the hole, divided by its size.
        square: squared difference in the hole, divided likewise (colours are 0..1).
        gradient: absolute difference of steps between neighbours in the hole and across its edge.
        perceptual: difference of random features of the composite, divided by the hole's share of the patch.
        closed: mean size of the correction in the hole where the reference cannot help, in units of the colours.
        features: channels of the random features at each depth.
    """

    hole: float = 1.0
    square: float = 2.0
    gradient: float = 0.5
    perceptual: float = 0.01
    closed: float = 1.5
    features: tuple[int, ...] = (8, 16, 32)

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: one is out of range.
        """
        terms = ("hole", "square", "gradient", "perceptual", "closed")
        check_each(self, **dict.fromkeys(terms, MANY), features=CHANNELS)


@dataclass(frozen=True)
class FusionConfig:
    """Everything that a run depends on.

    Attributes:
        pack: folder written by :func:`deocclude.training.sources.pack_photos`.
        loop: phases, optimiser, precision.
        data: folders of reference data sets, whose training splits are used.
        kinds: kinds of references that are taken from them; all where none is named.
        base: weights of PCNet-C, whose answer is corrected: a bundled name or a file.
        net: kind and size of the net.
        references: how often which kind of reference is shown.
        altered: how strongly the truth is altered.
        alignment: what alignment leaves behind.
        samples: how patches are made.
        photos: share of patches that are parts of photos; the others are objects.
        loss: weights of its terms.
        adversary: discriminator that learns along.
        validation_samples: held-out samples of each kind of reference in a validation.
        validation_size: their patch side, pixels.
    """

    pack: str
    loop: LoopSettings
    data: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    base: str = "pcnet-c"
    net: FusionNetSettings = field(default_factory=FusionNetSettings)
    references: ReferenceMix = field(default_factory=ReferenceMix)
    altered: Alterations = field(default_factory=Alterations)
    alignment: AlignmentErrors = field(default_factory=AlignmentErrors)
    samples: ContentSettings = field(default_factory=ContentSettings)
    photos: float = 0.5
    loss: FusionLossSettings = field(default_factory=FusionLossSettings)
    adversary: AdversarySettings = field(default_factory=AdversarySettings)
    validation_samples: int = 48
    validation_size: int = 128


NETS: dict[str, Callable[..., nn.Module]] = {"fusion": FusionNet, "conv3-deconv3": Conv3Deconv3}


class Fusion:
    """The task that the loop trains.

    Args:
        config: of the run.
        pack: photos to make patches and altered references from.
        data: sets of samples with real references.
        device: where samples are made.

    Raises:
        InputError: an unknown kind of net, a pack without an object on one side of the split, shares that make no
            sense, a data set without training samples, or data sets with pictures of several sizes.
    """

    name = "fusion"

    def __init__(
        self, config: FusionConfig, pack: PhotoPack, data: Sequence[ReferenceDataset] = (), device: str = "cpu"
    ) -> None:
        if config.net.kind not in NETS:
            raise unknown_choice("net.kind", config.net.kind, NETS)
        sides = sorted({one.side for one in data})
        if len(sides) > 1:
            found = " and ".join(f"{side} px" for side in sides)
            raise InputError("data sets with pictures of one side", found, field="data",
                             hint="build them with the same --side")  # fmt: skip
        self._config, self._pack, self._data = config, pack, data
        self._shares = config.references.shares(records=bool(data))
        self._base = ContentNet(weights_path(config.base)).net.to(device).requires_grad_(False)
        self.adversary = Adversary(config.adversary) if config.adversary.wanted else None
        self._train = ContentSampler(PackedPhotos(pack, validation=False, device=device), config.samples)
        self._maker = ReferenceMaker(config.altered, config.alignment)
        self._records = RecordSampler(_part(data, config, "train"), device) if data else None
        held_out = ContentSampler(PackedPhotos(pack, validation=True, device=device), config.samples)
        seen = frozenset(pack.image_keys[~pack.in_validation].tolist())
        later = [one for one in _part(data, config, "validation") if _photo_of(one) not in seen]
        self._held_out = HeldOutReferences(
            held_out,
            self._maker,
            RecordSampler(later, device) if later else None,
            count=config.validation_samples,
            size=config.validation_size,
        )
        self._features = RandomFeatures(config.loss.features, FEATURE_SEED).to(device)

    def architecture(self) -> dict[str, Any]:
        """Return the kind and the arguments of the net."""
        return {"net": self._config.net.kind, **self._config.net.arguments()}

    def settings(self) -> dict[str, Any]:
        """Return what samples and loss depend on."""
        names = ("kinds", "references", "altered", "alignment", "samples", "photos", "loss", "adversary", "base")
        values = plain(self._config)
        recorded = [str(one.manifest["fingerprint"]) for one in self._data]
        return {name: values[name] for name in names} | {"data": photo_fingerprint(self._pack), "recorded": recorded}

    def build(self) -> nn.Module:
        """Return the net with initial weights, or those to start from."""
        settings = self._config.net
        net = NETS[settings.kind](**settings.arguments())
        if settings.start_from:
            path = weights_path(settings.start_from)
            load_state(net, read_weights(path)[1], path)
        return net

    def batch(self, draw: Draw, device: torch.device) -> FusionBatch:
        """Return patches with references of all kinds, mixed as the settings say."""
        generator = torch.Generator().manual_seed(draw.mixed_seed)
        odds = torch.tensor([self._shares.get(name, 0.0) for name in (*KINDS, "recorded")])
        kinds = torch.multinomial(odds, draw.count, replacement=True, generator=generator)
        made = kinds[kinds < len(KINDS)]
        parts = []
        if len(made):
            content = self._train.sample(len(made), draw.size, draw.mixed_seed, self._config.photos)
            order = torch.randperm(len(made), generator=generator)
            own = torch.Generator(device).manual_seed(draw.mixed_seed)
            parts.append((content, self._maker.make(content, made[order].to(device), own)))
        if len(made) < draw.count and self._records is not None:
            parts.append(self._records.sample(draw.count - len(made), draw.size, draw.mixed_seed))
        return _joined(parts)

    def loss(self, net: nn.Module, batch: FusionBatch) -> Tensor:
        """Return the weighted sum of the terms of :class:`FusionLossSettings`."""
        given = self.given(batch)
        output, weights = _painted(net, given), plain(self._config.loss)
        terms = self.terms(output, given, batch)
        total = torch.stack([weights[name] * term for name, term in terms.items() if weights[name]]).sum()
        if self.adversary:
            content = batch.content
            hole = content.weight[:, None]
            composite = compose(output, content.target, hole)
            total = total + self.adversary.terms(composite, content.target, content.planes[:, OWN], hole)
        return total

    def given(self, batch: FusionBatch) -> Tensor:
        """Return the input of the net, PCNet-C's answer included, float32 [n, 17, s, s]."""
        planes = batch.content.planes.contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            base = self._base(planes).float().clamp(0, 1)
        return join_planes(planes, base, batch.references.aligned, batch.references.loose)

    def terms(self, output: Tensor, given: Tensor, batch: FusionBatch) -> dict[str, Tensor]:
        """Return the terms of the loss by name, scalars.

        Args:
            output: the net's answer, float32 [n, 3, s, s].
            given: its input.
            batch: the samples.
        """
        content, weights = batch.content, self._config.loss
        hole = content.weight[:, None]
        composite = compose(output, content.target, hole)
        useless = (~batch.references.useful)[:, None, None, None].to(hole.dtype)
        terms = {
            "hole": masked_l1(output, content.target, hole),
            "square": masked_mse(output, content.target, hole),
            "gradient": gradient_l1(composite, content.target, functional.max_pool2d(hole, 3, 1, 1)),
            "closed": ((output - given[:, 6:9]).abs() * hole * useless).sum() / (3 * hole.sum()).clamp(min=1),
        }
        if weights.perceptual:
            found, _ = perceptual_and_style(self._features, [composite], content.target, style=False)
            terms["perceptual"] = found / hole.mean().clamp(min=1e-3)
        return terms

    def validate(self, net: nn.Module, device: torch.device) -> dict[str, float]:
        """Return scores on held-out photos; see :meth:`deocclude.training.fusion_scores.HeldOutReferences.scores`."""
        return self._held_out.scores(lambda batch: self._answer(net, batch))

    def pictures(self, net: nn.Module, device: torch.device) -> NDArray[Any]:
        """Return held-out samples; see :meth:`deocclude.training.fusion_scores.HeldOutReferences.pictures`."""
        return self._held_out.pictures(lambda batch: self._answer(net, batch))

    def _answer(self, net: nn.Module, batch: FusionBatch) -> tuple[Tensor, Tensor]:
        given = self.given(batch)
        return _painted(net, given), given[:, 6:9]


def train_fusion(config: FusionConfig, out: Path) -> Path:
    """Train, or continue to train, and return the folder ``out`` with ``weights.safetensors`` in it.

    Raises:
        InputError: a pack or data set that is missing, of another kind, damaged or empty, a data set whose training
            references overlap its test objects, an unknown kind of net, or a checkpoint of another run.
        TrainingStoppedError: SIGTERM or Ctrl-C arrived; call again to continue.
    """
    pack = open_photo_pack(Path(config.pack))
    data = [read_reference_dataset(folder) for folder in config.data]
    task = Fusion(config, pack, data, choose_device(config.loop.device))
    about = {"fingerprint": photo_fingerprint(pack), **pack.meta, **_described(data)}
    return train_and_save(task, config.loop, config, about, out)


def _described(data: Sequence[ReferenceDataset]) -> dict[str, Any]:
    """Return what weights say about data sets: their size and their scenes, none of which may be tested on."""
    rows = [row for part in data for row in part.rows if row.split != "test"]
    return {"references": len(rows), "scenes": sorted({row.scene for row in rows})}


def _part(data: Sequence[ReferenceDataset], config: FusionConfig, split: str) -> list[ReferenceSample]:
    """Return the samples of a split; those without a reference teach nothing that made ones do not."""
    kinds = config.kinds or tuple(kind for kind in ReferenceKind if kind is not ReferenceKind.NONE)
    found = []
    for one in data:
        samples = one.select(split=split, kinds=kinds)
        if split == "train" and not len(samples):
            raise InputError("training samples with a reference", "none", file=one.folder, field="data")
        found += [samples[place] for place in range(len(samples))]
    return found


def _photo_of(sample: ReferenceSample) -> str:
    """Return the name that a pack of photos would know the photo by.

    The validation of a data set is not that of a pack: patches of a photo held out here may be trained on there.
    """
    return base_name(sample.scene)


def _painted(net: nn.Module, given: Tensor) -> Tensor:
    painted: Tensor = net(given)
    return painted.float()


def _joined(parts: list[tuple[ContentBatch, References]]) -> FusionBatch:
    """Return one batch of several."""
    contents, references = zip(*parts, strict=True)

    def together(kind: type[Any], several: tuple[Any, ...]) -> Any:
        return kind(*(torch.cat([getattr(one, part.name) for one in several]) for part in fields(kind)))

    return FusionBatch(together(ContentBatch, contents), together(References, references))
