"""Images of any size, decoded and brought to one: once, then cached."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onebit import system
from onebit.data.files import Listing, computed, contents
from onebit.data.parts import Progress, Split
from onebit.errors import ConfigError

CACHE_VERSION = 1  # of how images are decoded and resized
CHUNK = 1024  # images that a process decodes at a time; it opens a zip file anew each time

# What Pillow raises on a damaged image.
BAD_IMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error)


def read(listing: Listing, key: str, side: int, progress: Progress) -> Split:
    """The images of `listing` as RGB of `side` x `side` pixels, from the cache where it has them.

    The cache keeps one array for each `key` and `side`; edited files make it anew.
    """
    folder = system.cache_dir() / "images" / f"{key}-{side}"
    images = computed(
        partial(decode, listing.place, side),
        listing.names,
        chunk=CHUNK,
        like=np.empty((side, side, 3), np.uint8),
        file=folder / f"{listing.digest(CACHE_VERSION)}.npy",
        what=f"decoding {key}",
        progress=progress,
    )
    return Split(images=images, labels=listing.labels, groups=listing.groups)


def decode(place: Path, side: int, names: Sequence[str]) -> NDArray[np.uint8]:
    """The image files called `names` in `place`, as [N, side, side, RGB].

    Each is resized whole, its aspect not kept; where it shrinks, bilinear is antialiased.
    """
    from PIL import Image  # needed for signs alone

    images = np.empty((len(names), side, side, 3), np.uint8)
    files = contents(place, names)
    for index, name in enumerate(names):
        try:
            raw = next(files)
            with Image.open(BytesIO(raw)) as image:
                image.verify()  # checksums, which decoding leaves out; it spoils the object
            with Image.open(BytesIO(raw)) as image:
                small = image.convert("RGB").resize((side, side), Image.Resampling.BILINEAR)
        except (*BAD_IMAGE, Image.DecompressionBombError) as reason:
            raise ConfigError(
                f"cannot decode the image {str(place / name)!r}: {reason}",
                hint="put the original file there again",
            ) from None
        images[index] = np.asarray(small)
    return images
