"""The content network behind a plain interface: planes in, colours out, weights loaded when first needed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deocclude.files import until_changed
from deocclude.nets.gated import GatedUNet
from deocclude.nets.loading import existing, load_for
from deocclude.nets.partial_conv import PartialConvUNet

Float = NDArray[np.float32]
PIXELS_AT_ONCE = 16 * 128 * 128
"""Size of a batch: more is hardly faster and takes much memory."""
_NAMES = {"what": "the content network", "command": "pcnet-c"}


class ContentNet:
    """Paints windows with a network.

    Args:
        weights: name of bundled weights, a weights file or the folder of a training run; read when first needed.
        net: a network to use instead of weights; needs an attribute ``stride``.
    """

    def __init__(self, weights: str | Path = "pcnet-c", *, net: nn.Module | None = None) -> None:
        self.weights = weights
        if net is not None:
            self.net = net.eval()

    @cached_property
    def net(self) -> nn.Module:
        """The network, in evaluation mode.

        Raises:
            InputError: weights that are missing, damaged or of another network.
        """
        return load_for(self.weights, (GatedUNet, PartialConvUNet), **_NAMES)

    @property
    def stride(self) -> int:
        """Sides of windows must be multiples of this.

        Raises:
            InputError: weights that are missing, damaged or of another network.
        """
        return int(self.net.stride)  # type: ignore[arg-type]

    def paint(self, windows: Sequence[Float]) -> list[Float]:
        """Return the colours of each window; windows of one size go through the network together.

        Args:
            windows: float32 [6, h, w] each (see :mod:`deocclude.nets.planes`); sides are multiples of :attr:`stride`.

        Returns:
            float32 [h, w, 3] each, about 0..1.

        Raises:
            InputError: weights that are missing, damaged or of another network.
        """
        found: dict[int, Float] = {}
        for numbers in _batches(windows):
            planes = torch.from_numpy(np.stack([windows[number] for number in numbers]))
            found.update(zip(numbers, self._colours(planes).numpy(), strict=True))
        return [found[number] for number in range(len(windows))]

    @torch.inference_mode()
    def _colours(self, planes: Tensor) -> Tensor:
        """Return float32 [n, h, w, 3] for float32 [n, 6, h, w]."""
        rgb: Tensor = self.net(planes.contiguous(memory_format=torch.channels_last))
        return rgb.float().permute(0, 2, 3, 1).contiguous()


def content_net(weights: str | Path = "pcnet-c") -> ContentNet:
    """Return the network with these weights; those of the last few files are kept, and made anew when a file changes.

    Raises:
        InputError: no such weights. A file that is damaged or of another network is refused when it is first used.
    """
    return _kept(existing(weights, **_NAMES))


@until_changed(4)
def _kept(path: Path) -> ContentNet:
    return ContentNet(path)


def _batches(windows: Sequence[Float]) -> Iterator[list[int]]:
    """Yield numbers of windows that have one size and fit a batch."""
    sizes: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for number, window in enumerate(windows):
        sizes[window.shape].append(number)
    for (_, height, width), numbers in sizes.items():
        count = max(1, PIXELS_AT_ONCE // (height * width))
        for start in range(0, len(numbers), count):
            yield numbers[start : start + count]
