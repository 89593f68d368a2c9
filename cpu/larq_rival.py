"""Larq Compute Engine on a network's topology; run by the Python that has it, a line a question.

The argument is JSON: shape, layers, samples. Each line read is answered when all samples are done.
"""

import json
import os
import sys

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # what larq 0.14 is written for

import larq
import larq_compute_engine as engine
import numpy as np
import tensorflow as tf
from larq_compute_engine.tflite.python.interpreter import Interpreter

keras = tf.keras.layers


def model(shape: list[int], layers: list[dict]) -> tf.keras.Model:
    """Binary but for the first inputs; dense layers as 1x1 convolutions, which alone are fast."""
    made, bits = [keras.InputLayer(shape if len(shape) == 3 else (1, 1, *shape))], None
    for layer in layers:
        if layer["kind"] == "pool":
            made.append(keras.MaxPool2D(layer["kernel"], layer["stride"]))
        elif layer["kind"] == "flatten":
            made += [keras.Flatten(), keras.Reshape((1, 1, layer["inputs"]))]
        else:
            padded = any(layer["padding"])
            made.append(
                larq.layers.QuantConv2D(
                    layer["outputs"],
                    layer["kernel"],
                    layer["stride"],
                    padding="same" if padded else "valid",
                    pad_values=1.0 if padded and bits else 0.0,
                    input_quantizer=bits,
                    kernel_quantizer="ste_sign",
                    use_bias=False,
                )
            )
            made.append(keras.BatchNormalization())
            bits = "ste_sign"
    return tf.keras.Sequential([*made, keras.Flatten()])


def main() -> None:
    wanted = json.loads(sys.argv[1])
    net = model(wanted["shape"], wanted["layers"])
    interpreter = Interpreter(engine.convert_keras_model(net), num_threads=1)
    samples = np.zeros((wanted["samples"], *net.input_shape[1:]), dtype=np.float32)
    for _ in sys.stdin:
        interpreter.predict(samples)
        sys.stdout.write("done\n")
        sys.stdout.flush()


main()
