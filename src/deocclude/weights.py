"""Bundled weights: safetensors files that say what they are, and loaders that check it.

Weights are stored as float16 (half the size, no measurable loss) and used as float32.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from importlib import import_module, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deocclude.errors import InputError, unknown_choice
from deocclude.files import atomic_file

if TYPE_CHECKING:
    from torch import Tensor, nn

    from deocclude.nets.unet import UNet


FORMAT_VERSION = 1
NETS = {
    "unet": "unet.UNet",
    "partial-conv": "partial_conv.PartialConvUNet",
    "gated": "gated.GatedUNet",
    "order-net": "order_net.OrderNet",
    "pair-net": "pair_net.PairNet",
    "fusion": "reference_net.FusionNet",
    "conv3-deconv3": "reference_net.Conv3Deconv3",
}
"""Module and class in :mod:`deocclude.nets` by the value of ``net`` in :attr:`WeightsInfo.architecture`; the other
values are the arguments of the class."""
BUNDLED = {
    "pcnet-m": "pcnet_m.safetensors",
    "pcnet-m-rgb": "pcnet_m_rgb.safetensors",
    "pair-net": "pair_net.safetensors",
    "pcnet-c": "pcnet_c.safetensors",
    "fusion": "fusion.safetensors",
}
RUN_FILE = "weights.safetensors"
"""What a training run calls its weights."""
_KEY = "deocclude"


@dataclass(frozen=True)
class WeightsInfo:
    """What a weights file says about itself.

    Attributes:
        task: what the net does, e.g. ``pcnet-m``.
        architecture: plain values that the net is built from; ``net`` names the class.
        settings: the settings of the training run.
        data: what it was trained on.
        training: steps, samples, minutes.
        scores: of the last validation.
    """

    task: str
    architecture: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)


def bundled_path(name: str) -> Path:
    """Return the file of the bundled weights ``name``.

    Raises:
        InputError: no such name.
    """
    if name not in BUNDLED:
        raise unknown_choice("weights", name, BUNDLED)
    return Path(str(resources.files("deocclude") / "weights_data" / BUNDLED[name]))


def weights_path(source: str | Path) -> Path:
    """Return the file that ``source`` names: bundled weights, a file, or the folder of a training run.

    Args:
        source: text that is a bundled name means those weights, whatever lies in the current folder (``./NAME`` means
            that); text with a suffix or a folder in it is a path, as is a ``Path``; it need not be there.

    Raises:
        InputError: no bundled weights of this name, or an empty one.
    """
    if source in BUNDLED:
        return bundled_path(str(source))
    if not str(source):
        raise InputError("the name of bundled weights, a file or a folder", "an empty text", field="weights")
    path = Path(source)
    if path.is_dir():
        return path / RUN_FILE
    if path.suffix or len(path.parts) > 1 or path.is_file() or isinstance(source, Path):
        return path
    return bundled_path(str(source))


def save_weights(path: Path, net: nn.Module, info: WeightsInfo, *, half: bool = False) -> None:
    """Write the state of ``net`` with its description.

    Args:
        path: the file; replaced as a whole.
        net: the net.
        info: its description.
        half: store as float16 what fits into it.

    Raises:
        OutputError: the file cannot be written.
    """
    import torch
    from safetensors.torch import save_file

    state = {name: value.detach().cpu().contiguous() for name, value in net.state_dict().items()}
    if half:
        most = torch.finfo(torch.float16).max
        state = {
            name: value.to(torch.float16) if value.dtype == torch.float32 and value.abs().max() < most else value
            for name, value in state.items()
        }
    described = json.dumps({"version": FORMAT_VERSION, **asdict(info)})
    with atomic_file(path) as part:
        save_file(state, part, metadata={_KEY: described})


def read_weights(path: Path) -> tuple[WeightsInfo, dict[str, Tensor]]:
    """Return description and state (float32) of a weights file.

    Raises:
        InputError: missing, cut off, not ours, or of another version.
    """
    import torch
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise InputError("a weights file", "no such file", file=path)
    try:
        with safe_open(path, framework="pt") as file:
            described = json.loads((file.metadata() or {})[_KEY])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        version = described.pop("version")
        info = WeightsInfo(**described)
    except (SafetensorError, OSError) as error:
        raise InputError("complete weights", f"a damaged file ({error})", file=path, hint="fetch it again") from None
    except (KeyError, ValueError, TypeError):
        raise InputError("weights written by 'deocclude train'", "no description in it", file=path) from None
    if version != FORMAT_VERSION:
        hint = "they were written by another release"
        raise InputError(f"version {FORMAT_VERSION}", str(version), file=path, field="version", hint=hint)
    return info, {k: v.to(torch.float32) if v.dtype == torch.float16 else v for k, v in state.items()}


def load_net(source: str | Path) -> nn.Module:
    """Return a net in evaluation mode, on the CPU.

    Args:
        source: name of bundled weights, or a weights file.

    Raises:
        InputError: unknown name, missing or damaged file, or tensors that do not fit the architecture it names.
    """
    path = weights_path(source)
    info, state = read_weights(path)
    arguments = dict(info.architecture)
    name = arguments.pop("net", None)
    if name not in NETS:
        raise InputError(f"one of {', '.join(NETS)}", str(name), file=path, field="architecture")
    try:
        net = _net_class(name)(**arguments)
    except (TypeError, ValueError, ArithmeticError, RuntimeError, InputError):
        raise InputError(f"arguments of a {name} net", str(arguments), file=path, field="architecture") from None
    load_state(net, state, path)
    return net.eval()


def _net_class(name: str) -> type[nn.Module]:
    module, kind = NETS[name].split(".")
    found: type[nn.Module] = getattr(import_module(f"deocclude.nets.{module}"), kind)
    return found


def load_unet(source: str | Path = "pcnet-m") -> UNet:
    """Return a mask net; see :func:`load_net`.

    Raises:
        InputError: as there, or weights of another kind of net.
    """
    from deocclude.nets.unet import UNet

    net = load_net(source)
    if not isinstance(net, UNet):
        found = str(read_weights(weights_path(source))[0].architecture.get("net"))
        raise InputError("a unet", found, file=weights_path(source), field="architecture")
    return net


def patch_side(info: WeightsInfo, path: Path) -> int:
    """Return the patch side in pixels that weights (read from ``path``) state to be used with.

    Raises:
        InputError: they state none.
    """
    side = info.settings.get("size")
    if not isinstance(side, int) or side < 1:
        found = "none" if side is None else repr(side)
        raise InputError("the patch side that the weights are for", found, file=path, field="settings.size")
    return side


def load_state(net: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    """Load ``state`` (read from ``path``) into ``net``.

    Raises:
        InputError: the tensors are not those of ``net``.
    """
    wanted = {name: tuple(value.shape) for name, value in net.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in state.items()}
    for name in [*wanted, *found]:
        if wanted.get(name) != found.get(name):
            raise InputError(
                f"{name} of shape {wanted.get(name, 'none')}",
                f"{found.get(name, 'none')}",
                file=path,
                field="architecture",
                hint="the weights belong to another net",
            )
    net.load_state_dict(state)
