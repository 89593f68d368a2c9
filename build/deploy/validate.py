"""Classifies the sample images on this board and compares every class and logit with golden's.

python3 validate.py            exit code 0: all are as expected, 1: not all, 2: it did not run
python3 validate.py --bench    ... and measure
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from driver import Accelerator, BoardError

HERE = Path(__file__).resolve().parent
LISTED = 5  # images that differ


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bench", action="store_true", help="also print rates")
    options = parser.parse_args()
    try:
        samples = np.load(HERE / "samples.npz")
        with Accelerator(next(HERE.glob("*.json"))) as accelerator:
            right = compare(accelerator, samples)
            if options.bench:
                accelerator.benchmark()
    except (BoardError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0 if right else 1


def compare(accelerator: Accelerator, samples: np.lib.npyio.NpzFile) -> bool:
    """Whether the accelerator says what golden says; prints in how many images, and which not."""
    classes, logits = accelerator.run(samples["images"])
    wrong = (logits != samples["logits"]).any(axis=1) | (classes != samples["classes"])
    for image in np.flatnonzero(wrong)[:LISTED]:
        print(
            f"image {image}: class {classes[image]} and logits {logits[image].tolist()}, expected "
            f"{samples['classes'][image]} and {samples['logits'][image].tolist()}"
        )
    told = f"{accelerator.description['network']} at {accelerator.clock_mhz:g} MHz"
    print(f"{told}: {(~wrong).sum()} of {len(wrong)} images as expected, in class and every logit")
    if "labels" in samples:
        print(f"{(classes == samples['labels']).sum()} of {len(classes)} classes are the labels'")
    return not wrong.any()


if __name__ == "__main__":
    sys.exit(main())
