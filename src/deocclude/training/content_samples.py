"""Self-supervised samples for content completion: parts of photos hidden by the shapes of objects, batches at once.

Two kinds, after Zhan et al. (CVPR 2020, PCNet-C): *photos*, of which object-shaped parts are to be painted (how a net
learns texture, and the task of a background); and *objects*, of which another object's shape hides a part. Beyond the
paper: what hides the object is unknown, never shown, with a rim around it; the object's own pixels are told from the
surroundings, which are left out in a part of the samples; several occluders; masks that do not meet exactly.
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
from deocclude.training.photos import COARSE_SHAPE, PackedPhotos

SLOTS = 4
"""Shapes of a sample: three that hide something to paint, and one that only hides."""
BLOCK = SLOTS - 1
COARSE_HALF = 1.1
FINE = 1.5
"""Photos are read at half size where a pixel of a patch covers more than this many of theirs."""
FULL_SIZE = 128.0
"""Widths in pixels are those of a patch of this size."""


@dataclass(frozen=True)
class ContentSettings:
    """How samples are made. Widths are pixels of a 128 px patch.

    Attributes:
        photo_scale: pixels of a patch for each pixel of the photo, log-uniform between these two, in photo samples.
        hole_size: side of a shape over that of the patch in photo samples, log-uniform.
        zoom: patch side over the object's standard square, log-uniform.
        shift: largest shift of the patch off the object's centre, share of its side.
        largest_scale: objects are enlarged at most so much; small ones are shown with more around them.
        size_ratio: an occluder's size over the object's, log-uniform within 1/x..x.
        turn_degrees: largest rotation of occluders.
        second_shape: probability of a second shape that hides something to paint.
        third_shape: probability of a third one, given a second.
        block: probability of a shape whose pixels are unknown but not to be painted.
        hidden: accepted share of the object (or of the patch) that is hidden, least and most.
        grow_hole: the hole is what is hidden, grown by 0 to so much.
        rim: what hides the object is unknown together with a rim of 0 to so much.
        shrink_own: the object's own pixels, less an edge of 0 to so much.
        contact_noise: probability that these three are not all zero.
        no_context: probability that nothing around the object is shown.
        brightness: largest change of all colours, share.
        tint: largest change of a single colour channel, share.
        poor_weight: how often an object that is cut off or seems partly hidden is drawn, against 1 for others.
        candidates: placements tried for each sample.
    """

    photo_scale: tuple[float, float] = (0.5, 2.0)
    hole_size: tuple[float, float] = (0.15, 0.65)
    zoom: tuple[float, float] = (0.75, 1.4)
    shift: float = 0.08
    largest_scale: float = 1.6
    size_ratio: float = 2.0
    turn_degrees: float = 25.0
    second_shape: float = 0.35
    third_shape: float = 0.3
    block: float = 0.2
    hidden: tuple[float, float] = (0.02, 0.7)
    grow_hole: float = 4.0
    rim: float = 3.0
    shrink_own: float = 2.0
    contact_noise: float = 0.8
    no_context: float = 0.25
    brightness: float = 0.15
    tint: float = 0.05
    poor_weight: float = 0.3
    candidates: int = 4

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: one is out of range.
        """
        shares = ("shift", "second_shape", "third_shape", "block", "hidden", "contact_noise", "no_context",
                  "brightness", "tint")  # fmt: skip
        zooms = ("photo_scale", "hole_size", "zoom", "largest_scale")
        rest = ("grow_hole", "rim", "shrink_own", "poor_weight")
        check_ranges(self, **dict.fromkeys(shares, SHARE), **dict.fromkeys(zooms, ZOOM), **dict.fromkeys(rest, MANY),
                     size_ratio=RATIO, turn_degrees=(0, 180), candidates=(1, 1000))  # fmt: skip


@dataclass(frozen=True, eq=False)
class ContentBatch:
    """Samples, n of s x s pixels.

    Attributes:
        planes: float32 [n, 6, s, s], the input of a net (see :mod:`deocclude.nets.planes`).
        target: float32 [n, 3, s, s], the photo in 0..1.
        hole: bool [n, s, s], pixels to paint.
        weight: float32 [n, s, s], 1 in the part of the hole where the object itself is hidden, so that the photo is the
            right answer; 0 elsewhere.
    """

    planes: Tensor
    target: Tensor
    hole: Tensor
    weight: Tensor

    @property
    def seen(self) -> Tensor:
        """Bool [n, s, s], pixels that the net may look at."""
        return self.planes[:, 3] > 0

    @property
    def own(self) -> Tensor:
        """Bool [n, s, s], the object's own pixels among them."""
        return self.planes[:, 4] > 0


@dataclass(frozen=True, eq=False)
class Plan:
    """Where everything lies; n samples. The frame is the square of the photo, in -1..1.

    Attributes:
        square: int64 [n], the photo's square.
        target: int64 [n], the object; any where there is none.
        is_object: bool [n], object samples; the others are photo samples.
        shapes: int64 [n, 4], objects whose shapes hide something.
        shape_maps: float32 [n, 4, 2, 3], from the frame to their coordinates.
        used: bool [n, 4], which count.
        windows: float32 [n, 3], the patches: centre x, centre y, half side.
    """

    square: Tensor
    target: Tensor
    is_object: Tensor
    shapes: Tensor
    shape_maps: Tensor
    used: Tensor
    windows: Tensor

    def take(self, index: Tensor) -> Plan:
        """Return the samples of ``index``."""
        return Plan(**{field.name: getattr(self, field.name)[index] for field in fields(self)})


class ContentSampler:
    """Makes batches from a pack of photos; equal seeds give equal batches.

    Args:
        photos: one side of the split.
        settings: how samples are made.
    """

    def __init__(self, photos: PackedPhotos, settings: ContentSettings | None = None) -> None:
        self.settings = settings or ContentSettings()
        self.photos, self.device = photos, photos.device
        self._odds = torch.where(photos.poor, self.settings.poor_weight, 1.0)

    def sample(self, count: int, size: int, seed: int, photo_share: float = 0.5) -> ContentBatch:
        """Return ``count`` samples of ``size`` pixels, the first ``photo_share`` of them photo samples."""
        generator = torch.Generator(self.device).manual_seed(seed)
        number = round(count * min(1.0, max(0.0, photo_share)))
        plan = self._plan(count, number, size, generator)
        return self._finish(plan, size, generator)

    def _plan(self, count: int, photo_count: int, size: int, generator: torch.Generator) -> Plan:
        """Return, for each sample, the first of several placements that hides neither nothing nor nearly everything."""
        tries = count * self.settings.candidates
        is_object = (torch.arange(tries, device=self.device) % count) >= photo_count
        target = torch.multinomial(self._odds, tries, replacement=True, generator=generator)
        anywhere = torch.randint(len(self.photos.rgb), (tries,), generator=generator, device=self.device)
        square = torch.where(is_object, self.photos.squares[target], anywhere)
        windows = torch.where(
            is_object[:, None],
            self._object_windows(target, size, generator),
            self._photo_windows(tries, size, generator),
        )
        shapes = torch.randint(len(self.photos), (tries, SLOTS), generator=generator, device=self.device)
        maps = torch.where(
            is_object[:, None, None, None],
            self._occluder_maps(target, shapes, generator),
            self._hole_maps(windows, generator),
        )
        dice = torch.rand(tries, 3, generator=generator, device=self.device)
        second, third = dice[:, 0] < self.settings.second_shape, dice[:, 1] < self.settings.third_shape
        used = torch.stack([torch.ones_like(second), second, second & third, dice[:, 2] < self.settings.block], 1)
        plan = Plan(square, target, is_object, shapes, maps, used, windows)
        accepted = self._acceptable(plan).view(-1, count)
        return plan.take(accepted.to(torch.float32).argmax(0) * count + torch.arange(count, device=self.device))

    def _photo_windows(self, count: int, size: int, generator: torch.Generator) -> Tensor:
        dice = torch.rand(count, 3, generator=generator, device=self.device)
        half = (size / self.photos.side / _log_uniform(dice[:, 0], self.settings.photo_scale)).clamp(max=1.0)
        centre = (2 * dice[:, 1:] - 1) * (1 - half[:, None])
        return torch.cat([centre, half[:, None]], 1)

    def _object_windows(self, target: Tensor, size: int, generator: torch.Generator) -> Tensor:
        """Return patches around whole objects: the square of Zhan et al., jittered, hardly beyond the photo."""
        dice = torch.rand(len(target), 3, generator=generator, device=self.device)
        fitted = warp.fit_square(self.photos.coarse[target] > 0.5, self.photos.places[target])
        half = fitted[:, 2] * _log_uniform(dice[:, 0], self.settings.zoom)
        half = half.clamp(min=size / self.photos.side / self.settings.largest_scale, max=1.1)
        shift = (2 * dice[:, 1:] - 1) * 2 * self.settings.shift * half[:, None]
        reach = (1.1 - half).clamp(min=0)[:, None]
        return torch.cat([torch.minimum(torch.maximum(fitted[:, :2] + shift, -reach), reach), half[:, None]], 1)

    def _random_linear(self, scale: Tensor, degrees: float, generator: torch.Generator) -> Tensor:
        dice = torch.rand(len(scale), 3, generator=generator, device=self.device)
        angle = (2 * dice[:, 0] - 1) * math.radians(degrees)
        return warp.similarity(angle, scale, 0.2 * (2 * dice[:, 1] - 1), dice[:, 2] < 0.5)

    def _occluder_maps(self, target: Tensor, shapes: Tensor, generator: torch.Generator) -> Tensor:
        """Return maps [n, 4, 2, 3] that lay each shape so that one of its points meets one of the object's."""
        repeated, flat = target.repeat_interleave(SLOTS), shapes.flatten()
        place = self.photos.places[repeated]
        dice = torch.rand(len(flat), generator=generator, device=self.device)
        ratio = self.settings.size_ratio
        linear = self._random_linear(
            _log_uniform(dice, (1 / ratio, ratio)) / place[:, 2], self.settings.turn_degrees, generator
        )
        picks = torch.randint(ANCHORS, (2, len(flat)), generator=generator, device=self.device)
        meeting = place[:, :2] + place[:, 2:] * self.photos.anchors[repeated, picks[0]]
        return warp.with_offset(linear, meeting, self.photos.anchors[flat, picks[1]]).view(-1, SLOTS, 2, 3)

    def _hole_maps(self, windows: Tensor, generator: torch.Generator) -> Tensor:
        """Return maps [n, 4, 2, 3] that lay shapes anywhere on the patches, turned by any angle."""
        repeated = windows.repeat_interleave(SLOTS, 0)
        dice = torch.rand(len(repeated), 3, generator=generator, device=self.device)
        half = repeated[:, 2] * _log_uniform(dice[:, 0], self.settings.hole_size)
        linear = self._random_linear(1 / half, 180.0, generator)
        centre = repeated[:, :2] + (2 * dice[:, 1:] - 1) * 0.9 * repeated[:, 2:]
        return warp.with_offset(linear, centre, torch.zeros_like(centre)).view(-1, SLOTS, 2, 3)

    def _acceptable(self, plan: Plan) -> Tensor:
        """Return bool [n]: the hidden share lies within the limits; measured on small drawings."""
        place = self.photos.places[plan.target]
        around = torch.cat([place[:, :2], COARSE_HALF * place[:, 2:]], 1)
        rough = replace(plan, windows=torch.where(plan.is_object[:, None], around, plan.windows))
        whole, cover, block = self._draw(rough, COARSE_SHAPE, self.photos.coarse)
        inside = _inside(rough.windows, COARSE_SHAPE)
        area = (whole & inside).sum((1, 2)).clamp(min=1)
        left = (whole & ~cover & ~block & inside).sum((1, 2)) / area
        hidden = (whole & cover & inside).sum((1, 2)) / area
        least, most = self.settings.hidden
        return (hidden >= least) & (left >= 1 - most)

    def _draw(self, plan: Plan, size: int, shapes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return object (all in photo samples), what hides parts to paint, and what only hides; bool [n, s, s]."""
        count = len(plan.target)
        whole = torch.ones(count, size, size, dtype=torch.bool, device=self.device)
        rows = torch.nonzero(plan.is_object)[:, 0]
        place = self.photos.places[plan.target[rows]]
        maps = torch.cat([torch.eye(2, device=self.device).repeat(len(rows), 1, 1), -place[:, :2, None]], 2)
        maps = maps / place[:, 2, None, None]
        if len(rows):
            whole[rows] = warp.draw(shapes[plan.target[rows]], maps, plan.windows[rows], size)
        row, slot = torch.nonzero(plan.used, as_tuple=True)
        drawn = warp.draw(shapes[plan.shapes[row, slot]], plan.shape_maps[row, slot], plan.windows[row], size)
        only = (slot == BLOCK)[:, None, None]
        none = torch.zeros(count, size, size, dtype=torch.int32, device=self.device)
        cover = none.index_add(0, row, (drawn & ~only).int()) > 0
        block = none.index_add(0, row, (drawn & only).int()) > 0
        return whole, cover, block

    def _finish(self, plan: Plan, size: int, generator: torch.Generator) -> ContentBatch:
        """Draw a plan at full size, and split the patch into hole, own, context and unknown."""
        whole, cover, block = self._draw(plan, size, self.photos.shapes)
        inside = _inside(plan.windows, size)
        dice = torch.rand(6, len(whole), generator=generator, device=self.device)
        noisy = dice[0] < self.settings.contact_noise
        reach = torch.tensor([self.settings.grow_hole, self.settings.rim, self.settings.shrink_own], device=self.device)
        widths = torch.round(dice[1:4] * reach[:, None] * size / FULL_SIZE) * noisy
        grow, rim, shrink = widths.to(torch.int64)
        hole = warp.morph(whole & cover & inside, grow) & (whole | cover) & ~block & inside
        unknown = warp.morph(cover | block, rim)
        own = warp.morph(whole & ~cover & ~block, -shrink) & ~unknown & ~hole & inside
        shown = (dice[4] >= self.settings.no_context)[:, None, None]
        context = shown & ~warp.morph(whole, shrink) & ~unknown & ~hole & inside
        seen = own | context
        target = self._colours(plan, size, generator)
        planes = torch.cat([target * seen[:, None], torch.stack([seen, own, hole], 1).to(target.dtype)], 1)
        weight = (hole & whole).to(target.dtype)
        batch = ContentBatch(planes, target, hole, weight)
        return _mirror(batch, dice[5] < 0.5)

    def _colours(self, plan: Plan, size: int, generator: torch.Generator) -> Tensor:
        """Return the photo in the patches, float32 [n, 3, size, size], its colours changed a little."""
        maps = torch.cat([torch.eye(2, device=self.device), torch.zeros(2, 1, device=self.device)], 1)
        grid = warp.coordinates(maps.repeat(len(plan.square), 1, 1), plan.windows, size)
        fine = plan.windows[:, 2] * self.photos.side <= FINE * size
        rgb = torch.empty(len(plan.square), 3, size, size, device=self.device)
        for level, rows in ((self.photos.rgb, fine), (self.photos.half, ~fine)):
            index = torch.nonzero(rows)[:, 0]
            if not len(index):
                continue
            pixels = level[plan.square[index]].to(torch.float32)
            rgb[index] = functional.grid_sample(pixels, grid[index], padding_mode="border", align_corners=False)
        dice = 2 * torch.rand(len(rgb), 4, generator=generator, device=self.device) - 1
        gain = (1 + self.settings.brightness * dice[:, :1]) * (1 + self.settings.tint * dice[:, 1:])
        return (rgb * (gain / 255)[:, :, None, None]).clamp_(0, 1)


def _log_uniform(dice: Tensor, limits: tuple[float, float]) -> Tensor:
    """Return values between ``limits`` for uniform ``dice`` in 0..1."""
    low, high = map(math.log, limits)
    return torch.exp(low + (high - low) * dice)


def _inside(windows: Tensor, size: int) -> Tensor:
    """Return bool [n, size, size]: pixels whose centres lie in the square of the photo."""
    centres = (2 * torch.arange(size, device=windows.device) + 1) / size - 1
    x = (windows[:, :1] + windows[:, 2:] * centres).abs() <= 1
    y = (windows[:, 1:2] + windows[:, 2:] * centres).abs() <= 1
    return y[:, :, None] & x[:, None, :]


def _mirror(batch: ContentBatch, flags: Tensor) -> ContentBatch:
    """Return the batch with the samples of ``flags`` bool [n] mirrored left to right."""
    rows = torch.nonzero(flags)[:, 0]
    for field in fields(batch):
        values = getattr(batch, field.name)
        values[rows] = values[rows].flip(-1)
    return batch
