"""Self-supervised samples in colour: objects hidden by things that no mask shows, so that the photo has to tell.

An object of another photo is pasted, pixels and all, in front of an object or behind it, and the net has to say how
far the object goes on. Mostly it is not told of what was pasted: what hides things in real photos often has no mask.
Pasting behind keeps the net from taking the seam of the paste for the answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor
from torch.nn import functional

from deocclude.training import warp
from deocclude.training.config import MANY, RATIO, SHARE, ZOOM, check_ranges
from deocclude.training.objects import ANCHORS
from deocclude.training.photos import PackedPhotos

SLOTS = 2
COARSE = 32
COARSE_HALF = 1.3
FINE = 1.5
"""Photos are read at half size where a pixel of a patch covers more than this many of theirs."""


@dataclass(frozen=True)
class ColourSettings:
    """How samples are made. Widths are pixels of a 128 px patch.

    Attributes:
        none: probability that nothing is pasted.
        second: probability of a second pasted object.
        behind: probability that a pasted object lies behind.
        listed: probability that the net is told of a pasted object.
        closed: probability that it is told of all, and that there is nothing else.
        size_ratio: a pasted object's size over the object's, drawn log-uniformly within 1/x..x.
        turn_degrees: largest rotation of what is pasted.
        noise_pixels: masks are grown or shrunk by up to so much.
        brightness: largest change of all colours, share.
        tint: largest change of a single colour channel, share.
        zoom: patch side over the standard square, log-uniform between these two.
        shift: largest shift of the patch, share of its side.
        hidden: accepted share of the object that is hidden, least and most.
        hidden_weight: loss weight of what is hidden, and of what is pasted behind (1 elsewhere).
        poor_weight: how often an object that is cut off or seems partly hidden is drawn, against 1 for others.
        candidates: placements tried for each sample.
    """

    none: float = 0.15
    second: float = 0.4
    behind: float = 0.35
    listed: float = 0.3
    closed: float = 0.25
    size_ratio: float = 2.2
    turn_degrees: float = 25.0
    noise_pixels: float = 2.0
    brightness: float = 0.2
    tint: float = 0.08
    zoom: tuple[float, float] = (0.9, 1.5)
    shift: float = 0.08
    hidden: tuple[float, float] = (0.05, 0.75)
    hidden_weight: float = 3.0
    poor_weight: float = 0.15
    candidates: int = 3

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: one is out of range.
        """
        shares = ("none", "second", "behind", "listed", "closed", "brightness", "tint", "shift", "hidden")
        rest = ("noise_pixels", "hidden_weight", "poor_weight")
        check_ranges(self, **dict.fromkeys(shares, SHARE), **dict.fromkeys(rest, MANY), size_ratio=RATIO, zoom=ZOOM,
                     turn_degrees=(0, 180), candidates=(1, 1000))  # fmt: skip


@dataclass(frozen=True, eq=False)
class ColourBatch:
    """Samples, n of s x s pixels.

    Attributes:
        masks: float32 [n, 4, s, s]: what is left of the object, what is said to hide it, beyond the photo, where
            something that no mask shows may hide it.
        rgb: float32 [n, 3, s, s], the composite in 0..1.
        target: bool [n, s, s], the whole object.
        weight: float32 [n, s, s], loss weights.
    """

    masks: Tensor
    rgb: Tensor
    target: Tensor
    weight: Tensor

    def inputs(self) -> Tensor:
        """Return the seven input planes of the net, float32 [n, 7, s, s]."""
        return torch.cat([self.masks, self.rgb], 1)


@dataclass(frozen=True, eq=False)
class Plan:
    """Where everything lies; n samples. The frame is the square of the object's photo, in -1..1.

    Attributes:
        target: int64 [n], the object.
        pasted: int64 [n, 2], objects laid over its photo.
        maps: float32 [n, 2, 2, 3], from the frame to the coordinates of their shapes.
        used: bool [n, 2], which count.
        front: bool [n, 2], which lie in front of the object.
        windows: float32 [n, 3], the patches.
    """

    target: Tensor
    pasted: Tensor
    maps: Tensor
    used: Tensor
    front: Tensor
    windows: Tensor

    def take(self, index: Tensor) -> Plan:
        """Return the samples of ``index``."""
        return Plan(**{field.name: getattr(self, field.name)[index] for field in fields(self)})


class ColourSampler:
    """Makes batches from a pack of photos; equal seeds give equal batches.

    Args:
        photos: one side of the split.
        settings: how samples are made.
    """

    def __init__(self, photos: PackedPhotos, settings: ColourSettings | None = None) -> None:
        self.settings = settings or ColourSettings()
        self.photos, self.device = photos, photos.device
        self._odds = torch.where(photos.poor, self.settings.poor_weight, 1.0)

    def sample(self, count: int, size: int, seed: int) -> ColourBatch:
        """Return ``count`` samples of ``size`` pixels."""
        generator = torch.Generator(self.device).manual_seed(seed)
        plan, accepted = self._with_windows(self._plan(count * self.settings.candidates, generator), generator)
        first = accepted.view(-1, count).to(torch.float32).argmax(0) * count
        return self._finish(plan.take(first + torch.arange(count, device=self.device)), size, generator)

    def _plan(self, count: int, generator: torch.Generator) -> Plan:
        settings = self.settings
        target = torch.multinomial(self._odds, count, replacement=True, generator=generator)
        pasted = torch.randint(len(self.photos), (count, SLOTS), generator=generator, device=self.device)
        dice = torch.rand(count, 4, generator=generator, device=self.device)
        some = dice[:, 0] >= settings.none
        used = torch.stack([some, some & (dice[:, 1] < settings.second)], 1)
        front = dice[:, 2:] >= settings.behind
        windows = torch.zeros(count, 3, device=self.device)
        return Plan(target, pasted, self._maps(target, pasted, generator), used, front, windows)

    def _maps(self, target: Tensor, pasted: Tensor, generator: torch.Generator) -> Tensor:
        """Return maps [n, 2, 2, 3] that lay each shape so that one of its points meets one of the object's."""
        repeated, flat = target.repeat_interleave(SLOTS), pasted.flatten()
        place = self.photos.places[repeated]
        dice = torch.rand(len(flat), 4, generator=generator, device=self.device)
        scale = torch.exp((2 * dice[:, 0] - 1) * math.log(self.settings.size_ratio)) / place[:, 2]
        angle = (2 * dice[:, 1] - 1) * math.radians(self.settings.turn_degrees)
        linear = warp.similarity(angle, scale, 0.2 * (2 * dice[:, 2] - 1), dice[:, 3] < 0.5)
        picks = torch.randint(ANCHORS, (2, len(flat)), generator=generator, device=self.device)
        meeting = place[:, :2] + place[:, 2:] * self.photos.anchors[repeated, picks[0]]
        return warp.with_offset(linear, meeting, self.photos.anchors[flat, picks[1]]).view(-1, SLOTS, 2, 3)

    def _with_windows(self, plan: Plan, generator: torch.Generator) -> tuple[Plan, Tensor]:
        """Return the plan with patches around what is left of each object, and which samples are acceptable."""
        settings, place = self.settings, self.photos.places[plan.target]
        rough = torch.cat([place[:, :2], COARSE_HALF * place[:, 2:]], 1)
        whole, pasted = self._draw(replace(plan, windows=rough), COARSE, self.photos.coarse)
        visible = whole & ~(pasted & plan.front[:, :, None, None]).any(1)
        hidden = 1 - visible.sum((1, 2)) / whole.sum((1, 2)).clamp(min=1)
        least, most = settings.hidden
        accepted = (hidden >= torch.where((plan.used & plan.front).any(1), least, 0.0)) & (hidden <= most)
        fitted = warp.fit_square(visible, rough)
        dice = torch.rand(len(fitted), 3, generator=generator, device=self.device)
        return replace(plan, windows=warp.varied(fitted, dice, settings.zoom, settings.shift)), accepted

    def _draw(self, plan: Plan, size: int, shapes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the object bool [n, s, s] and what is pasted, in front or behind, bool [n, 2, s, s]."""
        own = _own_maps(self.photos.places[plan.target])
        whole = warp.draw(shapes[plan.target], own, plan.windows, size)
        flat, windows = plan.pasted.flatten(), plan.windows.repeat_interleave(SLOTS, 0)
        drawn = warp.draw(shapes[flat], plan.maps.flatten(0, 1), windows, size).view(-1, SLOTS, size, size)
        return whole, drawn & plan.used[:, :, None, None]

    def _finish(self, plan: Plan, size: int, generator: torch.Generator) -> ColourBatch:
        """Draw a plan at full size: the composite, what the net is told, and what it should say."""
        whole, pasted = self._draw(plan, size, self.photos.shapes)
        front = pasted & plan.front[:, :, None, None]
        behind = (pasted & ~front) & ~whole[:, None]
        rgb = self._composite(plan, front, behind, size, generator)
        dice = torch.rand(6, len(whole), generator=generator, device=self.device)
        closed = dice[0] < self.settings.closed
        listed = (dice[1:3].T.lt(self.settings.listed) | closed[:, None])[:, :, None, None]
        visible, outside = whole & ~front.any(1), _beyond(plan.windows, size)
        # An object known to lie behind is either asked about like one in front, or known to hide nothing.
        asked = (dice[3] < 0.5)[:, None, None]
        cover = (front & listed).any(1) | ((behind & listed).any(1) & asked)
        reach = self.settings.noise_pixels * size / 128
        radius = torch.round((2 * dice[4:] - 1) * reach).to(torch.int64)
        seen = warp.morph(visible, radius[0]) & ~outside
        cover = warp.morph(cover, radius[1]) & ~outside & ~seen
        known = seen | cover | outside | (behind & listed).any(1)
        unknown = ~known & ~closed[:, None, None]
        masks = torch.stack([seen, cover, outside, unknown], 1).to(torch.float32)
        weight = torch.ones_like(masks[:, 0])
        weight = weight.masked_fill(cover | pasted.any(1), self.settings.hidden_weight)
        weight = weight.masked_fill(outside & self.photos.poor[plan.target][:, None, None], 0.0)
        return ColourBatch(masks, rgb, whole, weight)

    def _composite(self, plan: Plan, front: Tensor, behind: Tensor, size: int, generator: torch.Generator) -> Tensor:
        """Return the photo with what is pasted on it, its edges mixed over about a pixel, float32 [n, 3, s, s]."""
        unit = torch.eye(2, 3, device=self.device).repeat(len(front), 1, 1)
        whole = self._colours(self.photos.squares[plan.target], unit, plan.windows, size)
        rgb = jitter(whole, self.settings, generator)
        for slot in range(SLOTS):
            drawn = front[:, slot] | behind[:, slot]
            rows = torch.nonzero(drawn.any(2).any(1))[:, 0]
            if not len(rows):
                continue
            chosen = plan.pasted[rows, slot]
            place = self.photos.places[chosen]
            maps = plan.maps[rows, slot] * place[:, 2, None, None]
            maps = torch.cat([maps[..., :2], maps[..., 2:] + place[:, :2, None]], -1)
            colours = self._colours(self.photos.squares[chosen], maps, plan.windows[rows], size)
            alpha = functional.avg_pool2d(drawn[rows, None].to(rgb.dtype), 3, 1, 1)
            rgb[rows] += alpha * (jitter(colours, self.settings, generator) - rgb[rows])
        return rgb

    def _colours(self, squares: Tensor, maps: Tensor, windows: Tensor, size: int) -> Tensor:
        """Return the pixels of photos where ``maps`` (frame to square) put them, float32 [n, 3, s, s] in 0..1."""
        grid = warp.coordinates(maps, windows, size)
        step = torch.linalg.det(maps[..., :2]).abs().sqrt() * windows[:, 2] * self.photos.side / size
        rgb = torch.empty(len(squares), 3, size, size, device=self.device)
        for level, rows in ((self.photos.rgb, step <= FINE), (self.photos.half, step > FINE)):
            index = torch.nonzero(rows)[:, 0]
            if len(index):
                pixels = level[squares[index]].to(torch.float32) / 255
                rgb[index] = functional.grid_sample(pixels, grid[index], padding_mode="border", align_corners=False)
        return rgb


def jitter(rgb: Tensor, settings: ColourSettings, generator: torch.Generator) -> Tensor:
    """Return colours float32 [n, 3, s, s] in 0..1, brighter or darker as a whole and by channel."""
    dice = 2 * torch.rand(len(rgb), 4, generator=generator, device=rgb.device) - 1
    gain = (1 + settings.brightness * dice[:, :1]) * (1 + settings.tint * dice[:, 1:])
    return (rgb * gain[:, :, None, None]).clamp_(0, 1)


def _own_maps(places: Tensor) -> Tensor:
    """Return the maps [n, 2, 3] from the frame to the coordinates of shapes that lie at ``places`` [n, 3]."""
    unit = torch.eye(2, device=places.device).repeat(len(places), 1, 1)
    return torch.cat([unit, -places[:, :2, None]], 2) / places[:, 2, None, None]


def _beyond(windows: Tensor, size: int) -> Tensor:
    """Return bool [n, size, size]: pixels whose centres lie beyond the square of the photo."""
    centres = (2 * torch.arange(size, device=windows.device) + 1) / size - 1
    x = (windows[:, :1] + windows[:, 2:] * centres).abs() > 1
    y = (windows[:, 1:2] + windows[:, 2:] * centres).abs() > 1
    return y[:, :, None] | x[:, None, :]
