"""Where training runs: device, processes, precision, threads and memory."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any, Literal

import torch

from deocclude.errors import InputError, MissingExtraError, unknown_choice
from deocclude.training.config import LoopSettings


def choose_device(wanted: str) -> str:
    """Return ``cpu`` or ``cuda``; ``auto`` takes the GPU where there is one.

    Raises:
        InputError: another name, or no GPU where one is asked for.
    """
    if wanted not in ("auto", "cpu", "cuda"):
        raise unknown_choice("device", wanted, ("auto", "cpu", "cuda"))
    present = torch.cuda.is_available()
    if wanted == "cuda" and not present:
        raise InputError("a CUDA device", "none", field="device", hint="use device = 'auto'")
    return "cuda" if present and wanted != "cpu" else "cpu"


def start_fabric(settings: LoopSettings) -> Any:
    """Return Lightning Fabric, launched: one process, or this one's share under ``torchrun``.

    Raises:
        InputError: no such device or precision.
        MissingExtraError: Lightning Fabric is not installed.
    """
    try:
        from lightning_fabric import Fabric
    except ImportError:
        raise MissingExtraError("training", "train") from None
    device = choose_device(settings.device)
    world, local = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    fabric = Fabric(
        accelerator=device,
        devices=local,
        num_nodes=max(1, world // local),
        strategy="ddp" if world > 1 else "auto",
        precision=choose_precision(settings.precision, device),
    )
    fabric.launch()
    return fabric


def choose_precision(wanted: str, device: str) -> Literal["32-true", "bf16-mixed"]:
    """Return Fabric's name for ``auto``, ``float32`` or ``bfloat16``.

    ``auto`` is bfloat16 on a GPU that has it and on CPUs with avx512_bf16 or amx_bf16, else float32.
    """
    if wanted not in ("auto", "float32", "bfloat16"):
        raise unknown_choice("precision", wanted, ("auto", "float32", "bfloat16"))
    if wanted == "auto":
        if device == "cuda":
            fast = torch.cuda.is_bf16_supported()
        else:
            info = Path("/proc/cpuinfo")
            flags = info.read_text(encoding="utf-8", errors="replace") if info.is_file() else ""
            fast = "avx512_bf16" in flags or "amx_bf16" in flags
        wanted = "bfloat16" if fast else "float32"
    return "bf16-mixed" if wanted == "bfloat16" else "32-true"


def keep_heap() -> None:
    """Tell glibc to keep freed memory: large activations are otherwise faulted in again at every step.

    Up to 2.7 times faster at 256 px and about three times for small batches made on the fly; without glibc,
    nothing happens.
    """
    try:
        libc = ctypes.CDLL("libc.so.6")
        for option, value in ((-4, 0), (-1, 2**31 - 1), (-2, 64 << 20)):  # M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD
            libc.mallopt(option, value)
    except (OSError, AttributeError):
        return
