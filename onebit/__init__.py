"""onebit: 1-bit neural networks to verified FPGA accelerators."""

__version__ = "0.1.0"
