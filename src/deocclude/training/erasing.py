"""Self-supervised samples for mask completion: objects erased by other objects, whole batches at once.

The idea is that of Zhan et al. (CVPR 2020, PCNet-M): part of a mask is erased by another object's mask, and the net has
to put it back (case 1) or, where the other object lies behind, to leave the mask alone (case 2). Beyond the paper:
the patch is cut around what is *left* of the object, as it is at inference; masks do not meet exactly; several erasers;
erasers of any relative size; true neighbours behind the object; parts cut off by the border of the photo.
:mod:`deocclude.training.reference_erasing` makes the paper's samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from deocclude.training import warp
from deocclude.training.config import MANY, RATIO, SHARE, ZOOM, check_ranges
from deocclude.training.objects import ANCHORS, PackedObjects

MAX_ERASERS = 3
COARSE = 32
COARSE_HALF = 1.3
FAR = 1e6


@dataclass(frozen=True)
class ErasingSettings:
    """How samples are made.

    Attributes:
        behind: probability that an eraser lies behind the object (case 2).
        real_neighbour: probability that case 2 takes a true neighbour, where the object has one behind it.
        second_eraser: probability of a second eraser.
        third_eraser: probability of a third one, given a second.
        size_ratio: an eraser's size over the object's, drawn log-uniformly within 1/x..x.
        turn_degrees: largest rotation of objects and erasers.
        contact_noise: probability that masks and erasers are grown or shrunk independently.
        noise_pixels: largest growth or shrinkage, pixels of a 128 px patch.
        reopened: probability that masks that meet exactly are parted and the slit is closed again, as it is where
            detectors leave one.
        slit_pixels: how far each mask withdraws before that, at most, pixels of a 128 px patch.
        unseen: probability that nothing is known about what else may hide the object; then most erasers in front are
            not shown to the net.
        hide_eraser: probability that an eraser in front is not shown in such a sample.
        border_cut: probability that a border of the photo is put across the object.
        zoom: patch side over the standard square, log-uniform between these two.
        shift: largest shift of the patch, share of its side.
        hidden: accepted share of the object that is hidden, least and most.
        eraser_weight: loss weight inside the eraser (1 elsewhere).
        unseen_weight: loss weight where something that the net is not told of may hide the object.
        occluded_weight: how often an object that seems occluded or truncated itself is drawn, against 1 for others.
        candidates: placements tried for each sample.
    """

    behind: float = 0.4
    real_neighbour: float = 0.5
    second_eraser: float = 0.4
    third_eraser: float = 0.25
    size_ratio: float = 2.2
    turn_degrees: float = 25.0
    contact_noise: float = 0.5
    noise_pixels: float = 4.0
    reopened: float = 0.0
    slit_pixels: float = 6.0
    unseen: float = 0.3
    hide_eraser: float = 0.75
    border_cut: float = 0.15
    zoom: tuple[float, float] = (0.9, 1.5)
    shift: float = 0.08
    hidden: tuple[float, float] = (0.02, 0.8)
    eraser_weight: float = 5.0
    unseen_weight: float = 2.0
    occluded_weight: float = 0.25
    candidates: int = 2

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: one is out of range.
        """
        shares = ("behind", "real_neighbour", "second_eraser", "third_eraser", "contact_noise", "reopened", "unseen",
                  "hide_eraser", "border_cut", "shift", "hidden")  # fmt: skip
        rest = ("noise_pixels", "slit_pixels", "eraser_weight", "unseen_weight", "occluded_weight")
        check_ranges(self, **dict.fromkeys(shares, SHARE), **dict.fromkeys(rest, MANY), size_ratio=RATIO, zoom=ZOOM,
                     turn_degrees=(0, 180), candidates=(1, 1000))  # fmt: skip


@dataclass(frozen=True, eq=False)
class Batch:
    """Samples, [n, s, s] each.

    Attributes:
        visible: bool, what is left of the object: the first input channel.
        eraser: bool, what may hide it: the second input channel.
        outside: bool, beyond the border of the photo: the third input channel.
        unknown: bool, where something that no mask shows may hide the object: the fourth input channel.
        target: bool, the whole object.
        weight: float32, loss weights.
    """

    visible: Tensor
    eraser: Tensor
    outside: Tensor
    unknown: Tensor
    target: Tensor
    weight: Tensor

    def inputs(self, channels: int) -> Tensor:
        """Return the first 2, 3 or 4 channels as float32 [n, channels, s, s]."""
        planes = [self.visible, self.eraser, self.outside, self.unknown]
        return torch.stack(planes[:channels], 1).to(torch.float32)


@dataclass(frozen=True, eq=False)
class Plan:
    """Where everything lies; n samples.

    Attributes:
        target: int64 [n], the object.
        target_map: float32 [n, 2, 3], frame to its crop.
        erasers: int64 [n, 3].
        eraser_maps: float32 [n, 3, 2, 3].
        used: bool [n, 3], which erasers count.
        front: bool [n, 3], which lie in front of the object.
        shown: bool [n, 3], which the net is told of.
        unseen: bool [n], whether the net is told that there may be more.
        photo: float32 [n, 4], left, top, right, bottom of the photo in the coordinates of the object's crop.
        windows: float32 [n, 3], the patches.
    """

    target: Tensor
    target_map: Tensor
    erasers: Tensor
    eraser_maps: Tensor
    used: Tensor
    front: Tensor
    shown: Tensor
    unseen: Tensor
    photo: Tensor
    windows: Tensor

    def take(self, index: Tensor) -> Plan:
        """Return the samples of ``index``."""
        return Plan(**{field.name: getattr(self, field.name)[index] for field in fields(self)})


class EraserSampler:
    """Makes batches from a pack; equal seeds give equal batches.

    Args:
        objects: what is erased, and by what.
        settings: how samples are made.
    """

    def __init__(self, objects: PackedObjects, settings: ErasingSettings | None = None) -> None:
        self.settings = settings or ErasingSettings()
        self.objects, self.device = objects, objects.device
        self._odds = torch.where(objects.occluded | objects.truncated, self.settings.occluded_weight, 1.0)

    def sample(self, count: int, size: int, seed: int) -> Batch:
        """Return ``count`` samples of ``size`` pixels."""
        generator = torch.Generator(self.device).manual_seed(seed)
        plan = self._best_of(self._plan(count * self.settings.candidates, generator), count, generator)
        return self._finish(plan, size, generator)

    def sample_pairs(self, count: int, size: int, seed: int) -> tuple[Batch, Batch]:
        """Return the two questions of ordering recovery for ``count`` pairs of which the first hides the second.

        In the first batch the hidden object is the target and the one in front the eraser (it should grow); in the
        second it is the other way round (it should not).
        """
        generator = torch.Generator(self.device).manual_seed(seed)
        plan = self._plan(count * self.settings.candidates, generator)
        single = torch.zeros_like(plan.used)
        single[:, 0] = True
        everything = {"shown": torch.ones_like(single), "unseen": torch.zeros_like(plan.unseen)}
        plan = replace(plan, used=single, front=single, photo=_no_border(len(single), self.device), **everything)
        pasted = self._paste(plan.target, plan.target_map, generator)
        plan = replace(plan, erasers=pasted[0], eraser_maps=pasted[1])
        behind = self._best_of(plan, count, generator)
        erasers, maps = behind.erasers.clone(), behind.eraser_maps.clone()
        erasers[:, 0], maps[:, 0] = behind.target, behind.target_map
        swapped = replace(
            behind,
            target=behind.erasers[:, 0],
            target_map=behind.eraser_maps[:, 0],
            erasers=erasers,
            eraser_maps=maps,
            front=torch.zeros_like(behind.front),
        )
        swapped = self._with_windows(swapped, generator)[0]
        return self._finish(behind, size, generator), self._finish(swapped, size, generator)

    def _plan(self, count: int, generator: torch.Generator) -> Plan:
        settings = self.settings
        target = torch.multinomial(self._odds, count, replacement=True, generator=generator)
        zero = torch.zeros(count, 2, device=self.device)
        linear = self._random_linear(count, torch.ones(count, device=self.device), generator)
        target_map = warp.with_offset(linear, zero, zero)
        erasers, maps = self._paste(target, target_map, generator)
        dice = torch.rand(count, 10, generator=generator, device=self.device)
        second = dice[:, 0] < settings.second_eraser
        used = torch.stack([torch.ones_like(second), second, second & (dice[:, 1] < settings.third_eraser)], 1)
        front = dice[:, 2:5] >= settings.behind
        real = (~front[:, 0]) & (dice[:, 5] < settings.real_neighbour)
        erasers, maps = self._put_neighbour(real, target, target_map, (erasers, maps), generator)
        unseen = dice[:, 6] < settings.unseen
        shown = ~(front & unseen[:, None] & (dice[:, 7:] < settings.hide_eraser))
        photo = self._border(target, generator)
        windows = torch.zeros(count, 3, device=self.device)
        return Plan(target, target_map, erasers, maps, used, front, shown, unseen, photo, windows)

    def _random_linear(self, count: int, scale: Tensor, generator: torch.Generator) -> Tensor:
        dice = torch.rand(count, 4, generator=generator, device=self.device)
        reach = math.radians(self.settings.turn_degrees)
        angle = (2 * dice[:, 0] - 1) * reach * (dice[:, 1] < 0.6)
        return warp.similarity(angle, scale, 0.2 * (2 * dice[:, 2] - 1), dice[:, 3] < 0.5)

    def _paste(self, target: Tensor, target_map: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return three erasers [n, 3] and their maps, each laid so that one of its points meets one of the target."""
        count = len(target)
        flat = count * MAX_ERASERS
        erasers = torch.randint(len(self.objects), (flat,), generator=generator, device=self.device)
        dice = torch.rand(flat, generator=generator, device=self.device)
        scale = torch.exp((2 * dice - 1) * math.log(self.settings.size_ratio))
        linear = self._random_linear(flat, scale, generator)
        picks = torch.randint(ANCHORS, (2, flat), generator=generator, device=self.device)
        repeated = target.repeat_interleave(MAX_ERASERS)
        meeting = warp.to_frame(target_map.repeat_interleave(MAX_ERASERS, 0), self.objects.anchors[repeated, picks[0]])
        maps = warp.with_offset(linear, meeting, self.objects.anchors[erasers, picks[1]])
        return erasers.view(count, MAX_ERASERS), maps.view(count, MAX_ERASERS, 2, 3)

    def _put_neighbour(
        self,
        wanted: Tensor,
        target: Tensor,
        target_map: Tensor,
        pasted: tuple[Tensor, Tensor],
        generator: torch.Generator,
    ) -> tuple[Tensor, Tensor]:
        """Replace the first eraser by a true neighbour behind the target, where wanted and present."""
        erasers, maps = pasted[0].clone(), pasted[1].clone()
        slots = self.objects.neighbours.shape[1]
        pick = torch.randint(slots, (len(target),), generator=generator, device=self.device)
        neighbour = self.objects.neighbours[target, pick]
        rows = torch.nonzero(wanted & (neighbour >= 0))[:, 0]
        outer = self.objects.neighbour_maps[target[rows], pick[rows]]
        inner = target_map[rows]
        offset = (outer[:, :, :2] @ inner[:, :, 2:]) + outer[:, :, 2:]
        erasers[rows, 0] = neighbour[rows]
        maps[rows, 0] = torch.cat([outer[:, :, :2] @ inner[:, :, :2], offset], -1)
        return erasers, maps

    def _border(self, target: Tensor, generator: torch.Generator) -> Tensor:
        """Return the edges of the photo, with one of them moved across the object now and then."""
        photo = self.objects.photo[target].clone()
        dice = torch.rand(len(target), 2, generator=generator, device=self.device)
        side = torch.randint(4, (len(target),), generator=generator, device=self.device)
        rows = torch.nonzero(dice[:, 0] < self.settings.border_cut)[:, 0]
        place = 0.2 + 0.6 * dice[rows, 1]
        photo[rows, side[rows]] = torch.where(side[rows] < 2, -place, place)
        return photo

    def _best_of(self, plan: Plan, count: int, generator: torch.Generator) -> Plan:
        """Return for each sample the first candidate whose cut is neither nothing nor nearly everything."""
        plan, accepted = self._with_windows(plan, generator)
        accepted = accepted.view(-1, count)
        chosen = accepted.to(torch.float32).argmax(0) * count + torch.arange(count, device=self.device)
        return plan.take(chosen)

    def _with_windows(self, plan: Plan, generator: torch.Generator) -> tuple[Plan, Tensor]:
        """Return the plan with patches around what is left of each object, and which samples are acceptable."""
        settings = self.settings
        count = len(plan.target)
        centre = warp.to_frame(plan.target_map, torch.zeros(count, 2, device=self.device))
        scale = torch.linalg.det(plan.target_map[..., :2]).abs().rsqrt()
        rough = torch.cat([centre, COARSE_HALF * scale[:, None]], 1)
        everything = torch.ones_like(plan.shown)
        rough_plan = replace(plan, windows=rough, shown=everything)
        whole, visible, eraser, _ = self._draw(rough_plan, COARSE, self.objects.coarse)
        area = whole.sum((1, 2)).clamp(min=1)
        hidden = 1 - visible.sum((1, 2)) / area
        any_front = (plan.used & plan.front).any(1)
        least, most = settings.hidden
        accepted = (hidden >= torch.where(any_front, least, 0.0)) & (hidden <= most) & (eraser.sum((1, 2)) > 8)
        fitted = warp.fit_square(visible, rough)
        dice = torch.rand(count, 3, generator=generator, device=self.device)
        return replace(plan, windows=warp.varied(fitted, dice, settings.zoom, settings.shift)), accepted

    def _draw(self, plan: Plan, size: int, crops: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return whole, visible, shown eraser and outside of a plan, bool [n, size, size] each."""
        whole = warp.draw(crops[plan.target], plan.target_map, plan.windows, size)
        row, slot = torch.nonzero(plan.used, as_tuple=True)
        drawn = warp.draw(crops[plan.erasers[row, slot]], plan.eraser_maps[row, slot], plan.windows[row], size)
        in_front, shown = (value[row, slot][:, None, None] for value in (plan.front, plan.shown))
        count = torch.zeros_like(whole, dtype=torch.int32)
        covered = count.index_add(0, row, (drawn & in_front).int()) > 0
        cover = count.index_add(0, row, (drawn & in_front & shown).int()) > 0
        behind = count.index_add(0, row, (drawn & ~in_front).int()) > 0
        outside = beyond(warp.coordinates(plan.target_map, plan.windows, size), plan.photo)
        visible = whole & ~covered & ~outside
        return whole, visible, (cover | (behind & ~whole)) & ~outside, outside

    def _finish(self, plan: Plan, size: int, generator: torch.Generator) -> Batch:
        """Draw a plan at full size, disturb the contact between masks, and weigh the pixels."""
        crops = self.objects.crops_for(size)
        whole, visible, eraser, outside = self._draw(plan, size, crops)
        seen, cover = disturbed(visible, eraser, outside, self.settings, generator)
        unknown = plan.unseen[:, None, None] & ~(seen | cover | outside)
        weight = torch.ones_like(whole, dtype=torch.float32)
        weight = weight.masked_fill(unknown, self.settings.unseen_weight)
        weight = weight.masked_fill(eraser | cover, self.settings.eraser_weight)
        past = beyond(warp.coordinates(plan.target_map, plan.windows, size), self.objects.photo[plan.target])
        weight = weight.masked_fill(past & self.objects.truncated[plan.target][:, None, None], 0.0)
        return Batch(seen, cover, outside, unknown, whole, weight)


def disturbed(
    visible: Tensor, eraser: Tensor, outside: Tensor, settings: ErasingSettings, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return the visible masks and erasers [n, s, s] of which some meet no longer exactly: contact noise."""
    count, size, device = len(visible), visible.shape[-1], visible.device
    dice = torch.rand(4, count, generator=generator, device=device)
    reach = settings.noise_pixels * size / 128
    noisy = dice[0] < settings.contact_noise
    radius = torch.where(noisy, torch.round((2 * dice[1:3] - 1) * reach), 0.0).to(torch.int64)
    rows = torch.nonzero(noisy)[:, 0]
    changed = warp.morph(torch.cat([visible[rows], eraser[rows]]), radius[:, rows].flatten()).chunk(2)
    seen, cover = visible.index_copy(0, rows, changed[0]), eraser.index_copy(0, rows, changed[1])
    if settings.reopened:
        seen, cover = _reopened(seen, cover, ~noisy, settings, generator)
    seen, cover = seen & ~outside, cover & ~outside
    first = (dice[3] < 0.5)[:, None, None]
    return seen & ~(cover & ~first), cover & ~(seen & first)


def _reopened(
    seen: Tensor, cover: Tensor, exact: Tensor, settings: ErasingSettings, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Part some of the ``exact`` masks bool [n, s, s] from their erasers, and close the slits again."""
    dice = torch.rand(3, len(seen), generator=generator, device=seen.device)
    rows = torch.nonzero(exact & (dice[0] < settings.reopened))[:, 0]
    reach = torch.ceil(dice[1:, rows] * (settings.slit_pixels * seen.shape[-1] / 128)).to(torch.int64)
    met = warp.reopened(seen[rows], cover[rows], reach)
    return seen.index_copy(0, rows, met[0]), cover.index_copy(0, rows, met[1])


def beyond(points: Tensor, photo: Tensor) -> Tensor:
    """Return which ``points`` [n, s, s, 2] lie beyond the edges ``photo`` [n, 4] (left, top, right, bottom)."""
    left, top, right, bottom = photo[:, None, None].unbind(-1)
    x, y = points.unbind(-1)
    return (x < left) | (x > right) | (y < top) | (y > bottom)


def _no_border(count: int, device: torch.device) -> Tensor:
    return torch.tensor([-FAR, -FAR, FAR, FAR], device=device).repeat(count, 1)
