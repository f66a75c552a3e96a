"""Scenes of solids on a table, seen by a camera, whose order is known: what stands in front also stands lower.

Composites and flat synthetic scenes have no ground and no gravity; photos have. Solids are unions of boxes, ellipsoids
and frustums; a ray is cast through each pixel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deocclude.geometry import Size
from deocclude.masks import Mask
from deocclude.scene import Instance, Scene

Rng = np.random.Generator
Floats = NDArray[np.float64]
SIZE = Size(300, 400)
MIN_PIXELS = 40
MIN_VISIBLE = 0.1
TRIES = 20
NEAREST = 0.8
"""Solids stand at least this share of the sum of their radii apart; some reach into each other."""


@dataclass(frozen=True, eq=False)
class Part:
    """A primitive: ``kind`` is ``box``, ``ball`` or ``frustum`` in -1..1, moved by ``at`` and ``axes`` (columns).

    A frustum stands upright; its radius is 1 at the foot and ``top`` at the top.
    """

    kind: str
    axes: Floats
    at: Floats
    top: float = 1.0


def scenes(count: int, seed: int) -> Iterator[Scene]:
    """Yield scenes with visible and whole masks and ``order_truth`` ((a, b): a is seen where b goes on)."""
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        solids = _laid_out(rng)
        origin, rays = _camera(rng)
        scene = _scene(np.stack([_depth(parts, origin, rays) for parts in solids]))
        yield replace(scene, image_file=f"solids-{seed}-{number}")


def _laid_out(rng: Rng) -> list[list[Part]]:
    """Return solids around the centre of the table, most of them beside another one."""
    placed: list[tuple[Floats, float]] = []
    solids = []
    for _ in range(int(rng.integers(4, 11))):
        parts, radius = _solid(rng)
        spot = free_spot(radius, placed, NEAREST, rng)
        if spot is not None:
            placed.append((spot, radius))
            solids.append([_moved(part, np.array([*spot, 0.0])) for part in parts])
    return solids


def free_spot(radius: float, placed: Sequence[tuple[Floats, float]], nearest: float, rng: Rng) -> Floats | None:
    """Return a free place (x, y) for a thing, mostly beside another one; ``None`` where none is found.

    Args:
        radius: of the thing.
        placed: places and radii of those that are there.
        nearest: least distance of two things, as a share of the sum of their radii.
        rng: draws it.
    """
    for _ in range(TRIES):
        if placed and rng.random() < 0.75:
            other, its = placed[int(rng.integers(len(placed)))]
            angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(nearest, 1.3) * (radius + its)
            spot = other + far * np.array([np.cos(angle), np.sin(angle)])
        else:
            spot = rng.uniform(-2, 2, 2)
        if all(np.hypot(*(spot - at)) > nearest * (radius + its) for at, its in placed):
            return np.asarray(spot)
    return None


def _solid(rng: Rng) -> tuple[list[Part], float]:
    """Return the parts of a solid that stands on z = 0, and its radius."""
    scale = 0.75 * 2 ** rng.uniform(-1, 1)
    tall = 2 ** rng.uniform(-1, 1.2)
    turn = rng.uniform(0, 2 * np.pi)
    kind = rng.choice(["simple", "bottle", "blob", "tool"])
    if kind == "simple":
        parts = [_part(rng, rng.choice(["box", "ball", "frustum"]), (0, 0, tall), (1, 2 ** rng.uniform(-1, 1), tall))]
    elif kind == "bottle":
        neck = rng.uniform(0.25, 0.7)
        parts = [_part(rng, "frustum", (0, 0, tall), (1, 1, tall), turn=False),
                 _part(rng, "frustum", (0, 0, tall * 2.3), (neck, neck, tall * 0.4), turn=False)]  # fmt: skip
        if rng.random() < 0.5:
            parts.append(_part(rng, "box", (1.2, 0, tall), (0.4, 0.15, tall * rng.uniform(0.3, 0.7)), turn=False))
    elif kind == "blob":
        parts = [_part(rng, "ball", (0, 0, 0.8), (1.1, 0.8, 0.8), turn=False)]
        for _ in range(int(rng.integers(1, 5))):
            at = rng.uniform((-1.3, -0.8, 0.2), (1.3, 0.8, 2.0))
            parts.append(_part(rng, "ball", at, rng.uniform(0.25, 0.7, 3)))
    else:
        parts = [_part(rng, "frustum", (0, 0, tall), (0.4, 0.5, tall), turn=False),
                 _part(rng, rng.choice(["box", "frustum"]), (rng.uniform(-0.5, 0.9), 0, tall * 2),
                       (1.3, 0.4, 0.4), turn=False)]  # fmt: skip
        if rng.random() < 0.5:
            parts.append(_part(rng, "box", (0, 0, 0.2), (0.9, 0.6, 0.25), turn=False))
    cos, sin = np.cos(turn), np.sin(turn)
    frame = scale * np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    if rng.random() < 0.25:  # it lies
        frame = frame @ np.array([[0, 0, 1.0], [0, 1, 0], [-1, 0, 0]])
    parts = [Part(part.kind, frame @ part.axes, frame @ part.at, part.top) for part in parts]
    reach = [np.abs(part.axes).sum(1) for part in parts]
    foot = min(part.at[2] - extent[2] for part, extent in zip(parts, reach, strict=True))
    parts = [_moved(part, np.array([0, 0, -foot])) for part in parts]
    radius = max(
        float(np.hypot(*part.at[:2]) + extent[:2].max() * 0.8) for part, extent in zip(parts, reach, strict=True)
    )
    return parts, radius


def _part(rng: Rng, kind: str, at: object, extents: object, *, turn: bool = True) -> Part:
    angle = rng.uniform(0, np.pi) if turn else 0.0
    cos, sin = np.cos(angle), np.sin(angle)
    spin = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    top = 1.0 if rng.random() < 0.5 else float(rng.uniform(0.3, 1.3))
    return Part(kind, spin @ np.diag(np.asarray(extents, float)), np.asarray(at, float), top)


def _moved(part: Part, by: Floats) -> Part:
    return Part(part.kind, part.axes, part.at + by, part.top)


def _camera(rng: Rng) -> tuple[Floats, Floats]:
    """Return where the camera is and the direction of the ray through each pixel [H, W, 3]."""
    height = np.deg2rad(rng.uniform(8, 60))
    angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(10, 18)
    origin = far * np.array([np.cos(height) * np.cos(angle), np.cos(height) * np.sin(angle), np.sin(height)])
    target = np.array([*rng.uniform(-0.5, 0.5, 2), 0.5])
    ahead = (target - origin) / np.linalg.norm(target - origin)
    right = np.cross(ahead, [0, 0, 1])
    right /= np.linalg.norm(right)
    down = np.cross(ahead, right)
    roll = rng.normal(0, np.deg2rad(4))
    right, down = np.cos(roll) * right + np.sin(roll) * down, np.cos(roll) * down - np.sin(roll) * right
    wide = np.tan(np.deg2rad(rng.uniform(20, 28)))
    x = (np.arange(SIZE.width) + 0.5 - SIZE.width / 2) / (SIZE.width / 2) * wide
    y = (np.arange(SIZE.height) + 0.5 - SIZE.height / 2) / (SIZE.width / 2) * wide
    return origin, ahead + x[None, :, None] * right + y[:, None, None] * down


def _depth(parts: list[Part], origin: Floats, rays: Floats) -> NDArray[np.float32]:
    """Return how far along each ray the solid begins, float32 [H, W]; infinite where it is missed."""
    found = np.full(rays.shape[:2], np.inf, np.float32)
    for part in parts:
        near = _passing(part, origin, rays)
        inverse = np.linalg.inv(part.axes)
        start, along = inverse @ (origin - part.at), rays[near] @ inverse.T
        found[near] = np.minimum(found[near], _HITS[part.kind](start, along, part.top))
    return found


def _passing(part: Part, origin: Floats, rays: Floats) -> NDArray[np.bool_]:
    """Return the rays [H, W, 3] (of about unit length ahead) that pass a ball around the part, bool [H, W]."""
    to = part.at - origin
    reach = max(1.0, part.top) * np.sqrt((part.axes**2).sum())
    cosine = np.sqrt(max(0.0, 1 - reach**2 / (to @ to)))
    return np.asarray(rays @ (to / np.linalg.norm(to)) >= cosine * np.linalg.norm(rays, axis=-1))


def _hit_box(start: Floats, along: Floats, top: float) -> Floats:
    with np.errstate(divide="ignore"):
        a, b = (-1 - start) / along, (1 - start) / along
    enter, leave = np.minimum(a, b).max(-1), np.maximum(a, b).min(-1)
    return np.where((enter <= leave) & (enter > 0), enter, np.inf)


def _hit_ball(start: Floats, along: Floats, top: float) -> Floats:
    a, b, c = (along**2).sum(-1), along @ start, start @ start - 1
    root = b * b - a * c
    return np.where(root > 0, (-b - np.sqrt(np.maximum(root, 0))) / a, np.inf)


def _hit_frustum(start: Floats, along: Floats, top: float) -> Floats:
    slope, middle = (top - 1) / 2, (top + 1) / 2
    r0, r1 = middle + slope * start[2], slope * along[..., 2]
    a = along[..., 0] ** 2 + along[..., 1] ** 2 - r1**2
    b = along[..., 0] * start[0] + along[..., 1] * start[1] - r1 * r0
    c = start[0] ** 2 + start[1] ** 2 - r0**2
    best = np.full(a.shape, np.inf)
    root = np.sqrt(np.maximum(b * b - a * c, 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        for sign in (-1, 1):
            t = (-b + sign * root) / a
            z = start[2] + t * along[..., 2]
            good = (b * b > a * c) & (t > 0) & (np.abs(z) <= 1) & (middle + slope * z >= 0)
            best = np.where(good & (t < best), t, best)
        for z, radius in ((-1.0, 1.0), (1.0, top)):
            t = (z - start[2]) / along[..., 2]
            x, y = start[0] + t * along[..., 0], start[1] + t * along[..., 1]
            best = np.where((t > 0) & (x * x + y * y <= radius**2) & (t < best), t, best)
    return best


_HITS = {"box": _hit_box, "ball": _hit_ball, "frustum": _hit_frustum}


def _scene(depth: NDArray[np.float32]) -> Scene:
    """Return the scene of the depths [n, H, W] of solids; those of which little is seen are not listed."""
    whole, first = np.isfinite(depth), depth.argmin(0)
    seen = [whole[k] & (first == k) for k in range(len(depth))]
    kept = [
        k
        for k, visible in enumerate(seen)
        if np.count_nonzero(visible) >= max(MIN_PIXELS, MIN_VISIBLE * np.count_nonzero(whole[k]))
    ]
    order = frozenset((i + 1, j + 1) for i in kept for j in kept if i != j and (seen[i] & whole[j]).any())
    items = tuple(Instance(k + 1, Mask.from_array(seen[k]), amodal=Mask.from_array(whole[k])) for k in kept)
    return Scene(SIZE, items, order_truth=order)
