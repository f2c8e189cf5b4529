"""Load and servers to congestion: one file per model, `_files` hold the kernels they share.

Arrays in, arrays out; no clock; dice come in as an argument.
"""
