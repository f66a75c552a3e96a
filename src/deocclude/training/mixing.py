"""Batches of two kinds of samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import torch

BatchT = TypeVar("BatchT", bound=Any)
BatchT_co = TypeVar("BatchT_co", covariant=True)


class Sampler(Protocol[BatchT_co]):
    """What makes batches: data classes whose fields are tensors [n, ...]."""

    def sample(self, count: int, size: int, seed: int) -> BatchT_co:
        """Return ``count`` samples of ``size`` pixels; equal seeds give equal batches."""


@dataclass(frozen=True)
class MixedSampler(Generic[BatchT]):
    """Makes batches of which one part is of one kind and the rest of another.

    Attributes:
        first: makes ``share`` of each batch.
        second: makes the rest.
        share: 0 to 1.
    """

    first: Sampler[BatchT]
    second: Sampler[BatchT]
    share: float

    def sample(self, count: int, size: int, seed: int) -> BatchT:
        """Return ``count`` samples of ``size`` pixels; equal seeds give equal batches."""
        number = round(self.share * count)
        if number in (0, count):
            return (self.first if number else self.second).sample(count, size, seed)
        one, other = self.first.sample(number, size, seed), self.second.sample(count - number, size, seed)
        pairs = zip(vars(one).values(), vars(other).values(), strict=True)
        mixed: BatchT = type(one)(*(torch.cat(pair) for pair in pairs))
        return mixed
