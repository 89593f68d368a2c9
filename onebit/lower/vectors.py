"""Where the last image becomes a vector: behind it, convolutions are dense layers."""

from __future__ import annotations

import math
from dataclasses import replace

from onebit.lower.chain import Chain, Pool, Product


def with_vectors(chain: Chain) -> Chain:
    """The chain, the first product behind which only vectors are needed taking its image as one.

    So a convolution with one window, the whole image, is a dense layer where no image follows.
    """
    products = list(chain.products)
    first = len(products)
    while first and _takes_a_vector(products[first - 1]):
        first -= 1
        if math.prod(products[first].shape[:-1]) > 1:
            break
    for index, product in enumerate(products[first:], first):
        if len(product.shape) == 3:
            shape = product.shape if index == first else (math.prod(product.shape),)
            products[index] = replace(product, shape=shape, windows=None, flatten=index == first)
    return replace(chain, products=tuple(products))


def _takes_a_vector(product: Product) -> bool:
    """Whether the product could read its image as one vector, and makes one."""
    if any(isinstance(step, Pool) for step in product.after):
        return False
    if product.flatten or len(product.shape) == 1:
        return True
    if product.windows is None:
        return product.shape[:2] == (1, 1)
    return product.windows.kernel == product.shape[:2] and not any(product.windows.padding)
