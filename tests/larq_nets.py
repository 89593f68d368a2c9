"""Larq networks as ONNX files: every idiom that onebit must read, a few idioms each.

`NETWORKS[name].build(seed)` is a model: random +-1 kernels, batch-norms near the statistics of
random images, slopes of both signs and zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper

from larq_layers import NCHW, NHWC, Larq


@dataclass(frozen=True, kw_only=True)
class LarqNet:
    """One network: `shape` is one sample as the graph takes it, of the QONNX datatype `raw`."""

    name: str
    layers: Callable[[Larq], None]
    shape: tuple[int, ...]
    raw: str = "UINT8"
    layout: str = NHWC
    opset: int = 15
    batch: int | str | None = "unk__41"

    def build(self, seed: int) -> ModelProto:
        """The model with random parameters."""
        shape = (*self.shape[1:], self.shape[0]) if self.layout == NCHW else self.shape
        net = Larq(np.random.default_rng(seed), self.opset, shape, self.layout)
        net.batch = self.batch if isinstance(self.batch, int) else -1
        self.layers(net)
        net.tensor = net.nodes[-1].name.split("/")[1]
        net.nodes[-1].output[0] = net.tensor
        output = (self.batch if isinstance(self.batch, int) else "unk__42", *net.shape)
        model = net.model((self.batch, *self.shape))
        value = helper.make_tensor_value_info(net.tensor, TensorProto.FLOAT, output)
        model.graph.output[0].CopyFrom(value)
        onnx.checker.check_model(model, full_check=True)
        return model


def mnist_bcnn(net: Larq) -> None:
    """Larq's first example, literally, but for the rescaling inside."""
    net.rescale(127.5, -1)
    net.conv(32, 3, sign=False)
    net.pool()
    net.norm(scale=False)
    net.conv(64, 3)
    net.pool()
    net.norm(scale=False)
    net.conv(64, 3)
    net.norm(scale=False)
    net.flatten()
    net.dense(64)
    net.norm(scale=False)
    net.dense(10)
    net.norm(scale=False)
    net.softmax()


def wake_word(net: Larq) -> None:
    """50 frames of 13 coefficients; a large kernel with unequal strides and pads."""
    net.conv(16, (10, 4), (2, 1), same=True, sign=False)
    net.norm()
    net.conv(32, 3, same=True)
    net.pool()
    net.norm()
    net.flatten()
    net.dense(12)
    net.norm()
    net.softmax()


def gtsrb_xnor(net: Larq) -> None:
    """Traffic signs with a 1-bit input; even kernels; a pool after and one before the norm."""
    net.rescale(127.5, -1, lambda_=True)
    net.conv(16, 3)
    net.norm()
    net.pool()
    net.conv(32, 2)
    net.pool()
    net.norm()
    net.flatten()
    net.dense(43)
    net.norm()
    net.softmax()


def same_zeros(net: Larq) -> None:
    """Zero padding of raw pixels and of +-1, odd and even kernels, pads that differ by side."""
    net.conv(8, 2, same=True, sign=False)
    net.norm()
    net.conv(9, 3, 2, same=True)
    net.norm()
    net.conv(8, 4, same=True)
    net.norm()
    net.flatten()
    net.dense(5)


def centred_zeros(net: Larq) -> None:
    """Zero padding of x / 127.5 - 1: between the raw values 127 and 128."""
    net.rescale(127.5, -1)
    net.conv(8, 3, same=True, sign=False)
    net.norm()
    net.conv(8, 3, 2, same=True)
    net.pool()
    net.norm()
    net.flatten()
    net.dense(7)
    net.norm()


def same_ones(net: Larq) -> None:
    """Larq's pad_values=1, which is a Pad node, with and without a pool behind."""
    net.rescale(255)
    net.conv(8, 3, sign=False)
    net.norm()
    net.conv(12, 3, same=True, pad=1)
    net.pool()
    net.norm()
    net.conv(8, 4, 2, same=True, pad=1)
    net.norm()
    net.flatten()
    net.dense(16)
    net.norm()
    net.dense(5)


def same_minus_ones(net: Larq) -> None:
    """pad_values=-1."""
    net.conv(8, 3, sign=False)
    net.norm()
    net.conv(8, 5, 2, same=True, pad=-1)
    net.norm()
    net.flatten()
    net.dense(5)


def pools(net: Larq) -> None:
    """Overlapping pools, pools with padding, before and after the norm."""
    net.conv(8, 3, sign=False)
    net.pool(3, 2)
    net.norm()
    net.conv(8, 3, same=True)
    net.norm()
    net.pool(same=True)
    net.conv(8, 3, same=True)
    net.pool(3, 2, same=True)
    net.norm()
    net.flatten()
    net.dense(5)
    net.norm()


def sign_pool(net: Larq) -> None:
    """Quantisers as layers: a pool after the sign, and a sign of a sign."""
    net.conv(8, 3, sign=False)
    net.norm()
    net.sign()
    net.pool()
    net.conv(11, 3, sign=False)
    net.norm()
    net.sign()
    net.flatten()
    net.dense(5)
    net.norm()


def zero_padding(net: Larq) -> None:
    """ZeroPadding2D; what it adds before a quantiser becomes +1."""
    net.zero_padding()
    net.conv(8, 3, sign=False)
    net.norm()
    net.conv(8, 3, 2)
    net.norm()
    net.zero_padding()
    net.conv(8, 3)
    net.norm()
    net.flatten()
    net.dense(5)


def perceptron(net: Larq) -> None:
    """No convolution; a 1-bit input; a bias before a norm."""
    net.rescale(127.5, -1)
    net.flatten()
    net.dense(33, bias=net.rng.normal(0, 3, 33))
    net.norm()
    net.dense(10)
    net.norm()
    net.softmax()


def no_norm(net: Larq) -> None:
    """Signs of bare sums, which are often 0, and whole biases: float32 computes all exactly."""
    net.rescale(127.5, -1)
    net.conv(8, 3)
    net.conv(8, 3, same=True)
    net.pool()
    net.conv(8, 2, bias=net.rng.integers(-3, 4, 8))
    net.flatten()
    net.dense(18, bias=net.rng.integers(-5, 6, 18))
    net.dense(6, bias=net.rng.normal(0, 1, 6))


def latent(net: Larq) -> None:
    """Kernels as the graph's own Sign, Add, Sign of latent weights; so no norm is fused."""
    net.unfolded = True
    net.conv(8, 3, sign=False)
    net.norm()
    net.conv(8, 3)
    net.pool()
    net.norm()
    net.flatten()
    net.dense(20)
    net.norm()
    net.dense(5)
    net.norm()


def scaled(net: Larq) -> None:
    """magnitude_aware_sign: +-s kernels, s per filter; a fused norm, a norm, and none."""
    net.rescale(255)
    net.conv(8, 3, sign=False, scaled=True, bias=net.rng.normal(0, 1, 8))
    net.norm()
    net.conv(8, 3, same=True, scaled=True)
    net.pool()
    net.norm()
    net.flatten()
    net.dense(5, scaled=True)


def input_norm(net: Larq) -> None:
    """A batch-norm and a sign on the pixels: a threshold a channel; layers.Reshape."""
    net.norm()
    net.conv(8, 3)
    net.norm()
    net.flatten(reshape=True)
    net.dense(5)
    net.norm()


def channels_first(net: Larq) -> None:
    """Exported with inputs_as_nchw."""
    net.rescale(255)
    net.conv(8, 3, sign=False)
    net.norm()
    net.conv(10, 3, same=True)
    net.norm()
    net.pool()
    net.flatten()
    net.dense(5)
    net.norm()
    net.softmax()


def one_image(net: Larq) -> None:
    """A batch of one, opset 11; Relu; norms as Mul and Add; layers.Reshape."""
    net.rescale(127.5, -1)
    net.conv(8, 3, sign=False)
    net.relu()
    net.norm()
    net.conv(8, 3, same=True, pad=1)
    net.pool()
    net.norm(unfused=True)
    net.flatten(reshape=True)
    net.dense(5)
    net.norm()
    net.softmax()


def one_pixel(net: Larq) -> None:
    """Reshape for Transpose: one channel, later one pixel."""
    net.conv(1, 2, sign=False)
    net.norm()
    net.conv(8, 5)
    net.norm()
    net.conv(7, 1)
    net.norm()
    net.flatten()
    net.dense(5)


NETWORKS = {
    net.name: net
    for net in (
        LarqNet(name="mnist_bcnn", layers=mnist_bcnn, shape=(28, 28, 1)),
        LarqNet(name="wake_word", layers=wake_word, shape=(50, 13, 1), opset=13),
        LarqNet(name="gtsrb_xnor", layers=gtsrb_xnor, shape=(30, 30, 3), opset=17, batch=None),
        LarqNet(name="same_zeros", layers=same_zeros, shape=(13, 12, 3)),
        LarqNet(name="centred_zeros", layers=centred_zeros, shape=(11, 12, 3)),
        LarqNet(name="same_ones", layers=same_ones, shape=(13, 12, 3)),
        LarqNet(name="same_minus_ones", layers=same_minus_ones, shape=(10, 11, 2), opset=14),
        LarqNet(name="pools", layers=pools, shape=(20, 21, 1)),
        LarqNet(name="sign_pool", layers=sign_pool, shape=(12, 12, 2)),
        LarqNet(name="zero_padding", layers=zero_padding, shape=(10, 10, 3)),
        LarqNet(name="perceptron", layers=perceptron, shape=(28, 28)),
        LarqNet(name="no_norm", layers=no_norm, shape=(10, 11, 2), opset=13),
        LarqNet(name="latent", layers=latent, shape=(10, 10, 3)),
        LarqNet(name="scaled", layers=scaled, shape=(10, 10, 2), opset=17),
        LarqNet(name="input_norm", layers=input_norm, shape=(8, 9, 6)),
        LarqNet(name="channels_first", layers=channels_first, shape=(3, 14, 12), layout=NCHW),
        LarqNet(name="one_image", layers=one_image, shape=(10, 10, 1), opset=11, batch=1),
        LarqNet(name="one_pixel", layers=one_pixel, shape=(6, 6, 3)),
    )
}
