"""A discriminator that learns along with a content network, and whose opinion is a part of that network's loss.

The published losses of PCNet-C have one (Zhan et al., CVPR 2020); An et al. name it as what their network lacks. The
network is updated first, then the discriminator, on the same pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from deocclude.nets.discriminator import PatchDiscriminator
from deocclude.training.config import MANY, ZOOM, check_ranges
from deocclude.training.content_losses import discriminator_adversarial, feature_matching, generator_adversarial


@dataclass(frozen=True)
class AdversarySettings:
    """The discriminator; there is none while both weights are 0.

    Attributes:
        adversarial: weight of -log D(painted).
        matching: weight of the difference of its features of painted and true pictures.
        width: channel factor; 1 is the published net.
        rate: its learning rate over that of the network.
    """

    adversarial: float = 0.0
    matching: float = 0.0
    width: float = 0.5
    rate: float = 0.1

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: one is out of range.
        """
        check_ranges(self, **dict.fromkeys(("adversarial", "matching", "rate"), MANY), width=ZOOM)

    @property
    def wanted(self) -> bool:
        """Whether there is a discriminator."""
        return self.adversarial > 0 or self.matching > 0


class Adversary:
    """The discriminator with its optimiser.

    Args:
        settings: of the discriminator.
        seed: of its initial weights.
    """

    def __init__(self, settings: AdversarySettings, seed: int = 0) -> None:
        self.settings = settings
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            self._bare = PatchDiscriminator(settings.width)
        self._optimizer: Any = torch.optim.Adam(self._bare.parameters(), betas=(0.0, 0.9))
        self._net: Any = self._bare
        self._fabric: Any = None
        self._shown: tuple[Tensor, ...] = ()

    def set_up(self, fabric: Any) -> None:
        """Move to the device of ``fabric``, and share gradients between its processes."""
        self._net, self._optimizer = fabric.setup(self._bare, self._optimizer)
        self._fabric = fabric

    def terms(self, painted: Tensor, truth: Tensor, own: Tensor, hole: Tensor) -> Tensor:
        """Return the weighted terms of the network's loss, a scalar; the pictures are kept for :meth:`study`.

        Args:
            painted: float32 [n, 3, s, s], what the network painted, in its surroundings.
            truth: the same shape.
            own: float32 [n, 1, s, s], the object's own visible pixels.
            hole: float32 [n, 1, s, s], what is painted.
        """
        self._shown = painted.detach(), truth, own, hole
        self._bare.requires_grad_(False)
        logits, found = self._bare(torch.cat([painted, own], 1))
        with torch.no_grad():
            _, wanted = self._bare(torch.cat([truth, own], 1))
        self._bare.requires_grad_(True)
        opinion = self.settings.adversarial * generator_adversarial(logits)
        return opinion + self.settings.matching * feature_matching(found, wanted)

    def study(self, learning_rate: float) -> Tensor:
        """Learn to tell the pictures of the last :meth:`terms` apart; return the loss of that.

        Args:
            learning_rate: the network's.
        """
        painted, truth, own, hole = self._shown
        for group in self._optimizer.param_groups:
            group["lr"] = self.settings.rate * learning_rate
        self._optimizer.zero_grad(set_to_none=True)
        # One pass for both: the spectral norm changes with each.
        logits, _ = self._net(torch.cat([torch.cat([truth, own], 1), torch.cat([painted, own], 1)]))
        real, fake = logits.chunk(2)
        loss = discriminator_adversarial(real, fake, hole)
        self._fabric.backward(loss)
        self._optimizer.step()
        return loss.detach()

    def state_dict(self) -> dict[str, Any]:
        """Return everything that a resumed run needs."""
        return {"net": self._bare.state_dict(), "optimizer": self._optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state_dict` returned."""
        self._bare.load_state_dict(state["net"])
        self._optimizer.load_state_dict(state["optimizer"])
