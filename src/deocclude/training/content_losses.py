"""Losses of the content networks: those of PCNet-C, and what its successors add.

Zhan et al., "Self-Supervised Scene De-occlusion", CVPR 2020, trained PCNet-C with the losses of Liu et al., "Image
Inpainting for Irregular Holes Using Partial Convolutions", ECCV 2018, section 3.3, and a discriminator.

``output`` is the net's bare answer, ``truth`` the picture, float32 [B, 3, H, W]; ``mask`` is float32 [B, 1, H, W].
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from deocclude.nets.random_features import RandomFeatures

LEAST_SQUARE = 1e-4
"""Added to squared differences before their logarithm is taken: about 40 dB."""


def compose(output: Tensor, truth: Tensor, hole: Tensor) -> Tensor:
    """Return ``output`` inside the hole and ``truth`` outside."""
    return torch.lerp(truth, output, hole)


def masked_l1(output: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Return the mean absolute difference inside the mask.

    Divided by the number of masked values, so that small holes are not forgotten; the published code divides by that of
    all values.

    Args:
        output: float32 [B, 3, H, W].
        truth: the same shape.
        mask: float32 [B, 1, H, W].
    """
    return ((output - truth).abs() * mask).sum() / (output.shape[1] * mask.sum()).clamp(min=1)


def masked_mse(output: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Return the mean squared difference inside the mask; shapes as in :func:`masked_l1`."""
    return (torch.square(output - truth) * mask).sum() / (output.shape[1] * mask.sum()).clamp(min=1)


def log_mse(output: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over samples of the natural logarithm of each one's mean squared difference inside the mask.

    Up to a factor the mean PSNR: every object counts alike, however large its hidden part and however hard it is to
    guess. Samples with an empty mask are left out; shapes as in :func:`masked_l1`.
    """
    area = mask.sum((1, 2, 3))
    square = (torch.square(output - truth) * mask).sum((1, 2, 3)) / (output.shape[1] * area).clamp(min=1)
    counted = (area > 0).to(square.dtype)
    return (torch.log(square + LEAST_SQUARE) * counted).sum() / counted.sum().clamp(min=1)


def gradient_l1(output: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Return the mean absolute difference of the steps between neighbours, over steps whose ends are both masked."""
    difference = output - truth
    across = (difference[..., 1:] - difference[..., :-1]).abs()
    down = (difference[..., 1:, :] - difference[..., :-1, :]).abs()
    inside_across, inside_down = mask[..., 1:] * mask[..., :-1], mask[..., 1:, :] * mask[..., :-1, :]
    total = (across * inside_across).sum() + (down * inside_down).sum()
    return total / (output.shape[1] * (inside_across.sum() + inside_down.sum())).clamp(min=1)


def total_variation(composite: Tensor) -> Tensor:
    """Return the mean absolute step across plus the mean absolute step down, over the whole patch."""
    across = (composite[..., 1:] - composite[..., :-1]).abs().mean()
    return across + (composite[..., 1:, :] - composite[..., :-1, :]).abs().mean()


def gram(features: Tensor) -> Tensor:
    """Return the Gram matrices F F^T / (C H W), float32 [B, C, C], of features [B, C, H, W]."""
    batch, channels, height, width = features.shape
    flat = features.float().reshape(batch, channels, height * width)
    return flat @ flat.transpose(1, 2) / (channels * height * width)


def perceptual_and_style(
    features: RandomFeatures, pictures: Sequence[Tensor], truth: Tensor, *, style: bool = True
) -> tuple[Tensor, Tensor]:
    """Return the perceptual and the style loss, sums over depths and over ``pictures``.

    The reference takes the bare output and the composite as pictures; the composite alone costs half.

    Args:
        features: the frozen stack.
        pictures: float32 [B, 3, H, W] each.
        truth: the same shape.
        style: whether the Gram matrices are compared; if not the second value is 0.
    """
    with torch.no_grad():
        wanted = features(truth)
        wanted_grams = [gram(depth) for depth in wanted] if style else []
    content = truth.new_zeros(())
    manner = truth.new_zeros(())
    for picture in pictures:
        found = features(picture)
        for one, other in zip(found, wanted, strict=True):
            content = content + functional.l1_loss(one, other)
        for one, other in zip(found, wanted_grams, strict=False):
            manner = manner + functional.l1_loss(gram(one), other)
    return content, manner


def generator_adversarial(fake_logits: Tensor) -> Tensor:
    """Return -log D(fake), averaged: the non-saturating loss of Goodfellow et al. (2014)."""
    return functional.softplus(-fake_logits.float()).mean()


def discriminator_adversarial(real_logits: Tensor, fake_logits: Tensor, fake_region: Tensor | None = None) -> Tensor:
    """Return half the sum of -log D(real) and -log(1 - D(fake)), averaged.

    Args:
        real_logits: float [B, 1, h, w].
        fake_logits: the same shape.
        fake_region: float32 [B, 1, H, W], the hole. If given, logits that see nothing of it are wanted to say "real"
            for the composite too (Suvorov et al., "Resolution-robust Large Mask Inpainting", WACV 2022).
    """
    fake = fake_logits.float()
    made = functional.softplus(fake)
    if fake_region is not None:
        share = functional.adaptive_max_pool2d(fake_region, fake.shape[2:])
        made = torch.lerp(functional.softplus(-fake), made, share)
    return 0.5 * (functional.softplus(-real_logits.float()).mean() + made.mean())


def feature_matching(fake: Sequence[Tensor], real: Sequence[Tensor]) -> Tensor:
    """Return the mean over layers of the mean absolute difference of discriminator features (Wang et al., 2018)."""
    parts = [functional.l1_loss(one, other.detach()) for one, other in zip(fake, real, strict=True)]
    return torch.stack(parts).mean()
