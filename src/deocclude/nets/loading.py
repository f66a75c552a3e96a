"""Networks ready to be asked: of the kind that is wanted, and laid out as convolutions like it."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from deocclude.errors import InputError
from deocclude.weights import load_net, weights_path


def load_for(weights: str | Path, kinds: tuple[type[nn.Module], ...], *, what: str, command: str) -> nn.Module:
    """Return a network in evaluation mode, float32, channels last.

    Args:
        weights: name of bundled weights, a weights file or the folder of a training run.
        kinds: classes of network that will do.
        what: what the network is called in messages, such as "the mask network".
        command: of ``deocclude train``, that makes such weights.

    Raises:
        InputError: no such weights, damaged ones, or those of another kind of network.
    """
    path = existing(weights, what=what, command=command)
    net = load_net(path)
    if not isinstance(net, kinds):
        hint = f"train some with 'deocclude train {command}'"
        raise InputError(f"weights of {what}", f"those of a {type(net).__name__}", file=path, field="architecture",
                         hint=hint)  # fmt: skip
    ready: nn.Module = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return ready


def existing(weights: str | Path, *, what: str, command: str) -> Path:
    """Return the file of weights; arguments as of :func:`load_for`.

    Raises:
        InputError: there is none.
    """
    path = weights_path(weights)
    if not path.is_file():
        hint = f"train some with 'deocclude train {command}', or use another method"
        raise InputError(f"weights of {what}", "no such file", file=path, hint=hint)
    return path
