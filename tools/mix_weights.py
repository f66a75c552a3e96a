"""Mix the weights of a network before and after fine-tuning, and write them as they ship (float16).

    python tools/mix_weights.py BEFORE AFTER [--share 0.7] -o OUT

Between the two lies a network that has learnt the new kind of samples and forgotten less of the old one (Wortsman et
al., "Robust Fine-Tuning of Zero-Shot Models", CVPR 2022). Choose the share on held-out samples of the training.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from deocclude.weights import load_net, read_weights, save_weights


def main() -> None:
    """Read both, mix, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path, help="its description is kept")
    parser.add_argument("--share", type=float, default=0.7, help="of AFTER; 1 takes it as it is")
    parser.add_argument("--output", "-o", type=Path, required=True)
    options = parser.parse_args()
    info, _ = read_weights(options.after)
    net, old = load_net(options.after), load_net(options.before).state_dict()
    mixed = {
        name: torch.lerp(old[name].float(), value.float(), options.share).to(value.dtype)
        for name, value in net.state_dict().items()
    }
    net.load_state_dict(mixed)
    about = info.training | {"share_of_weights": options.share}
    save_weights(options.output, net, replace(info, training=about, scores={}), half=True)


if __name__ == "__main__":
    main()
